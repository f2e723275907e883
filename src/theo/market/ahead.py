"""Columns that were computed ahead, for bars that are known beforehand: what they show at a bar is found by that bar's own end.

They stand in for the indicators and the correlation of a stretch of bars. Nothing of a later bar can be read from them.
"""

from bisect import bisect_left
from collections.abc import Sequence

from theo.domain.market_data import Bar
from theo.market.indicators.column import Column


class SeriesAhead:
    """``columns``: each with its values, one more than there are ``ends``; the first is the value before the first bar."""

    __slots__ = ("_columns", "_ends")

    def __init__(self, ends: Sequence[int], columns: Sequence[tuple[Column, Sequence[float]]]) -> None:
        self._ends, self._columns = ends, tuple(columns)

    def update(self, bar: Bar) -> None:
        """Show the values known at the close of ``bar``. Raises LookupError for a bar that was not known beforehand."""
        row = bisect_left(self._ends, bar.end)
        if row == len(self._ends) or self._ends[row] != bar.end:
            raise LookupError(f"no column was computed for the bar that ends at {bar.end}")
        for column, values in self._columns:
            column.previous, column.value = values[row], values[row + 1]
