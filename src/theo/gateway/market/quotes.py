"""The quote of one contract as ticks change it: bid, ask, last, and the session's open, high, low, volume and close before."""

from theo.domain.errors import DataError
from theo.domain.instrument import Instrument, SecurityType
from theo.domain.market_data import SessionScope, Tick, TickKind
from theo.gateway.desk import NEVER, Quote
from theo.gateway.market.open_minutes import OpenMinutes
from theo.market.bars import daily_scope
from theo.market.sessions import Session

BID, ASK = int(TickKind.BID), int(TickKind.ASK)


class QuoteState:
    """Mutable, one owner. Open, high, low and close are of the daily hours, volume is of all; a new session starts them anew.

    When the market is closed the last quotes stay: whether they are live is a matter of the listing's hours.
    """

    __slots__ = (
        "_bid_marks", "_from", "_opened", "_resets_at", "_scope", "_settled", "_to", "ask", "ask_size", "bid", "bid_size",
        "close", "high", "last", "last_at", "last_size", "low", "open", "volume",
    )  # fmt: skip

    def __init__(self, instrument: Instrument, opened: OpenMinutes, at: int) -> None:
        self._opened, self._scope = opened, daily_scope(instrument)
        self._bid_marks = instrument.security_type is SecurityType.CASH  # currencies have no trades
        self.bid: int | None = None
        self.ask: int | None = None
        self.last: int | None = None
        self.close: int | None = None
        self.bid_size = self.ask_size = self.last_size = self.last_at = 0
        self._settled: int | None = None
        self._enter(at)

    @property
    def regular(self) -> bool:
        """Whether daily bars of this contract have regular hours only."""
        return self._scope is SessionScope.RTH

    def _enter(self, at: int) -> None:
        """The session around ``at``, or the next one when none is."""
        self.open: int | None = None
        self.high: int | None = None
        self.low: int | None = None
        self.volume = 0
        self._from = self._to = self._resets_at = NEVER
        session = self.session(at)
        if session is None:
            return
        spans = session.spans(self._scope)
        if spans:
            self._from, self._to = spans[0][0], spans[-1][1]
        try:
            self._resets_at = self._opened.all.session_next(self._opened.all.bounds(session)[1] - 1).full[0][0]
        except DataError:
            self._resets_at = NEVER  # the table ends

    def session(self, at: int) -> Session | None:
        """The latest session that has begun at ``at``; None before the first of the table."""
        found = None
        for session in self._opened.sessions(at - 12 * 86_400_000_000, at + 1, regular=False):
            found = session
        return found

    def apply(self, tick: Tick) -> None:
        """One tick more, not earlier than those before."""
        at, kind = tick.timestamp, tick.kind
        if at >= self._resets_at:
            if self._settled is not None:
                self.close = self._settled
            self._enter(at)
        if kind == BID:
            self.bid, self.bid_size = tick.price, tick.volume
            if not self._bid_marks:
                return
        elif kind == ASK:
            self.ask, self.ask_size = tick.price, tick.volume
            return
        else:
            self.last, self.last_size, self.last_at = tick.price, tick.volume, at
            self.volume += tick.volume
        if self._from <= at < self._to:
            self.mark(tick.price, tick.price, tick.price, tick.price)

    def mark(self, first: int, high: int, low: int, last: int) -> None:
        """Prices within the daily hours of this session."""
        if self.open is None or self.high is None or self.low is None:
            self.open, self.high, self.low = first, high, low
        elif high > self.high:
            self.high = high
        elif low < self.low:
            self.low = low
        self._settled = last

    def settle(self, close: int) -> None:
        """The close of the session before, where it is known from elsewhere."""
        self.close = close

    def quote(self) -> Quote:
        """As a value."""
        return Quote(
            self.bid, self.ask, self.bid_size, self.ask_size, self.last, self.last_size, self.last_at, self.volume,
            self.open, self.high, self.low, self.close,
        )  # fmt: skip
