"""The yardstick: the two-instrument reference strategy as one fused loop in plain Python, without any engine.

Everything is on the tick grid (0.0001): prices are integers, the stop and target levels are exact. What an engine adds to this
loop is what the benchmark of the core measures.
"""

from collections import deque
from dataclasses import dataclass

DONCHIAN, ATR, CORRELATION = 20, 14, 50
THRESHOLD, STOP, TARGET, QUANTITY = 0.85, 2, 3, 1000
TICK = 10_000  # ticks in one unit of price
COMMISSION = 2e-5  # of notional, each side


@dataclass(slots=True)
class Columns:
    """Bars of both instruments as lists of whole ticks."""

    o: list[int]
    h: list[int]
    l: list[int]
    c: list[int]
    h2: list[int]
    l2: list[int]
    c2: list[int]


Trade = tuple[int, int, int, int, int]  # entry bar, exit bar, signed quantity, entry and exit price in ticks


def fused(bars: Columns, equity: float = 1_000_000.0) -> tuple[list[Trade], float]:
    """Trades and final equity. Windows are rings with cached extremes; the correlation is over exact integer sums."""
    o, h, l, c, h2, l2, c2 = bars.o, bars.h, bars.l, bars.c, bars.h2, bars.l2, bars.c2
    highs, lows, highs2, lows2 = (deque([0] * DONCHIAN, DONCHIAN) for _ in range(4))
    top = bottom = top2 = bottom2 = 0  # extremes of the rings, looked for again only when the extreme leaves
    ranges: deque[int] = deque([0] * ATR, ATR)
    xs, ys = deque([0] * CORRELATION, CORRELATION), deque([0] * CORRELATION, CORRELATION)
    true_range_sum = sx = sy = sxx = syy = sxy = 0
    side = entry_bar = entry = stop = target = pending = 0
    trades: list[Trade] = []
    n = CORRELATION
    for t in range(len(c)):
        if pending:
            side, entry, entry_bar, pending = pending, o[t], t, 0
            equity -= entry * QUANTITY / TICK * COMMISSION
        if side:
            price = 0
            if side > 0:
                if l[t] <= stop:
                    price = min(stop, o[t])
                elif h[t] >= target:
                    price = max(target, o[t])
            elif h[t] >= stop:
                price = max(stop, o[t])
            elif l[t] <= target:
                price = min(target, o[t])
            if price:
                equity += side * (price - entry) * QUANTITY / TICK - price * QUANTITY / TICK * COMMISSION
                trades.append((entry_bar, t, side * QUANTITY, entry, price))
                side = 0
        high, low, close = h[t], l[t], c[t]
        before = c[t - 1] if t else close
        true_range = (high if high > before else before) - (low if low < before else before)
        true_range_sum += true_range - ranges[0]
        ranges.append(true_range)
        if t:
            x, y, x0, y0 = close - before, c2[t] - c2[t - 1], xs[0], ys[0]
            sx += x - x0
            sy += y - y0
            sxx += x * x - x0 * x0
            syy += y * y - y0 * y0
            sxy += x * y - x0 * y0
            xs.append(x)
            ys.append(y)
        if t > CORRELATION and not side:
            if close > top:
                direction = 1 if c2[t] < bottom2 else 0
            elif close < bottom:
                direction = -1 if c2[t] > top2 else 0
            else:
                direction = 0
            vx, vy = n * sxx - sx * sx, n * syy - sy * sy
            if direction and vx > 0 and vy > 0:
                r = (n * sxy - sx * sy) / (vx**0.5 * vy**0.5)
                if abs(r) > THRESHOLD:
                    pending = direction
                    stop = (close * ATR - direction * STOP * true_range_sum) * 2 + ATR
                    stop //= 2 * ATR
                    target = ((close * ATR + direction * TARGET * true_range_sum) * 2 + ATR) // (2 * ATR)
        left, left_low, left2, left_low2 = highs[0], lows[0], highs2[0], lows2[0]
        highs.append(high)
        lows.append(low)
        highs2.append(h2[t])
        lows2.append(l2[t])
        if high >= top:
            top = high
        elif left == top:
            top = max(highs)
        if low <= bottom:
            bottom = low
        elif left_low == bottom:
            bottom = min(lows)
        if h2[t] >= top2:
            top2 = h2[t]
        elif left2 == top2:
            top2 = max(highs2)
        if l2[t] <= bottom2:
            bottom2 = l2[t]
        elif left_low2 == bottom2:
            bottom2 = min(lows2)
    if side:
        equity += side * (c[-1] - entry) * QUANTITY / TICK
    return trades, equity
