"""What moves prices: one factor for the whole market, and one for each thing of its own.

A factor is a random walk in business time, of variance 1 a weekday, 0 on the reference day. Each day's ends are drawn by halving
(Levy's construction of Brownian motion) within blocks of 4,096 weekdays, whose ends are 0: so any day is found at once, the path
does not depend on where one began, and it never wanders off for good. Within a day minutes are a bridge between the day's ends.
"""

from functools import lru_cache

import numpy as np

from theo.gateway.market.draws import Floats, normals, stream

MINUTES_A_DAY = 1440
BLOCK_DAYS = 4096  # 16 years
SLOW_DAYS = 64  # the coarse path that volatility forgets: about a quarter of a year
BLOCKS_KEPT = 8  # of each factor, 33 KB each: more than a century
REFERENCE_DAY = 20_759  # 2026-11-02, a Monday: every price is at its reference then
WEEKEND_WEIGHT = 0.02  # variance of a Saturday or Sunday as a part of a weekday's
# variance by minute of a UTC weekday: Asia, Europe, New York's day (13:30-21:00), and the evening
_PROFILE = np.repeat([0.6, 1.2, 5.0, 0.6], [7 * 60, 390, 450, 180])
MINUTE_WEIGHTS: Floats = _PROFILE / _PROFILE.sum()
_REACHED: Floats = np.concatenate(([0.0], np.cumsum(MINUTE_WEIGHTS)))
_REACHED[-1] = 1.0
_THURSDAY = 3  # of 1970-01-01


def weekdays_before(day: int) -> int:
    """Monday-to-Friday days before a day since 1970-01-01."""
    weeks, weekday = divmod(day + _THURSDAY, 7)
    return weeks * 5 + min(weekday, 5)


def is_weekend(day: int) -> bool:
    """Whether a day since 1970-01-01 is a Saturday or a Sunday."""
    return weekdays_before(day) == weekdays_before(day + 1)


class Factor:
    """One factor's path."""

    def __init__(self, seed: int, name: str) -> None:
        self._days_key, self._minutes_key = stream(seed, "days", name), stream(seed, "minutes", name)
        self._block = lru_cache(BLOCKS_KEPT)(self._make_block)

    def _make_block(self, block: int) -> Floats:
        path = np.zeros(BLOCK_DAYS + 1)
        step, drawn = BLOCK_DAYS, block * BLOCK_DAYS
        while step > 1:
            half, count = step // 2, BLOCK_DAYS // step
            middle = (path[:-1:step] + path[step::step]) / 2
            path[half::step] = middle + (step / 4) ** 0.5 * normals(self._days_key, drawn, count)
            step, drawn = half, drawn + count
        return path

    def at_start(self, day: int) -> float:
        """The value at 00:00 UTC of a day."""
        block, place = divmod(weekdays_before(day) - weekdays_before(REFERENCE_DAY), BLOCK_DAYS)
        return float(self._block(block)[place])

    def slow_at_start(self, day: int) -> float:
        """The coarse path at 00:00 UTC: straight between every 64th weekday."""
        block, place = divmod(weekdays_before(day) - weekdays_before(REFERENCE_DAY), BLOCK_DAYS)
        coarse, within = divmod(place, SLOW_DAYS)
        path = self._block(block)
        left, right = path[coarse * SLOW_DAYS], path[(coarse + 1) * SLOW_DAYS]
        return float(left + (right - left) * within / SLOW_DAYS)

    def minutes(self, day: int) -> Floats:
        """The value at each minute of a UTC day, both midnights included: 1,441 values."""
        steps = np.sqrt(MINUTE_WEIGHTS) * normals(self._minutes_key, day * MINUTES_A_DAY, MINUTES_A_DAY)
        if is_weekend(day):
            steps *= WEEKEND_WEIGHT**0.5
        walk = np.concatenate(([0.0], np.cumsum(steps)))
        first, last = self.at_start(day), self.at_start(day + 1)
        bridge: Floats = walk - _REACHED * walk[-1] + first + _REACHED * (last - first)
        return bridge

    def slow_minutes(self, day: int) -> Floats:
        """The coarse path at each minute of a UTC day."""
        first, last = self.slow_at_start(day), self.slow_at_start(day + 1)
        slow: Floats = first + _REACHED * (last - first)
        return slow
