"""Levels: extremes of a window, channels, fractals and swings."""

from theo.market.indicators.kernels import NAN, Floats, Ints


def highest_step(ints: Ints, _floats: Floats, high: int, _low: int, _close: int, n: int) -> float:
    """Highest of the last n values. ints: [bars, cached extreme, ring of n]; looked for again only when the extreme leaves."""
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
    """Upper and lower channel of the last n bars, this one included. ints: [bars, upper, lower, ring of highs, ring of lows].

    The same as ``highest_step`` and ``lowest_step`` side by side, in one call: it stands on the hottest path.
    """
    seen = ints[0]
    ints[0] = seen + 1
    place = 3 + seen % n
    left_high = ints[place]
    ints[place] = high
    top = ints[1]
    if high >= top or seen == 0:
        top = ints[1] = high
    elif left_high == top and seen >= n:
        top = ints[3]
        for i in range(4, 3 + n):
            if ints[i] > top:
                top = ints[i]
        ints[1] = top
    place += n
    left_low = ints[place]
    ints[place] = low
    bottom = ints[2]
    if low <= bottom or seen == 0:
        bottom = ints[2] = low
    elif left_low == bottom and seen >= n:
        bottom = ints[3 + n]
        for i in range(4 + n, 3 + 2 * n):
            if ints[i] < bottom:
                bottom = ints[i]
        ints[2] = bottom
    if seen + 1 < n:
        return NAN, NAN
    return float(top), float(bottom)


def fractal_step(ints: Ints, at: int, value: int, k: int) -> float:
    """The value k bars ago when it lies strictly above the k before and the k after it, else NaN.

    ints from ``at``: [bars, ring of 2k + 1]. For lows give the negative prices and negate the result.
    """
    width = 2 * k + 1
    seen = ints[at]
    ints[at] = seen + 1
    ring = at + 1
    ints[ring + seen % width] = value
    if seen + 1 < width:
        return NAN
    here = ring + (seen - k) % width
    middle = ints[here]
    if value >= middle:
        return NAN
    for i in range(ring, ring + width):
        if ints[i] >= middle and i != here:
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
