"""Bars of several timeframes from the ticks of one instrument.

Only the shortest bar is touched by each tick (it is hidden when nobody asked for it); the longer ones are made of shorter ones
(longer_bars.py). What one bar makes of its ticks is in open_bar.py; splits are in splits.py.

A bar of length L holds ticks with start <= timestamp < start + L, where start is the floor to L from the UTC epoch, or the
session's open if that is later. The end is cut at the session's close.
"""

from collections.abc import Sequence
from math import gcd

import msgspec

from theo.domain.errors import DataError
from theo.domain.instrument import Instrument, SecurityType
from theo.domain.market_data import MINUTE, UNUSABLE, Bar, SessionScope, Tick, TickFlag, TickKind, Timeframe
from theo.market.longer_bars import GRACE, LATE_AGE_MAX, NEVER, LongerBars
from theo.market.open_bar import BarLabel, OpenBar
from theo.market.sessions import Hours

TICKS = "ticks"  # the source of bars that are built here
# Ticks kept to recognise repeats in closed bars: at about 220 bytes each under 4 MB an instrument; the busiest ten minutes of
# SPY, more than an hour of IB's sampled stream (4 a second).
REMEMBERED_TICKS_MAX = 16_384
SHORTEST_LENGTH_MAX = MINUTE  # the shortest bar is at most so long, so that keys are forgotten in small steps

# A late tick is no bad tick: it revises the bar it belongs to.
_LEFT_OUT = int(UNUSABLE & ~TickFlag.LATE)
_NOBODY = OpenBar(0, 0, 0, "")  # stands where no bar is open: no tick lies in it


def daily_scope(instrument: Instrument) -> SessionScope:
    """The hours of an instrument's daily bars: the whole session for futures and cash, regular hours for all others."""
    whole = instrument.security_type in (SecurityType.FUT, SecurityType.CONTFUT, SecurityType.CASH)
    return SessionScope.ALL if whole else SessionScope.RTH


class BarTree:
    """Bars from ticks.

    Returned bars are closed. After a late tick a bar with ``revision`` above 0 corrects an earlier one, or fills an interval that
    had none.

    ``next_due`` is when the clock must close a bar (``on_time``); NEVER when none is open. What is not used is counted:
    ``left_out`` (flagged bad), ``outside`` (not in the hours), ``repeated``, ``too_late`` (its bar is closed and forgotten: see
    REMEMBERED_TICKS_MAX and LATE_AGE_MAX; the stored bar must be rebuilt from stored ticks).
    """

    __slots__ = (
        "_clock",
        "_closed",
        "_event",
        "_horizon",
        "_kind",
        "_label",
        "_length",
        "_longer",
        "_open",
        "_previous_contract",
        "_remembered",
        "_rolled_at",
        "hours",
        "instrument",
        "left_out",
        "next_due",
        "outside",
        "repeated",
        "too_late",
    )

    def __init__(
        self,
        instrument: int,
        timeframes: Sequence[Timeframe],
        hours: Hours,
        *,
        kind: TickKind = TickKind.TRADE,
        source: str = TICKS,
        grace: int = GRACE,
        contract: str = "",
    ) -> None:
        if not timeframes:
            raise DataError(f"no timeframe was named for the bars of instrument {instrument}", remedy="Name at least one")
        self.instrument, self.hours = instrument, hours
        self._kind = int(kind)
        self._length = gcd(SHORTEST_LENGTH_MAX, *(t.length for t in timeframes))
        shortest = next((t for t in timeframes if t.length == self._length), None)
        self._label = None if shortest is None else BarLabel(instrument, shortest, source)
        longer = [t for t in timeframes if t.length != self._length]
        self._longer = LongerBars(instrument, longer, hours, source=source, grace=grace, contract=contract)
        self._open = _NOBODY
        self._closed: dict[tuple[int, str], OpenBar] = {}
        self._remembered = 0
        self._event = self._clock = self._horizon = self._rolled_at = -NEVER
        self._previous_contract = ""
        self.next_due = NEVER
        self.left_out = self.outside = self.repeated = self.too_late = 0

    @property
    def contract(self) -> str:
        """The futures contract that ticks are of; "" where there is none."""
        return self._longer.contract

    def on_tick(self, tick: Tick) -> tuple[Bar, ...]:
        """The bars that a tick closes or revises, shortest first; () for most ticks, and for ticks of another kind.

        ``tick.at`` must not run backwards (core time). Raises DataError when its timestamp lies outside the session table.
        """
        bar = self._open
        timestamp = tick.timestamp
        if bar.newest_at < timestamp < bar.until and tick.at < self.next_due and not tick.flags and tick.kind == self._kind:
            bar.newest_at = timestamp
            bar.newest = bar.last = tick
            bar.ticks.append(tick)
            bar.volume += tick.volume
            price = tick.price
            if price > bar.high:
                bar.high = price
            elif price < bar.low:
                bar.low = price
            return ()
        return self._place(tick)

    def _place(self, tick: Tick) -> tuple[Bar, ...]:
        """The same for every tick that is not plainly the open bar's next."""
        if tick.kind != self._kind or tick.flags & _LEFT_OUT:
            self.left_out += tick.kind == self._kind
            return self.on_time(tick.at)
        bar, timestamp = self._open, tick.timestamp
        if bar.since <= timestamp < bar.until and tick.at < self.next_due:
            self.repeated += not bar.add(tick)
            return ()
        closed = self.on_time(tick.at)
        self._clock = max(self._clock, tick.at)
        session = self.hours.session_at(timestamp)
        if timestamp > self._reached():
            closed += self._advance(timestamp, tick.at)
        if session is None:
            self.outside += 1
            return closed
        start, end = self.hours.bar_bounds(session, timestamp, self._length)
        bar = self._open
        if bar.start != start or bar is _NOBODY:
            if self._horizon == -NEVER:
                self._horizon = start  # what was before the first tick is not known here
            if self._is_closed(end):
                return closed + self._late(tick, start, end, session.date)
            bar = self._open = OpenBar(start, end, session.date, self.contract)
            self._set_due()
        self.repeated += not bar.add(tick)
        since, until = self.hours.span_at(timestamp)
        bar.since = max(start, since)
        # until an open price is known, each tick is looked at closely
        bar.until = bar.since if bar.first is None else min(end, until)
        return closed

    def expect(self, since: int) -> None:
        """Ticks from ``since`` (microseconds UTC) on will come, perhaps after later ones."""
        if self._horizon == -NEVER:
            session = self.hours.session_at(since)
            self._horizon = since if session is None else self.hours.bar_bounds(session, since, self._length)[0]

    def _reached(self) -> int:
        """Event time: the latest timestamp that entered."""
        self._event = max(self._event, self._open.newest_at)
        return self._event

    def _is_closed(self, end: int) -> bool:
        return end <= self._event or end + self._longer.grace <= self._clock

    def on_time(self, at: int) -> tuple[Bar, ...]:
        """The bars whose end plus grace has come at ``at``, shortest first."""
        if at < self.next_due:
            return ()
        self._clock = at
        return self._advance(self._reached(), at)

    def _advance(self, event: int, at: int) -> tuple[Bar, ...]:
        """Close what event time and the clock close."""
        self._event = event
        closed: tuple[Bar, ...] = ()
        if self._open is not _NOBODY and self._is_closed(self._open.end):
            closed = self._close_shortest(at)
        closed += self._longer.advance(event, self._clock, at)
        self._set_due()
        return closed

    def _set_due(self) -> None:
        own = NEVER if self._open is _NOBODY else self._open.end + self._longer.grace
        self.next_due = min(own, self._longer.next_due)

    def _close_shortest(self, at: int) -> tuple[Bar, ...]:
        bar, self._open = self._open, _NOBODY
        self._remember(bar)
        return self._give(bar, at)

    def _give(self, bar: OpenBar, at: int) -> tuple[Bar, ...]:
        """A shortest bar that closed, or changed after it had: to the caller if asked for, and to the longer bars."""
        piece = bar.piece()
        made = None if self._label is None else self._label.bar(piece, at, bar.contract, bar.revision)
        longer = self._longer.feed(piece, bar.contract, at)
        return longer if made is None else (made, *longer)

    def _remember(self, bar: OpenBar) -> None:
        """Keep a closed bar for late ticks, and forget the oldest beyond the limits."""
        self._closed[bar.start, bar.contract] = bar
        self._remembered += len(bar)
        while self._remembered > REMEMBERED_TICKS_MAX or next(iter(self._closed.values())).end <= self._event - LATE_AGE_MAX:
            if len(self._closed) == 1:
                break  # the newest bar is always kept
            oldest = self._closed.pop(next(iter(self._closed)))
            self._remembered -= len(oldest)
            self._horizon = max(self._horizon, oldest.end)
            self._longer.forget(self._horizon)

    def _late(self, tick: Tick, start: int, end: int, session_date: int) -> tuple[Bar, ...]:
        """A tick whose bar is closed: the revised bars."""
        if end <= max(self._horizon, self._event - LATE_AGE_MAX):
            self.too_late += 1
            return ()
        contract = self._previous_contract if end <= self._rolled_at else self.contract
        bar = self._closed.get((start, contract))
        if bar is None:
            bar = OpenBar(start, end, session_date, contract)
            self._closed[start, contract] = bar
            self._closed = dict(sorted(self._closed.items()))
        before = bar.piece()
        if not bar.add(tick):
            self.repeated += 1
            return ()
        self._remembered += 1
        if bar.piece() == before:
            return ()
        bar.revision += 1
        closed = self._longer.advance(self._event, self._clock, tick.at)
        closed += self._give(bar, tick.at)
        self._set_due()
        return closed

    def roll(self, contract: str, at: int) -> tuple[Bar, ...]:
        """Ticks are of another futures contract from now on: open bars close as they are, since a bar never mixes contracts."""
        self._rolled_at, self._previous_contract = self._reached(), self.contract
        closed = () if self._open is _NOBODY else self._close_shortest(at)
        closed += self._longer.roll(contract, at)
        self._set_due()
        return closed

    def state(self) -> object:
        """Plain values that ``restore`` takes back."""
        counts = [self.left_out, self.outside, self.repeated, self.too_late]
        opened = None if self._open is _NOBODY else self._open.state()
        closed = [bar.state() for bar in self._closed.values()]
        times = [self._event, self._clock, self._horizon, self._rolled_at]
        return [times, self._previous_contract, counts, opened, closed, self._longer.state()]

    def restore(self, state: object) -> None:
        """Go on where ``state`` was taken, with the same timeframes and hours."""
        kept = msgspec.convert(state, _State)
        self._event, self._clock, self._horizon, self._rolled_at = kept.times
        self._previous_contract = kept.previous_contract
        self.left_out, self.outside, self.repeated, self.too_late = kept.counts
        self._open = _NOBODY if kept.open is None else OpenBar.restored(kept.open)
        bars = [OpenBar.restored(bar) for bar in kept.closed]
        self._closed = {(bar.start, bar.contract): bar for bar in bars}
        self._remembered = sum(len(bar) for bar in bars)
        self._longer.restore(kept.longer)
        self._set_due()


class _State(msgspec.Struct, array_like=True):
    times: tuple[int, int, int, int]
    previous_contract: str
    counts: tuple[int, int, int, int]
    open: list[object] | None
    closed: list[list[object]]
    longer: list[object]
