"""A plain server keeps ticks by month: made by whoever writes first, waited for by nobody, unseen by whoever reads."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from tests.postgres import new_database, plain, timescale_server
from theo.adapters.postgres.roles import make_roles
from theo.adapters.sql.database.place import Place
from theo.adapters.sql.database.postgresql import BULK_MS_MAX, open_engine
from theo.adapters.sql.database.transactions import writing
from theo.adapters.sql.market.store import SqlMarketStore
from theo.adapters.sql.schema.opening import Database, migrate
from theo.domain.instrument import Instrument, SecurityType
from theo.domain.market_data import Tick
from theo.ports.market_store import TickRange

MES = Instrument(id=7, symbol="MES", token=7, security_type=SecurityType.FUT, exchange="CME", calendar="CME_EQUITY", tick=25)
LATEST = "SELECT symbol, timestamp, price, volume FROM stock_ticks ORDER BY timestamp DESC LIMIT 10"
PARTS = (
    "SELECT tableoid::regclass::text AS part, count(*) FROM exact.ticks GROUP BY 1 "
    "UNION ALL SELECT 'all', count(*) FROM exact.ticks ORDER BY 1"
)


def at(*moment: int) -> int:
    return int(datetime(*moment, tzinfo=UTC).timestamp()) * 1_000_000  # type: ignore[misc, arg-type]  # year, month, day and so on


def tick(timestamp: int, seq: int = 0) -> Tick:
    return Tick(7, timestamp, timestamp, seq, 0, 500_000 + seq, 1, 0, 0, "ib")


EDGES = [at(2025, 1, 31, 23, 59, 59), at(2025, 2, 1) - 1, at(2025, 2, 1), at(2025, 3, 1) - 1, at(2025, 12, 31), at(2026, 1, 1)]
OUTSIDE = [at(1950, 1, 1), -1, at(2200, 1, 1), at(3000, 1, 1)]
ALL = TickRange(instrument=7, start=at(1900, 1, 1), end=at(4000, 1, 1))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path, new_database(), "home")


@pytest.fixture
def store(place: Place) -> Iterator[SqlMarketStore]:
    opened = SqlMarketStore(place)
    opened.put_instruments([MES])
    yield opened
    opened.close()


@pytest.fixture
def owner(place: Place, store: SqlMarketStore) -> "Iterator[psycopg.Connection[Any]]":
    assert place.server is not None
    with psycopg.connect(plain(place.server), autocommit=True) as connection:
        yield connection


def test_a_month_is_a_table_and_what_lies_outside_has_its_own(store: SqlMarketStore, owner: "psycopg.Connection[Any]") -> None:
    store.put_ticks([tick(each) for each in EDGES + OUTSIDE])
    assert owner.execute(PARTS).fetchall() == [
        ("all", 10),
        ("exact.ticks_2025_01", 2),
        ("exact.ticks_2025_02", 2),
        ("exact.ticks_2025_12", 1),
        ("exact.ticks_2026_01", 1),
        ("exact.ticks_early", 2),
        ("exact.ticks_late", 2),
    ]
    assert [each.timestamp for each in store.ticks(ALL)] == sorted(EDGES + OUTSIDE)


def test_every_way_in_makes_its_months(store: SqlMarketStore, owner: "psycopg.Connection[Any]") -> None:
    store.keep_ticks([tick(at(2024, 1, 5))])
    store.keep_ticks([tick(at(2024, 1, 5)), tick(at(2024, 2, 5))])  # merged: one is stored
    store.replace_ticks("ib", 7, at(2024, 3, 5), at(2024, 3, 6), [tick(at(2024, 3, 5))])
    staged = store.begin_import("file", "f")
    store.stage_ticks(staged, [tick(at(2024, 4, 5)), tick(at(2024, 6, 5))])
    store.publish(staged)
    assert [part for part, _ in owner.execute(PARTS).fetchall()] == [
        "all",
        *(f"exact.ticks_2024_0{month}" for month in (1, 2, 3, 4, 6)),
    ]


def test_the_latest_ticks_are_read_from_the_newest_month_alone(store: SqlMarketStore, owner: "psycopg.Connection[Any]") -> None:
    for month in range(1, 13):
        store.put_ticks([tick(at(2025, month, 5) + n * 1_000, n) for n in range(200)])
    owner.execute("ANALYZE exact.ticks")
    plan = "\n".join(row[0] for row in owner.execute(f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) {LATEST}").fetchall())
    newest, rest = plan[plan.index("ticks_2025_12") :].split("\n", 1)[0], plan[plan.index("ticks_2025_11") :].split("\n", 1)[0]
    assert "never executed" not in newest
    assert "never executed" in rest
    assert "Sort" not in plan


def test_a_new_month_waits_for_no_reader(store: SqlMarketStore, owner: "psycopg.Connection[Any]") -> None:
    store.put_ticks([tick(at(2025, 1, 5), n) for n in range(20_000)])
    reading = store.ticks(ALL)
    next(reading)  # a page is fetched, the rest is not: its transaction holds the table
    owner.execute("SET lock_timeout = '1s'")
    owner.execute("SELECT exact.make_months(%s::bigint[])", [[at(2025, 2, 5) // 86_400_000_000]])
    store.put_ticks([tick(at(2025, 3, 5))])
    assert sum(1 for _ in reading) == 19_999


def test_a_tick_whose_month_was_not_made_is_refused(store: SqlMarketStore, owner: "psycopg.Connection[Any]") -> None:
    store.put_ticks([tick(at(2025, 1, 5))])
    copied = (
        "INSERT INTO exact.ticks SELECT instrument, timestamp + INTERVAL '1 year', source_id, seq, received_at, kind, price, "
    )
    with pytest.raises(psycopg.errors.CheckViolation, match="no partition"):
        owner.execute(copied + "volume, flags, time_source FROM exact.ticks")


def test_months_are_made_by_the_application_and_not_by_readers(place: Place, owner: "psycopg.Connection[Any]") -> None:
    assert place.server is not None
    make_roles(plain(place.server), "months_app", "months_reader")
    market = SqlMarketStore(Place(place.folder, place.server.set(username="months_app"), "home"))
    market.put_ticks([tick(at(2031, 1, 5))])
    market.close()
    with psycopg.connect(plain(place.server.set(username="months_reader"))) as reader:
        assert reader.execute("SELECT count(*) FROM stock_ticks").fetchone() == (1,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute("SELECT exact.make_months('{0}')")


def test_what_was_there_stays_as_the_first_part(tmp_path: Path) -> None:
    """From the schema before: rows, what waits of an import, rights; and months from then on."""
    url = new_database(empty=True)
    engine = open_engine(url, durable=False, lock="market", statement_ms=BULK_MS_MAX)
    with writing(engine) as connection:
        connection.execute(text("CREATE SCHEMA exact"))
        migrate(connection, Database.MARKET, "0009")
    engine.dispose()
    row = "SELECT 7, to_timestamp({} + n), 1, 0, 0, 0, 500000, 1, 0, 0 FROM generate_series(0, 99) n"
    staged, stored = (at(2025, month, 28) // 1_000_000 for month in (3, 2))
    with psycopg.connect(plain(url), autocommit=True) as owner:
        owner.execute("CREATE ROLE months_of_old LOGIN")
        owner.execute("GRANT SELECT, INSERT ON exact.ticks TO months_of_old")
        owner.execute(
            "INSERT INTO exact.sources (name, visible, origin, fingerprint, staged_rows) VALUES ('ib', true, 'x', '', 0)"
        )
        owner.execute(b"INSERT INTO exact.ticks " + row.format(stored).encode())
        owner.execute(
            "INSERT INTO exact.staged_ticks (instrument, timestamp, source_id, seq, received_at, kind, price, volume, flags, "
            f"time_source) {row.format(staged)}"
        )
        store = SqlMarketStore(Place(tmp_path, url, "home"))
        store.put_instruments([MES])
        store.put_ticks([tick(at(2025, 3, 31)), tick(at(2025, 4, 1))])
        assert [each.timestamp for each in store.ticks(ALL)] == sorted(
            [(stored + n) * 1_000_000 for n in range(100)] + [at(2025, 3, 31), at(2025, 4, 1)]
        )
        store.close()
        assert owner.execute(PARTS).fetchall() == [("all", 102), ("exact.ticks_2025_04", 1), ("exact.ticks_early", 101)]
        assert owner.execute("SELECT count(*) FROM stock_ticks").fetchone() == (102,)
        held = "SELECT has_table_privilege('months_of_old', 'exact.ticks', %s)"
        assert [owner.execute(held, [what]).fetchone() for what in ("SELECT", "INSERT", "DELETE")] == [(True,), (True,), (False,)]
        indexes = owner.execute("SELECT count(*) FROM pg_index WHERE indrelid = 'exact.ticks_early'::regclass").fetchone()
        assert indexes == (2,)  # those that were there became the parts of the table's: none was built again


def test_with_the_extension_nothing_changes(tmp_path: Path) -> None:
    url = new_database(on=timescale_server())
    store = SqlMarketStore(Place(tmp_path, url, "home"))
    store.put_ticks([tick(each) for each in EDGES])
    store.close()
    with psycopg.connect(plain(url)) as owner:
        assert owner.execute("SELECT relkind::text FROM pg_class WHERE oid = 'exact.ticks'::regclass").fetchone() == ("r",)
        assert owner.execute(
            "SELECT count(*) FROM timescaledb_information.hypertables WHERE hypertable_name = 'ticks'"
        ).fetchone() == (1,)
