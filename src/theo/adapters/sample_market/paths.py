"""A seeded path through a real day: it starts at the day's open, touches its high and its low, and ends at its close.

VIX has closes only: it follows a straight line between them, moved by ``COUPLING`` times the index's own deviation from its
line (in percent of each), and a small seeded noise that is zero at both ends. No function of the platform's C library is
used (their last bits vary between processors): the noise is a sum of uniform draws.
"""

from itertools import pairwise
from random import Random

import msgspec

from theo.adapters.sample_market.days import RealDay
from theo.domain.market_data import SECOND, Tick, TickKind

COUPLING = -4.0  # per cent of VIX for one per cent of the index: about what daily closes of 2014-2018 show
VIX_NOISE = 0.004  # standard deviation of VIX's own wandering over a day, as a part of its level
TICK_INTERVAL = 30 * SECOND
NOISE_DEVIATIONS_MAX = 10  # of VIX's wandering, from one end of it to the other
UNIFORM_DRAWS = 12  # Irwin-Hall: the sum of 12 uniform draws less 6 has variance 1


class Market(msgspec.Struct, frozen=True):
    """Which instruments the path is for: ids, and the traded one's tick in hundredths."""

    index: int
    vix: int
    tick: int
    source: str


def day_ticks(real: RealDay, opens: int, closes: int, market: Market, seed: int) -> list[Tick]:
    """The ticks of one day, in order of time, the index before VIX. ``opens`` and ``closes`` in microseconds UTC."""
    draw = Random(f"{seed}:{real.day.isoformat()}")  # noqa: S311 - a seeded market, not a secret  # a seeded market, not a secret
    count = (closes - opens) // TICK_INTERVAL
    path = _index_path(real, count, market.tick, draw)
    vix = _vix_path(real, path, draw)
    ticks: list[Tick] = []
    for i in range(count):
        at = opens + i * TICK_INTERVAL + SECOND
        ticks.append(Tick(market.index, at, at, 0, TickKind.TRADE, path[i], 50 + int(draw.random() * 200), 0, 0, market.source))
        ticks.append(Tick(market.vix, at, at, 0, TickKind.INDEX, vix[i], 0, 0, 0, market.source))
    return ticks


def moves_max(real: RealDay, market: Market) -> dict[int, int]:
    """How far two prices of one day may lie apart (price units, by instrument): a path may go from high to low at once."""
    level, span = max(real.vix, real.vix_before), real.high - real.low
    coupled = 2 * abs(COUPLING) * span / real.low + NOISE_DEVIATIONS_MAX * VIX_NOISE
    return {market.index: span + market.tick, market.vix: abs(real.vix - real.vix_before) + round(level * coupled) + 1}


def _normal(draw: Random) -> float:
    total = -UNIFORM_DRAWS / 2
    for _ in range(UNIFORM_DRAWS):
        total += draw.random()
    return total


def _bridge(draw: Random, steps: int) -> list[float]:
    """A random walk of unit variance over ``steps`` that begins and ends at zero: steps + 1 values."""
    walk = [0.0]
    scale = (1.0 / steps) ** 0.5
    for _ in range(steps):
        walk.append(walk[-1] + _normal(draw) * scale)
    return [value - walk[-1] * i / steps for i, value in enumerate(walk)]


def _index_path(real: RealDay, count: int, tick: int, draw: Random) -> list[int]:
    """``count`` prices on the tick grid, inside the day's range, through open, high, low and close."""
    grid = [round(price / tick) * tick for price in (real.open, real.high, real.low, real.close)]
    opening, high, low, close = grid
    first, second = sorted(draw.sample(range(1, count - 1), 2))
    high_first = draw.random() < (0.65 if close < opening else 0.35)  # a falling day more often makes its high first
    middle = [(first, high), (second, low)] if high_first else [(first, low), (second, high)]
    knots = [(0, opening), *middle, (count - 1, close)]
    width = 0.25 * (high - low)
    path: list[int] = []
    for (start, left), (end, right) in pairwise(knots):
        steps = end - start
        noise = _bridge(draw, steps)
        for i in range(steps):
            level = left + (right - left) * i / steps + noise[i] * width * (steps / count) ** 0.5
            path.append(min(high, max(low, round(level / tick) * tick)))
    path.append(close)
    return path


def _vix_path(real: RealDay, path: list[int], draw: Random) -> list[int]:
    count = len(path)
    noise = _bridge(draw, count - 1)
    vix: list[int] = []
    for i, price in enumerate(path):
        part = i / (count - 1)
        line = real.open + (real.close - real.open) * part
        own_line = real.vix_before + (real.vix - real.vix_before) * part
        moved = own_line * (1.0 + COUPLING * (price - line) / line + noise[i] * VIX_NOISE)
        vix.append(max(1, round(moved)))
    return vix
