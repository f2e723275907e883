"""When an order may match: an instrument's sessions as the exchange reads them, and how long a DAY order lives."""

from enum import IntEnum

from theo.domain.market_data import Bar, SessionScope
from theo.market.sessions import Hours
from theo.venue.books import ALWAYS, NEVER


class Part(IntEnum):
    """How much of a bar an order may trade on."""

    NONE = 0
    CLOSE = 1  # only its end: the bar began before the order's hours did, and nobody knows when its range was reached
    WHOLE = 2


class Opening:
    """The trading times of one instrument: ``hours`` for ordinary orders, all hours of its table for those outside of RTH.

    None means always open. Times outside the session table raise DataError.
    """

    __slots__ = ("_full", "_regular")

    def __init__(self, hours: Hours | None) -> None:
        self._regular = hours
        self._full = None if hours is None else Hours(hours.table, SessionScope.ALL)

    def is_open(self, at: int, *, outside_rth: bool) -> bool:
        """Whether an order may trade at a time."""
        hours = self._full if outside_rth else self._regular
        return hours is None or hours.is_open(at)

    def part_of(self, bar: Bar, *, outside_rth: bool) -> Part:
        """How much of a bar an order may trade on. A bar that begins while everything is closed holds only what came after."""
        hours, full = (self._full if outside_rth else self._regular), self._full
        if hours is None or full is None or hours.is_open(bar.start):
            return Part.WHOLE
        if hours.next_boundary(bar.start) >= bar.end:
            return Part.NONE
        alone = not full.is_open(bar.start) and full.next_boundary(bar.start) == hours.next_boundary(bar.start)
        if alone:
            return Part.WHOLE
        return Part.CLOSE if hours.is_open(bar.end - 1) else Part.NONE

    def opened_at(self, at: int) -> int:
        """Since when the market is open (or closed) at a time."""
        return ALWAYS if self._full is None else self._full.span_at(at)[0]

    def session_end(self, at: int, *, outside_rth: bool) -> int:
        """When an order for the day dies: the end of its session, in which it may wait for the regular hours to begin.

        Placed when no session is on, or after the session's last regular moment, it dies at once: ``at`` itself.
        """
        if self._full is None or self._regular is None:
            return NEVER
        hours = self._full if outside_rth else self._regular
        session = self._full.session_around(at) or self._regular.session_around(at)
        if session is None or not session.spans(hours.scope):
            return at
        return max(at, hours.bounds(session)[1])
