"""How long a subscription may be silent: a bound from its own rhythm. What is done about silence is in keeper.py."""

from collections import deque

from theo.domain.market_data import MINUTE, SECOND
from theo.market.sessions import Hours

FLOOR = 10 * SECOND  # the busiest future pauses for seconds; asking anew costs two messages
CEILING = 10 * MINUTE  # at night a thin contract trades once in minutes
AT_FIRST = 60 * SECOND  # at least, before a rhythm is known
KNOWN_AFTER = 8  # pauses
TIMES_LONGEST = 3  # of the longest pause among the last PAUSES
PAUSES = 64
DOUBTED = 15 * SECOND  # after a farm's break, and after a lost link whose subscriptions are said to stand


class Rhythm:
    """Pauses between arrivals in open hours. ``bound`` (microseconds) is how long the next one may be."""

    __slots__ = ("_doubted", "_heard_at", "_hours", "_pauses", "_relaxed")

    def __init__(self, hours: Hours) -> None:
        self._hours = hours
        self._pauses: deque[int] = deque(maxlen=PAUSES)
        self._heard_at = 0
        self._doubted = False
        self._relaxed = 0

    @property
    def heard_at(self) -> int:
        """When something came last; 0 before."""
        return self._heard_at

    @property
    def bound(self) -> int:
        """From the pauses so far, within FLOOR and CEILING."""
        longest = max(self._pauses, default=0)
        usual = max(FLOOR if len(self._pauses) >= KNOWN_AFTER else AT_FIRST, TIMES_LONGEST * longest)
        bound = min(max(usual, self._relaxed), CEILING)
        return min(bound, max(DOUBTED, longest)) if self._doubted else bound

    def heard(self, at: int) -> None:
        """Something came. A pause counts when the market was open all through it."""
        begins = self._heard_at
        if begins and begins <= at and self._hours.is_open(begins) and at < self._hours.next_boundary(begins):
            self._pauses.append(at - begins)
        self._heard_at = at
        self._doubted = False
        self._relaxed = 0

    def doubt(self) -> None:
        """What stands may be dead: the next silence is believed sooner, until something comes."""
        self._doubted = True

    def relax(self) -> None:
        """The market itself was quiet: the bound doubles, until something comes."""
        self._doubted, self._relaxed = False, 2 * self.bound

    def due(self, since: int, now: int) -> int:
        """When silence since ``since`` (asked for, or the last arrival) is too long; looked for again at the next opening."""
        since = max(since, self._heard_at)
        if not self._hours.is_open(now):
            return self._hours.next_open(now) + self.bound
        return max(since, self._hours.span_at(now)[0]) + self.bound
