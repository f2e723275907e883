"""The names that people query, on a plain server and on one with TimescaleDB, against bars that the platform builds itself."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.postgres import new_database, plain, timescale_server
from theo.adapters.calendars.tables import always_open
from theo.adapters.sql.database.place import Place
from theo.adapters.sql.market.level_store import SqlLevelStore
from theo.adapters.sql.market.store import SqlMarketStore
from theo.app.stored.leveling import Leveling
from theo.domain.instrument import Instrument, SecurityType
from theo.domain.market_data import DAY, MINUTE, Bar, SessionScope, Tick, TickFlag, TickKind
from theo.domain.timeframe import timeframe
from theo.market.bars import BarTree
from theo.market.sessions import Hours
from theo.market.standard_levels import TIMEFRAMES, LevelSettings

MES = Instrument(
    id=7, symbol="MES", token=551_601_561, security_type=SecurityType.FUT, exchange="CME", calendar="CME_EQUITY", tick=25
)
START = 1_735_828_200_000_000  # 2025-01-02 14:30 UTC
MINUTES = (5, 15, 30, 60)
M15 = 15 * MINUTE
WAVE = (0, 50, 0, 50)  # price units above 5000.00
FIRST_DAY, LAST_DAY = datetime(2024, 12, 31, tzinfo=UTC).date(), datetime(2025, 1, 6, tzinfo=UTC).date()
HOURS = Hours(always_open(FIRST_DAY, LAST_DAY), SessionScope.ALL)

OWNERS_QUERIES = (
    "SELECT symbol, timestamp, price, volume FROM stock_ticks ORDER BY timestamp DESC LIMIT 10",
    "SELECT symbol, created, price FROM stock_ticks ORDER BY created DESC LIMIT 10",
    "SELECT created, token, symbol, open, high, low, close, volume FROM stock_ohlc_15min ORDER BY created DESC LIMIT 10",
    "SELECT symbol, created, close, sh_price, sl_price, sh_status, sl_status FROM tbl_ohlc_fifteen_output",
    "SELECT id, config_id, symbol, token, signal_time, direction, price, timeframe, status FROM generated_signals",
    "CALL refresh_continuous_aggregate('stock_ohlc_15min', NOW() - INTERVAL '24 hours', NOW())",
    "SELECT COUNT(*) FROM timescaledb_information.hypertables",
    "SELECT COUNT(*) FROM timescaledb_information.continuous_aggregates",
    "SELECT COUNT(*) FROM timescaledb_information.jobs",
)


@pytest.fixture(params=["plain", "timescale"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return Place(tmp_path, new_database(on=timescale_server() if request.param == "timescale" else None), "home")


@pytest.fixture
def store(place: Place) -> Iterator[SqlMarketStore]:
    opened = SqlMarketStore(place)
    opened.put_instruments([MES])
    yield opened
    opened.close()


@pytest.fixture
def person(place: Place, store: SqlMarketStore) -> "Iterator[psycopg.Connection[Any]]":
    """Somebody with a client of their own, who knows nothing of our schema."""
    assert place.server is not None
    with psycopg.connect(plain(place.server), autocommit=True) as connection:
        connection.execute("SET TimeZone = 'America/New_York'")
        yield connection


def tick(after: int, seq: int, price: int, volume: int = 1, flags: int = 0) -> Tick:
    return Tick(7, START + after, START + after, seq, int(TickKind.TRADE), price, volume, flags, 0, "ib")


def test_the_owners_queries_run_as_they_are_written(store: SqlMarketStore, person: "psycopg.Connection[Any]") -> None:
    store.put_ticks([tick(MINUTE, 0, 500_025, 3), tick(MINUTE, 1, 500_050, 2)])
    answers = {}
    for query in OWNERS_QUERIES:
        cursor = person.execute(query)
        answers[query] = cursor.fetchall() if cursor.description else None
    latest = answers[OWNERS_QUERIES[0]]
    at = datetime.fromtimestamp(START / 1e6, UTC) + timedelta(minutes=1)
    assert latest == [("MES", at, Decimal("5000.25"), 3), ("MES", at, Decimal("5000.50"), 2)]
    assert answers[OWNERS_QUERIES[2]] == [
        (at - timedelta(minutes=1), 551_601_561, "MES", *(Decimal(p) for p in ("5000.25", "5000.50", "5000.25", "5000.50")), 5)
    ]


def test_levels_and_signals_are_shown_under_their_own_names(store: SqlMarketStore, person: "psycopg.Connection[Any]") -> None:
    """A revised bar is one row; what has no value yet is null; an import that nobody sees yet is not shown."""
    flat = Bar(7, START, "15min", START, START, 500_000, 500_000, 500_000, 500_000, 9)
    times = [(START + n * M15, START + (n + 1) * M15) for n in range(len(WAVE))]
    bars = [msgspec.structs.replace(flat.moved(p), start=start, end=end) for p, (start, end) in zip(WAVE, times, strict=True)]
    store.put_bars([*bars, msgspec.structs.replace(bars[-1], revision=1, close=500_125, high=500_125)])
    store.stage_bars(store.begin_import("file", "f"), [msgspec.structs.replace(bars[0], source="file")])
    levels = SqlLevelStore(store.engine)
    for series in levels.series(TIMEFRAMES):
        list(Leveling(levels, LevelSettings(k=1, atr_n=2)).bring_up(series))
    rows = person.execute(
        "SELECT id, token, symbol, close, sh_price, sl_price, sh_status, sl_status, fh_price, trailing_side, pivot_p "
        "FROM tbl_ohlc_fifteen_output ORDER BY created"
    ).fetchall()
    head = (551_601_561, "MES")
    high, low = Decimal("5000.50"), Decimal("5000.00")
    assert rows == [
        (1, *head, Decimal("5000.00"), None, None, None, None, None, None, None),
        (2, *head, high, None, None, None, None, None, None, None),
        (3, *head, low, high, None, True, None, high, "Long", None),
        (4, *head, Decimal("5001.25"), high, low, False, True, None, "Long", None),
    ]


def built(ticks: list[Tick], minutes: int) -> dict[int, tuple[int, int, int, int, int]]:
    """The platform's own bars: start -> (open, high, low, close, volume)."""
    tree = BarTree(7, [timeframe(f"{minutes}min")], HOURS)
    bars: dict[int, Bar] = {}
    for each in sorted(ticks, key=lambda t: (t.timestamp, t.seq)):
        bars |= {bar.start: bar for bar in tree.on_tick(each)}
    bars |= {bar.start: bar for bar in tree.on_time(START + 2 * DAY)}
    return {start: (b.open, b.high, b.low, b.close, b.volume) for start, b in bars.items()}


def shown(person: "psycopg.Connection[Any]", minutes: int) -> dict[int, tuple[int, int, int, int, int]]:
    """The same as people read them."""
    rows = person.execute(
        "SELECT (extract(epoch FROM created) * 1000000)::bigint, open * 100, high * 100, low * 100, close * 100, volume "  # noqa: S608 - our own numbers
        f"FROM stock_ohlc_{minutes}min WHERE symbol = 'MES'"
    )
    return {at: (int(o), int(h), int(low), int(c), int(volume)) for at, o, h, low, c, volume in rows}


ticks_of_a_day = st.lists(
    st.tuples(
        st.integers(0, 200) | st.integers(0, 12 * 60),  # minutes after the start
        st.sampled_from([0, 0, 1, 59_999_999]),  # and microseconds
        st.integers(499_900, 500_100),
        st.integers(0, 9),
        st.sampled_from([0, 0, 0, *(int(flag) for flag in TickFlag), 32 | 64, 32 | 128]),
    ),
    min_size=1,
    max_size=60,
)


def test_bars_of_the_database_are_the_platforms_own(store: SqlMarketStore, person: "psycopg.Connection[Any]") -> None:
    """Whatever was refreshed, and in whatever order late ticks came; a range that they fall into is refreshed again."""

    @settings(max_examples=25)
    @given(batches=st.lists(ticks_of_a_day, min_size=1, max_size=3), late=st.booleans())
    def equal(batches: list[list[tuple[int, int, int, int, int]]], *, late: bool) -> None:
        store.replace_ticks("ib", 7, START - START % DAY, START - START % DAY + 2 * DAY, [])
        ticks: list[Tick] = []
        for batch in batches:
            new = [tick(m * MINUTE + us, len(ticks) + n, *rest) for n, (m, us, *rest) in enumerate(batch)]
            store.put_ticks(new)
            ticks += new
            for minutes in MINUTES if late else ():
                person.execute(f"CALL refresh_continuous_aggregate('stock_ohlc_{minutes}min', '2025-01-01', '2025-01-06')")
        for minutes in MINUTES:
            person.execute(f"CALL refresh_continuous_aggregate('stock_ohlc_{minutes}min', '2025-01-01', '2025-01-06')")
            assert shown(person, minutes) == built(ticks, minutes)

    equal()


def test_an_import_is_in_the_bars_when_it_is_published_and_not_before(
    store: SqlMarketStore, person: "psycopg.Connection[Any]"
) -> None:
    ticks = [tick(n * MINUTE, n, 500_000 + n) for n in range(30)]
    staged = store.begin_import("ib", "of a file")
    store.stage_ticks(staged, ticks)
    assert all(shown(person, minutes) == {} for minutes in MINUTES)
    assert person.execute("SELECT count(*) FROM stock_ticks").fetchone() == (0,)
    assert store.publish(staged).rows == 30
    assert all(shown(person, minutes) == built(ticks, minutes) for minutes in MINUTES)
    again = store.begin_import("ib", "of another")
    store.stage_ticks(again, ticks[:1])
    store.discard(again)
    assert person.execute("SELECT count(*) FROM exact.staged_ticks").fetchone() == (0,)
    assert all(shown(person, minutes) == built(ticks, minutes) for minutes in MINUTES)


def test_what_came_since_the_last_refresh_is_seen(store: SqlMarketStore, person: "psycopg.Connection[Any]") -> None:
    store.put_ticks([tick(0, 0, 500_000)])
    for minutes in MINUTES:
        person.execute(f"CALL refresh_continuous_aggregate('stock_ohlc_{minutes}min', '2025-01-01', '2025-01-02 14:35+00')")
    newer = [tick(6 * MINUTE, 0, 500_100), tick(61 * MINUTE, 0, 499_900)]
    store.put_ticks(newer)
    for minutes in MINUTES:
        assert shown(person, minutes) == built([tick(0, 0, 500_000), *newer], minutes)
