"""When a contract was open in some past or coming time, as far as its session table knows."""

from theo.domain.market_data import DAY, SessionScope
from theo.market.sessions import Hours, Session, Span

SESSION_DAYS_MAX = 4  # a session's date lies so near to its times: a Friday's holiday morning is part of Monday's session


def sessions_within(hours: Hours, start: int, end: int) -> list[Session]:
    """The sessions that touch ``start`` to ``end`` in all their hours, cut to what the table knows; oldest first."""
    low, high = max(start, hours.first), min(end, hours.last)
    if low >= high:
        return []
    first = max(low // DAY - SESSION_DAYS_MAX, hours.table.first_date)
    last = min(high // DAY + SESSION_DAYS_MAX, hours.table.last_date)
    return [s for s in hours.sessions_between(first, last) if s.full and s.full[0][0] < high and s.full[-1][1] > low]


def spans_of(session: Session, *, regular: bool) -> tuple[Span, ...]:
    """The open times of a session."""
    return session.spans(SessionScope.RTH if regular else SessionScope.ALL)


def open_spans(hours: Hours, start: int, end: int, *, regular: bool) -> list[Span]:
    """The open times that touch ``start`` to ``end``, cut to it; oldest first."""
    return [
        (max(opens, start), min(closes, end))
        for session in sessions_within(hours, start, end)
        for opens, closes in spans_of(session, regular=regular)
        if opens < end and closes > start
    ]
