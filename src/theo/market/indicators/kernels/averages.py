"""Averages of closes, their spread, and the relative strength."""

from math import sqrt

from theo.market.indicators.kernels import NAN, Floats, Ints


def sma_step(ints: Ints, _floats: Floats, _high: int, _low: int, close: int, n: int) -> float:
    """Mean of the last n values, from an exact integer sum. ints: [bars, sum, ring of n]."""
    seen = ints[0]
    ints[0] = seen + 1
    place = 2 + seen % n
    ints[1] += close - ints[place]
    ints[place] = close
    if seen + 1 < n:
        return NAN
    return float(ints[1]) / float(n)


def std_step(ints: Ints, _floats: Floats, _high: int, _low: int, close: int, n: int) -> float:
    """Standard deviation of the last n closes, divided by n as TA-Lib does, from exact integer sums.

    ints: [bars, first close, sum, sum of squares, ring of n]. Sums are of distances from the first close: the exact result does
    not depend on that origin, and the sums stay small.
    """
    seen = ints[0]
    ints[0] = seen + 1
    if seen == 0:
        ints[1] = close
    new = close - ints[1]
    place = 4 + seen % n
    left = ints[place]
    ints[place] = new
    ints[2] += new - left
    ints[3] += new * new - left * left
    if seen + 1 < n:
        return NAN
    return sqrt(float(n * ints[3] - ints[2] * ints[2])) / float(n)


def ema_step(ints: Ints, floats: Floats, _high: int, _low: int, close: int, n: int) -> float:
    """Exponential mean, factor 2 / (n + 1), begun with the mean of the first n values: TA-Lib.

    ints: [bars, sum]; floats: [ema].
    """
    seen = ints[0]
    ints[0] = seen + 1
    if seen + 1 < n:
        ints[1] += close
        return NAN
    if seen + 1 == n:
        ints[1] += close
        floats[0] = float(ints[1]) / float(n)
    else:
        floats[0] = floats[0] + (float(close) - floats[0]) * (2.0 / float(n + 1))
    return floats[0]


def rsi_step(ints: Ints, floats: Floats, _high: int, _low: int, close: int, n: int) -> float:
    """Wilder's RSI, 0 to 100. ints: [bars, close before, sum of gains, sum of losses]; floats: [mean gain, mean loss]. TA-Lib.

    Without any movement in the window the result is 0, as TA-Lib has it.
    """
    seen = ints[0]
    ints[0] = seen + 1
    change = close - ints[1]
    ints[1] = close
    if seen == 0:
        return NAN
    gain = change if change > 0 else 0
    loss = -change if change < 0 else 0
    if seen <= n:
        ints[2] += gain
        ints[3] += loss
        if seen < n:
            return NAN
        floats[0] = float(ints[2]) / float(n)
        floats[1] = float(ints[3]) / float(n)
    else:
        floats[0] = (floats[0] * float(n - 1) + float(gain)) / float(n)
        floats[1] = (floats[1] * float(n - 1) + float(loss)) / float(n)
    total = floats[0] + floats[1]
    if total == 0.0:
        return 0.0
    return 100.0 * (floats[0] / total)
