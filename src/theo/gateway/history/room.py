"""The room of history, and what incidents may do to answers that are kept up to date."""

from collections.abc import Mapping

from theo.domain.market_data import Tick
from theo.gateway.client import Client
from theo.gateway.desk import Desk, Handler
from theo.gateway.history.asked import SERVICE
from theo.gateway.history.bars import PACED, HistoricalBars, OpenRequest
from theo.gateway.history.moments import Moments
from theo.gateway.request_refused import RequestRefusedError, told
from theo.gateway.wire.messages.history import ReqHeadTimeStamp, ReqHistogramData, ReqHistoricalData, ReqHistoricalTicks
from theo.gateway.wire.schema import Message

ASKING = frozenset({ReqHistoricalData, ReqHistoricalTicks, ReqHeadTimeStamp, ReqHistogramData})


class HistoryRoom:
    """Implements desk.Room. ``competing`` is whether a login elsewhere has the data now: nothing is answered but with 162.

    ``spent``: whether the login's budget of questions is used up, with the same effect.
    """

    def __init__(self) -> None:
        self.bars, self.competing, self.spent = HistoricalBars(), False, False
        parts = (self.bars, Moments())
        self.handlers: Mapping[type[Message], Handler] = {
            kind: told(self._if_allowed(handler) if kind in ASKING else handler)
            for part in parts
            for kind, handler in part.handlers.items()
        }

    def _if_allowed(self, handler: Handler) -> Handler:
        def handle(desk: Desk, client: Client, request: Message) -> None:
            if self.competing:
                raise RequestRefusedError(162, f"{SERVICE}Trading TWS session is connected from a different IP address")
            if self.spent:
                raise RequestRefusedError(162, PACED)
            handler(desk, client, request)

        return handle

    def subscriptions(self, client: Client | None = None) -> list[OpenRequest]:
        """The open requests of one client or of all."""
        return [each for each in self.bars.register if client is None or each.client is client]

    def silence(self, _desk: Desk, *, on: bool) -> None:
        """What is kept up to date now stands and is not, without a word; or all is again."""
        for each in self.subscriptions():
            each.silent = on

    def compete(self, desk: Desk, *, on: bool) -> None:
        """A login elsewhere takes the data: nothing is kept up to date, and every question is refused while it lasts."""
        self.competing = on
        self.silence(desk, on=on)

    def drop_all(self, _desk: Desk, client: Client | None = None) -> None:
        """Every open request, or every one of a client, is forgotten without a word."""
        for each in self.subscriptions(client):
            self.bars.register.remove(each)

    def delay(self, microseconds: int) -> None:
        """From now on answers take so long; 0 is at once."""
        self.bars.answer_delay = microseconds

    def on_tick(self, desk: Desk, tick: Tick) -> None:
        """The market keeps the past."""

    def on_time(self, desk: Desk, at: int) -> None:
        """Late answers, and updates."""
        self.bars.on_time(desk, at)

    def next_due(self) -> int:
        """The next late answer or update."""
        return self.bars.next_due()

    def on_started(self, desk: Desk, client: Client) -> None:
        """Nothing is sent unasked."""

    def on_gone(self, desk: Desk, client: Client) -> None:
        """Its requests end."""
        self.drop_all(desk, client)
