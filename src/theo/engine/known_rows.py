"""Rows of bars that are known beforehand, and passing those at which nothing happens but a decision that says so.

What a row leads to is the same as when its bars are stepped through one by one: where anything could happen, they are.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import NamedTuple

from theo.domain.facts import Decided
from theo.domain.market_data import Bar
from theo.engine.account import equity, mark
from theo.engine.core import Core
from theo.engine.decide.scans import position_of
from theo.engine.scan import Scan
from theo.market.series import Series


class Prices(NamedTuple):
    """One instrument's prices, row by row."""

    high: Sequence[int]
    low: Sequence[int]
    close: Sequence[int]

    def first_outside(self, rows: range, low: int, high: int) -> int:
        """The first row whose bar does not lie strictly between two prices; the end of the rows when all do."""
        highs, lows = self.high, self.low
        for row in rows:
            if lows[row] <= low or highs[row] >= high:
                return row
        return rows.stop


@dataclass(slots=True, frozen=True)
class KnownRows:
    """Closed bars row by row: one of each series in ``series``' order, all with one end, at which they are also learned.

    ``numbers`` and ``truths`` are what the scan's strategy sees at each row. By the sign of the position held (-1, 0, 1):
    ``busy`` has the rows that must be stepped through, in order, and ``verdicts`` what it says at every other row.
    """

    scan: Scan
    series: tuple[Series, ...]
    bars: list[Bar]
    ends: Sequence[int]
    numbers: Sequence[tuple[float | None, ...]]
    truths: Sequence[int]
    verdicts: dict[int, Sequence[str]]
    busy: dict[int, Sequence[int]]
    prices: dict[int, Prices]  # by instrument

    def of(self, rows: range) -> list[Bar]:
        """The bars of rows."""
        width = len(self.series)
        return self.bars[rows.start * width : rows.stop * width]


def quiet_until(core: Core, known: KnownRows, row: int) -> int:
    """The row before which nothing falls due, no rule acts and no loss limit is reached; ``row``: it must be stepped through."""
    if known.scan.waiting_for or core.at > known.ends[row]:
        return row
    busy = known.busy[_sign(core, known)]
    following = bisect_left(busy, row)
    until = busy[following] if following < len(busy) else len(known.ends)
    until = min(until, bisect_left(known.ends, core.timer, row))
    return row if core.state.open_trades and _may_lose(core, known, range(row, until)) else until


def _sign(core: Core, known: KnownRows) -> int:
    """Of the position that the strategy sees."""
    position = position_of(core.state, known.scan.key.config) if core.state.open_trades else 0
    return (position > 0) - (position < 0)


def _may_lose(core: Core, known: KnownRows, rows: range) -> bool:
    """Whether equity could reach the loss floor somewhere in the rows, at the worst close of each instrument."""
    world, worst = core.world, equity(core.state, core.world)
    if not rows:
        return False
    for instrument, quantity in core.state.positions.items():
        if quantity:
            last = mark(core.state, world, instrument)
            closes = known.prices[instrument].close[rows.start : rows.stop]
            moved = (min(closes) if quantity > 0 else max(closes)) - last
            worst += min(0, quantity * moved) * world.unit_values[instrument]
    return worst < core.floor


def pass_quietly(core: Core, known: KnownRows, rows: range) -> list[Decided]:
    """Let rows of which ``quiet_until`` says so pass; their decisions, one a row. Only the last row is folded bar by bar."""
    for series, bar in zip(known.series, known.of(rows[-2:-1]), strict=False):
        series.skip_to(bar)
    for bar in known.of(rows[-1:]):
        core.world.market.on_bar(bar)
    core.at = known.ends[rows[-1]]
    core.closed_by_time = False
    span = slice(rows.start, rows.stop)
    config, verdicts = repeat(known.scan.key.config), known.verdicts[_sign(core, known)]
    return list(map(Decided, config, known.ends[span], verdicts[span], known.numbers[span], known.truths[span]))
