"""Real ticks of SPY and ES through the ingest: none is lost or doubled, and the database's bars are the platform's own."""

from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import psycopg
import pytest

from tests.postgres import new_database, plain, timescale_server
from tests.unit.adapters.files.instruments import ES, SPY
from theo.adapters.calendars.tables import always_open
from theo.adapters.files.settings import TickSettings
from theo.adapters.files.tables import open_table
from theo.adapters.files.tick_checks import TickReader
from theo.adapters.sql.database.place import Place
from theo.adapters.sql.market.ingest import TickIngest
from theo.adapters.sql.market.spill import Spill, SpillBounds
from theo.adapters.sql.market.store import SqlMarketStore
from theo.domain.instrument import Instrument
from theo.domain.market_data import DAY, Bar, SessionScope, Tick
from theo.domain.timeframe import timeframe
from theo.market.bars import BarTree
from theo.market.sessions import Hours
from theo.ports.market_store import TickRange

FILES = {"es_ticks_esu13_20130901_03": ES, "spy_ticks_20131007": SPY}
MINUTES = (5, 15, 30, 60)
OFFERED = 7_919  # at a time: a prime, so that batches and instants never meet

pytestmark = pytest.mark.slow


def ticks_of(path: Path, instrument: Instrument) -> list[Tick]:
    """In the file's order."""
    settings = TickSettings(instrument=instrument, source="consolidated")
    return [tick for batch in TickReader(open_table(path), settings).batches() for tick in batch]


def built(ticks: list[Tick], minutes: int) -> dict[int, tuple[int, int, int, int, int]]:
    """The platform's own bars: start -> (open, high, low, close, volume)."""
    days = [datetime.fromtimestamp(t.timestamp / 1e6, UTC).date() for t in (ticks[0], ticks[-1])]
    hours = Hours(always_open(days[0] - timedelta(days=2), days[1] + timedelta(days=3)), SessionScope.ALL)
    tree = BarTree(ticks[0].instrument, [timeframe(f"{minutes}min")], hours)
    bars: dict[int, Bar] = {}
    for each in ticks:
        bars |= {bar.start: bar for bar in tree.on_tick(each)}
    bars |= {bar.start: bar for bar in tree.on_time(ticks[-1].timestamp + DAY)}
    return {start: (b.open, b.high, b.low, b.close, b.volume) for start, b in bars.items()}


@pytest.fixture(params=["sqlite", "plain", "timescale"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "sqlite":
        return Place(tmp_path)
    return Place(tmp_path, new_database(on=timescale_server() if request.param == "timescale" else None), "home")


@pytest.mark.parametrize("name", list(FILES))
def test_every_tick_is_stored_once_and_bars_are_our_own(place: Place, real_data: Path, tmp_path: Path, name: str) -> None:
    instrument = FILES[name]
    ticks = ticks_of(real_data / f"{name}.parquet", instrument)
    assert len({tick.timestamp for tick in ticks}) < len(ticks)  # some share their instant
    store = SqlMarketStore(place, durable=True)
    store.put_instruments([instrument])
    taking = TickIngest(store, Spill(tmp_path / "spill", lambda *_: None, SpillBounds(free_min=0)), lambda *_: None)
    coming = iter(ticks)
    while some := list(islice(coming, OFFERED)):
        taking.offer(some)
    taking.offer(ticks[-OFFERED:])  # once more, as after a lost answer
    taking.close()
    assert list(store.ticks(TickRange(instrument=instrument.id))) == ticks
    if place.server is not None:
        with psycopg.connect(plain(place.server), autocommit=True) as person:
            assert person.execute("SELECT count(*), sum(volume) FROM stock_ticks").fetchone() == (
                len(ticks),
                sum(tick.volume for tick in ticks),
            )
            for minutes in MINUTES:
                rows = person.execute(
                    "SELECT (extract(epoch FROM created) * 1000000)::bigint, open * %(unit)s, high * %(unit)s, low * %(unit)s, "  # noqa: S608 - our own numbers
                    f"close * %(unit)s, volume FROM stock_ohlc_{minutes}min",
                    {"unit": 10**instrument.price_decimals},
                ).fetchall()
                shown = {at: (int(o), int(h), int(low), int(c), int(v)) for at, o, h, low, c, v in rows}
                assert shown == built(ticks, minutes)
    store.close()
