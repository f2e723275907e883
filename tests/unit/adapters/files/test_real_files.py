"""The real files import, and what is stored is what duckdb reads from them."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.unit.adapters.files.instruments import ES, SPY, VIX, VX, VXX
from theo.adapters.calendars.stored import session_table
from theo.adapters.files.importing import import_bars, import_ticks
from theo.adapters.files.settings import BadRange, BarSettings, TickSettings
from theo.adapters.sql.market.store import SqlMarketStore
from theo.domain.errors import DataError
from theo.domain.instrument import Instrument
from theo.domain.market_data import DAY, HOUR, UNUSABLE, SessionScope, TickFlag
from theo.domain.timeframe import timeframe
from theo.market.sessions import Hours, Session, SessionTable
from theo.market.splits import Split
from theo.ports.market_store import BarRange, TickRange


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlMarketStore]:
    opened = SqlMarketStore(tmp_path / "home")
    yield opened
    opened.close()


def query(path: Path, what: str) -> list[Any]:
    import duckdb

    with duckdb.connect(":memory:") as connection:
        return connection.execute(f"SELECT {what} FROM read_parquet(?)", [str(path)]).fetchall()  # noqa: S608 - the test's own


OHLC = "epoch_us(ts_start), epoch_us(ts_end), open, high, low, close, volume"


@pytest.mark.parametrize(
    ("name", "instrument", "length"),
    [
        ("spy_15m_ohlcv_2019", SPY, "15min"),
        ("vix_15m_ohlcv_2019", VIX, "15min"),
        ("spy_60m_ohlcv", SPY, "60min"),
        ("vxx_60m_ohlcv", VXX, "60min"),
    ],
)
def test_bars(store: SqlMarketStore, real_data: Path, name: str, instrument: Instrument, length: str) -> None:
    path = real_data / f"{name}.parquet"
    import_bars(store, path, BarSettings(instrument=instrument, timeframe=timeframe(length)))
    stored = store.bars(BarRange(instrument=instrument.id, timeframe=length))
    price = instrument.units_nearest
    expected = [(s, e, price(o), price(h), price(lo), price(c), v) for s, e, o, h, lo, c, v in query(path, OHLC)]
    assert [(b.start, b.end, b.open, b.high, b.low, b.close, b.volume) for b in stored] == expected


@pytest.mark.parametrize(("side", "instrument"), [("es", ES), ("vx", VX)])
def test_close_only_futures_with_their_contracts(
    store: SqlMarketStore, real_data: Path, side: str, instrument: Instrument
) -> None:
    path = real_data / "pair_es_vx_60m.parquet"
    columns = {"close": f"{side}_close", "contract": f"{side}_contract"}
    settings = BarSettings(instrument=instrument, timeframe=timeframe("60min"), columns=columns, round_prices=side == "vx")
    import_bars(store, path, settings)
    bars = list(store.bars(BarRange(instrument=instrument.id, timeframe="60min")))
    expected = query(path, f"epoch_us(ts_start), {side}_close, {side}_contract::VARCHAR")
    assert [(b.start, b.close, b.contract) for b in bars] == [(s, instrument.units_nearest(c), k) for s, c, k in expected]
    assert all(b.open == b.high == b.low == b.close for b in bars)


def test_prices_finer_than_the_instrument_are_refused_with_the_first_row(store: SqlMarketStore, real_data: Path) -> None:
    path = real_data / "spy_15m_ohlcv_2019.parquet"
    rows = enumerate(query(path, "open, high, low, close"), start=1)
    first = next(number for number, row in rows if any(Decimal(str(price)) % Decimal("0.01") for price in row))
    with pytest.raises(DataError, match=f"row {first}: .* has more than 2 decimals"):
        import_bars(store, path, BarSettings(instrument=VIX, timeframe=timeframe("15min")))


def test_reverse_splits_take_the_jumps_out_of_vxx(store: SqlMarketStore, real_data: Path) -> None:
    """Raw closes jump about fourfold over the night of each split; adjusted ones move less than by a half."""
    path = real_data / "vxx_60m_ohlcv.parquet"
    dates = (date(2010, 11, 9), date(2012, 10, 5), date(2013, 11, 8), date(2016, 8, 9))
    days = [(day - date(1970, 1, 1)).days for day in dates]
    spans = {day: ((day * DAY + 13 * HOUR, day * DAY + 22 * HOUR),) for day in days}
    table = SessionTable("NYSE", "test", days[0], days[-1], tuple(Session(day, span, span) for day, span in spans.items()))
    splits = tuple(Split(day, new=1, old=4) for day in days)
    whole = BarRange(instrument=VXX.id, timeframe="60min")

    def jumps() -> int:
        closes = [bar.close for bar in store.bars(whole)]
        return sum(not 0.5 < after / before < 2 for before, after in pairwise(closes))

    import_bars(store, path, BarSettings(instrument=VXX, timeframe=timeframe("60min")))
    assert jumps() == len(dates)
    import_bars(store, path, BarSettings(instrument=VXX, timeframe=timeframe("60min"), splits=splits, sessions=table))
    assert jumps() == 0
    first = next(iter(store.bars(whole)))
    raw_open, _volume = query(path, "open, volume")[0]
    assert first.open == VXX.units_nearest(raw_open) * 4**4


def test_vix_days_with_a_close_outside_their_range(store: SqlMarketStore, real_data: Path) -> None:
    path = real_data / "vix_1d_ohlc.parquet"
    settings = BarSettings(instrument=VIX, timeframe=timeframe("1d"))
    with pytest.raises(DataError, match=r"row 534: open 19.24 .*47 rows .*--bad-range"):
        import_bars(store, path, settings)
    report = import_bars(store, path, msgspec.structs.replace(settings, bad_range=BadRange.SKIP))
    assert (report.rows, report.skipped) == (7304 - 47, 47)


def test_the_wrong_timeframe_is_noticed(store: SqlMarketStore, real_data: Path) -> None:
    path = real_data / "spy_15m_ohlcv_2019.parquet"
    with pytest.raises(DataError, match="the bars are 15 minutes apart, not 60min"):
        import_bars(store, path, BarSettings(instrument=SPY, timeframe=timeframe("60min")))


@pytest.mark.parametrize("name", ["spy_ticks_20131007", "spy_ticks_20131008"])
def test_every_tick_of_a_day(store: SqlMarketStore, real_data: Path, name: str) -> None:
    path = real_data / f"{name}.parquet"
    rows = query(path, "epoch_us(ts), price, size, cond")
    assert import_ticks(store, path, TickSettings(instrument=SPY)).rows == len(rows)
    quiet = 0x20 | 0x100000 | 0x200
    ticks = list(store.ticks(TickRange(instrument=SPY.id)))
    assert [(t.timestamp, t.price, t.volume) for t in ticks] == [(at, SPY.units_nearest(p), size) for at, p, size, _ in rows]
    assert [bool(t.flags & TickFlag.NOT_LAST) for t in ticks] == [bool(int(row[3], 16) & quiet) for row in rows]
    assert len({(t.timestamp, t.seq) for t in ticks}) == len(ticks)


def test_a_print_that_the_published_bars_contain_is_not_flagged_on_import(store: SqlMarketStore, real_data: Path) -> None:
    """15:36 in New York, 2013-10-08: a million shares at 167.51 while SPY trades at 165.95; the published high is 167.51."""
    sessions = session_table("NYSE", date(2013, 10, 1), date(2013, 10, 31))
    settings = TickSettings(instrument=msgspec.structs.replace(SPY, tick=100), sessions=sessions)
    report = import_ticks(store, real_data / "spy_ticks_20131008.parquet", settings)
    flagged = [tick for tick in store.ticks(TickRange(instrument=SPY.id)) if tick.flags & UNUSABLE]
    assert len(flagged) == report.flagged < report.rows / 10_000
    hours = Hours(sessions, SessionScope.RTH)
    assert [t for t in flagged if hours.is_open(t.timestamp)] == []


def test_half_a_million_futures_trades(store: SqlMarketStore, real_data: Path) -> None:
    path = real_data / "es_ticks_esu13_20130901_03.parquet"
    import_ticks(store, path, TickSettings(instrument=ES))
    hour = store.ticks(TickRange(instrument=ES.id, start=1_378_159_200_000_000, end=1_378_159_200_000_000 + HOUR))
    volume = query(path, "sum(size) FILTER (ts >= '2013-09-02 22:00:00+00' AND ts < '2013-09-02 23:00:00+00')")[0][0]
    assert sum(tick.volume for tick in hour) == volume > 0


def test_a_truncated_real_file_is_refused(store: SqlMarketStore, real_data: Path, tmp_path: Path) -> None:
    whole = (real_data / "spy_15m_ohlcv_2019.parquet").read_bytes()
    path = tmp_path / "cut.parquet"
    path.write_bytes(whole[: len(whole) * 2 // 3])
    with pytest.raises(DataError, match="is no whole Parquet file"):
        import_bars(store, path, BarSettings(instrument=SPY, timeframe=timeframe("15min")))
    assert store.series() == ()
