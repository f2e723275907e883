"""Live equals backtest on recordings, trade for trade: MES against VIX by the shipped rule set, on real prices.

One side is the whole platform beside the whole gateway, on a simulated wire; the other the lock-step driver and the simulated
exchange, on the ticks that the gateway played. Recordings are moved by whole weeks to a time when MES' regular hours end at
16:00, as those of the prices do; weekdays and holidays are the same.
"""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from tests.sim.live_world.played import Did, Played, stage
from theo.adapters.instruments.catalogue import catalogue
from theo.adapters.sample_market.days import real_days
from theo.adapters.sample_market.paths import Market, day_ticks
from theo.app.gateway.played_series import file_series
from theo.domain.market_data import DAY, HOUR, MINUTE, SECOND, Bar, Tick

RULES = ["mes-vix-inverse"]
OPENS, CLOSES = 14 * HOUR + 30 * MINUTE, 21 * HOUR  # of New York's stocks in winter, UTC
EVER = (0, 1 << 62)
LATER_MAX = (
    2 * SECOND + SECOND // 4
)  # an index that does not move tells nothing; a sampled one tells it a quarter of a second later
MES, VIX = (catalogue()[symbol].instrument for symbol in ("MES", "VIX"))


@pytest.fixture(scope="session")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Session tables, made once."""
    return tmp_path_factory.mktemp("sessions")


def same(lived: Did, replayed: Did) -> None:
    """Deals, fills with their times and charges, orders with their prices; an order as late as its index was known later."""
    assert lived.deals == replayed.deals
    assert lived.fills == replayed.fills
    assert [line.split(" ", 1)[1] for line in lived.orders] == [line.split(" ", 1)[1] for line in replayed.orders]
    later = [int(a.split()[0]) - int(b.split()[0]) for a, b in zip(lived.orders, replayed.orders, strict=True)]
    assert min(later) >= 0
    assert max(later) <= LATER_MAX


@pytest.mark.slow
def test_live_and_replay_do_the_same_on_the_sample(tmp_path: Path, sessions: Path) -> None:
    """Real days of 2018 with drawn paths within each."""
    first, last, weeks = date(2018, 3, 5), date(2018, 3, 8), timedelta(weeks=417)
    known = [day for day in real_days() if first <= day.day <= last]
    series: dict[str, list[Tick]] = {"MES": [], "VIX": []}
    market = Market(MES.id, VIX.id, MES.tick, "sample")
    for real in known:
        begins = ((real.day + weeks) - date(1970, 1, 1)).days * DAY
        for tick in day_ticks(real, begins + OPENS, begins + CLOSES, market, 7):
            series["MES" if tick.instrument == MES.id else "VIX"].append(tick)
    played = Played(stage(series, first + weeks, last + weeks, sessions), tmp_path, sessions, RULES)
    lived = played.run()
    assert len(lived.deals) > 1
    same(lived, played.replayed())
    assert played.decided_again().first_difference is None


def as_mes(bar: Bar) -> Bar:
    """A bar of the fund as one of the index's future: ten times its price, on the grid."""
    unit = 10 ** (catalogue()["SPY"].instrument.price_decimals - MES.price_decimals - 1)
    prices = {name: round(getattr(bar, name) / unit / MES.tick) * MES.tick for name in ("open", "high", "low", "close")}
    return msgspec.structs.replace(bar, **prices)


def moved(bar: Bar) -> Bar:
    """365 weeks later: the same weekdays, and Martin Luther King's day a holiday too."""
    by = 365 * 7 * DAY
    return msgspec.structs.replace(bar, at=bar.at + by, start=bar.start + by, end=bar.end + by)


@pytest.mark.slow
def test_live_and_replay_do_the_same_on_five_weeks_of_2019(tmp_path: Path, sessions: Path, real_data: Path) -> None:
    """Quarter-hour bars of SPY and VIX, 2019-01-04 to 02-08, as the gateway plays bars."""
    spy, vix = (
        list(file_series(catalogue()[symbol].instrument, "15min", real_data / name, "", EVER, None).read(0))
        for symbol, name in (("SPY", "spy_15m_ohlcv_2019.parquet"), ("VIX", "vix_15m_ohlcv_2019.parquet"))
    )
    series = {
        "MES": [moved(as_mes(bar)) for bar in spy if isinstance(bar, Bar)],
        "VIX": [moved(bar) for bar in vix if isinstance(bar, Bar)],
    }
    first, last = (datetime.fromtimestamp(series["VIX"][n].start / SECOND, UTC).date() for n in (0, -1))
    played = Played(stage(series, first, last, sessions), tmp_path, sessions, RULES)
    lived = played.run()
    assert len(lived.deals) > 20
    same(lived, played.replayed())
    assert played.decided_again().first_difference is None
