"""Trading sessions as values: when a market is open, on which session date, in regular hours (RTH) or in all of its hours (ALL).

Tables are built elsewhere (adapters/calendars, or from a broker's trading hours) and never change; looking up is here. Nothing
here knows a time zone: every bound is microseconds UTC, every date is days since 1970-01-01. Wall-clock times and the account
day are in wall_clock.py.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from enum import StrEnum

import msgspec

from theo.domain.errors import DataError
from theo.domain.market_data import DAY, MINUTE, SessionScope

Span = tuple[int, int]  # open (included) and close (excluded), microseconds UTC


class CloseKind(StrEnum):
    """Whether a session ends at its usual time."""

    NORMAL = "normal"
    EARLY = "early"


class Session(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One session. Spans are in order, without overlap; pauses lie between them. ``regular`` may be empty (a closed cash day)."""

    date: int
    regular: tuple[Span, ...]
    full: tuple[Span, ...]
    close_kind: CloseKind = CloseKind.NORMAL

    def spans(self, scope: SessionScope) -> tuple[Span, ...]:
        """The open times of a scope."""
        return self.regular if scope is SessionScope.RTH else self.full


class SessionTable(msgspec.Struct, frozen=True):
    """All sessions of a calendar that touch the days ``first_date`` to ``last_date`` (both included, midnight to midnight UTC).

    ``version`` names what it was built from. Raises DataError when sessions are out of order or overlap.
    """

    calendar: str
    version: str
    first_date: int
    last_date: int
    sessions: tuple[Session, ...]

    def __post_init__(self) -> None:
        date, reached = -(2**62), -(2**62)
        for session in self.sessions:
            regular_end = reached
            for start, end in session.regular:
                if not regular_end <= start < end:
                    raise self._disorder(session)
                regular_end = end
            for start, end in session.full:
                if not reached <= start < end:
                    raise self._disorder(session)
                reached = end
            if session.date <= date:
                raise self._disorder(session)
            date = session.date

    def _disorder(self, session: Session) -> DataError:
        return DataError(
            f"sessions of {self.calendar} are out of order or overlap at session date {session.date}",
            why="lookups need rising dates and spans",
            remedy="Build the table again; correct the override row of that date",
        )

    def replaced(self, sessions: Iterable[Session], version: str) -> "SessionTable":
        """The table with these sessions (by date) in place of its own: a broker's trading hours win over a library's."""
        by_date = {s.date: s for s in self.sessions} | {s.date: s for s in sessions}
        kept = tuple(s for _, s in sorted(by_date.items()) if s.full or s.regular)
        return SessionTable(self.calendar, version, self.first_date, self.last_date, kept)


class Hours:
    """Lookups in one scope of a table, fast for times that move forward (the span or pause of the last answer is kept).

    Every lookup outside the table's days raises DataError: unknown is never answered with "closed".
    """

    __slots__ = (
        "_dates",
        "_ends",
        "_from",
        "_inside",
        "_owners",
        "_starts",
        "_until",
        "calendar",
        "first",
        "last",
        "scope",
        "table",
    )

    def __init__(self, table: SessionTable, scope: SessionScope) -> None:
        self.table, self.scope, self.calendar = table, scope, table.calendar
        self.first, self.last = table.first_date * DAY, (table.last_date + 1) * DAY
        rows = [(span, session) for session in table.sessions for span in session.spans(scope)]
        self._starts = [span[0] for span, _ in rows]
        self._ends = [span[1] for span, _ in rows]
        self._owners = [session for _, session in rows]
        self._dates = [session.date for session in table.sessions]
        self._from = self._until = 0
        self._inside: Session | None = None

    def session_at(self, at: int) -> Session | None:
        """The session that is open at a time; None in pauses and when closed."""
        if not self._from <= at < self._until:
            self._seek(at)
        return self._inside

    def is_open(self, at: int) -> bool:
        """Whether the market is open."""
        if not self._from <= at < self._until:
            self._seek(at)
        return self._inside is not None

    def span_at(self, at: int) -> Span:
        """The open time, or the pause or closed time, that holds ``at``."""
        if not self._from <= at < self._until:
            self._seek(at)
        return self._from, self._until

    def next_boundary(self, at: int) -> int:
        """The first time after ``at`` at which open turns to closed or back."""
        if not self._from <= at < self._until:
            self._seek(at)
        return self._until

    def _seek(self, at: int) -> None:
        i = self._last_started(at)
        if i >= 0 and at < self._ends[i]:
            self._from, self._until, self._inside = self._starts[i], self._ends[i], self._owners[i]
            return
        self._from = self._ends[i] if i >= 0 else self.first
        self._until = self._starts[i + 1] if i + 1 < len(self._starts) else self.last
        self._inside = None

    def _last_started(self, at: int) -> int:
        if not self.first <= at < self.last:
            raise self._outside(f"time {at}")
        return bisect_right(self._starts, at) - 1

    def _outside(self, what: str) -> DataError:
        return DataError(
            f"{what} lies outside the session table of {self.calendar}, which holds days {self.table.first_date} to "
            f"{self.table.last_date} since 1970-01-01",
            why="a day that is not in the table is unknown, not closed",
            remedy="Build the session table for a longer range",
        )

    def next_open(self, at: int) -> int:
        """The first opening (after a close or a pause) later than ``at``."""
        i = self._last_started(at) + 1
        if i == len(self._starts):
            raise self._outside(f"the opening after {at}")
        return self._starts[i]

    def next_close(self, at: int) -> int:
        """The first close (or start of a pause) later than ``at``."""
        i = self._last_started(at)
        i = i if i >= 0 and at < self._ends[i] else i + 1
        if i == len(self._ends):
            raise self._outside(f"the close after {at}")
        return self._ends[i]

    def previous_close(self, at: int) -> int:
        """The last close (or start of a pause) at or before ``at``."""
        i = self._last_started(at)
        i = i - 1 if i >= 0 and at < self._ends[i] else i
        if i < 0:
            raise self._outside(f"the close before {at}")
        return self._ends[i]

    def session_around(self, at: int) -> Session | None:
        """The session that has begun and not ended at a time, its pauses included."""
        i = self._last_started(at)
        if i < 0:
            return None
        session = self._owners[i]
        return session if at < session.spans(self.scope)[-1][1] else None

    def session_next(self, at: int) -> Session:
        """The session that begins first after ``at``."""
        i = self._last_started(at)
        current = self._owners[i] if i >= 0 else None
        for owner in self._owners[i + 1 :]:
            if owner is not current:
                return owner
        raise self._outside(f"the session after {at}")

    def session_on(self, date: int) -> Session | None:
        """The session of a session date; None when the market does not open in this scope on it."""
        if not self.table.first_date <= date <= self.table.last_date:
            raise self._outside(f"date {date}")
        i = bisect_right(self._dates, date) - 1
        session = self.table.sessions[i] if i >= 0 and self._dates[i] == date else None
        return session if session is not None and session.spans(self.scope) else None

    def sessions_between(self, first: int, last: int) -> Iterator[Session]:
        """Sessions with dates ``first`` to ``last`` (both included) that open in this scope."""
        if first < self.table.first_date or last > self.table.last_date:
            raise self._outside(f"the range of dates {first} to {last}")
        for session in self.table.sessions[bisect_right(self._dates, first - 1) : bisect_right(self._dates, last)]:
            if session.spans(self.scope):
                yield session

    def bounds(self, session: Session) -> Span:
        """A session's first open and last close in this scope."""
        spans = session.spans(self.scope)
        return spans[0][0], spans[-1][1]

    def minutes_to_close(self, at: int) -> float:
        """Minutes to the actual close of the session around ``at`` (an early close included). Raises DataError outside one."""
        session = self.session_around(at)
        if session is None:
            raise DataError(f"{self.calendar} has no session at {at}", remedy="Ask is_open first")
        return (self.bounds(session)[1] - at) / MINUTE

    def bar_bounds(self, session: Session, at: int, length: int) -> Span:
        """Start and end of the bar of ``length`` microseconds (0: the whole session) that holds ``at``.

        Start is the floor to ``length`` from the UTC epoch, or the session's open if later; end is cut at its close.
        """
        opened, closes = self.bounds(session)
        if not length:
            return opened, closes
        start = at - at % length
        return max(start, opened), min(start + length, closes)

    def last_bar(self, session: Session, length: int) -> Span:
        """Start and end of the session's last bar."""
        return self.bar_bounds(session, self.bounds(session)[1] - 1, length)

    def bars_of(self, session: Session, length: int) -> Iterator[Span]:
        """Every bar that the session can have, oldest first; one that lies wholly in a pause is none."""
        opened, closes = self.bounds(session)
        spans = session.spans(self.scope)
        at, k = opened, 0
        while at < closes:
            start, end = self.bar_bounds(session, at, length)
            while spans[k][1] <= start:
                k += 1
            if spans[k][0] < end:
                yield start, end
            at = end


def common_sessions(one: SessionTable, other: SessionTable) -> SessionTable:
    """When both markets are open, scope by scope; a session has the date it has in ``one``.

    A session of ``one`` that shares no time with ``other`` is left out.
    """
    others = {scope: [span for s in other.sessions for span in s.spans(scope)] for scope in SessionScope}
    common = []
    for session in one.sessions:
        regular = _overlap(session.regular, others[SessionScope.RTH])
        full = _overlap(session.full, others[SessionScope.ALL])
        if regular or full:
            common.append(Session(session.date, regular, full, session.close_kind))
    return SessionTable(
        f"{one.calendar}&{other.calendar}",
        f"{one.version}&{other.version}",
        max(one.first_date, other.first_date),
        min(one.last_date, other.last_date),
        tuple(common),
    )


def _overlap(spans: tuple[Span, ...], others: list[Span]) -> tuple[Span, ...]:
    found: list[Span] = []
    for start, end in spans:
        i = max(bisect_right(others, (start, 2**62)) - 1, 0)
        while i < len(others) and others[i][0] < end:
            low, high = max(start, others[i][0]), min(end, others[i][1])
            if low < high:
                found.append((low, high))
            i += 1
    return tuple(found)
