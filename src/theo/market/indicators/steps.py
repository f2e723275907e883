"""Which step computes which indicator, and the state it begins with: the same for the live form and the compiled one."""

from collections.abc import Callable
from typing import NamedTuple

from theo.market.indicators.kernels import NAN, averages, levels, pivots, ranges
from theo.market.indicators.spec import IndicatorSpec

Step = Callable[..., float | tuple[float, ...]]  # (ints, floats, high, low, close, parameters...) -> one float, or one per output


class Kernel(NamedTuple):
    """A step, its parameters after the bar's prices, and its state before the first bar.

    ``warm_up_bars`` is the number of bars with which the first value can exist; a fractal may take longer, pivots take a session.
    ``recursive``: the values depend on the bar it began with; all others are the same from any start, once warmed up.
    ``by_session``: the step also takes, after the prices, whether the bar begins a session (kernels.pivots.session_begins_step).
    ``squares``: it sums squared distances from the first close, which are the first to leave 64 bits when compiled.
    """

    step: Step
    parameters: tuple[int | float, ...]
    ints: list[int]
    floats: list[float]
    warm_up_bars: int
    recursive: bool = False
    by_session: bool = False
    squares: bool = False


def kernel_of(spec: IndicatorSpec) -> Kernel:
    """The kernel of an indicator, with state of its own."""
    return KERNELS[spec.name](spec)


def _true_range(_spec: IndicatorSpec) -> Kernel:
    return Kernel(ranges.true_range_sum_step, (1,), [0] * 4, [], 2)


def _true_range_sum(spec: IndicatorSpec) -> Kernel:
    n = spec.number("n")
    return Kernel(ranges.true_range_sum_step, (n,), [0] * (3 + n), [], n + 1)


def _atr(spec: IndicatorSpec) -> Kernel:
    n = spec.number("n")
    if spec["smoothing"] == "mean":
        return Kernel(ranges.atr_mean_step, (n,), [0] * (3 + n), [], n + 1)
    return Kernel(ranges.atr_wilder_step, (n,), [0] * 3, [NAN], n + 1, recursive=True)


def _atr_stop(spec: IndicatorSpec) -> Kernel:
    n = spec.number("n")
    return Kernel(ranges.atr_stop_step, (n, float(spec["m"])), [0] * 3, [NAN] * 3, n + 1, recursive=True)


def _donchian(spec: IndicatorSpec) -> Kernel:
    n = spec.number("n")
    return Kernel(levels.donchian_step, (n,), [0] * (3 + 2 * n), [], n)


def _fractal(spec: IndicatorSpec) -> Kernel:
    k = spec.number("k")
    return Kernel(levels.fractals_step, (k,), [0] * (4 + 4 * k), [], 2 * k + 1)


def _swing(spec: IndicatorSpec) -> Kernel:
    k = spec.number("k")
    return Kernel(levels.swings_step, (k,), [0] * (4 + 4 * k), [NAN] * 4, 2 * k + 1, recursive=True)


def _pivot(spec: IndicatorSpec) -> Kernel:
    kind = {"classic": pivots.CLASSIC, "fibonacci": pivots.FIBONACCI, "camarilla": pivots.CAMARILLA}[str(spec["kind"])]
    return Kernel(pivots.pivot_step, (kind,), [0] * 6, [NAN] * 7, 2, recursive=True, by_session=True)


def _std(spec: IndicatorSpec) -> Kernel:
    n = spec.number("n")
    return Kernel(averages.std_step, (n,), [0] * (4 + n), [], n, squares=True)


def _ema(spec: IndicatorSpec) -> Kernel:
    n = spec.number("n")
    return Kernel(averages.ema_step, (n,), [0] * 2, [NAN], n, recursive=True)


def _rsi(spec: IndicatorSpec) -> Kernel:
    n = spec.number("n")
    return Kernel(averages.rsi_step, (n,), [0] * 4, [NAN, NAN], n + 1, recursive=True)


def _window(step: Step) -> Callable[[IndicatorSpec], Kernel]:
    """A step with one cached number and one ring."""

    def kernel(spec: IndicatorSpec) -> Kernel:
        n = spec.number("n")
        return Kernel(step, (n,), [0] * (2 + n), [], n)

    return kernel


KERNELS: dict[str, Callable[[IndicatorSpec], Kernel]] = {
    "true_range": _true_range,
    "true_range_sum": _true_range_sum,
    "atr": _atr,
    "atr_stop": _atr_stop,
    "donchian": _donchian,
    "highest": _window(levels.highest_step),
    "lowest": _window(levels.lowest_step),
    "fractal": _fractal,
    "swing": _swing,
    "pivot": _pivot,
    "sma": _window(averages.sma_step),
    "std": _std,
    "ema": _ema,
    "rsi": _rsi,
}
