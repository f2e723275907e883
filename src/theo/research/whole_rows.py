"""Which of the next bars form whole rows: one bar of each series that a configuration reads, all with one end, known at it."""

from collections.abc import Sequence
from operator import lt
from typing import cast

import msgspec
import numpy as np

from theo.domain.market_data import Bar
from theo.engine.known_rows import Prices
from theo.market.series import Series
from theo.research.compiled.bar_columns import BarColumns, Int64s

ROWS_MIN = 32  # fewer are driven through sooner than their columns are made


class WholeRows(msgspec.Struct, frozen=True):
    """``series`` in the order of a row's ``bars``, and each one's bars as ``columns``; ``ends`` are the rows'."""

    series: tuple[Series, ...]
    bars: list[Bar]
    ends: list[int]
    prices: tuple[Prices, ...]
    columns: tuple[BarColumns, ...]

    def field(self, series: Series, name: str) -> Int64s:
        """A field of one series' bars, also one that is no column."""
        place = self.series.index(series)
        if name in Prices._fields:
            found: Int64s = getattr(self.columns[place], name)
            return found
        return np.array([getattr(bar, name) for bar in self.bars[place :: len(self.series)]], dtype=np.int64)


def whole_rows(awaited: Sequence[Series], items: Sequence[object]) -> WholeRows | None:
    """The rows with which items begin, not always all of them; None for fewer than ``ROWS_MIN``.

    Raises DataError for prices beyond the bound of compiled sums, OverflowError for numbers beyond 64 bits.
    """
    width = len(awaited)
    count = len(items) // width
    order = [(bar.instrument, bar.timeframe) for bar in items[:width] if type(bar) is Bar]
    named = {(s.instrument.id, s.timeframe.name): s for s in awaited}
    if len(order) != width or set(order) != set(named):
        return None
    series = tuple(named[place] for place in order)
    while count >= ROWS_MIN:
        found = items[: count * width]
        if set(map(type, found)) == {Bar}:
            bars = cast("list[Bar]", list(found))
            ends = [_ends(each, bars[place::width]) for place, each in enumerate(series)]
            if _are_whole(ends, series, count):
                prices = tuple(_prices(bars[place::width]) for place in range(width))
                columns = tuple(_columns(bars[place::width], ends[0], prices[place]) for place in range(width))
                return WholeRows(series, bars, ends[0], prices, columns)
        count //= 2
    return None


def _ends(series: Series, bars: list[Bar]) -> list[int]:
    """The ends of the bars that are the series', of no futures contract, and known when they ended."""
    instrument, frame, daily = series.instrument.id, series.timeframe.name, not series.timeframe.intraday
    return [
        bar.end
        for bar in bars
        if bar.at == bar.end
        and bar.instrument == instrument
        and bar.timeframe == frame
        and not bar.contract
        and (daily or not bar.session_date)
    ]


def _are_whole(ends: list[list[int]], series: tuple[Series, ...], count: int) -> bool:
    rows = ends[0]
    return (
        len(rows) == count
        and all(each == rows for each in ends)
        and all(each.last_end < rows[0] for each in series)
        and all(map(lt, rows, rows[1:]))
    )


def _prices(bars: list[Bar]) -> Prices:
    return Prices([bar.high for bar in bars], [bar.low for bar in bars], [bar.close for bar in bars])


def _columns(bars: list[Bar], ends: list[int], prices: Prices) -> BarColumns:
    return BarColumns(
        start=np.array([bar.start for bar in bars], dtype=np.int64),
        end=np.array(ends, dtype=np.int64),
        high=np.array(prices.high, dtype=np.int64),
        low=np.array(prices.low, dtype=np.int64),
        close=np.array(prices.close, dtype=np.int64),
        session_date=np.array([bar.session_date for bar in bars], dtype=np.int64),
        contract=np.zeros(len(bars), dtype=np.str_),
    )
