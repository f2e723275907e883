"""When a scan looks, and what becomes of a look that comes too late: at bar closes or at intervals; skipped or caught up."""

from enum import StrEnum

from theo.domain.market_data import MINUTE
from theo.domain.timeframe import timeframe
from theo.strategy.ruleset import RuleSet
from theo.strategy.view import MarketView

MISSED_AFTER = MINUTE  # behind a bar's end and its grace: later than this nobody was there to look, or heard nothing
CATCH_UP_MAX = 15 * MINUTE  # behind a bar's end: a missed look leads to no trade later than this


class Missed(StrEnum):
    """What became of a look that was missed; its decision record says so."""

    SKIPPED = "missed: skipped"
    CAUGHT_UP = "missed: caught up"
    TOO_LATE = "missed: too late to catch up"


class Looks:
    """The looks of one configuration, by bar ends and core time alone: a replay has the same.

    With ``every_minutes`` a session is cut into intervals from its open, which is taken down to the timeframe so that each
    interval ends with a bar; the last is cut at the session's close. A look is due at the first bar that ends at or after the
    end of an interval. ``on_time`` (microseconds) is how long after a bar's end its look is none that was missed.
    """

    __slots__ = ("_catches_up", "_every", "_hours", "_length", "on_time")

    def __init__(self, ruleset: RuleSet, view: MarketView) -> None:
        self._length = timeframe(ruleset.naming.timeframe).length
        self._every = 0 if looks_at_every_bar(ruleset) else ruleset.scan.every_minutes * MINUTE
        self._hours = view.sessions(ruleset.naming.primary)
        self._catches_up = ruleset.scan.missed == "catch up"
        self.on_time = ruleset.grace + MISSED_AFTER

    @property
    def common(self) -> tuple[object, ...]:
        """Equal for looks that fall due at the same bars of one series."""
        return (self._every, self._hours.scope) if self._every else ()

    def due(self, before: int, end: int) -> bool:
        """Whether a bar that ends at ``end`` is looked at; ``before`` is the end of the series' bar before it, 0 for none.

        Outside of the primary's sessions there are no intervals: no look is due.
        """
        if not self._every:
            return True
        session = self._hours.session_around(end - 1)
        if session is None:
            return False
        opened, closes = self._hours.bounds(session)
        counted = self._ended(opened, closes, before) if before > opened else 0
        return self._ended(opened, closes, end) > counted

    def _ended(self, opened: int, closes: int, at: int) -> int:
        """How many intervals of a session have ended at ``at``."""
        first = opened - opened % self._length
        return -(-(closes - first) // self._every) if at >= closes else (at - first) // self._every

    def missed(self, end: int, at: int) -> Missed | None:
        """What becomes of the look at ``end`` that is had at core time ``at``; None when it is on time.

        It is caught up within its session, at most CATCH_UP_MAX after the bar's end. That its data must still be trusted, so
        that no later bar is due, is asked beside.
        """
        if at <= end + self.on_time:
            return None
        if not self._catches_up:
            return Missed.SKIPPED
        session = self._hours.session_around(end - 1)
        ended = session is None or at >= self._hours.bounds(session)[1]
        return Missed.TOO_LATE if ended or at > end + CATCH_UP_MAX else Missed.CAUGHT_UP


def looks_at_every_bar(ruleset: RuleSet) -> bool:
    """Whether the scan looks at each bar close: without an interval, or with one that no two bars share."""
    length = timeframe(ruleset.naming.timeframe).length
    return ruleset.scan.every_minutes * MINUTE <= length or not length
