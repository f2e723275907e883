"""Which of the next bars form whole rows: one bar of each series that a configuration reads, all with one end, known at it."""

from collections.abc import Sequence
from operator import lt
from typing import NamedTuple, cast

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
            fields = [_fields(bars[place::width]) for place in range(width)]
            ends = fields[0].end
            known = all(map(_known_at_its_end, series, fields))
            if known and all(each.end == ends for each in fields) and _in_order(ends, series):
                prices = tuple(Prices(each.high, each.low, each.close) for each in fields)
                return WholeRows(series, bars, ends, prices, tuple(map(_columns, fields)))
        count //= 2
    return None


class _Fields(NamedTuple):
    """The fields of one series' bars, one value a bar."""

    start: list[int]
    at: list[int]
    end: list[int]
    high: list[int]
    low: list[int]
    close: list[int]
    session_date: list[int]
    instrument: set[int]
    timeframe: set[str]
    contract: set[str]


def _fields(bars: list[Bar]) -> _Fields:
    """Read in a loop of its own each: the interpreter has such reads ready, and none of a field that is named by text."""
    return _Fields(
        start=[bar.start for bar in bars],
        at=[bar.at for bar in bars],
        end=[bar.end for bar in bars],
        high=[bar.high for bar in bars],
        low=[bar.low for bar in bars],
        close=[bar.close for bar in bars],
        session_date=[bar.session_date for bar in bars],
        instrument={bar.instrument for bar in bars},
        timeframe={bar.timeframe for bar in bars},
        contract={bar.contract for bar in bars},
    )


def _known_at_its_end(series: Series, bars: _Fields) -> bool:
    """Whether all bars are the series', of no futures contract, and known when they ended."""
    return (
        bars.at == bars.end
        and bars.instrument == {series.instrument.id}
        and bars.timeframe == {series.timeframe.name}
        and bars.contract == {""}
        and not (series.timeframe.intraday and any(bars.session_date))
    )


def _in_order(ends: list[int], series: tuple[Series, ...]) -> bool:
    return all(each.last_end < ends[0] for each in series) and all(map(lt, ends, ends[1:]))


def _columns(bars: _Fields) -> BarColumns:
    return BarColumns(
        start=_int64s(bars.start),
        end=_int64s(bars.end),
        high=_int64s(bars.high),
        low=_int64s(bars.low),
        close=_int64s(bars.close),
        session_date=_int64s(bars.session_date),
        contract=np.zeros(len(bars.end), dtype=np.str_),
    )


def _int64s(values: list[int]) -> Int64s:
    return np.fromiter(values, np.int64, len(values))
