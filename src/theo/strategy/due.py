"""Which bar end of a series is due at a decision: the decision's own, or a slower series' last."""

from theo.domain.market_data import Timeframe
from theo.market.sessions import Hours


class LastDue:
    """The last bar end of a timeframe at or before a time, by the sessions of its market."""

    __slots__ = ("_hours", "_length")

    def __init__(self, frame: Timeframe, hours: Hours) -> None:
        self._length, self._hours = frame.length, hours

    def __call__(self, end: int) -> int:
        """Microseconds UTC. A series whose newest bar ends earlier lacks a bar that is due.

        Inside a session that is the start of the bar that runs (bars follow each other); at its first bar, in pauses and
        between sessions it is the last close. Daily bars are due at their session's close.
        """
        hours = self._hours
        session = hours.session_around(end - 1)
        if session is None:
            return hours.previous_close(end)
        start, closes = hours.bar_bounds(session, end - 1, self._length)
        if closes == end:
            return end
        return start if hours.is_open(start - 1) else hours.previous_close(start)


def closes_with(decision: Timeframe, other: Timeframe) -> bool:
    """Whether a series of ``other`` closes a bar at each bar end of the decision's timeframe."""
    if not decision.intraday or not other.intraday:
        return decision.length == other.length
    return decision.length % other.length == 0
