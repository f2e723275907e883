"""Which step keeps which indicator, and with how much state."""

from collections.abc import Callable

from theo.market.indicators import kernels as k
from theo.market.indicators.indicator import NAN, Indicator, Step
from theo.market.indicators.pivots import PivotPoints
from theo.market.indicators.spec import IndicatorSpec


def live(spec: IndicatorSpec) -> Indicator:
    """A fresh holder of the indicator."""
    return BUILDERS[spec.name](spec)


def _atr(spec: IndicatorSpec) -> Indicator:
    n = spec.number("n")
    if spec["smoothing"] == "mean":
        return Indicator(spec, k.atr_mean_step, [0] * (3 + n), [], n)
    return Indicator(spec, k.atr_wilder_step, [0] * 3, [NAN], n)


def _donchian(spec: IndicatorSpec) -> Indicator:
    n = spec.number("n")
    return Indicator(spec, k.donchian_step, [0] * (3 + 2 * n), [], n)


def _fractal(spec: IndicatorSpec) -> Indicator:
    n = spec.number("k")
    return Indicator(spec, k.fractals_step, [0] * (2 * (2 + 2 * n)), [], n)


def _swing(spec: IndicatorSpec) -> Indicator:
    n = spec.number("k")
    return Indicator(spec, k.swings_step, [0] * (2 * (2 + 2 * n)), [NAN] * 4, n)


def _atr_stop(spec: IndicatorSpec) -> Indicator:
    return Indicator(spec, k.atr_stop_step, [0] * 3, [NAN, NAN, 0.0], spec.number("n"), float(spec["m"]))


def _window(step: Step) -> Callable[[IndicatorSpec], Indicator]:
    def build(spec: IndicatorSpec) -> Indicator:
        n = spec.number("n")
        return Indicator(spec, step, [0] * (2 + n), [], n)

    return build


def _ema(spec: IndicatorSpec) -> Indicator:
    return Indicator(spec, k.ema_step, [0] * 2, [NAN], spec.number("n"))


def _rsi(spec: IndicatorSpec) -> Indicator:
    return Indicator(spec, k.rsi_step, [0] * 4, [NAN, NAN], spec.number("n"))


BUILDERS: dict[str, Callable[[IndicatorSpec], Indicator]] = {
    "atr": _atr,
    "donchian": _donchian,
    "fractal": _fractal,
    "swing": _swing,
    "atr_stop": _atr_stop,
    "pivot": PivotPoints,
    "sma": _window(k.sma_step),
    "ema": _ema,
    "rsi": _rsi,
    "highest": _window(k.highest_step),
    "lowest": _window(k.lowest_step),
}
