"""Which bars are missing between two bars, by session: closed hours are no gap."""

from collections.abc import Iterable, Iterator

import msgspec

from theo.domain.market_data import DAY, Bar
from theo.market.sessions import Hours


class Gap(msgspec.Struct, frozen=True):
    """``bars`` intervals in a row without a bar, inside one session: from ``start`` to ``end``, microseconds UTC.

    An interval without a trade has no bar either: history says which gaps are real.
    """

    session_date: int
    start: int
    end: int
    bars: int


def gaps_between(hours: Hours, length: int, low: int, high: int) -> Iterator[Gap]:
    """The gaps from ``low`` (included) to ``high`` (excluded) when no bar of ``length`` (0: daily) lies between them.

    Raises DataError when the range reaches outside the session table.
    """
    if low >= high:
        return
    first = max(low // DAY - 1, hours.table.first_date)
    for session in hours.sessions_between(first, min(high // DAY + 1, hours.table.last_date)):
        start = end = count = 0
        for a, b in hours.bars_of(session, length):
            if low <= a and b <= high:
                start, end, count = (start if count else a), b, count + 1
        if count:
            yield Gap(session.date, start, end, count)


def gaps_in(bars: Iterable[Bar], hours: Hours, length: int) -> Iterator[Gap]:
    """The gaps inside a series of bars in order of time."""
    finder = GapFinder(hours, length)
    for bar in bars:
        yield from finder.on_bar(bar)


class GapFinder:
    """Finds gaps as the bars come; a bar that is not later than the newest (a revision) finds none."""

    __slots__ = ("_end", "hours", "length")

    def __init__(self, hours: Hours, length: int) -> None:
        self.hours, self.length = hours, length
        self._end = 0

    def on_bar(self, bar: Bar) -> tuple[Gap, ...]:
        """The gaps between the bar before and this one."""
        before, self._end = self._end, max(self._end, bar.end)
        if not before or bar.start <= before:
            return ()
        return tuple(gaps_between(self.hours, self.length, before, bar.start))

    def state(self) -> object:
        """Plain values that ``restore`` takes back."""
        return self._end

    def restore(self, state: object) -> None:
        """Go on where ``state`` was taken."""
        assert isinstance(state, int), "a gap finder's state is the end of its newest bar"
        self._end = state
