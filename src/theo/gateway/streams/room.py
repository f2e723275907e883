"""The room of streams, and what incidents may do to them."""

from collections.abc import Mapping

from theo.domain.market_data import Tick
from theo.gateway.client import Client
from theo.gateway.desk import Desk, Handler, Listing
from theo.gateway.register import Subscription
from theo.gateway.request_refused import RequestRefusedError, told
from theo.gateway.streams.depth import Book, Depth
from theo.gateway.streams.line import Line
from theo.gateway.streams.lines import Lines
from theo.gateway.streams.option_questions import OptionQuestions
from theo.gateway.streams.real_time_bars import BarStream, RealTimeBars
from theo.gateway.streams.tick_by_tick import TickByTick, TickStream
from theo.gateway.wire.messages.market_data import ReqMktData, ReqMktDepth, ReqRealTimeBars, ReqTickByTickData
from theo.gateway.wire.schema import Message

COMPETING = 10_197
COMPETING_TEXT = "No market data during competing live session"
SUBSCRIBING = frozenset({ReqMktData, ReqTickByTickData, ReqRealTimeBars, ReqMktDepth})


class StreamsRoom:
    """Implements desk.Room. ``competing`` is whether a login elsewhere has the data now: nothing is delivered, nothing begun."""

    def __init__(self) -> None:
        self.lines, self.ticks = Lines(self._free), TickByTick()
        self.bars, self.depth = RealTimeBars(self._free), Depth()
        self.competing = False
        parts = (self.lines, self.ticks, self.bars, self.depth, OptionQuestions())
        self.handlers: Mapping[type[Message], Handler] = {
            kind: told(self._unless_competing(handler) if kind in SUBSCRIBING else handler)
            for part in parts
            for kind, handler in part.handlers.items()
        }

    def _free(self, desk: Desk, listing: Listing) -> bool:
        """Whether the login has a line for a contract: each contract counts once, whoever listens."""
        return listing.con_id in self._contracts or self.lines_used < desk.settings.lines_max

    @property
    def _contracts(self) -> frozenset[int]:
        return self.lines.register.contracts | self.bars.register.contracts

    @property
    def lines_used(self) -> int:
        """How many lines the login uses."""
        return len(self._contracts)

    def _unless_competing(self, handler: Handler) -> Handler:
        def handle(desk: Desk, client: Client, request: Message) -> None:
            if self.competing:
                raise RequestRefusedError(COMPETING, COMPETING_TEXT)
            handler(desk, client, request)

        return handle

    def subscriptions(self, client: Client | None = None) -> list[Line | TickStream | BarStream | Book]:
        """Everything that is served now, to one client or to all."""
        registers = (self.lines.register, self.ticks.register, self.bars.register, self.depth.register)
        return [each for register in registers for each in register if client is None or each.client is client]

    def silence(self, desk: Desk, *, on: bool) -> None:
        """Every subscription of now stands and delivers nothing, and no word about it; or all deliver again, from the whole on.

        What is subscribed later delivers.
        """
        for subscription in self.subscriptions():
            woken = subscription.silent and not on
            subscription.silent = on
            if woken:
                self._refresh(desk, subscription)

    def drop_all(self, _desk: Desk, client: Client | None = None) -> None:
        """Every subscription, or every one of a client, is forgotten without a word."""
        for subscription in self.subscriptions(client):
            self._drop(subscription)

    def compete(self, desk: Desk, *, on: bool) -> None:
        """10197 on every subscription, and no data while it lasts; afterwards they deliver again."""
        self.competing = on
        if on:
            for subscription in self.subscriptions():
                subscription.client.error(subscription.req_id, COMPETING, COMPETING_TEXT)
        self.silence(desk, on=on)

    def advise(self, code: int) -> None:
        """New lines get an advisory before their ticks, which follow; a code of 0 ends it."""
        self.lines.advice = code

    def _refresh(self, desk: Desk, subscription: Subscription) -> None:
        if isinstance(subscription, Line):
            self.lines.refresh(desk, subscription)
        elif isinstance(subscription, Book):
            self.depth.refresh(desk, subscription)

    def _drop(self, subscription: Line | TickStream | BarStream | Book) -> None:
        if isinstance(subscription, Line):
            self.lines.drop(subscription)
        elif isinstance(subscription, BarStream):
            self.bars.drop(subscription)
        elif isinstance(subscription, TickStream):
            self.ticks.register.remove(subscription)
        else:
            self.depth.register.remove(subscription)

    def on_tick(self, desk: Desk, tick: Tick) -> None:
        """Hand it to all kinds of streams."""
        self.lines.on_tick(desk, tick)
        self.ticks.on_tick(desk, tick)
        self.bars.on_tick(desk, tick)
        self.depth.on_tick(desk, tick)

    def on_time(self, desk: Desk, at: int) -> None:
        """Sample lines, end snapshots and bars."""
        self.lines.on_time(desk, at)
        self.bars.on_time(desk, at)

    def next_due(self) -> int:
        """The next sample, end of a snapshot, or end of a bar."""
        return min(self.lines.next_due(), self.bars.next_due())

    def on_started(self, desk: Desk, client: Client) -> None:
        """Nothing is sent unasked."""

    def on_gone(self, desk: Desk, client: Client) -> None:
        """Its subscriptions end."""
        self.drop_all(desk, client)
