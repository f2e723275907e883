"""The data gate: what a configuration asks of its series beyond trust, and the figures that it is judged by.

Everything is read from the newest bars and the newest settlement when a signal is there to be judged. That a signal is refused,
and in which words, is a rule of risk (theo.risk.rules.data_gate).
"""

from collections.abc import Sequence
from itertools import pairwise
from math import sqrt
from typing import Final

import msgspec

from theo.domain.errors import ConfigError
from theo.domain.market_data import DAY, Bar
from theo.market.gaps import gaps_between
from theo.market.sessions import Hours

WINDOW_BARS_MAX: Final = 1_000
GRANULARITY_TICKS: Final = 10  # added to the band, since a quiet window has no deviation: as for ticks (quality.py)
DEVIATIONS_MAX: Final = 1_000.0  # no more is told, also beside closes that are all the same: as a bound it refuses nothing


class GateBounds(msgspec.Struct, frozen=True, kw_only=True):
    """``window`` newest bars of each series are looked at; ``age_max`` is in microseconds. A bound out of reach is no check.

    Raises ConfigError for a window that could never hold ``bars_min`` bars.
    """

    bars_min: int = 30  # the correlation's own minimum
    window: int = 50  # the correlation's own window: what is wrong in it is in the correlation
    missing_max: int = 5
    age_max: int = 5 * DAY  # the longest pause of a market in a usual year: from Thursday's close to Tuesday's, over Easter
    common_session: bool = True
    outlier_deviations: float = 6.0  # two bars far out of 50 are both seen by it; three at a new level are a level
    settlement_ticks_max: int = 20  # a settlement is an average of the last half minute

    def __post_init__(self) -> None:
        if not 0 <= self.bars_min <= self.window <= WINDOW_BARS_MAX:
            raise ConfigError(
                f"bars_min is {self.bars_min} of a window of {self.window}",
                remedy=f"Use 0 <= bars_min <= window <= {WINDOW_BARS_MAX}",
            )


class Settled(msgspec.Struct, frozen=True, array_like=True):
    """A settlement price and the last trade before it, in price units; ``at`` is when the settlement came."""

    at: int
    settlement: int
    last: int


class FarBar(msgspec.Struct, frozen=True):
    """A bar that stands apart, and by how many standard deviations of the others' closes beyond the granularity."""

    bar: Bar
    deviations: float


def missing_bars(bars: Sequence[Bar], hours: Hours, length: int) -> int:
    """How many intervals of ``hours`` between the first and the last bar have none. Raises DataError outside the table."""
    return sum(
        gap.bars
        for before, bar in pairwise(bars)
        if bar.start != before.end
        for gap in gaps_between(hours, length, before.end, bar.start)
    )


def farthest(bars: Sequence[Bar], tick: int) -> FarBar | None:
    """The bar whose high or low lies farthest from the mean of the other bars' closes; None while all lie within the granularity.

    The filter of Brownlees and Gallo (quality.py) looking both ways: mean and deviation are of all closes but the bar's own, so
    that one wild bar does not hide itself.
    """
    others = len(bars) - 1
    total, squares = sum(bar.close for bar in bars), sum(bar.close * bar.close for bar in bars)
    found: FarBar | None = None
    for bar in bars if others > 0 else ():
        rest = total - bar.close
        beyond = max(bar.high * others - rest, rest - bar.low * others) - GRANULARITY_TICKS * tick * others
        if beyond <= 0:
            continue
        spread = sqrt(others * (squares - bar.close * bar.close) - rest * rest)
        deviations = min(beyond / spread, DEVIATIONS_MAX) if spread else DEVIATIONS_MAX
        if found is None or deviations >= found.deviations:
            found = FarBar(bar, deviations)
    return found
