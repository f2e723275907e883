"""`/api/signals`: making a signal by hand, processing and withdrawing it. The running trader does it; this asks and waits.

A field that cannot be taken is answered by 400, and nothing is asked then; 422 and 409 are what the trader said to it.
"""

from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Body, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from theo.api.asking import MARGIN_S_MAX
from theo.api.problems import not_valid
from theo.api.reading import NoParameters
from theo.api.signal_answers import Change, SignalChanged, change_answers
from theo.api.signal_bodies import NewSignal, WithReason
from theo.api.signals import SignalId


class ChangeRoute(APIRoute):
    """Answers 400 for what cannot be taken: 422 is for what the trader says of a field."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """See FastAPI."""
        handler = super().get_route_handler()

        async def answered(request: Request) -> Response:
            try:
                return await handler(request)
            except RequestValidationError as error:
                return not_valid(error, HTTPStatus.BAD_REQUEST)

        return answered


router = APIRouter(prefix="/api/signals", tags=["signals and decisions"], dependencies=[NoParameters], route_class=ChangeRoute)
OF_ONE = change_answers(404)
Because = Annotated[WithReason, Body(default_factory=WithReason)]


@router.post("", summary="Make a signal", status_code=HTTPStatus.CREATED, responses=change_answers())
async def created(change: Change, new: NewSignal, response: Response) -> SignalChanged:
    """Kept by the running trader as PENDING: nothing is sent, and no limit is asked, before it is processed."""
    made = await change.carried_out(lambda signals: signals.create(change.command, new.asked(), new.reason))
    if made.id:
        response.headers["Location"] = f"/api/signals/{quote(made.id)}"
    return made


@router.post("/{id}/process", summary="Process a signal", responses=OF_ONE)
async def processed(change: Change, id: SignalId, sent: Because) -> SignalChanged:  # noqa: A002 - the name in the path
    """Promoted to a trade of entry, stop and target, if every rule that a strategy's signal meets lets it pass now."""
    return await change.carried_out(lambda signals: signals.process(change.command, id, sent.reason), id, MARGIN_S_MAX)


@router.post("/{id}/cancel", summary="Withdraw a signal", responses=OF_ONE)
async def cancelled(change: Change, id: SignalId, sent: Because) -> SignalChanged:  # noqa: A002 - the name in the path
    """One that waits is CANCELLED. One that was promoted has an entry: that is to be cancelled then."""
    return await change.carried_out(lambda signals: signals.cancel(change.command, id, sent.reason), id)


@router.delete("/{id}", summary="Withdraw a signal, without a reason", responses=OF_ONE)
async def deleted(change: Change, id: SignalId) -> SignalChanged:  # noqa: A002 - the name in the path
    """The same as to cancel it: no signal is ever deleted, it stays readable as CANCELLED, and the audit trail stays whole."""
    return await change.carried_out(lambda signals: signals.cancel(change.command, id, ""), id)
