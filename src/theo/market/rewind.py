"""Going back in a series: a bar that closed short is replaced when history has the rest, and what was made of it is made anew.

A series of bars that are built from ticks keeps its newest bars, and now and then what its indicators were (a mark). A bar that
comes again takes the old one's place, and the indicators go on from the last mark before it. Decisions that were taken stay.
"""

from bisect import bisect_left

import msgspec

from theo.domain.market_data import Bar

NEVER = 1 << 62  # later than any time
MARK_EVERY = 16  # bars between two marks
MARKS_KEPT = 3  # of a series: a bar can be replaced until at least 32 have closed after it

Mark = tuple[int, object]  # an end, and the state that everything up to it has led to


def newest_before(marks: list[Mark], time: int) -> Mark | None:
    """Forget the marks after ``time``; the newest that is left."""
    while marks and marks[-1][0] > time:
        marks.pop()
    return marks[-1] if marks else None


class Rewind:
    """The newest bars of a series in order, since its oldest mark. ``stale_from`` is where the oldest replaced bar begins."""

    __slots__ = ("bars", "marks", "stale_from")

    def __init__(self) -> None:
        self.bars: list[Bar] = []
        self.marks: list[Mark] = []
        self.stale_from = NEVER

    @property
    def horizon(self) -> int:
        """The end of the oldest mark: what ended before can no longer be replaced."""
        return self.marks[0][0] if self.marks else NEVER

    @property
    def due(self) -> bool:
        """Whether a mark is to be made before the next bar is taken."""
        return not self.marks or len(self.after(self.marks[-1][0])) >= MARK_EVERY

    def mark(self, end: int, state: object) -> None:
        """Everything up to ``end`` has led to ``state``; the oldest bars are forgotten with their mark."""
        self.marks.append((end, state))
        if len(self.marks) > MARKS_KEPT:
            del self.marks[0]
            self.bars = self.after(self.horizon)

    def after(self, end: int) -> list[Bar]:
        """The bars that ended after ``end``."""
        return self.bars[bisect_left(self.bars, end + 1, key=_end_of) :]

    def replace(self, bar: Bar) -> bool:
        """Take a bar that comes again, or one that was missing between others; False when it is too old."""
        if bar.start < self.horizon:
            return False
        place = bisect_left(self.bars, bar.end, key=_end_of)
        known = place < len(self.bars) and self.bars[place].end == bar.end
        self.bars[place : place + known] = [bar]
        self.stale_from = min(self.stale_from, bar.start)
        return True

    def state(self) -> object:
        """Plain values that ``restore`` takes back."""
        return [self.bars, [list(mark) for mark in self.marks], self.stale_from]

    def restore(self, state: object) -> None:
        """Go on where ``state`` was taken."""
        kept = msgspec.convert(state, tuple[list[Bar], list[tuple[int, object]], int])
        self.bars, self.marks, self.stale_from = kept


def _end_of(bar: Bar) -> int:
    return bar.end
