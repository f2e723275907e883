"""True range, its averages, and the trailing stop that follows from them."""

from theo.market.indicators.kernels import NAN, Floats, Ints


def true_range(high: int, low: int, before: int) -> int:
    """max(high, close before) - min(low, close before), in price units (Wilder 1978)."""
    top = high if high > before else before
    bottom = low if low < before else before
    return top - bottom


def true_range_sum_step(ints: Ints, _floats: Floats, high: int, low: int, close: int, n: int) -> float:
    """Exact sum of the last n true ranges; the first bar has none. ints: [bars, close before, sum, ring of n]."""
    seen = ints[0]
    ints[0] = seen + 1
    before = ints[1]
    ints[1] = close
    if seen == 0:
        return NAN
    new = true_range(high, low, before)
    place = 3 + seen % n
    ints[2] += new - ints[place]
    ints[place] = new
    if seen < n:
        return NAN
    return float(ints[2])


def atr_mean_step(ints: Ints, floats: Floats, high: int, low: int, close: int, n: int) -> float:
    """Mean of the last n true ranges. ints as ``true_range_sum_step``."""
    return true_range_sum_step(ints, floats, high, low, close, n) / float(n)


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


def trailing_step(floats: Floats, at: int, atr: float, close: int, m: float) -> float:
    """ATR trailing stop. floats from ``at``: [level, side 1.0 / -1.0, or NaN before the first ATR].

    It begins on the long side, at close - m x ATR. Long side: max(previous, close - m x ATR); a close below it flips to the short
    side, at close + m x ATR, and the mirror image holds there.
    """
    if atr != atr:
        return NAN
    price = float(close)
    width = m * atr
    if floats[at + 1] != floats[at + 1]:
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
