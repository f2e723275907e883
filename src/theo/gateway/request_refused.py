"""A request that is answered with an error of IB's: raised where it is found, told where the request came in."""

from theo.gateway.client import NO_REQUEST, Client
from theo.gateway.desk import Desk, Handler
from theo.gateway.wire.schema import Message


class RequestRefusedError(Exception):
    """``code`` and ``text`` are what the client is told."""

    def __init__(self, code: int, text: str) -> None:
        self.code, self.text = code, text
        super().__init__(f"{code}: {text}")


def invalid(where: str, cause: str) -> RequestRefusedError:
    """Error 321, the request is wrong; ``where`` is the letter-like mark that TWS puts there, another one in each version."""
    return RequestRefusedError(321, f"Error validating request.-'{where}' : cause - {cause}")


def unprocessed(where: str, cause: str) -> RequestRefusedError:
    """Error 322, the request is right and cannot be worked off."""
    return RequestRefusedError(322, f"Error processing request.-'{where}' : cause - {cause}")


def told(handler: Handler) -> Handler:
    """A handler whose refusals are told to the client that asked."""

    def handle(desk: Desk, client: Client, request: Message) -> None:
        try:
            handler(desk, client, request)
        except RequestRefusedError as refused:
            client.error(getattr(request, "req_id", NO_REQUEST), refused.code, refused.text)

    return handle
