"""Pivot points from the previous session's high, low and close.

A session ends where a bar's session date changes, or, on bars that carry none, at a gap of at least ``SESSION_GAP``.
"""

from theo.domain.market_data import HOUR, Bar
from theo.market.indicators.indicator import Indicator
from theo.market.indicators.spec import IndicatorSpec

SESSION_GAP = HOUR  # the shortest daily halt of the markets served (CME, 17:00 to 18:00 ET)
FIBONACCI = (0.382, 0.618, 1.0)
CAMARILLA = (1.1 / 12, 1.1 / 6, 1.1 / 4)
NAN = float("nan")
Levels = tuple[float, float, float, float, float, float, float]
UNKNOWN: Levels = (NAN, NAN, NAN, NAN, NAN, NAN, NAN)


def pivot_levels(kind: str, high: int, low: int, close: int) -> Levels:
    """P, R1, R2, R3, S1, S2, S3 of a session: classic (floor traders'), Fibonacci or Camarilla, in price units."""
    p = float(high + low + close) / 3.0
    width = float(high - low)
    if kind == "classic":
        r1, s1 = 2.0 * p - low, 2.0 * p - high
        return p, r1, p + width, high + 2.0 * (p - low), s1, p - width, low - 2.0 * (high - p)
    base, parts = (p, FIBONACCI) if kind == "fibonacci" else (float(close), CAMARILLA)
    a, b, c = (width * part for part in parts)
    return p, base + a, base + b, base + c, base - a, base - b, base - c


class PivotPoints(Indicator):
    """Levels of the session before the running one. ints: [high, low, close, last end, session date] of the running session."""

    def __init__(self, spec: IndicatorSpec) -> None:
        super().__init__(spec, _unused, [0] * 5, list(UNKNOWN))
        self._kind = str(spec["kind"])
        self.update = self._update

    __slots__ = ("_kind",)

    def _update(self, bar: Bar) -> None:
        """Take one closed bar."""
        high, low, close, last_end, session = self.ints
        new = bool(last_end) and (bar.session_date != session if bar.session_date else bar.start - last_end >= SESSION_GAP)
        if new:
            self.floats[:] = pivot_levels(self._kind, high, low, close)
        if new or not last_end:
            high, low = bar.high, bar.low
        self.ints[:] = [max(high, bar.high), min(low, bar.low), bar.close, bar.end, bar.session_date]
        for column, value in zip(self.columns, self.floats, strict=True):
            column.push(value)


def _unused(*_args: object) -> None:
    """Pivots need times of bars, which a step does not see."""
