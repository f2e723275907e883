"""Rolling correlations: one definition each, plain Python that numba compiles unchanged.

Integer inputs (price changes, prices, ranks) give exact integer sums, whatever the chunking. Log returns are floats: their
sums are built over the window at each step, oldest first, so that the bits do not depend on where the series began.
Rings: ``xs`` and ``ys`` of ``window`` values; ``seen`` counts pairs before this one. Results are NaN below ``minimum`` pairs
and where one side is constant.
"""

from collections.abc import MutableSequence, Sequence
from math import sqrt

NAN = float("nan")


def pearson_int_step(
    sums: MutableSequence[int], xs: MutableSequence[int], ys: MutableSequence[int], x: int, y: int, minimum: int
) -> float:
    """Pearson's r of integers. sums: [seen, x, y, xx, yy, xy]; rings begin as zeros.

    |x|, |y| below 2^26 keep the sums exact in 64 bits for windows up to 1,000.
    """
    window = len(xs)
    seen = sums[0]
    sums[0] = seen + 1
    place = seen % window
    x0 = xs[place]
    y0 = ys[place]
    xs[place] = x
    ys[place] = y
    sums[1] += x - x0
    sums[2] += y - y0
    sums[3] += x * x - x0 * x0
    sums[4] += y * y - y0 * y0
    sums[5] += x * y - x0 * y0
    n = seen + 1 if seen + 1 < window else window
    if n < minimum:
        return NAN
    vx = n * sums[3] - sums[1] * sums[1]
    vy = n * sums[4] - sums[2] * sums[2]
    if vx <= 0 or vy <= 0:
        return NAN
    return float(n * sums[5] - sums[1] * sums[2]) / (sqrt(float(vx)) * sqrt(float(vy)))


def pearson_float_step(
    counts: MutableSequence[int], xs: MutableSequence[float], ys: MutableSequence[float], x: float, y: float, minimum: int
) -> float:
    """Pearson's r of floats, in two passes over the window, oldest first. counts: [seen]."""
    window = len(xs)
    seen = counts[0]
    counts[0] = seen + 1
    xs[seen % window] = x
    ys[seen % window] = y
    n = seen + 1 if seen + 1 < window else window
    if n < minimum:
        return NAN
    first = seen + 1 - n
    mx = 0.0
    my = 0.0
    for i in range(first, seen + 1):
        mx += xs[i % window]
        my += ys[i % window]
    mx = mx / float(n)
    my = my / float(n)
    vx = 0.0
    vy = 0.0
    vxy = 0.0
    constant_x = True
    constant_y = True
    for i in range(first, seen + 1):
        dx = xs[i % window] - mx
        dy = ys[i % window] - my
        vx += dx * dx
        vy += dy * dy
        vxy += dx * dy
        if xs[i % window] != x:
            constant_x = False
        if ys[i % window] != y:
            constant_y = False
    if constant_x or constant_y or vx <= 0.0 or vy <= 0.0:
        return NAN
    r = vxy / (sqrt(vx) * sqrt(vy))
    return 1.0 if r > 1.0 else -1.0 if r < -1.0 else r


def _ranks_doubled(values: Sequence[float], first: int, last: int, place: int) -> int:
    """Twice the average rank of one value among the window's: 2 x smaller + equal + 1, exact with ties."""
    window = len(values)
    mine = values[place]
    rank = 1
    for i in range(first, last):
        other = values[i % window]
        if other < mine:
            rank += 2
        elif other == mine:
            rank += 1
    return rank


def spearman_step(
    counts: MutableSequence[int], xs: MutableSequence[float], ys: MutableSequence[float], x: float, y: float, minimum: int
) -> float:
    """Spearman's rho: Pearson's r of average ranks, from exact integers. counts: [seen]."""
    window = len(xs)
    seen = counts[0]
    counts[0] = seen + 1
    xs[seen % window] = x
    ys[seen % window] = y
    n = seen + 1 if seen + 1 < window else window
    if n < minimum:
        return NAN
    first = seen + 1 - n
    sxx = 0
    syy = 0
    sxy = 0
    for i in range(first, seen + 1):
        a = _ranks_doubled(xs, first, seen + 1, i % window) - (n + 1)
        b = _ranks_doubled(ys, first, seen + 1, i % window) - (n + 1)
        sxx += a * a
        syy += b * b
        sxy += a * b
    if sxx == 0 or syy == 0:
        return NAN
    return float(sxy) / (sqrt(float(sxx)) * sqrt(float(syy)))


def kendall_step(
    counts: MutableSequence[int], xs: MutableSequence[float], ys: MutableSequence[float], x: float, y: float, minimum: int
) -> float:
    """Kendall's tau-b from counts kept exact: each step removes the leaving pair's comparisons and adds the new one's.

    counts: [seen, concordant - discordant, pairs tied in x, pairs tied in y].
    """
    window = len(xs)
    seen = counts[0]
    place = seen % window
    held = seen if seen < window else window
    if held == window:
        _kendall_count(counts, xs, ys, seen - window + 1, seen, xs[place], ys[place], -1)
        held -= 1
    _kendall_count(counts, xs, ys, seen - held, seen, x, y, 1)
    xs[place] = x
    ys[place] = y
    counts[0] = seen + 1
    n = held + 1
    if n < minimum:
        return NAN
    pairs = n * (n - 1) // 2
    if counts[2] == pairs or counts[3] == pairs:
        return NAN
    return float(counts[1]) / (sqrt(float(pairs - counts[2])) * sqrt(float(pairs - counts[3])))


def _kendall_count(
    counts: MutableSequence[int], xs: Sequence[float], ys: Sequence[float], first: int, last: int, x: float, y: float, sign: int
) -> None:
    window = len(xs)
    for i in range(first, last):
        dx = xs[i % window] - x
        dy = ys[i % window] - y
        if dx == 0.0:
            counts[2] += sign
        if dy == 0.0:
            counts[3] += sign
        if (dx > 0.0 and dy > 0.0) or (dx < 0.0 and dy < 0.0):
            counts[1] += sign
        elif dx != 0.0 and dy != 0.0:
            counts[1] -= sign
