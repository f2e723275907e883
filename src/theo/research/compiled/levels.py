"""The standard levels over many bars at once: the same bits as one bar at a time gives."""

from collections.abc import Sequence

import numpy as np

from theo.domain.market_data import Bar
from theo.market.indicators.indicator import Indicator
from theo.market.standard_levels import LEVEL_NAMES, LevelValues, NewLevel, StandardLevels
from theo.research.compiled.bar_columns import Float64s, columns_of
from theo.research.compiled.indicators import CompiledIndicator

BARS_MIN = 2  # the live form keeps the newest value and the one before


def extend_levels(levels: StandardLevels, bars: Sequence[Bar]) -> tuple[list[LevelValues], list[NewLevel]]:
    """Take bars of one contract; their levels, and those that became known with each. ``levels`` then stands at the last.

    Raises DataError after a roll (bars are in another frame then: go bar by bar) and for what does not fit 64 bits.
    """
    columns = columns_of(bars)
    found: dict[str, Float64s] = {}
    for spec, outputs in levels.settings.indicators.items():
        live = levels.indicators[spec]
        compiled = CompiledIndicator.going_on(live)
        values = compiled.extend(columns)
        _show(live, values)
        compiled.hand_back(live, bars[0].start)
        found |= {name: values[output] for output, name in outputs.items()}
    new = _new(levels, bars, found)
    for bar in bars[-levels.settings.k - 1 :]:
        levels.took(bar.start, bar.contract, 0)
    levels.bars += len(bars)
    return _rows(found), new


def _show(live: Indicator, values: dict[str, Float64s]) -> None:
    for name, column in live.outputs.items():
        before, newest = values[name][-BARS_MIN:]
        column.previous, column.value = float(before), float(newest)


def _rows(found: dict[str, Float64s]) -> list[LevelValues]:
    columns: list[list[float | None]] = []
    for name in LEVEL_NAMES:
        column: list[float | None] = found[name].tolist()
        for row in np.flatnonzero(np.isnan(found[name])).tolist():
            column[row] = None
        columns.append(column)
    return list(zip(*columns, strict=True))


def _new(levels: StandardLevels, bars: Sequence[Bar], found: dict[str, Float64s]) -> list[NewLevel]:
    k = levels.settings.k
    before = levels.starts
    starts = [*before, *(bar.start for bar in bars)]
    made = []
    for level, name in (("SH", "fh_price"), ("SL", "fl_price")):
        for row in np.flatnonzero(~np.isnan(found[name])).tolist():
            bar = bars[row]
            made.append(NewLevel(level, float(found[name][row]), starts[len(before) + row - k], bar.start, bar.at))
    return sorted(made, key=lambda new: (new.known_start, new.level))
