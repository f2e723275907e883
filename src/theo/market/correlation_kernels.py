"""Rolling correlations: one definition each, plain Python that numba compiles unchanged.

One signature: (ints, xs, ys, x, y, minimum). ``ints[0]`` counts the pairs seen; ``xs`` and ``ys`` are the rings of the window.
Results are NaN below ``minimum`` pairs and where one side is constant.

Whole inputs (price changes, prices) and ranks give exact integer sums. Log returns are floats: their sums are built over the
window at each step, oldest first. So no result depends on where the series began or how it was cut into pieces.
"""

from collections.abc import MutableSequence
from math import sqrt

Ints = MutableSequence[int]
Numbers = MutableSequence[float]
NAN = float("nan")


def ratio(covariance: float, spread_x: float, spread_y: float) -> float:
    """The covariance / sqrt(spread_x x spread_y) within [-1, 1], which rounding may leave by an ulp."""
    r = covariance / (sqrt(spread_x) * sqrt(spread_y))
    if r > 1.0:
        return 1.0
    if r < -1.0:
        return -1.0
    return r


def pearson_int_step(ints: Ints, xs: Ints, ys: Ints, x: int, y: int, minimum: int) -> float:
    """Pearson's r of integers. ints: [pairs, sums of x, y, xx, yy, xy]; rings of ``window`` zeros.

    Compiled, window x |x| must stay below 2^31: then every sum and product fits 64 bits.
    """
    window = len(xs)
    seen = ints[0]
    ints[0] = seen + 1
    place = seen % window
    x0 = xs[place]
    y0 = ys[place]
    xs[place] = x
    ys[place] = y
    sx = ints[1] + x - x0
    sy = ints[2] + y - y0
    sxx = ints[3] + x * x - x0 * x0
    syy = ints[4] + y * y - y0 * y0
    sxy = ints[5] + x * y - x0 * y0
    ints[1] = sx
    ints[2] = sy
    ints[3] = sxx
    ints[4] = syy
    ints[5] = sxy
    n = seen + 1 if seen + 1 < window else window
    if n < minimum:
        return NAN
    vx = n * sxx - sx * sx
    vy = n * syy - sy * sy
    if vx == 0 or vy == 0:
        return NAN
    return ratio(float(n * sxy - sx * sy), float(vx), float(vy))


def pearson_float_step(ints: Ints, xs: Numbers, ys: Numbers, x: float, y: float, minimum: int) -> float:
    """Pearson's r of floats, in two passes over the window, oldest first.

    ints: [pairs, equal x in a row, equal y in a row]. Rings of 2 x ``window``: each number stands twice, ``window`` apart, so
    that the window lies in one piece.
    """
    window = len(xs) // 2
    seen = ints[0]
    ints[0] = seen + 1
    place = seen % window
    last = place + window
    ints[1] = ints[1] + 1 if seen > 0 and x == xs[last - 1] else 1
    ints[2] = ints[2] + 1 if seen > 0 and y == ys[last - 1] else 1
    xs[place] = xs[last] = x
    ys[place] = ys[last] = y
    n = seen + 1 if seen + 1 < window else window
    if n < minimum or ints[1] >= n or ints[2] >= n:
        return NAN
    first = last + 1 - n
    mx = 0.0
    my = 0.0
    for i in range(first, last + 1):
        mx += xs[i]
        my += ys[i]
    mx = mx / float(n)
    my = my / float(n)
    vx = 0.0
    vy = 0.0
    vxy = 0.0
    for i in range(first, last + 1):
        dx = xs[i] - mx
        dy = ys[i] - my
        vx += dx * dx
        vy += dy * dy
        vxy += dx * dy
    if vx == 0.0 or vy == 0.0:
        return NAN
    return ratio(vxy, vx, vy)


def spearman_step(ints: Ints, xs: Numbers, ys: Numbers, x: float, y: float, minimum: int) -> float:
    """Spearman's rho: Pearson's r of average ranks, from exact integers. Rings of ``window``.

    ints: [pairs, ring of twice the rank of each x, the same of y]. Twice the average rank is 2 x smaller + equal + 1, itself
    being equal. The pair that leaves and the pair that comes change each other rank by at most 2.
    """
    window = len(xs)
    seen = ints[0]
    ints[0] = seen + 1
    place = seen % window
    full = seen >= window
    n = window if full else seen + 1
    x0 = xs[place]
    y0 = ys[place]
    xs[place] = x
    ys[place] = y
    mine_x = 2
    mine_y = 2
    sxx = 0
    syy = 0
    sxy = 0
    for i in range(n):
        if i == place:
            continue
        xi = xs[i]
        yi = ys[i]
        a = ints[1 + i]
        b = ints[1 + window + i]
        if full:
            a -= 2 if xi > x0 else 1 if xi == x0 else 0
            b -= 2 if yi > y0 else 1 if yi == y0 else 0
        if xi > x:
            a += 2
        elif xi == x:
            a += 1
            mine_x += 1
        else:
            mine_x += 2
        if yi > y:
            b += 2
        elif yi == y:
            b += 1
            mine_y += 1
        else:
            mine_y += 2
        ints[1 + i] = a
        ints[1 + window + i] = b
        a -= n + 1
        b -= n + 1
        sxx += a * a
        syy += b * b
        sxy += a * b
    ints[1 + place] = mine_x
    ints[1 + window + place] = mine_y
    mine_x -= n + 1
    mine_y -= n + 1
    sxx += mine_x * mine_x
    syy += mine_y * mine_y
    sxy += mine_x * mine_y
    if n < minimum or sxx == 0 or syy == 0:
        return NAN
    return ratio(float(sxy), float(sxx), float(syy))


def kendall_step(ints: Ints, xs: Numbers, ys: Numbers, x: float, y: float, minimum: int) -> float:
    """Kendall's tau-b from counts kept exact: each step takes the leaving pair's comparisons out and puts the new one's in.

    ints: [pairs, concordant - discordant, ties in x, ties in y]; rings of ``window``.
    """
    window = len(xs)
    seen = ints[0]
    ints[0] = seen + 1
    place = seen % window
    full = seen >= window
    n = window if full else seen + 1
    x0 = xs[place]
    y0 = ys[place]
    xs[place] = x
    ys[place] = y
    balance = ints[1]
    ties_x = ints[2]
    ties_y = ints[3]
    for i in range(n):
        if i == place:
            continue
        xi = xs[i]
        yi = ys[i]
        if full:
            if xi == x0:
                ties_x -= 1
                if yi == y0:
                    ties_y -= 1
            elif yi == y0:
                ties_y -= 1
            elif (xi > x0) == (yi > y0):
                balance -= 1
            else:
                balance += 1
        if xi == x:
            ties_x += 1
            if yi == y:
                ties_y += 1
        elif yi == y:
            ties_y += 1
        elif (xi > x) == (yi > y):
            balance += 1
        else:
            balance -= 1
    ints[1] = balance
    ints[2] = ties_x
    ints[3] = ties_y
    pairs = n * (n - 1) // 2
    if n < minimum or ties_x == pairs or ties_y == pairs:
        return NAN
    return ratio(float(balance), float(pairs - ties_x), float(pairs - ties_y))


def follows(end_before: int, date_before: int, start: int, date: int, gap_days_max: int) -> bool:
    """Whether a bar continues the one before: it starts where that ended, or, both being daily, at most so many days later.

    Dates are session dates in days since the epoch, 0 for intraday bars.
    """
    return start == end_before or (date_before > 0 and date_before < date <= date_before + gap_days_max)
