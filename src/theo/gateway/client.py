"""One API client of the simulated gateway: who it is, and what waits to be sent to it."""

from collections import deque
from collections.abc import Callable

from theo.gateway.wire.connection import Event, ServerLink
from theo.gateway.wire.messages.session import ErrorMessage
from theo.gateway.wire.schema import Message

NO_REQUEST = -1  # notices belong to no request
WAITING_BYTES_MAX = 16 * 1024 * 1024  # a client that never reads is cut off: the others must not pay for it

Outgoing = Callable[["Client", Message], None]


class Client:
    """A connection after its handshake. ``id`` is None until START_API has named it.

    ``outgoing`` is what stands between a room and the wire: incidents drop, double, delay or reorder there. A ``stalled`` one is
    neither read nor written to; ``drip`` is how many bytes it gets at a time, 0 for all. ``requests`` and ``messages`` count what
    came and what was queued for it. ``cut_off_for`` says in words what it did, when that is why it ``closes``.
    """

    __slots__ = (
        "address",
        "closes",
        "coming",
        "cut_off_for",
        "drip",
        "id",
        "link",
        "market_data_type",
        "messages",
        "number",
        "outgoing",
        "requests",
        "stalled",
        "unread",
        "waiting",
        "waiting_bytes",
    )

    def __init__(self, number: int, address: str = "") -> None:
        self.number, self.address = number, address  # of the connection, never reused; where it comes from
        self.link = ServerLink()
        self.id: int | None = None
        self.market_data_type = 1
        self.requests = self.messages = 0
        self.waiting: deque[bytes] = deque()
        self.waiting_bytes = 0
        self.closes = False  # the server closes the socket once everything was sent
        self.cut_off_for = ""
        self.outgoing: Outgoing = Client.deliver
        self.stalled, self.drip = False, 0
        self.coming: deque[Event] = deque()  # what was read, and waits for the end of a stall
        self.unread = bytearray()  # what came while it was stalled

    def send(self, message: Message) -> None:
        """Send a message, as far as no incident interferes. A version that cannot carry it does not get it."""
        if not self.closes:
            self.outgoing(self, message)

    def error(self, req_id: int, code: int, text: str) -> None:
        """Answer with one of IB's errors or notices."""
        self.send(ErrorMessage(req_id, code, text))

    def deliver(self, message: Message) -> None:
        """Encode and queue."""
        if self.link.knows(type(message)):
            self.queue(self.link.encode(message))

    def queue(self, data: bytes) -> None:
        """Queue raw bytes; too many of them close the connection."""
        self.messages += 1
        self.waiting.append(data)
        self.waiting_bytes += len(data)
        if self.waiting_bytes > WAITING_BYTES_MAX:
            self.cut_off(f"it does not read: more than {WAITING_BYTES_MAX:,} bytes wait for it")
            self.waiting.clear()
            self.waiting_bytes = 0

    def cut_off(self, why: str) -> None:
        """End the connection for what the client did."""
        self.closes, self.cut_off_for = True, why

    def take(self) -> bytes:
        """What may be sent now, once: everything, or a few bytes of it while it drips, or nothing while stalled."""
        if self.stalled:
            return b""
        data = b"".join(self.waiting)
        self.waiting.clear()
        if self.drip and len(data) > self.drip:
            self.waiting.append(data[self.drip :])
            data = data[: self.drip]
        self.waiting_bytes -= len(data)
        return data
