"""Indicators kept one bar at a time: a thin holder around each step of kernels.py, with its outputs as columns."""

from collections.abc import Callable

from theo.domain.market_data import Bar
from theo.market.indicators import kernels as k
from theo.market.indicators import pivots
from theo.market.indicators.column import Column
from theo.market.indicators.spec import IndicatorSpec

NAN = float("nan")
Step = Callable[[list[int], list[float], Bar], tuple[float, ...]]


class Indicator:
    """One indicator on one series. ``ints`` and ``floats`` are the step's whole state; ``origin`` is the first bar's start."""

    __slots__ = ("_step", "columns", "floats", "ints", "origin", "outputs", "spec")

    def __init__(self, spec: IndicatorSpec, step: Step, ints: list[int], floats: list[float]) -> None:
        self.spec, self._step, self.ints, self.floats = spec, step, ints, floats
        self.columns = tuple(Column() for _ in spec.definition.outputs)
        self.outputs = dict(zip(spec.definition.outputs, self.columns, strict=True))
        self.origin = 0

    def update(self, bar: Bar) -> None:
        """Take one closed bar."""
        if not self.origin:
            self.origin = bar.start
        for column, value in zip(self.columns, self._step(self.ints, self.floats, bar), strict=True):
            column.previous = column.value
            column.value = value

    def state(self) -> object:
        """Plain lists that ``restore`` takes back; NaN as None."""
        values = [(_plain(c.value), _plain(c.previous)) for c in self.columns]
        return [self.origin, list(self.ints), [_plain(f) for f in self.floats], values]

    def restore(self, state: object) -> None:
        """Go on where ``state`` was taken."""
        assert isinstance(state, list | tuple)
        self.origin = state[0]
        self.ints[:] = state[1]
        self.floats[:] = [NAN if f is None else f for f in state[2]]
        for column, (value, previous) in zip(self.columns, state[3], strict=True):
            column.value = NAN if value is None else value
            column.previous = NAN if previous is None else previous


def _plain(value: float) -> float | None:
    return None if value != value else value


def live(spec: IndicatorSpec) -> Indicator:
    """A fresh holder of the indicator."""
    ints, floats, step = BUILDERS[spec.name](spec)
    return Indicator(spec, step, ints, floats)


Built = tuple[list[int], list[float], Step]


def _atr(spec: IndicatorSpec) -> Built:
    n = spec.number("n")
    if spec["smoothing"] == "mean":
        return [0] * (3 + n), [], lambda i, _f, b: (k.atr_mean_step(i, b.high, b.low, b.close, n),)
    return [0] * 3, [NAN], lambda i, f, b: (k.atr_wilder_step(i, f, b.high, b.low, b.close, n),)


def _donchian(spec: IndicatorSpec) -> Built:
    n = spec.number("n")
    return [0] * (2 * (2 + n)), [], lambda i, _f, b: k.donchian_step(i, b.high, b.low, n)


def _fractal(spec: IndicatorSpec) -> Built:
    n = spec.number("k")
    return [0] * (2 * (2 + 2 * n)), [], lambda i, _f, b: k.fractals_step(i, b.high, b.low, n)


def _swing(spec: IndicatorSpec) -> Built:
    n = spec.number("k")
    return [0] * (2 * (2 + 2 * n)), [NAN] * 4, lambda i, f, b: k.swings_step(i, f, b.high, b.low, b.close, n)


def _atr_stop(spec: IndicatorSpec) -> Built:
    n, m = spec.number("n"), float(spec["m"])

    def step(ints: list[int], floats: list[float], bar: Bar) -> tuple[float, float]:
        atr = k.atr_wilder_step(ints, floats, bar.high, bar.low, bar.close, n)
        level = k.trailing_step(floats, 1, atr, bar.close, m)
        return level, floats[2]

    return [0] * 3, [NAN, NAN, 0.0], step


def _sma(spec: IndicatorSpec) -> Built:
    n = spec.number("n")
    return [0] * (2 + n), [], lambda i, _f, b: (k.sma_step(i, b.close, n),)


def _highest(spec: IndicatorSpec) -> Built:
    n = spec.number("n")
    return [0] * (2 + n), [], lambda i, _f, b: (k.highest_step(i, 0, b.high, n),)


def _lowest(spec: IndicatorSpec) -> Built:
    n = spec.number("n")
    return [0] * (2 + n), [], lambda i, _f, b: (k.lowest_step(i, 0, b.low, n),)


def _ema(spec: IndicatorSpec) -> Built:
    n = spec.number("n")
    return [0] * 2, [NAN], lambda i, f, b: (k.ema_step(i, f, b.close, n),)


def _rsi(spec: IndicatorSpec) -> Built:
    n = spec.number("n")
    return [0] * 4, [NAN, NAN], lambda i, f, b: (k.rsi_step(i, f, b.close, n),)


BUILDERS: dict[str, Callable[[IndicatorSpec], Built]] = {
    "atr": _atr,
    "donchian": _donchian,
    "fractal": _fractal,
    "swing": _swing,
    "atr_stop": _atr_stop,
    "pivot": pivots.build,
    "sma": _sma,
    "ema": _ema,
    "rsi": _rsi,
    "highest": _highest,
    "lowest": _lowest,
}
