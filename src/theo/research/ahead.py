"""Columns of bars before they are driven through the core, computed by the compiled kernels: the same bits as bar by bar.

What every indicator, correlation and condition is at each of them, and at which the core must look itself.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import isnan

import msgspec
import numpy as np

from theo.domain.errors import DataError
from theo.engine.core import Core
from theo.engine.known_rows import KnownRows
from theo.engine.scan import Scan
from theo.market.ahead import SeriesAhead
from theo.market.indicators.column import Column
from theo.market.series import Pair, Series
from theo.research.compiled.bar_columns import Bools, Float64s, Int64s
from theo.research.compiled.correlations import CompiledCorrelation
from theo.research.compiled.indicators import CompiledIndicator
from theo.research.whole_rows import WholeRows, whole_rows
from theo.strategy.base import BOTH_SIDES, LONG_HELD, NOTHING, SHORT_HELD
from theo.strategy.compiled import Rule
from theo.strategy.numbers import Reading
from theo.strategy.rule_strategy import Rules, RuleStrategy

NAN = float("nan")
POSITIONS = (-1, 0, 1)
Columns = dict[Column, Float64s]  # the value before the first row, then one a row


@contextmanager
def columns_ahead(core: Core, items: Sequence[object]) -> Iterator[KnownRows | None]:
    """The first rows of bars among items; until the context ends, the core's indicators show what was computed for them.

    None where the core must go bar by bar: several configurations, a class of the user's own, or a data gate; bars of other
    timeframes, a hole in one of several series, futures contracts, numbers that do not fit 64 bits.
    """
    try:
        found = _looked_ahead(core, items)
    except (DataError, OverflowError):
        found = None
    if found is None:
        yield None
        return
    known, made = found
    made.show()
    yield known
    made.hand_back()


def _looked_ahead(core: Core, items: Sequence[object]) -> "tuple[KnownRows, _Made] | None":
    scans = list(core.world.scans.values())
    series = core.world.market.every_series()
    if (
        len(scans) != 1
        or scans[0].terms.grace <= 0
        or set(scans[0].awaited) != set(series)
        or any(s.rewind or s.recent is not None for s in series)
    ):
        return None
    strategy = scans[0].strategy
    rules = strategy.rules() if isinstance(strategy, RuleStrategy) else None
    rows = None if rules is None else whole_rows(scans[0].awaited, items)
    if rules is None or rows is None:
        return None
    made = _Made(core, rows)
    return _known(scans[0], rules, rows, made), made


class _Made:
    """The columns of one stretch of rows, of each indicator and each correlation."""

    def __init__(self, core: Core, rows: WholeRows) -> None:
        self._rows = rows
        bars = dict(zip(rows.series, rows.columns, strict=True))
        self._indicators: list[tuple[Series, CompiledIndicator]] = []
        self._pairs: list[tuple[Pair, CompiledCorrelation]] = []
        self._shown: dict[Series | Pair, Columns] = {}
        for series, columns in bars.items():
            self._shown[series] = {}
            for live in series.indicators.values():
                compiled = CompiledIndicator.going_on(live)
                out = compiled.extend(columns)
                self._indicators.append((series, compiled))
                self._shown[series] |= {live.outputs[name]: _after(live.outputs[name], out[name]) for name in out}
        for pair in core.world.market.pairs():
            correlation = CompiledCorrelation.going_on(pair.correlation)
            column = pair.correlation.column
            self._shown[pair] = {column: _after(column, correlation.extend(bars[pair.first], bars[pair.second]).value)}
            self._pairs.append((pair, correlation))

    @property
    def values(self) -> Columns:
        """All columns."""
        return {column: values for shown in self._shown.values() for column, values in shown.items()}

    def show(self) -> None:
        """From now on the series look their columns up."""
        for where, shown in self._shown.items():
            where.look_up(SeriesAhead(self._rows.ends, [(column, values.data) for column, values in shown.items()]))

    def hand_back(self) -> None:
        """Indicators and correlations go on by themselves: behind the rows when all were driven through, else as before them."""
        rows = self._rows
        for where in self._shown:
            where.look_up(None)
        newest = {series.last_end for series in rows.series}
        if max(newest) < rows.ends[0]:
            return
        assert newest == {rows.ends[-1]}, "rows are driven through all, or none"
        for series, compiled in self._indicators:
            compiled.hand_back(series.indicators[compiled.spec], int(rows.columns[rows.series.index(series)].start[0]))
        for pair, correlation in self._pairs:
            assert pair.first.bar is not None
            assert pair.second.bar is not None
            correlation.hand_back(pair.correlation, pair.first.bar, pair.second.bar)


def _after(column: Column, values: Float64s) -> Float64s:
    return np.concatenate(([column.value], values))


def _known(scan: Scan, rules: Rules, rows: WholeRows, made: _Made) -> KnownRows:
    ends = rows.ends
    columns = [_numbers(reading, rows, made.values) for reading in rules.readings]
    truths = np.zeros(len(ends), dtype=np.int64) + rules.truths(columns)  # type: ignore[operator]  # an array, or 0
    if rules.window is not None:
        truths |= np.fromiter((rules.window.allows(end) for end in ends), np.bool_, len(ends)) * rules.window_bit
    seen = list(zip(*(column.tolist() for column in columns), strict=True)) if columns else [()] * len(ends)
    fires = _Fires(*(_fires(rule, truths, seen) for rule in (rules.long, rules.short, rules.exit_long, rules.exit_short)))
    apart = _apart(rows)
    numbers: list[tuple[float | None, ...]] = [*seen]
    for row in np.flatnonzero(np.isnan(columns).any(axis=0)).tolist() if columns else ():
        numbers[row] = tuple(None if isnan(number) else number for number in seen[row])
    return KnownRows(
        scan=scan,
        series=rows.series,
        bars=rows.bars,
        ends=ends,
        numbers=numbers,
        truths=truths.tolist(),
        verdicts={sign: fires.verdicts(sign) for sign in POSITIONS},
        busy={sign: np.flatnonzero(apart | fires.acts(sign)).tolist() for sign in POSITIONS},
        prices={series.instrument.id: prices for series, prices in zip(rows.series, rows.prices, strict=True)},
    )


def _numbers(reading: Reading, rows: WholeRows, values: Mapping[Column, Float64s]) -> Float64s:
    """A number at each row, as the strategy reads it."""
    if reading.clock is not None:
        return np.array([reading.clock(end) for end in rows.ends])
    if reading.column is not None:
        column = values[reading.column]
        return (column[:-1] if reading.before else column[1:]) / reading.unit
    series = next(s for s in rows.series if s is reading.series)
    field = rows.field(series, reading.field).astype(np.float64)
    if reading.before:
        first = NAN if series.bar is None else float(getattr(series.bar, reading.field))
        field = np.concatenate(([first], field[:-1]))
    return field / reading.unit


class _Fires(msgspec.Struct, frozen=True):
    """At which rows each rule holds, and what RuleStrategy makes of it while a position of some sign is held."""

    long: Bools
    short: Bools
    exit_long: Bools
    exit_short: Bools

    def acts(self, sign: int) -> Bools:
        """Where something is proposed: an entry of the other side (or any while flat), or an exit."""
        if sign > 0:
            return self.exit_long | (self.short & ~self.long)
        if sign < 0:
            return self.exit_short | (self.long & ~self.short)
        return self.long ^ self.short

    def verdicts(self, sign: int) -> list[str]:
        """The verdict where nothing is proposed."""
        said = [NOTHING] * len(self.long)
        held, verdict = (self.long, LONG_HELD) if sign > 0 else (self.short, SHORT_HELD)
        for row in np.flatnonzero(held).tolist() if sign else ():
            said[row] = verdict
        for row in np.flatnonzero(self.long & self.short).tolist():
            said[row] = BOTH_SIDES
        return said


def _fires(rule: Rule, truths: Int64s, numbers: Sequence[tuple[float, ...]]) -> Bools:
    """Whether a rule holds at each row."""
    if rule.mask >= 0:
        found: Bools = (truths & rule.mask) == rule.mask
        return found
    return np.fromiter(map(rule.holds, truths.tolist(), numbers), np.bool_, len(truths))


def _apart(rows: WholeRows) -> Bools:
    """Whether a bar of the row does not begin where the one before of its series ended."""
    found = np.zeros(len(rows.ends), dtype=np.bool_)
    for series, columns in zip(rows.series, rows.columns, strict=True):
        found |= columns.start != np.concatenate(([series.last_end], columns.end[:-1]))
    return found
