"""Rolling correlation of two series: bars joined first, returns between consecutive joined bars, then the window.

A return across a session break, a gap or a roll is dropped unless ``gap_returns`` is "keep": consecutive means that this bar
starts where the previous joined bar ended and that neither side changed its contract. Nothing is filled forward.
"""

from collections.abc import Callable
from math import isnan
from typing import Literal

import msgspec

from theo.domain.errors import ConfigError
from theo.domain.market_data import Bar
from theo.market.correlation_kernels import kendall_step, pearson_float_step, pearson_int_step, spearman_step
from theo.market.indicators.column import Column
from theo.market.logarithm import ln

Method = Literal["pearson", "spearman", "kendall"]
PAIRS_MIN = 2  # fewer have no correlation
WINDOW_PAIRS_MAX = 1_000


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


class PairCorrelation:
    """The correlation of a first and a second series, with its newest value and the end of the bar it holds for."""

    __slots__ = ("_drop", "_first", "_ints", "_second", "_step", "_whole", "_xs", "_ys", "column", "last_end", "spec")

    def __init__(self, spec: CorrelationSpec) -> None:
        self.spec = spec
        self.column = Column()
        self.last_end = 0
        self._first: Bar | None = None
        self._second: Bar | None = None
        self._whole = spec.input != "log_return"
        self._drop = spec.gap_returns == "drop"
        pearson = pearson_int_step if self._whole else pearson_float_step
        self._step: Callable[..., float] = {"spearman": spearman_step, "kendall": kendall_step}.get(spec.method, pearson)
        zero: float = 0 if self._whole else 0.0  # whole inputs keep whole sums
        self._xs, self._ys = [zero] * spec.window, [zero] * spec.window
        self._ints = [0] * 6

    def join(self, first: Bar, second: Bar) -> None:
        """Take a pair of bars with the same end."""
        before, other = self._first, self._second
        self._first, self._second, self.last_end = first, second, first.end
        column = self.column
        if self.spec.input == "price":
            value = self._step(self._ints, self._xs, self._ys, first.close, second.close, self.spec.minimum)
        elif before is None or other is None:
            return
        elif self._drop and not consecutive(before, other, first, second):
            value = column.value  # no new pair: the window stands
        elif self._whole:
            x, y = first.close - before.close, second.close - other.close
            value = self._step(self._ints, self._xs, self._ys, x, y, self.spec.minimum)
        else:
            rx, ry = ln(first.close / before.close), ln(second.close / other.close)
            value = self._step(self._ints, self._xs, self._ys, rx, ry, self.spec.minimum)
        column.previous = column.value
        column.value = value

    def state(self) -> object:
        """Plain values that ``restore`` takes back."""
        value, previous = (None if isnan(v) else v for v in (self.column.value, self.column.previous))
        return [self.last_end, self._first, self._second, list(self._xs), list(self._ys), list(self._ints), value, previous]

    def restore(self, state: object) -> None:
        """Go on where ``state`` was taken."""
        assert isinstance(state, list | tuple)
        self.last_end = state[0]
        self._first, self._second = (None if b is None else msgspec.convert(b, Bar) for b in state[1:3])
        self._xs[:], self._ys[:], self._ints[:] = state[3], state[4], state[5]
        value, previous = (float("nan") if v is None else v for v in state[6:8])
        self.column.value, self.column.previous = value, previous


def consecutive(before: Bar, other: Bar, first: Bar, second: Bar) -> bool:
    """Whether a return between two joined pairs of bars crosses no session break, gap or roll."""
    return (
        first.start == before.end
        and second.start == other.end
        and first.contract == before.contract
        and second.contract == other.contract
    )
