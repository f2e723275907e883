"""Pivot points from the previous session's high, low and close, and where a session begins among bars."""

from theo.domain.market_data import HOUR
from theo.market.indicators.kernels import Floats, Ints

SESSION_GAP = HOUR  # microseconds: the shortest daily halt of the markets served (CME, 17:00 to 18:00 ET)
CLASSIC, FIBONACCI, CAMARILLA = 0, 1, 2
Levels = tuple[float, float, float, float, float, float, float]


def session_begins_step(ints: Ints, start: int, end: int, session_date: int) -> int:
    """1 for the first bar of a session after another one, else 0. ints: [-, -, -, -, end before (0: none), session date before].

    A session begins where the session date changes or, on bars that carry none, after a gap of at least ``SESSION_GAP``.
    """
    before = ints[4]
    changed = session_date != ints[5] if session_date != 0 else start - before >= SESSION_GAP
    ints[4] = end
    ints[5] = session_date
    return 1 if before != 0 and changed else 0


def pivot_levels(high: int, low: int, close: int, kind: int) -> Levels:
    """P, R1, R2, R3, S1, S2, S3 of a session: classic (floor traders'), Fibonacci or Camarilla, in price units.

    P = (H + L + C) / 3. Camarilla's levels lie around the close (Stott 1989), its P is the classic one.
    """
    p = float(high + low + close) / 3.0
    width = float(high - low)
    if kind == CLASSIC:
        r1, s1 = 2.0 * p - float(low), 2.0 * p - float(high)
        r3, s3 = float(high) + 2.0 * (p - float(low)), float(low) - 2.0 * (float(high) - p)
        return p, r1, p + width, r3, s1, p - width, s3
    if kind == FIBONACCI:
        base, a, b, c = p, 0.382 * width, 0.618 * width, width
    else:
        base, a, b, c = float(close), width * 1.1 / 12.0, width * 1.1 / 6.0, width * 1.1 / 4.0
    return p, base + a, base + b, base + c, base - a, base - b, base - c


def pivot_step(ints: Ints, floats: Floats, high: int, low: int, close: int, begins: int, kind: int) -> Levels:
    """Pivot points of the session before the running one. ints: [bars, high, low, close of the running session, ...].

    floats: the seven levels, NaN during the first session. ``begins``: 1 for the first bar of a new session.
    """
    seen = ints[0]
    ints[0] = seen + 1
    if begins == 1:
        levels = pivot_levels(ints[1], ints[2], ints[3], kind)
        floats[0], floats[1], floats[2], floats[3], floats[4], floats[5], floats[6] = levels
    if begins == 1 or seen == 0:
        ints[1] = high
        ints[2] = low
    else:
        if high > ints[1]:
            ints[1] = high
        if low < ints[2]:
            ints[2] = low
    ints[3] = close
    return floats[0], floats[1], floats[2], floats[3], floats[4], floats[5], floats[6]
