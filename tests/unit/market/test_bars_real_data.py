"""Bars built from real trades, seconds and minutes against the vendors' own bars of the same days (MANIFEST.md of the data)."""

from datetime import date
from pathlib import Path

import pytest

from theo.adapters.calendars.stored import session_table
from theo.domain.market_data import Bar, SessionScope, Tick, TickFlag
from theo.domain.timeframe import timeframe
from theo.market.bars import BarTree
from theo.market.longer_bars import LongerBars
from theo.market.sessions import Hours

REGULAR_BARS = 390
FIELDS = ("open", "high", "low", "close", "volume")
# Lean's sale-condition bits of trades that are not in its bars: dropping these reproduces them
NOT_LAST_CONDITIONS = 0x20 | 0x100000 | 0x200
NOT_LAST = int(TickFlag.NOT_LAST | TickFlag.NOT_HIGH_LOW)

Row = tuple[int, ...]


def rows(file: Path, columns: str, order: str) -> list[Row]:
    import duckdb

    with duckdb.connect() as connection:
        return connection.execute(f"select {columns} from read_parquet(?) order by {order}", [str(file)]).fetchall()  # noqa: S608 - our own columns


def bar_rows(file: Path, *, decimals: int = 2) -> dict[int, Row]:
    scale = 10**decimals
    prices = ", ".join(f"round({name} * {scale})::bigint" for name in FIELDS[:4])
    return {row[0]: row[1:] for row in rows(file, f"epoch_us(ts_start), {prices}, volume::bigint", "ts_start")}


def regular_hours(year: int) -> Hours:
    return Hours(session_table("NYSE", date(year, 1, 1), date(year, 12, 31)), SessionScope.RTH)


def agreeing(bars: list[Bar], expected: dict[int, Row]) -> dict[str, int]:
    """On how many bars each field is the vendor's."""
    return {name: sum(getattr(bar, name) == expected[bar.start][n] for bar in bars) for n, name in enumerate(FIELDS)}


@pytest.mark.parametrize("day", ["20131007", "20131008"])
def test_minutes_from_trades(real_data: Path, day: str) -> None:
    tree = BarTree(1, [timeframe("1min"), timeframe("5min")], regular_hours(2013))
    columns = "epoch_us(ts), round(price * 100)::bigint, size, ('0x' || cond)::bigint"
    bars: list[Bar] = []
    for seq, (ts, price, size, conditions) in enumerate(rows(real_data / f"spy_ticks_{day}.parquet", columns, "file_row_number")):
        flags = NOT_LAST if conditions & NOT_LAST_CONDITIONS else 0
        bars += tree.on_tick(Tick(1, ts, ts, seq, 0, price, size, flags))
    minutes = [bar for bar in bars if bar.timeframe == "1min"]
    assert len(minutes) == REGULAR_BARS
    found = agreeing(minutes, bar_rows(real_data / f"spy_1m_{day}.parquet"))
    assert min(found[name] for name in FIELDS[:4]) >= 389, found
    assert found["volume"] >= 388, found


@pytest.mark.parametrize("day", ["20131007", "20131008"])
def test_minutes_from_seconds(real_data: Path, day: str) -> None:
    chain = LongerBars(1, [timeframe("1min")], regular_hours(2013), source="file")
    bars: list[Bar] = []
    for start, (o, h, low, c, volume) in bar_rows(real_data / f"spy_1s_{day}.parquet").items():
        bars += chain.on_bar(Bar(1, start + 1_000_000, "1s", start, start + 1_000_000, o, h, low, c, volume))
    bars += chain.on_time(bars[-1].end + 3_600_000_000)
    assert len(bars) == REGULAR_BARS
    found = agreeing(bars, bar_rows(real_data / f"spy_1m_{day}.parquet"))
    assert [found[name] for name in FIELDS[:4]] == [REGULAR_BARS] * 4


def test_quarter_hours_from_minutes_are_exact(real_data: Path) -> None:
    chain = LongerBars(1, [timeframe("15min")], regular_hours(2019), source="file")
    bars: list[Bar] = []
    for start, (o, h, low, c, volume) in bar_rows(real_data / "gld_1m_ohlcv_2019feb.parquet", decimals=4).items():
        bars += chain.on_bar(Bar(1, start + 60_000_000, "1min", start, start + 60_000_000, o, h, low, c, volume))
    expected = bar_rows(real_data / "gld_15m_ohlcv_2019.parquet", decimals=4)
    assert len(bars) == 5 * 26
    assert agreeing(bars, expected) == dict.fromkeys(FIELDS, len(bars))
