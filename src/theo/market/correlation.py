"""Rolling correlation of two series: bars joined first, returns between consecutive joined bars, then the window.

A return across a session break, a gap or a roll is dropped unless ``gap_returns`` is "keep". Nothing is filled forward. A log
return to or from a price that is not positive does not exist and is dropped too.
"""

from collections.abc import Callable
from math import isnan
from typing import Literal, NamedTuple

import msgspec

from theo.domain.errors import ConfigError, CorruptionError
from theo.domain.market_data import Bar
from theo.market.correlation_kernels import follows, kendall_step, pearson_float_step, pearson_int_step, spearman_step
from theo.market.indicators.column import Column
from theo.market.logarithm import log_return

Method = Literal["pearson", "spearman", "kendall"]
PAIRS_MIN = 2  # fewer have no correlation
WINDOW_PAIRS_MAX = 1_000
DAILY_GAP_DAYS_MAX = 4  # calendar days between daily bars that follow each other: Thursday to Monday, or Friday to Tuesday
NAN = float("nan")


class CorrelationSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What is correlated over how many kept pairs, the current one included."""

    method: Method = "pearson"
    window: int = 50
    minimum: int = 30
    input: Literal["log_return", "change", "price"] = "log_return"
    gap_returns: Literal["drop", "keep"] = "drop"

    def __post_init__(self) -> None:
        if not PAIRS_MIN <= self.minimum <= self.window <= WINDOW_PAIRS_MAX:
            raise ConfigError(
                f"correlation window {self.window} with minimum {self.minimum}",
                remedy=f"Use {PAIRS_MIN} <= minimum <= window <= {WINDOW_PAIRS_MAX}",
            )


class CorrelationKernel(NamedTuple):
    """A step and the lengths of its state, which begins as zeros: ``ints``, and the rings of both sides.

    ``whole``: the inputs are integers.
    """

    step: Callable[..., float]
    ints: int
    ring: int
    whole: bool


def correlation_kernel(spec: CorrelationSpec) -> CorrelationKernel:
    """The kernel of a correlation: the same for the live form and the compiled one."""
    window, whole = spec.window, spec.input != "log_return"
    if spec.method == "spearman":
        return CorrelationKernel(spearman_step, 1 + 2 * window, window, whole)
    if spec.method == "kendall":
        return CorrelationKernel(kendall_step, 4, window, whole)
    if whole:
        return CorrelationKernel(pearson_int_step, 6, window, whole)
    return CorrelationKernel(pearson_float_step, 3, 2 * window, whole)


class PairCorrelation:
    """The correlation of a first and a second series, with its newest value and the end of the bar it holds for.

    ``column.value`` is the value at the newest joined bar; where that brought no pair, the window stands as it was.
    """

    __slots__ = ("_drop", "_first", "_input", "_ints", "_minimum", "_second", "_step", "_xs", "_ys", "column", "last_end", "spec")

    def __init__(self, spec: CorrelationSpec) -> None:
        self.spec = spec
        self.column = Column()
        self.last_end = 0
        self._minimum = spec.minimum
        self._first: Bar | None = None
        self._second: Bar | None = None
        kernel = correlation_kernel(spec)
        self._step, self._input, self._drop = kernel.step, spec.input, spec.gap_returns == "drop"
        zero: float = 0 if kernel.whole else 0.0  # whole inputs keep whole sums
        self._xs, self._ys = [zero] * kernel.ring, [zero] * kernel.ring
        self._ints = [0] * kernel.ints

    def join(self, first: Bar, second: Bar) -> None:
        """Take a pair of bars with the same end."""
        before, other = self._first, self._second
        self._first, self._second, self.last_end = first, second, first.end
        column = self.column
        column.previous = column.value
        kind = self._input
        x: float
        y: float
        if kind == "price":
            x, y = first.close, second.close
        elif before is None or other is None:
            return
        elif (
            self._drop
            and not (
                first.start == before.end
                and second.start == other.end
                and first.contract == before.contract == ""
                and second.contract == other.contract == ""
            )
            and not consecutive(before, other, first, second)
        ):  # asked only where it is not plain: a call costs more than the rest
            return
        elif kind == "change":
            x, y = first.close - before.close, second.close - other.close
        else:
            x, y = log_return(before.close, first.close), log_return(other.close, second.close)
            if isnan(x) or isnan(y):
                return
        column.value = self._step(self._ints, self._xs, self._ys, x, y, self._minimum)

    def state(self) -> object:
        """Plain values that ``restore`` takes back."""
        value, previous = (None if isnan(v) else v for v in (self.column.value, self.column.previous))
        return [self.last_end, self._first, self._second, list(self._xs), list(self._ys), list(self._ints), value, previous]

    def restore(self, state: object) -> None:
        """Go on where ``state`` was taken. Raises CorruptionError for the state of another kind of correlation."""
        lengths = [len(self._xs), len(self._ys), len(self._ints)]
        if not isinstance(state, list | tuple) or [len(part) for part in state[3:6]] != lengths:
            raise CorruptionError(
                "the stored state has another shape than the correlation",
                where=f"{self.spec.method}({self.spec.window})",
                remedy="Delete the snapshot: the same state follows from the stored bars",
            )
        self.last_end = state[0]
        self._first, self._second = (None if b is None else msgspec.convert(b, Bar) for b in state[1:3])
        self._xs[:], self._ys[:], self._ints[:] = state[3], state[4], state[5]
        value, previous = (NAN if v is None else v for v in state[6:8])
        self.column.value, self.column.previous = value, previous


def consecutive(before: Bar, other: Bar, first: Bar, second: Bar) -> bool:
    """Whether a return between two joined pairs of bars crosses no session break, gap or roll.

    Intraday bars start where the one before ended. Between daily bars lies one session break by nature: there, more than
    ``DAILY_GAP_DAYS_MAX`` days are a gap. Neither side changes its contract.
    """
    return (
        follows(before.end, before.session_date, first.start, first.session_date, DAILY_GAP_DAYS_MAX)
        and follows(other.end, other.session_date, second.start, second.session_date, DAILY_GAP_DAYS_MAX)
        and first.contract == before.contract
        and second.contract == other.contract
    )
