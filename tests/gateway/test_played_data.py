"""Data of one's own on a simulated TWS: what the unmodified ib_async hears is what the files hold."""

import asyncio
import csv
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from ib_async import IB, BarData, Contract, Index, Stock, TickByTickAllLast

from theo.adapters.system.clock import HandClock, LeapingClock
from theo.app.commands.gateway import may_leap
from theo.app.gateway.data_choice import DataChoice, DataWishes
from theo.app.gateway.making import made
from theo.app.home.layout import Home
from theo.app.times import NEW_YORK
from theo.domain.errors import DataError, UserError
from theo.domain.market_data import MINUTE, SECOND, Tick, TickKind
from theo.gateway.building import build
from theo.gateway.contracts.book import Contracts
from theo.gateway.desk import GatewaySettings
from theo.gateway.market.replayed import RecordedMarket
from theo.gateway.server import GatewayServer

WAIT_SECONDS = 30
OPEN = datetime(2026, 11, 20, 9, 30, tzinfo=NEW_YORK)
SPY = Stock("SPY", "SMART", "USD")
Prices = tuple[float, float, float, float, int]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(tmp_path_factory.mktemp("home"))


def write_bars(file: Path, count: int, unit: str = "1min", begins: datetime = OPEN) -> list[Prices]:
    """Bars of SPY, minute after minute, each unlike the one before."""
    rows = []
    for n in range(count):
        middle = 500 + n * 0.25
        rows.append((middle, middle + 0.5, middle - 0.75, middle + 0.1, 1_000 + n))
    with file.open("w", newline="") as target:
        table = csv.writer(target)
        table.writerow(["ts_start", "open", "high", "low", "close", "volume"])
        for n, row in enumerate(rows):
            table.writerow([(begins + n * timedelta(minutes=1)).isoformat(), *row])
    return rows


def write_ticks(file: Path, count: int) -> list[tuple[int, float, int]]:
    """Trades of SPY, a second apart: time, price, size."""
    rows = [(int(OPEN.timestamp()) + n, 500 + (n % 7) * 0.01, 100 + n) for n in range(count)]
    with file.open("w", newline="") as target:
        table = csv.writer(target)
        table.writerow(["ts", "price", "size"])
        table.writerows(rows)
    return rows


@asynccontextmanager
async def serving(home: Home, *specs: str, start: str = "", timerange: str = "") -> AsyncIterator[IB]:
    """A client of a gateway that plays the specs as fast as the client takes it."""
    choice = DataChoice(home, DataWishes(specs=specs, timerange=timerange))
    try:
        found = made(home, GatewaySettings(), choice.playing(), seed=1, start=start, scenario=None)
        clock = LeapingClock(found.start, lambda: may_leap(found.gateway))
        server = GatewayServer(found.gateway.simulator, clock, port=0)
        await server.start()
        client = IB()
        await client.connectAsync("127.0.0.1", server.port, clientId=1, timeout=WAIT_SECONDS)
        try:
            yield client
        finally:
            client.disconnect()
            await server.stop()
    finally:
        choice.close()


async def qualified(client: IB, contract: Contract) -> Contract:
    (found,) = await client.qualifyContractsAsync(contract)
    assert isinstance(found, Contract)
    return found


async def until(client: IB, holds: Callable[[], bool]) -> None:
    """Wait for messages until a condition holds."""
    async with asyncio.timeout(WAIT_SECONDS):
        while not holds():
            await client.updateEvent


def prices(bars: list[BarData]) -> list[Prices]:
    return [(bar.open, bar.high, bar.low, bar.close, int(bar.volume)) for bar in bars]


async def test_history_gives_the_bars_of_a_file(home: Home, tmp_path: Path) -> None:
    rows = write_bars(tmp_path / "SPY_1min.csv", 60)
    async with serving(home, str(tmp_path), start="2026-11-20T10:20") as client:
        spy = await qualified(client, SPY)
        bars = await client.reqHistoricalDataAsync(spy, "", "3000 S", "1 min", "TRADES", useRTH=True)
        assert prices(bars)[:-1] == rows[:50]
        assert bars[0].date == OPEN
        vix = await qualified(client, Index("VIX", "CBOE", "USD"))
        assert not await client.reqHistoricalDataAsync(vix, "", "3000 S", "1 min", "TRADES", useRTH=True), "no data, no market"


async def test_live_ticks_are_those_of_the_file(home: Home, tmp_path: Path) -> None:
    rows = write_ticks(tmp_path / "SPY_ticks.csv", 300)
    async with serving(home, str(tmp_path / "SPY_ticks.csv")) as client:
        spy = await qualified(client, SPY)
        ticker = client.reqTickByTickData(spy, "AllLast")
        heard: list[tuple[float, int]] = []

        def hear(_: object) -> None:
            heard.extend((tick.price, int(tick.size)) for tick in ticker.tickByTicks if isinstance(tick, TickByTickAllLast))

        ticker.updateEvent += hear
        await until(client, lambda: bool(heard) and heard[-1] == rows[-1][1:])
        past = await client.reqHistoricalTicksAsync(spy, OPEN, "", 1_000, "TRADES", useRth=True)
    assert heard == [row[1:] for row in rows][-len(heard) :]
    assert len(heard) > len(rows) // 2
    assert isinstance(past, list)
    assert [(int(tick.time.timestamp()), tick.price, int(tick.size)) for tick in past] == rows


async def test_bars_that_were_imported_are_played(home: Home, tmp_path: Path, real_data: Path) -> None:
    """SPY in 15 minutes of January 2019 over the wire against the Parquet file, read by another library."""
    import duckdb

    file = real_data / "spy_15m_ohlcv_2019.parquet"
    sql = "select open, high, low, close, volume from read_parquet(?) where ts_start < '2019-01-08' order by ts_start"
    rows = [tuple(map(float, row)) for row in duckdb.connect().execute(sql, [str(file)]).fetchall()]
    async with serving(home, f"SPY:15min={file}", start="2019-01-08T09:30", timerange="20190104-20190110") as client:
        spy = await qualified(client, SPY)
        bars = await client.reqHistoricalDataAsync(spy, "20190108 09:30:00 US/Eastern", "2 D", "15 mins", "TRADES", useRTH=True)
    assert len(rows) == 52
    assert [tuple(map(float, row)) for row in prices(bars)] == [pytest.approx(row) for row in rows]


async def test_the_end_of_the_data_is_an_end(home: Home, tmp_path: Path) -> None:
    rows = write_bars(tmp_path / "SPY_1min.csv", 5)
    async with serving(home, str(tmp_path)) as client:
        spy = await qualified(client, SPY)
        ticker = client.reqMktData(spy)
        await until(client, lambda: ticker.last == rows[-1][3])
        told = await client.reqCurrentTimeAsync()
        assert told < OPEN + timedelta(minutes=10), "time goes on at its true pace"
        assert ticker.bid < ticker.ask


def mistake(home: Home, *specs: str, timerange: str = "", start: str = "") -> str:
    choice = DataChoice(home, DataWishes(specs=specs, timerange=timerange))
    try:
        with pytest.raises(UserError) as caught:
            made(home, GatewaySettings(), choice.playing(), seed=1, start=start, scenario=None)
    finally:
        choice.close()
    return caught.value.sentence()


def test_mistakes_are_named_before_anything_is_served(home: Home, tmp_path: Path) -> None:
    good, nameless = tmp_path / "SPY_1min.csv", tmp_path / "prices.csv"
    write_bars(good, 3)
    write_bars(nameless, 3)
    (tmp_path / "VIX_1min.csv").write_text("ts_start,price\n2026-11-20T14:30:00Z,1\n")
    (tmp_path / "none").mkdir()
    said = {
        mistake(home, str(tmp_path / "gone.csv")): ("gone.csv", "does not exist"),
        mistake(home, str(nameless)): ("prices.csv", "SPY_1min"),
        mistake(home, f"XYZ:1min={nameless}"): ("'XYZ'", "Listed are SPY"),
        mistake(home, str(tmp_path / "VIX_1min.csv")): ("the close", "theo import"),
        mistake(home, str(good), timerange="20200101-20200102"): ("no row lies in the range", "--timerange"),
        mistake(home, str(good), start="2026-11-20T16:00"): ("--start", "2026-11-20 09:32"),
        mistake(home, str(tmp_path / "none")): ("no file of bars or ticks",),
        mistake(home, "store"): ("the store holds", "theo import"),
        mistake(home, "store:SPY"): ("nothing of SPY", "theo import list"),
        mistake(home, "run:none"): ("no run",),
        mistake(home, str(good), f"SPY:1min={nameless}"): ("one another",),
    }
    for sentence, parts in said.items():
        for part in parts:
            assert part in sentence


async def test_data_that_go_bad_while_they_are_played_are_not_an_end_in_silence(contracts: Contracts) -> None:
    at = int(OPEN.timestamp()) * SECOND
    ticks = [Tick(756733, at + n * SECOND, at + n * SECOND, 0, TickKind.TRADE, 5_000_000, 1) for n in (1, 3, 2)]
    gateway = build(GatewaySettings(), contracts, RecordedMarket(contracts.listings(), ticks, at), at)
    clock = HandClock(at)
    server = GatewayServer(gateway.simulator, clock, port=0)
    await server.start()
    server.check()
    clock.forward(MINUTE)
    with pytest.raises(DataError, match="order of arrival"):
        await server.caught_up()
    with pytest.raises(DataError, match="order of arrival"):
        server.check()
    await server.stop()
