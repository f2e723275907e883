"""Loops over bars and pairs. Nothing computes here: they call the steps of theo.market.

``step``, ``steps`` and ``correlation_step`` are places into which theo.research.compiled.compiling puts a step. State goes in and
out through arrays, so that a loop goes on where another one ended.
"""

from theo.market.correlation_kernels import follows
from theo.market.indicators.kernels import Ints
from theo.market.indicators.kernels.pivots import session_begins_step
from theo.market.logarithm import log_return
from theo.research.compiled.bar_columns import Bools, Float64s, Int64s, Numbers


def step(*_arguments: object) -> float:
    """The place of an indicator's step with one output."""
    raise NotImplementedError


def steps(*_arguments: object) -> tuple[float, ...]:
    """The place of an indicator's step with several outputs."""
    raise NotImplementedError


def correlation_step(*_arguments: object) -> float:
    """The place of a correlation's step."""
    raise NotImplementedError


def one_output(
    ints: Int64s, floats: Float64s, high: Int64s, low: Int64s, close: Int64s, parameters: tuple[float, ...], out: Float64s
) -> None:
    """An indicator with one output. out: (1, bars)."""
    for i in range(len(close)):
        out[0, i] = step(ints, floats, high[i], low[i], close[i], *parameters)


def many_outputs(
    ints: Int64s, floats: Float64s, high: Int64s, low: Int64s, close: Int64s, parameters: tuple[float, ...], out: Float64s
) -> None:
    """An indicator with several outputs. out: (outputs, bars)."""
    for i in range(len(close)):
        values = steps(ints, floats, high[i], low[i], close[i], *parameters)
        for j in range(len(values)):
            out[j, i] = values[j]


def by_session(
    ints: Int64s, floats: Float64s, high: Int64s, low: Int64s, close: Int64s, begins: Int64s, kind: int, out: Float64s
) -> None:
    """An indicator whose step is told where sessions begin. out: (outputs, bars)."""
    for i in range(len(close)):
        values = steps(ints, floats, high[i], low[i], close[i], begins[i], kind)
        for j in range(len(values)):
            out[j, i] = values[j]


def session_begins(ints: Ints, start: Int64s, end: Int64s, session_date: Int64s, out: Int64s) -> None:
    """1 where a bar begins a session after another one, else 0."""
    for i in range(len(start)):
        out[i] = session_begins_step(ints, start[i], end[i], session_date[i])


def log_returns(close: Int64s, out: Float64s) -> None:
    """out[i]: the log return from close[i] to close[i + 1]."""
    for i in range(len(out)):
        out[i] = log_return(close[i], close[i + 1])


def continues(start: Int64s, end: Int64s, session_date: Int64s, gap_days_max: int, out: Bools) -> None:
    """out[i]: whether bar i + 1 follows bar i without a break."""
    for i in range(len(out)):
        out[i] = follows(end[i], session_date[i], start[i + 1], session_date[i + 1], gap_days_max)


def correlations(ints: Int64s, rings: Numbers, pairs: Numbers, kept: Bools, held: float, minimum: int, out: Float64s) -> None:
    """out[i]: the correlation after pair i, or the value before where that pair is not kept; ``held`` before the first.

    rings: (2, ring); pairs: (2, pairs).
    """
    xs, ys, x, y = rings[0], rings[1], pairs[0], pairs[1]
    value = held
    for i in range(len(out)):
        if kept[i]:
            value = correlation_step(ints, xs, ys, x[i], y[i], minimum)
        out[i] = value
