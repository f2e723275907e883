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
    window_x = xs[last + 1 - n : last + 1]  # a view when compiled; live, a copy costs less than an index at each number
    window_y = ys[last + 1 - n : last + 1]
    mx = 0.0
    my = 0.0
    for each_x, each_y in zip(window_x, window_y):  # noqa: B905 - numba's zip knows no `strict`; both have n numbers
        mx += each_x
        my += each_y
    mx = mx / float(n)
    my = my / float(n)
    vx = 0.0
    vy = 0.0
    vxy = 0.0
    for each_x, each_y in zip(window_x, window_y):  # noqa: B905 - as above
        dx = each_x - mx
        dy = each_y - my
        vx += dx * dx
        vy += dy * dy
        vxy += dx * dy
    if vx == 0.0 or vy == 0.0:
        return NAN
    return ratio(vxy, vx, vy)


def rank_step(ints: Ints, at: int, values: Numbers, seen: int, new: float) -> None:
    """Put a number into a ring and keep twice the average rank of each: 2 x smaller + equal + 1, where itself is equal.

    ints from ``at``: the ranks, in the ring's places. Whole numbers, without a branch: compiled, several at a time.
    """
    window = len(values)
    place = seen % window
    n = window if seen >= window else seen + 1
    if seen >= window:
        old = values[place]
        for i in range(n):
            ints[at + i] -= (values[i] > old) + (values[i] >= old)
    values[place] = new
    above = 0
    for i in range(n):
        step = (values[i] > new) + (values[i] >= new)
        ints[at + i] += step
        above += step
    ints[at + place] = 2 * n + 1 - above


def spearman_step(ints: Ints, xs: Numbers, ys: Numbers, x: float, y: float, minimum: int) -> float:
    """Spearman's rho: Pearson's r of average ranks, from exact integers. Rings of ``window``.

    ints: [pairs, ring of the ranks of x, the same of y], as ``rank_step`` keeps them.
    """
    window = len(xs)
    seen = ints[0]
    ints[0] = seen + 1
    n = window if seen >= window else seen + 1
    rank_step(ints, 1, xs, seen, x)
    rank_step(ints, 1 + window, ys, seen, y)
    sxx = 0
    syy = 0
    sxy = 0
    for i in range(1, 1 + n):
        a = ints[i] - (n + 1)
        b = ints[window + i] - (n + 1)
        sxx += a * a
        syy += b * b
        sxy += a * b
    if n < minimum or sxx == 0 or syy == 0:
        return NAN
    return ratio(float(sxy), float(sxx), float(syy))


def compare_step(ints: Ints, xs: Numbers, ys: Numbers, x: float, y: float, n: int, sign: int) -> None:
    """Add (sign 1) or take out (-1) the comparisons of a pair with the first n of the rings, without a branch.

    ints: [-, concordant - discordant, ties in x, ties in y].
    """
    balance = 0
    ties_x = 0
    ties_y = 0
    for i in range(n):
        balance += ((xs[i] > x) - (xs[i] < x)) * ((ys[i] > y) - (ys[i] < y))
        ties_x += xs[i] == x
        ties_y += ys[i] == y
    ints[1] += sign * balance
    ints[2] += sign * ties_x
    ints[3] += sign * ties_y


def kendall_step(ints: Ints, xs: Numbers, ys: Numbers, x: float, y: float, minimum: int) -> float:
    """Kendall's tau-b from counts kept exact: each step takes the leaving pair's comparisons out and puts the new one's in.

    ints: [pairs, concordant - discordant, ties in x, ties in y], where each pair is also tied with itself; rings of
    ``window``.
    """
    window = len(xs)
    seen = ints[0]
    ints[0] = seen + 1
    place = seen % window
    if seen >= window:
        compare_step(ints, xs, ys, xs[place], ys[place], window, -1)
    n = window if seen >= window else seen + 1
    xs[place] = x
    ys[place] = y
    compare_step(ints, xs, ys, x, y, n, 1)
    pairs = n * (n - 1) // 2
    free_x = pairs - (ints[2] - n)
    free_y = pairs - (ints[3] - n)
    if n < minimum or free_x == 0 or free_y == 0:
        return NAN
    return ratio(float(ints[1]), float(free_x), float(free_y))


def follows(end_before: int, date_before: int, start: int, date: int, gap_days_max: int) -> bool:
    """Whether a bar continues the one before: it starts where that ended, or, both being daily, at most so many days later.

    Dates are session dates in days since the epoch, 0 for intraday bars.
    """
    return start == end_before or (date_before > 0 and date_before < date <= date_before + gap_days_max)
