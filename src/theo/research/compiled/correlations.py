"""Correlations over arrays."""

from typing import NamedTuple, Self, cast

import msgspec
import numpy as np

from theo.domain.errors import DataError
from theo.domain.market_data import Bar
from theo.market.correlation import DAILY_GAP_DAYS_MAX, CorrelationSpec, PairCorrelation, correlation_kernel
from theo.research.compiled.bar_columns import BarColumns, Bools, Float64s, Int64s, Numbers, columns_of
from theo.research.compiled.compiling import compiled_loop
from theo.research.compiled.indicators import SPREAD_MAX
from theo.research.compiled.loops import continues, correlations, log_returns

NAN = float("nan")
# Of PairCorrelation.state(): newest end, newest bars, rings, counts, newest value and the one before
_State = tuple[int, Bar | None, Bar | None, list[float], list[float], list[int], float | None, float | None]
LAST = np.array([-1])


class Correlated(NamedTuple):
    """The joined bars' ends, and the correlation known at each of them (NaN while there is none)."""

    end: Int64s
    value: Float64s


def correlate(spec: CorrelationSpec, first: BarColumns, second: BarColumns) -> Correlated:
    """The rolling correlation of two series at each bar end that both have: the same bits as the live form gives.

    Raises DataError where a sum would not fit 64 bits.
    """
    return CompiledCorrelation(spec).extend(first, second)


class CompiledCorrelation:
    """A correlation over bars that come in pieces, both series cut at one time; however they are cut, the values are the same."""

    def __init__(self, spec: CorrelationSpec) -> None:
        kernel = correlation_kernel(spec)
        self.spec, self._kernel = spec, kernel
        self._ints = np.zeros(kernel.ints, dtype=np.int64)
        shape = (2, kernel.ring)
        self._rings: Numbers = np.zeros(shape, dtype=np.int64) if kernel.whole else np.zeros(shape)
        self._before: tuple[BarColumns, BarColumns] | None = None  # the newest joined bar of each
        # Prices are correlated as distances from the first: the same exact result, smaller sums
        self._origins: tuple[int, int] | None = None
        self._value = NAN

    @classmethod
    def going_on(cls, live: PairCorrelation) -> Self:
        """From where the live form stands. Raises DataError and OverflowError where a sum would not fit 64 bits."""
        made = cls(live.spec)
        _end, first, second, xs, ys, ints, value, _previous = cast("_State", live.state())
        made._ints[:] = ints
        made._rings[:] = xs, ys
        if made._kernel.whole:
            made._check_spread(made._rings)
        if first is not None and second is not None:
            made._before = columns_of([first]), columns_of([second])
        made._value = NAN if value is None else value
        made._origins = 0, 0  # the live form's sums are of whole prices
        return made

    def hand_back(self, live: PairCorrelation, first: Bar, second: Bar) -> None:
        """Let the live form, whose column shows the newest joined bars, stand here; they are ``first`` and ``second``."""
        state = live.state()
        assert isinstance(state, list)
        state[1:6] = first, second, *self._rings.tolist(), self._ints.tolist()
        live.restore(state)

    def extend(self, first: BarColumns, second: BarColumns) -> Correlated:
        """The correlation at the next joined bars. Raises DataError where a sum would not fit 64 bits."""
        first, second = _joined(first, second)
        end = first.end
        if not len(end):
            return Correlated(end, np.empty(0))
        pairs, kept = self._pairs(first, second)
        out = np.full(len(end), NAN)
        known = out[len(end) - len(kept) :]  # the first joined bar of all has no return
        loop = compiled_loop(correlations, "correlation_step", self._kernel.step)
        loop(self._ints, self._rings, pairs, kept, self._value, self.spec.minimum, known)
        self._before = first[LAST], second[LAST]
        self._value = float(out[-1])
        return Correlated(end, out)

    def _pairs(self, first: BarColumns, second: BarColumns) -> tuple[Numbers, Bools]:
        """What is correlated at the joined bars, (2, pairs), and which pairs are kept."""
        if self.spec.input == "price":
            if self._origins is None:
                self._origins = int(first.close[0]), int(second.close[0])
            prices = np.stack([first.close - self._origins[0], second.close - self._origins[1]])
            self._check_spread(prices)
            return prices, np.ones(len(first), dtype=np.bool_)
        if self._before is not None:
            first, second = _after(self._before[0], first), _after(self._before[1], second)
        kept = np.ones(len(first) - 1, dtype=np.bool_)
        if self.spec.gap_returns == "drop":
            kept &= _consecutive(first) & _consecutive(second)
        if self.spec.input == "change":
            changes = np.stack([np.diff(first.close), np.diff(second.close)])
            self._check_spread(changes)
            return changes, kept
        logs = np.stack([_log_returns(first), _log_returns(second)])
        return logs, kept & ~np.isnan(logs).any(axis=0)

    def _check_spread(self, pairs: Numbers) -> None:
        largest = int(np.abs(pairs).max(initial=0))
        if self.spec.method == "pearson" and self.spec.window * largest > SPREAD_MAX:
            raise DataError(
                f"a correlation of {self.spec.input} over {self.spec.window} pairs with one of {largest:,} price units",
                why="64-bit sums of squares would overflow",
                remedy="Correlate log returns, use a coarser price unit or a shorter window",
            )


def _joined(first: BarColumns, second: BarColumns) -> tuple[BarColumns, BarColumns]:
    """The bars of both that end together."""
    if np.array_equal(first.end, second.end):
        return first, second
    _, at_first, at_second = np.intersect1d(first.end, second.end, assume_unique=True, return_indices=True)
    return first[at_first], second[at_second]


def _after(before: BarColumns, bars: BarColumns) -> BarColumns:
    """Bars with one put before them."""
    columns = msgspec.structs.asdict(bars).items()
    return BarColumns(**{name: np.concatenate([getattr(before, name), column]) for name, column in columns})


def _consecutive(bars: BarColumns) -> Bools:
    """Whether each bar but the first continues the one before in the same contract."""
    out = np.empty(len(bars) - 1, dtype=np.bool_)
    compiled_loop(continues)(bars.start, bars.end, bars.session_date, DAILY_GAP_DAYS_MAX, out)
    same: Bools = bars.contract[1:] == bars.contract[:-1]
    return out & same


def _log_returns(bars: BarColumns) -> Float64s:
    out = np.empty(len(bars) - 1)
    compiled_loop(log_returns)(bars.close, out)
    return out
