"""Indicator steps: one definition each, plain Python that numba compiles unchanged.

State lives in flat sequences that the caller owns: lists live, int64 / float64 arrays when compiled. Prices come in as whole
price units; every output is a float in price units, NaN before enough bars. Only + - * / and comparisons: the same bits on
every processor. Windows are rings: ``ints[0]`` counts the bars seen.

What the registry calls has one signature, (ints, floats, high, low, close, parameters...), so that nothing stands between a
series and its step.
"""

from collections.abc import MutableSequence

Ints = MutableSequence[int]
Floats = MutableSequence[float]
NAN = float("nan")


def true_range(high: int, low: int, before: int) -> int:
    """max(high, close before) - min(low, close before), in price units (Wilder 1978)."""
    top = high if high > before else before
    bottom = low if low < before else before
    return top - bottom


def atr_wilder_step(ints: Ints, floats: Floats, high: int, low: int, close: int, n: int) -> float:
    """Wilder's ATR. ints: [bars, close before, sum of the first n]; floats: [atr].

    The first bar has no true range; the first value is the mean of the first n, then (previous x (n - 1) + new) / n: TA-Lib.
    """
    seen = ints[0]
    ints[0] = seen + 1
    before = ints[1]
    ints[1] = close
    if seen == 0:
        return NAN
    new = true_range(high, low, before)
    if seen < n:
        ints[2] += new
        return NAN
    if seen == n:
        ints[2] += new
        floats[0] = float(ints[2]) / float(n)
    else:
        floats[0] = (floats[0] * float(n - 1) + float(new)) / float(n)
    return floats[0]


def atr_mean_step(ints: Ints, _floats: Floats, high: int, low: int, close: int, n: int) -> float:
    """Mean of the last n true ranges, from an exact integer sum. ints: [bars, close before, sum, ring of n]."""
    seen = ints[0]
    ints[0] = seen + 1
    before = ints[1]
    ints[1] = close
    new = true_range(high, low, before) if seen > 0 else high - low
    place = 3 + seen % n
    ints[2] += new - ints[place]
    ints[place] = new
    if seen + 1 < n:
        return NAN
    return float(ints[2]) / float(n)


def highest_step(ints: Ints, _floats: Floats, high: int, _low: int, _close: int, n: int) -> float:
    """Highest of the last n values. ints: [seen, cached extreme, ring of n]; looked for again only when the extreme leaves."""
    seen = ints[0]
    ints[0] = seen + 1
    place = 2 + seen % n
    leaving = ints[place]
    ints[place] = high
    if seen == 0 or high >= ints[1]:
        ints[1] = high
    elif seen >= n and leaving == ints[1]:
        top = ints[2]
        for i in range(3, 2 + n):
            if ints[i] > top:
                top = ints[i]
        ints[1] = top
    if seen + 1 < n:
        return NAN
    return float(ints[1])


def lowest_step(ints: Ints, _floats: Floats, _high: int, low: int, _close: int, n: int) -> float:
    """Lowest of the last n values; as ``highest_step``."""
    seen = ints[0]
    ints[0] = seen + 1
    place = 2 + seen % n
    leaving = ints[place]
    ints[place] = low
    if seen == 0 or low <= ints[1]:
        ints[1] = low
    elif seen >= n and leaving == ints[1]:
        bottom = ints[2]
        for i in range(3, 2 + n):
            if ints[i] < bottom:
                bottom = ints[i]
        ints[1] = bottom
    if seen + 1 < n:
        return NAN
    return float(ints[1])


def donchian_step(ints: Ints, _floats: Floats, high: int, low: int, _close: int, n: int) -> tuple[float, float]:
    """Upper and lower channel of the last n bars, this one included. ints: [seen, upper, lower, ring of highs, ring of lows].

    The same as ``highest_step`` and ``lowest_step`` side by side, in one call: it stands on the hottest path.
    """
    seen = ints[0]
    ints[0] = seen + 1
    place = 3 + seen % n
    left_high = ints[place]
    left_low = ints[place + n]
    ints[place] = high
    ints[place + n] = low
    if high >= ints[1] or seen == 0:
        ints[1] = high
    elif left_high == ints[1] and seen >= n:
        top = ints[3]
        for i in range(4, 3 + n):
            if ints[i] > top:
                top = ints[i]
        ints[1] = top
    if low <= ints[2] or seen == 0:
        ints[2] = low
    elif left_low == ints[2] and seen >= n:
        bottom = ints[3 + n]
        for i in range(4 + n, 3 + 2 * n):
            if ints[i] < bottom:
                bottom = ints[i]
        ints[2] = bottom
    if seen + 1 < n:
        return NAN, NAN
    return float(ints[1]), float(ints[2])


def fractal_step(ints: Ints, at: int, value: int, k: int) -> float:
    """The value k bars ago when it lies strictly above the k before and the k after it, else NaN.

    ints from ``at``: [seen, ring of 2k + 1]. For lows give the negative prices and negate the result.
    """
    width = 2 * k + 1
    seen = ints[at]
    ints[at] = seen + 1
    ints[at + 1 + seen % width] = value
    if seen + 1 < width:
        return NAN
    place = (seen - k) % width
    middle = ints[at + 1 + place]
    for i in range(width):
        if i != place and ints[at + 1 + i] >= middle:
            return NAN
    return float(middle)


def fractals_step(ints: Ints, _floats: Floats, high: int, low: int, _close: int, k: int) -> tuple[float, float]:
    """Fractal high and fractal low that became known with this bar, else NaN. ints: twice the state of ``fractal_step``."""
    return fractal_step(ints, 0, high, k), -fractal_step(ints, 2 + 2 * k, -low, k)


def swing_step(floats: Floats, at: int, fractal: float, close: int) -> None:
    """Follow the latest known fractal. floats from ``at``: [price, status 1.0 / 0.0], both NaN before the first.

    The status falls to 0 when a close exceeds the level known before this bar, and is 1 again with a new fractal. A fractal
    that becomes known with this bar is judged from the next bar on. For lows give negative prices.
    """
    if floats[at + 1] == 1.0 and float(close) > floats[at]:
        floats[at + 1] = 0.0
    if fractal == fractal:
        floats[at] = fractal
        floats[at + 1] = 1.0


def swings_step(ints: Ints, floats: Floats, high: int, low: int, close: int, k: int) -> tuple[float, float, float, float]:
    """Swing high, swing low, and their statuses. ints as ``fractals_step``; floats: [high, status, negative low, status]."""
    swing_step(floats, 0, fractal_step(ints, 0, high, k), close)
    swing_step(floats, 2, fractal_step(ints, 2 + 2 * k, -low, k), -close)
    return floats[0], -floats[2], floats[1], floats[3]


def sma_step(ints: Ints, _floats: Floats, _high: int, _low: int, close: int, n: int) -> float:
    """Mean of the last n values, from an exact integer sum. ints: [seen, sum, ring of n]."""
    seen = ints[0]
    ints[0] = seen + 1
    place = 2 + seen % n
    ints[1] += close - ints[place]
    ints[place] = close
    if seen + 1 < n:
        return NAN
    return float(ints[1]) / float(n)


def ema_step(ints: Ints, floats: Floats, _high: int, _low: int, close: int, n: int) -> float:
    """Exponential mean, factor 2 / (n + 1), begun with the mean of the first n values: TA-Lib.

    ints: [seen, sum]; floats: [ema].
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
    """Wilder's RSI, 0 to 100. ints: [seen, close before, sum of gains, sum of losses]; floats: [mean gain, mean loss]. TA-Lib.

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


def trailing_step(floats: Floats, at: int, atr: float, close: int, m: float) -> float:
    """ATR trailing stop. floats from ``at``: [level, side 1.0 / -1.0 / 0.0].

    Long side: max(previous, close - m x ATR); a close through it flips the side. Short mirrored.
    """
    if atr != atr:
        return NAN
    price = float(close)
    width = m * atr
    if floats[at + 1] == 0.0:
        floats[at + 1] = 1.0
        floats[at] = price - width
    elif floats[at + 1] > 0.0:
        if price < floats[at]:
            floats[at + 1] = -1.0
            floats[at] = price + width
        elif price - width > floats[at]:
            floats[at] = price - width
    elif price > floats[at]:
        floats[at + 1] = 1.0
        floats[at] = price - width
    elif price + width < floats[at]:
        floats[at] = price + width
    return floats[at]


def atr_stop_step(ints: Ints, floats: Floats, high: int, low: int, close: int, n: int, m: float) -> tuple[float, float]:
    """ATR trailing stop and its side. ints as ``atr_wilder_step``; floats: [atr, level, side]."""
    atr = atr_wilder_step(ints, floats, high, low, close, n)
    return trailing_step(floats, 1, atr, close, m), floats[2]
