"""Longer bars from shorter ones: 5 -> 15 -> 30 -> 60 minutes -> session. Each is fed by the longest shorter one that divides it.

Shorter bars come from a tick tree (bars.py) or from a store or file (``on_bar``); both give the same numbers. A shorter bar that
comes again with other numbers revises what was made of it.
"""

from collections.abc import Sequence

import msgspec

from theo.domain.errors import DataError
from theo.domain.market_data import HOUR, SECOND, Bar, Timeframe
from theo.market.open_bar import BarLabel, LongBar, Piece
from theo.market.sessions import Hours, Session

NEVER = 1 << 62  # later than any time
GRACE = 2 * SECOND  # DOMAIN: a bar closes when the clock passes its end by so much
LATE_AGE_MAX = 2 * HOUR  # what is later than this is refused and counted: a back-fill from the store repairs such bars


class _Level:
    """One timeframe: its open bar, closed bars that may still be revised, and the longer timeframes that it feeds."""

    __slots__ = ("closed", "feeds", "label", "length", "open")

    def __init__(self, label: BarLabel) -> None:
        self.label, self.length = label, label.timeframe.length
        self.open: LongBar | None = None
        self.closed: dict[tuple[int, str], LongBar] = {}
        self.feeds: list[_Level] = []


class LongerBars:
    """Bars of several timeframes from shorter bars of one instrument, in the hours of one scope.

    Counts what it does not use: ``outside`` (starts outside the hours), ``too_late`` (its bar is closed and forgotten, see
    LATE_AGE_MAX). ``next_due`` is when the clock must close a bar; NEVER when none is open.
    """

    __slots__ = (
        "_clock",
        "_event",
        "_feeds",
        "_horizon",
        "_levels",
        "_next_end",
        "_shortest",
        "contract",
        "grace",
        "hours",
        "instrument",
        "next_due",
        "outside",
        "too_late",
    )

    def __init__(
        self,
        instrument: int,
        timeframes: Sequence[Timeframe],
        hours: Hours,
        *,
        source: str,
        grace: int = GRACE,
        contract: str = "",
    ) -> None:
        self.instrument, self.hours, self.grace, self.contract = instrument, hours, grace, contract
        lengths = {t.length or NEVER: t for t in timeframes}
        self._levels = [_Level(BarLabel(instrument, lengths[length], source)) for length in sorted(lengths)]
        self._feeds: list[_Level] = []  # fed by what comes in
        for i, level in enumerate(self._levels):
            feeders = [shorter for shorter in self._levels[:i] if not level.length % shorter.length]
            (feeders[-1].feeds if feeders else self._feeds).append(level)
        self._shortest = min((level.length for level in self._feeds), default=0)  # 0: whole sessions only
        self._event = self._clock = self._horizon = -NEVER
        self._next_end = self.next_due = NEVER
        self.outside = self.too_late = 0

    def on_bar(self, bar: Bar) -> tuple[Bar, ...]:
        """The longer bars that a shorter bar closes or revises, shortest first.

        Raises DataError when the bar is of another instrument, or does not fit into the shortest timeframe.
        """
        session = self._session_of(bar)
        if session is None:
            self.outside += 1
            return ()
        length = self._shortest
        if bar.instrument != self.instrument or (length and bar.end > bar.start - bar.start % length + length):
            raise self._misfit(bar)
        closed: tuple[Bar, ...] = ()
        if self._event == -NEVER:
            self._horizon, self.contract = bar.start, bar.contract
        if bar.start > self._event:
            closed = self._reach(bar.start, bar.at)
        if bar.contract != self.contract and bar.end > self._event:
            closed += self.roll(bar.contract, bar.at)
        piece = Piece(bar.start, bar.end, session.date, bar.open, bar.high, bar.low, bar.close, bar.volume)
        closed += self.feed(piece, bar.contract, bar.at)
        if bar.end > self._event:
            closed += self._reach(bar.end, bar.at)
        return closed

    def _reach(self, event: int, at: int) -> tuple[Bar, ...]:
        """Event time alone moves on: cheap when it closes nothing."""
        if event >= self._next_end:
            return self.advance(event, self._clock, at)
        self._event = event
        return ()

    def _session_of(self, bar: Bar) -> Session | None:
        """The session that a bar lies in; it may begin in a pause, never before the open."""
        hours = self.hours
        session = hours.session_at(bar.start)
        if session is None and (around := hours.session_around(bar.start)) is not None and hours.next_open(bar.start) < bar.end:
            return around
        return session

    def _misfit(self, bar: Bar) -> DataError:
        shortest = self._levels[0].label.timeframe.name if self._levels else "no timeframe"
        return DataError(
            f"a bar of instrument {bar.instrument} from {bar.start} to {bar.end} does not fit into bars of {shortest} of "
            f"instrument {self.instrument}",
            why="longer bars are made of shorter ones that do not cross their ends",
            remedy="Feed bars of a timeframe that divides the shortest one asked for",
        )

    def on_time(self, at: int) -> tuple[Bar, ...]:
        """The bars whose end plus grace has come at ``at``."""
        return self.advance(self._event, at, at) if at >= self.next_due else ()

    def roll(self, contract: str, at: int) -> tuple[Bar, ...]:
        """The series goes on with another futures contract: open bars close as they are, since a bar never mixes contracts."""
        closed: list[Bar] = []
        for level in self._levels:
            if level.open is not None:
                self._close(level, at, closed)
        self.contract = contract
        self._set_due()
        return tuple(closed)

    def forget(self, horizon: int) -> None:
        """Closed bars that ended at or before ``horizon`` are revised no more."""
        self._horizon = max(self._horizon, horizon)

    def advance(self, event: int, clock: int, at: int) -> tuple[Bar, ...]:
        """Close what event time (its end has come) or the clock (end plus grace has come) closes, shortest first."""
        self._event, self._clock = event, clock
        if event < self._next_end and clock < self.next_due:
            return ()
        closed: list[Bar] = []
        for level in self._levels:
            if level.open is not None and self._is_closed(level.open.end):
                self._close(level, at, closed)
        self._horizon = max(self._horizon, event - LATE_AGE_MAX)
        self._set_due()
        return tuple(closed)

    def _is_closed(self, end: int) -> bool:
        return end <= self._event or end + self.grace <= self._clock

    def _set_due(self) -> None:
        end = NEVER
        for level in self._levels:
            if level.open is not None and level.open.end < end:
                end = level.open.end
        self._next_end = end
        self.next_due = NEVER if self._next_end == NEVER else self._next_end + self.grace

    def _close(self, level: _Level, at: int, closed: list[Bar]) -> None:
        bar = level.open
        assert bar is not None, "only an open bar closes"
        level.open = None
        for key in [k for k, old in level.closed.items() if old.end <= self._horizon]:
            del level.closed[key]
        level.closed[bar.start, bar.contract] = bar
        self._give(level, bar, at, closed, late=False)

    def _give(self, level: _Level, bar: LongBar, at: int, closed: list[Bar], *, late: bool) -> None:
        """A bar that closed, or changed after it had: to the caller, and to the timeframes above."""
        piece = bar.piece()
        made = level.label.bar(piece, at, bar.contract, bar.revision)
        if made is not None:
            closed.append(made)
        for above in level.feeds:
            self._put(above, piece, bar.contract, at, closed, late=late)

    def feed(self, piece: Piece, contract: str, at: int) -> tuple[Bar, ...]:
        """Take a closed (or revised) piece; the bars that it revises. Event time must have reached its start."""
        revised: list[Bar] = []
        for level in self._feeds:
            bar = level.open
            if bar is not None and bar.start <= piece.start < bar.end and bar.contract == contract:
                bar.pieces[piece.start] = piece
            else:
                self._put(level, piece, contract, at, revised, late=True)
                self._set_due()
        return tuple(revised)

    def _put(self, level: _Level, piece: Piece, contract: str, at: int, closed: list[Bar], *, late: bool) -> None:
        """Give a piece to its bar, which may be closed only if ``late``: in one pass, shorter bars close before longer ones."""
        bar = level.open
        if bar is not None and bar.start <= piece.start < bar.end and bar.contract == contract:
            bar.pieces[piece.start] = piece
            return
        session = self.hours.session_around(piece.start)
        assert session is not None, "pieces outside the hours were refused"
        start, end = self.hours.bar_bounds(session, piece.start, level.length)
        kept = level.closed.get((start, contract))
        if kept is None and not (late and self._is_closed(end)):
            assert bar is None, "event time closed the earlier bar"
            level.open = LongBar(start, end, session.date, contract)
            level.open.pieces[piece.start] = piece
        elif kept is not None or end > self._horizon:
            self._revise(level, kept or LongBar(start, end, session.date, contract), piece, at, closed)
        else:
            self.too_late += 1

    def _revise(self, level: _Level, bar: LongBar, piece: Piece, at: int, closed: list[Bar]) -> None:
        if bar.pieces.get(piece.start) == piece:
            return
        level.closed[bar.start, bar.contract] = bar
        bar.pieces[piece.start] = piece
        bar.revision += 1
        self._give(level, bar, at, closed, late=True)

    def state(self) -> object:
        """Plain values that ``restore`` takes back."""
        levels = [[None if v.open is None else v.open.state(), [bar.state() for bar in v.closed.values()]] for v in self._levels]
        return [self.contract, self._event, self._clock, self._horizon, self.outside, self.too_late, levels]

    def restore(self, state: object) -> None:
        """Go on where ``state`` was taken, with the same timeframes."""
        kept = msgspec.convert(state, _State)
        self.contract, self._event, self._clock, self._horizon = kept.contract, kept.event, kept.clock, kept.horizon
        self.outside, self.too_late = kept.outside, kept.too_late
        for level, (opened, closed) in zip(self._levels, kept.levels, strict=True):
            level.open = None if opened is None else LongBar.restored(opened)
            bars = [LongBar.restored(bar) for bar in closed]
            level.closed = {(bar.start, bar.contract): bar for bar in bars}
        self._set_due()


class _State(msgspec.Struct, array_like=True):
    contract: str
    event: int
    clock: int
    horizon: int
    outside: int
    too_late: int
    levels: list[tuple[list[object] | None, list[list[object]]]]
