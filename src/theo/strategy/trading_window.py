"""When a configuration may enter and when it must be flat: wall-clock window, weekdays, last day, the session's actual close."""

import datetime as dt
from bisect import bisect_right

import msgspec

from theo.domain.market_data import DAY, HOUR, MINUTE
from theo.market.sessions import Hours
from theo.market.wall_clock import WallClock

FLAT_BEFORE_CLOSE = 5 * MINUTE  # an intraday trade is flat so long before the earlier of End and the session's close
CLOCK_CHANGE_SETTLES = 3 * HOUR  # after a clock change local times repeat or are skipped: each bar end is judged by itself
NEVER = 1 << 62  # later than any time
DAY_NAMES = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
THURSDAY = 3  # 1970-01-01
EPOCH = dt.date(1970, 1, 1).toordinal()


class TradingWindow(msgspec.Struct, frozen=True, kw_only=True):
    """Entries are allowed at bar ends from ``start`` to ``end``, both included, minutes since local midnight of ``zone``.

    ``end`` before ``start`` runs over midnight; then the weekday is that of the bar's end. ``days`` counts from Monday = 0.
    ``last_day`` is the last local date as an ISO text, "" for none. ``intraday`` trades end with the session.
    """

    zone: str = "America/New_York"
    start: int = 9 * 60 + 30
    end: int = 16 * 60
    days: tuple[int, ...] = (0, 1, 2, 3, 4)
    last_day: str = ""
    intraday: bool = True

    def words(self) -> str:
        """The window as people read it."""
        start, end = clock_text(self.start), clock_text(self.end)
        until = f", until {self.last_day}" if self.last_day else ""
        flat = ", while the session leaves time" if self.intraday else ""
        return f"{start} to {end} {self.zone} on {' '.join(DAY_NAMES[day] for day in self.days)}{until}{flat}"

    @property
    def always(self) -> bool:
        """Whether it never forbids anything."""
        whole_week = len(self.days) == len(DAY_NAMES)
        return whole_week and not (self.intraday or self.last_day) and self.start == 0 and self.end == DAY // MINUTE


def clock_text(minutes: int) -> str:
    """Minutes since midnight as people write them."""
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


class BoundWindow:
    """A window on a wall clock and the primary's sessions. Answers are kept until the next boundary."""

    __slots__ = ("_allowed", "_from", "_hours", "_last_day", "_until", "_wall", "window")

    def __init__(self, window: TradingWindow, wall: WallClock, hours: Hours) -> None:
        self.window, self._wall, self._hours = window, wall, hours
        self._from = self._until = 0
        self._allowed = False
        # A day and no instant: it may lie years beyond the times that the wall clock knows.
        self._last_day = dt.date.fromisoformat(window.last_day or dt.date.max.isoformat()).toordinal() - EPOCH

    def allows(self, end: int) -> bool:
        """Whether a bar that ends at ``end`` (microseconds UTC) may lead to an entry."""
        if not self._from <= end < self._until:
            self._allowed = self._judge(end)
            self._from, self._until = end, self._next_boundary(end)
        return self._allowed

    def _judge(self, end: int) -> bool:
        window = self.window
        minute = self._wall.time_of_day(end) / MINUTE
        day = self._wall.day(end)
        if window.start <= window.end:
            inside = window.start <= minute <= window.end
        else:
            inside = minute >= window.start or minute <= window.end
        if not inside or (day + THURSDAY) % len(DAY_NAMES) not in window.days or day > self._last_day:
            return False
        return not window.intraday or (self._hours.session_around(end) is not None and end < self.flat_at(end))

    def _next_boundary(self, end: int) -> int:
        window, wall = self.window, self._wall
        changes = wall.zone.since
        following = bisect_right(changes, end)
        if following and end - changes[following - 1] < CLOCK_CHANGE_SETTLES:
            return end + 1
        boundaries = [
            *changes[following : following + 1],
            wall.next_at(end, 0),
            wall.next_at(end, window.start * MINUTE % DAY),
            wall.next_at(end - 1, window.end * MINUTE % DAY) + 1,
        ]
        if window.intraday:
            boundaries.append(self._hours.next_boundary(end))
            if self._hours.session_around(end) is not None:
                boundaries.append(self.flat_at(end))
        return min(boundary for boundary in boundaries if boundary > end)

    def flat_at(self, opened_at: int) -> int:
        """When a trade opened at ``opened_at`` must be flat; NEVER when the window is not intraday.

        Five minutes before the earlier of the window's end and the actual close of the session around it (of the next session
        when it is opened between two). Where that falls into a pause of the session, five minutes before the pause: nothing can
        be closed in it. At the window's end itself there is no time left.
        """
        if not self.window.intraday:
            return NEVER
        hours = self._hours
        session, at = hours.session_around(opened_at), opened_at
        if session is None:
            session = hours.session_next(opened_at)
            at = hours.bounds(session)[0]
        end = self.window.end * MINUTE
        limit = min(hours.bounds(session)[1], self._wall.next_at(at - (end < DAY), end % DAY))
        if not hours.is_open(limit - 1):
            limit = hours.previous_close(limit)
        return max(opened_at, limit - FLAT_BEFORE_CLOSE)

    def minutes(self, end: int) -> float:
        """Local time of day in minutes."""
        return self._wall.time_of_day(end) / MINUTE
