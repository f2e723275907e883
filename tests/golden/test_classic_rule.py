"""The classic rule written out over bare indicators, SPY and VIX, 15 minutes, 2019-01-04 to 02-08: the published counts.

No strategy, engine or store takes part: what is proven is the swings, their statuses, and the correlation; live, and compiled.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from theo.domain.market_data import Bar
from theo.market.correlation import CorrelationSpec, PairCorrelation
from theo.market.indicators.indicator import Indicator
from theo.market.indicators.spec import parse_spec
from theo.research.compiled.bar_columns import columns_of
from theo.research.compiled.correlations import correlate
from theo.research.compiled.indicators import batch

SWING = parse_spec("swing(2)")
PEARSON = CorrelationSpec(method="pearson", window=50, minimum=30, input="log_return", gap_returns="drop")
THRESHOLD = 0.7
UNITS = 10_000  # price units in 1.0
Markets = tuple[list[Bar], list[Bar]]


class Known(NamedTuple):
    """A bar's close, and the swings known at the close of the bar before."""

    close: float
    high: float
    low: float
    high_status: float
    low_status: float


class Counted(NamedTuple):
    """How often each thing happened."""

    up: int
    down: int
    signals: int


@pytest.fixture(scope="module")
def markets(real_data: Path) -> Markets:
    """SPY and VIX, each bar of which the other has too."""
    import duckdb

    def read(symbol: str) -> list[Bar]:
        sql = "select epoch_us(ts_start), epoch_us(ts_end), open, high, low, close from read_parquet(?) order by 1"
        rows = duckdb.connect().execute(sql, [str(real_data / f"{symbol}_15m_ohlcv_2019.parquet")]).fetchall()
        return [
            Bar(1, end, "15min", start, end, round(op * UNITS), round(hi * UNITS), round(lo * UNITS), round(cl * UNITS), 1)
            for start, end, op, hi, lo, cl in rows
        ]

    spy, vix = read("spy"), read("vix")
    assert [bar.end for bar in spy] == [bar.end for bar in vix]
    assert len(spy) == 650
    return spy, vix


def count(spy: Sequence[Known], vix: Sequence[Known], correlation: Sequence[float]) -> Counted:
    """Long: SPY breaks its swing high, VIX is below its swing low, and they move against each other. Short mirrored."""
    up = [s.high_status == 1.0 and s.close > s.high for s in spy]
    down = [s.low_status == 1.0 and s.close < s.low for s in spy]
    against = [r <= -THRESHOLD for r in correlation]
    signals = [
        inverse and ((long and v.close < v.low) or (short and v.close > v.high))
        for long, short, v, inverse in zip(up, down, vix, against, strict=True)
    ]
    return Counted(sum(up), sum(down), sum(signals))


EXPECTED = Counted(up=35, down=24, signals=34)


def test_live(markets: Markets) -> None:
    def known(bars: Sequence[Bar]) -> list[Known]:
        indicator, found = Indicator(SWING), []
        for bar in bars:
            indicator.update(bar)
            found.append(Known(float(bar.close), *(column.previous for column in indicator.columns)))
        return found

    spy, vix = markets
    pair, correlation = PairCorrelation(PEARSON), []
    for first, second in zip(spy, vix, strict=True):
        pair.join(first, second)
        correlation.append(pair.column.value)
    assert count(known(spy), known(vix), correlation) == EXPECTED


def test_compiled(markets: Markets) -> None:
    def known(bars: Sequence[Bar]) -> list[Known]:
        levels = batch(SWING, columns_of(bars))
        rows = zip(*(levels[name].tolist() for name in ("high", "low", "high_status", "low_status")), strict=True)
        before = [(float("nan"),) * 4, *rows][:-1]
        return [Known(float(bar.close), *row) for bar, row in zip(bars, before, strict=True)]

    spy, vix = markets
    correlation = correlate(PEARSON, columns_of(spy), columns_of(vix)).value.tolist()
    assert count(known(spy), known(vix), correlation) == EXPECTED


def test_the_owners_sign_never_fires(markets: Markets) -> None:
    """Correlation > 0.7, as the rule was first written down, holds on no bar; <= -0.7 holds on most."""
    spy, vix = markets
    values = correlate(PEARSON, columns_of(spy), columns_of(vix)).value
    assert (values > THRESHOLD).sum() == 0
    assert (values <= -THRESHOLD).sum() > len(spy) / 2
