"""The classic scan on real pairs: `theo scan test` finds, signal for signal, what a slow plain computation finds."""

from pathlib import Path

import pandas as pd
import pytest

from tests.golden.markets import ES_VX, NQ_VX, SPY_VIX, SPY_VXX, VXX_SPLITS, HomeOf, Pair
from tests.golden.plain_scan import bars_of, classic_signals
from theo.app.home.layout import open_home
from theo.app.runs.scanning import scanned
from theo.app.times import parse_time

DAY = 86_400_000_000


def _split(bars: pd.DataFrame) -> pd.DataFrame:
    """One new share for four old ones: earlier prices are four times as high."""
    for day in VXX_SPLITS:
        earlier = bars["end"] < (day.toordinal() - 719_163) * DAY
        bars = bars.assign(**{name: bars[name].where(~earlier, bars[name] * 4) for name in ("high", "low", "close")})
    return bars


def _bars(data: Path, pair: Pair, side: int) -> pd.DataFrame:
    source = pair.sources[side]
    plain = bars_of(data / f"{source.file}.parquet", source.columns.get("close", "close"), source.columns.get("contract", ""))
    return _split(plain) if source.splits else plain


@pytest.mark.parametrize(
    ("pair", "long", "short"),
    [(SPY_VIX, 19, 15), (ES_VX, 175, 145), (NQ_VX, 103, 104), pytest.param(SPY_VXX, 466, 302, marks=pytest.mark.slow)],
    ids=lambda value: value.name if isinstance(value, Pair) else "",
)
def test_the_signals_are_those_of_a_slow_plain_computation(
    pair: Pair, long: int, short: int, home_of: HomeOf, real_data: Path
) -> None:
    home, ruleset = home_of(pair)
    found = scanned(open_home(home), str(ruleset), "", "")
    signals = [(parse_time(signal.end), signal.side) for signal in found.signals()]
    assert signals == classic_signals(_bars(real_data, pair, 0), _bars(real_data, pair, 1))
    sides = [side for _, side in signals]
    assert (sides.count("Long"), sides.count("Short")) == (long, short)
