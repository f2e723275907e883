"""Levels in time: each curve's minutes of a day with highs and lows, and its seconds of a minute. Contracts: pricing.py."""

import tomllib
from functools import lru_cache
from importlib.resources import files

import msgspec
import numpy as np

from theo.gateway.market.draws import Floats, normals, stream, uniforms
from theo.gateway.market.factors import MINUTE_WEIGHTS, MINUTES_A_DAY, REFERENCE_DAY, WEEKEND_WEIGHT, Factor, is_weekend

MARKET = "market"
MARKET_VOLATILITY = 0.16  # a year
TRADING_DAYS, CALENDAR_DAYS = 252.0, 365.25
FEAR_FLOOR = 9.0 / 17.0  # of its reference: what volatility hardly falls below
SECONDS = 60
SECOND_PLACES: Floats = np.arange(SECONDS + 1, dtype=np.float64)
EXTREME_FROM, EXTREME_TO = 3, 57  # seconds of a minute in which its high and low may lie
# a Brownian bridge's maximum exceeds its ends by 0.63 deviations on average
EXCESS = 1.25
SECOND_NOISE = 0.1  # of the minute's deviation
DAYS_KEPT, MINUTES_KEPT = 512, 256  # of all curves: 58 KB and 1 KB each
UNKNOWN_FROM, UNKNOWN_TO = 20.0, 400.0  # references of what curves.toml does not name


class CurveRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A row of curves.toml."""

    name: str
    reference: float
    symbols: tuple[str, ...] = ()
    beta: float = 1.0
    own: str = ""
    own_volatility: float = 0.0
    growth: float = 0.0
    dividend: float = 0.0
    fear: bool = False

    @property
    def volatility(self) -> float:
        """Of its logarithm, a year; for fear of the part above the floor."""
        return float(np.hypot(self.beta * MARKET_VOLATILITY, self.own_volatility))


class CurvesFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """curves.toml."""

    curve: tuple[CurveRow, ...]
    turnover: dict[str, int]


def curves_file() -> CurvesFile:
    """curves.toml as it is installed."""
    text = files("theo.gateway.market").joinpath("curves.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), CurvesFile)


class DayLevels(msgspec.Struct, frozen=True):
    """A curve on a UTC day: the level at each minute's start (1,441: both midnights), and each minute's high and low."""

    nodes: Floats
    high: Floats
    low: Floats


class MinuteLevels(msgspec.Struct, frozen=True):
    """A curve within a minute: the level at each second (61), and the seconds of its high and low."""

    seconds: Floats
    high_at: int
    low_at: int


class Curves:
    """All levels of a seed. A name that curves.toml does not have is a share of its own."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.file = curves_file()
        self._rows = {row.name: row for row in self.file.curve}
        self._names = {symbol: row.name for row in self.file.curve for symbol in row.symbols}
        self._factors: dict[str, Factor] = {}
        self.day = lru_cache(DAYS_KEPT)(self._make_day)
        self.minute = lru_cache(MINUTES_KEPT)(self._make_minute)

    def name(self, symbol: str) -> str:
        """The curve of a symbol."""
        return self._names.get(symbol, symbol)

    def row(self, name: str) -> CurveRow:
        """The parameters of a curve."""
        row = self._rows.get(name)
        if row is None:
            (draw,) = uniforms(stream(self._seed, "reference", name), 0, 1)
            reference = float(round(UNKNOWN_FROM + (UNKNOWN_TO - UNKNOWN_FROM) * draw, 2))
            row = self._rows[name] = CurveRow(name=name, reference=reference, own_volatility=0.25, growth=0.06)
        return row

    def _factor(self, name: str) -> Factor:
        factor = self._factors.get(name)
        if factor is None:
            factor = self._factors[name] = Factor(self._seed, name)
        return factor

    def _shape(self, row: CurveRow) -> str:
        """The stream of what happens within minutes: curves that move only with the market, or against it, share it."""
        return MARKET if row.fear or not row.own_volatility else row.own or row.name

    def _nodes(self, row: CurveRow, day: int) -> Floats:
        market, own = self._factor(MARKET), self._factor(row.own or row.name)
        daily = TRADING_DAYS**-0.5
        moved = row.beta * MARKET_VOLATILITY * daily * market.minutes(day)
        if row.own_volatility:
            moved = moved + row.own_volatility * daily * own.minutes(day)
        if row.fear:
            slow = row.beta * MARKET_VOLATILITY * market.slow_minutes(day) + row.own_volatility * own.slow_minutes(day)
            floor = row.reference * FEAR_FLOOR
            feared: Floats = floor + (row.reference - floor) * np.exp(moved - daily * slow)
            return feared
        years = (day - REFERENCE_DAY + np.arange(MINUTES_A_DAY + 1) / MINUTES_A_DAY) / CALENDAR_DAYS
        grown: Floats = row.reference * np.exp(moved + row.growth * years)
        return grown

    def _deviations(self, row: CurveRow, nodes: Floats, day: int) -> Floats:
        """The standard deviation of each minute's move."""
        part = 1.0 - FEAR_FLOOR if row.fear else 1.0
        weight = WEEKEND_WEIGHT if is_weekend(day) else 1.0
        deviations: Floats = nodes[:-1] * part * row.volatility * TRADING_DAYS**-0.5 * np.sqrt(MINUTE_WEIGHTS * weight)
        return deviations

    def _make_day(self, name: str, day: int) -> DayLevels:
        row = self.row(name)
        nodes = self._nodes(row, day)
        key = stream(self._seed, "extremes", self._shape(row))
        draws = uniforms(key, day * MINUTES_A_DAY * 2, MINUTES_A_DAY * 2).reshape(MINUTES_A_DAY, 2)
        up, down = (draws[:, 1], draws[:, 0]) if row.fear else (draws[:, 0], draws[:, 1])
        reach = EXCESS * self._deviations(row, nodes, day)
        high = np.maximum(nodes[:-1], nodes[1:]) + reach * up
        low = np.minimum(nodes[:-1], nodes[1:]) - reach * down
        return DayLevels(nodes, high, low)

    def _make_minute(self, name: str, minute: int) -> MinuteLevels:
        """The path of a minute since 1970: through its high and low at drawn seconds, never beyond them."""
        row = self.row(name)
        day, place = divmod(minute, MINUTES_A_DAY)
        levels = self.day(name, day)
        first, last = levels.nodes[place], levels.nodes[place + 1]
        high, low = levels.high[place], levels.low[place]
        key = stream(self._seed, "seconds", self._shape(row))
        one, other = (EXTREME_FROM + (EXTREME_TO - EXTREME_FROM) * uniforms(key, minute * 2, 2)).astype(np.int64)
        other += other == one
        high_at, low_at = (int(other), int(one)) if row.fear else (int(one), int(other))
        inner = sorted([(high_at, high), (low_at, low)])
        knots = [(0, first), *inner, (SECONDS, last)]
        path = np.interp(SECOND_PLACES, [at for at, _ in knots], [level for _, level in knots])
        noise = normals(stream(self._seed, "noise", self._shape(row)), minute * SECONDS, SECONDS + 1)
        noise *= -SECOND_NOISE if row.fear else SECOND_NOISE
        noise *= self._deviations(row, levels.nodes, day)[place]
        path = np.clip(path + noise, low, high)
        for at, level in knots:
            path[at] = level
        return MinuteLevels(path, high_at, low_at)
