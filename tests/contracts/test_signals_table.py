"""Signals: what their table must refuse, and what its readers must answer, on both databases."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import Connection, Engine, insert, text
from sqlalchemy.exc import DBAPIError

from tests.postgres import DATABASES, Opening, new_database
from theo.adapters.sql.database import postgresql, sqlite
from theo.adapters.sql.database.place import Place
from theo.adapters.sql.database.traces import file_of
from theo.adapters.sql.database.transactions import writing
from theo.adapters.sql.market.instrument_rows import put_instruments
from theo.adapters.sql.market.store import SqlMarketStore
from theo.adapters.sql.schema.opening import Database, migrate
from theo.adapters.sql.tables.projected import PROJECTED
from theo.domain.instrument import Instrument, SecurityType
from theo.domain.market_data import MINUTE, Bar
from theo.engine.signal_life import LIFE, SignalStatus
from theo.ports.market_store import Cell, MarketStore, SeriesEnds, SignalPage

NOON = 1_700_000_000_000_000
ROW: dict[str, Cell] = {
    "home": "",
    "id": "s1",
    "account": "DU1",
    "user_name": "ann",
    "mode": "paper",
    "run": "r",
    "config": "classic",
    "config_version": "1f0c9a2b7d3e",
    "end_at": NOON,
    "kind": "entry",
    "instrument": 7,
    "side": "BUY",
    "order_type": "LIMIT",
    "entry": 500_000,
    "stop": 499_000,
    "target": 502_000,
    "quantity": 4,
    "reason": "break",
    "status": "PENDING",
    "status_reason": "",
    "refused_rule": "",
    "refused_value": None,
    "refused_limit": None,
    "timeframe": "15min",
    "config_id": 3,
    "exchange": "CME",
    "product_type": "MARGIN",
    "contract_size": 2,
    "active": True,
    "created_at": NOON,
    "updated_at": NOON,
    "expires_at": None,
    "seq": 1,
}
MES = Instrument(id=7, symbol="MES", token=1, security_type=SecurityType.FUT, exchange="CME", calendar="CME_EQUITY", tick=25)


@pytest.fixture(scope="module", params=DATABASES)
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlMarketStore]:
    opened = Opening(SqlMarketStore, request.param)(tmp_path_factory.mktemp("home"))
    opened.put_instruments([MES])
    yield opened
    opened.close()


@pytest.fixture
def connection(store: SqlMarketStore) -> Iterator[Connection]:
    """In a transaction that is never committed."""
    with store.engine.connect() as opened:
        yield opened
        opened.rollback()


def put(connection: Connection, **other: Cell) -> None:
    insert_row(connection, {**ROW, **other})


def insert_row(connection: Connection, row: dict[str, Cell]) -> None:
    """By plain SQL: nothing of ours looks at it first."""
    names = ", ".join(row)
    connection.execute(text(f"INSERT INTO signals ({names}) VALUES ({', '.join(f':{name}' for name in row)})"), row)  # noqa: S608 - our own words


def refused(connection: Connection, **other: Cell) -> str:
    """The constraint that refuses a row."""
    with pytest.raises(DBAPIError) as caught:
        put(connection, **other)
    return str(caught.value.orig)


@pytest.mark.parametrize(
    ("other", "constraint"),
    [
        ({"entry": 0, "stop": None}, "prices_positive"),
        ({"stop": -1}, "prices_positive"),
        ({"target": 0, "side": "SELL", "stop": 501_000}, "prices_positive"),
        ({"quantity": -2}, "quantity_positive"),
        ({"quantity": 0, "status": "VALIDATED"}, "quantity_positive"),
        ({"quantity": 0, "status": "EXECUTED", "active": False}, "quantity_positive"),
        ({"quantity": 3}, "quantity_of_contract_size"),
        ({"contract_size": 0}, "contract_size"),
        ({"entry": None}, "entry_of_limit"),
        ({"entry": None, "order_type": "STOP_LIMIT"}, "entry_of_limit"),
        ({"stop": 500_000}, "stop_behind_entry"),
        ({"stop": 500_025}, "stop_behind_entry"),
        ({"side": "SELL", "target": 498_000}, "stop_behind_entry"),
        ({"target": 500_000}, "target_beyond_entry"),
        ({"side": "SELL", "stop": 501_000}, "target_beyond_entry"),
        ({"exchange": "LSE"}, "exchange"),
        ({"order_type": "MKT"}, "order_type"),
        ({"order_type": ""}, "order_type"),
        ({"product_type": "CREDIT"}, "product_type"),
        ({"side": "LONG"}, "side"),
        ({"side": ""}, "side"),
        ({"status": "NEW", "active": False}, "status"),
        ({"kind": "idea"}, "kind"),
        ({"user_name": ""}, "user_name"),
        ({"config_id": 0}, "config_id"),
        ({"active": False}, "active"),
        ({"status": "FAILED"}, "active"),
        ({"updated_at": NOON - 1}, "updated_at"),
        ({"expires_at": NOON}, "expires_at"),
    ],
)
def test_the_database_refuses_what_a_signal_cannot_be(connection: Connection, other: dict[str, Cell], constraint: str) -> None:
    assert f"signals_{constraint}" in refused(connection, **other)


@pytest.mark.parametrize("name", ["home", "id", "user_name", "config", "instrument", "created_at", "updated_at", "active"])
def test_the_database_refuses_a_signal_without(connection: Connection, name: str) -> None:
    assert "null" in refused(connection, **{name: None}).lower()


def test_one_signal_of_a_user_a_strategy_and_a_symbol_in_a_moment(connection: Connection) -> None:
    put(connection)
    for id_, other in (("s2", {"user_name": "bob"}), ("s3", {"config": "trend"}), ("s4", {"instrument": 8})):
        put(connection, id=id_, **other)
    put(connection, id="s5", created_at=NOON + 1, updated_at=NOON + 1)
    said = refused(connection, id="s6")
    assert "signals_once_a_moment" in said or "signals.created_at" in said


@pytest.mark.parametrize(
    "other",
    [
        {},
        {"side": "SELL", "stop": 501_000, "target": 498_000},
        {"order_type": "MARKET", "entry": None},
        {"target": None, "quantity": 0},
        {"kind": "exit", "side": "", "order_type": "", "entry": None, "stop": None, "target": None, "quantity": 0},
        {"exchange": None, "product_type": None, "contract_size": None, "config_id": None, "quantity": 3},
        {"status": "FAILED", "active": False, "stop": 600_000, "quantity": 3},
        {"status": "CANCELLED", "active": False, "target": -1},
    ],
)
def test_the_database_takes_what_a_signal_may_be(connection: Connection, other: dict[str, Cell]) -> None:
    put(connection, **other)


def reachable(status: SignalStatus) -> set[SignalStatus]:
    """By the table of the life of signals, in one step or several."""
    found = set(LIFE[status].values())
    return found.union(*map(reachable, found))


@pytest.mark.parametrize("before", list(SignalStatus))
def test_the_database_moves_a_signal_only_along_its_life(store: SqlMarketStore, before: SignalStatus) -> None:
    for after in SignalStatus:
        with store.engine.connect() as connection:
            put(connection, status=before, active=before in {"PENDING", "VALIDATED"})
            change = text("UPDATE signals SET status = :status, active = :active WHERE id = 's1'")
            values = {"status": str(after), "active": after in {"PENDING", "VALIDATED"}}
            if after is before or after in reachable(before):
                connection.execute(change, values)
            else:
                with pytest.raises(DBAPIError, match="a signal does not move like that"):
                    connection.execute(change, values)
            connection.rollback()


ADDED = ("config_id", "exchange", "product_type", "contract_size", "active", "created_at", "updated_at", "expires_at")


def engine_before(place: Path | Place) -> Engine:
    """A market database of the schema before the rules."""
    if isinstance(place, Place):
        assert place.server is not None
        engine = postgresql.open_engine(place.server, durable=True, lock=Database.MARKET, statement_ms=postgresql.BULK_MS_MAX)
    else:
        engine = sqlite.open_engine(file_of(place, Database.MARKET), durable=True)
    with writing(engine) as connection:
        if isinstance(place, Place):
            connection.execute(text("CREATE SCHEMA exact"))
        migrate(connection, Database.MARKET, "0013")
    return engine


def put_trade(connection: Connection, signal: str, quantity: int) -> None:
    """A trade of a signal; what is not asked here is 0 or ""."""
    columns = [column for column in PROJECTED["trades"].c if not column.nullable and column.server_default is None]
    row: dict[str, Cell] = {column.name: "" if column.type.python_type is str else 0 for column in columns}
    row |= {"id": f"t-{signal}", "signal_id": signal, "quantity": quantity}
    connection.execute(insert(PROJECTED["trades"]).values(row))


@pytest.mark.parametrize("database", DATABASES)
def test_stored_signals_are_brought_under_the_rules(database: str, tmp_path: Path) -> None:
    """From the schema before them: what is promoted, doubled, or has prices that cannot be."""
    place = tmp_path if database == "sqlite" else Place(tmp_path, new_database(empty=True), "")
    engine = engine_before(place)
    old = {name: value for name, value in ROW.items() if name not in ADDED}
    with writing(engine) as connection:
        put_instruments(connection, [msgspec.structs.replace(MES, contract_size=2)])
        changed: tuple[tuple[str, dict[str, Cell]], ...] = (
            ("s1", {"order_type": "LMT"}),
            ("s2", {"order_type": "MKT", "quantity": 0}),
            ("s3", {"config": "x", "order_type": "STP LMT", "stop": -5, "target": 10, "status": "EXECUTED"}),
            ("s4", {"config": "y", "order_type": "TRAIL", "stop": 600_000, "status": "FAILED"}),
            ("s5", {"config": "z", "instrument": 8, "order_type": "STP", "quantity": 3}),
        )
        for id_, other in changed:
            insert_row(connection, {**old, "id": id_, **other})
        put_trade(connection, "s2", 6)
    engine.dispose()
    opened = SqlMarketStore(place)
    rows = {str(row["id"]): row for row in opened.rows("signals")}
    opened.close()
    assert [rows[i]["order_type"] for i in sorted(rows)] == ["LIMIT", "MARKET", "STOP_LIMIT", "TRAILING_STOP", "STOP"]
    assert [rows[i]["created_at"] for i in ("s1", "s2", "s3")] == [NOON, NOON + 1, NOON]
    assert (rows["s2"]["status"], rows["s2"]["quantity"], rows["s2"]["active"]) == ("VALIDATED", 6, True)
    assert (rows["s3"]["stop"], rows["s3"]["target"], rows["s3"]["active"]) == (None, None, False)
    assert (rows["s4"]["stop"], rows["s4"]["status"]) == (600_000, "FAILED")
    assert [rows[i]["contract_size"] for i in ("s1", "s5")] == [2, None]
    assert [(rows[i]["exchange"], rows[i]["product_type"]) for i in ("s1", "s5")] == [("CME", "MARGIN"), (None, None)]


# Readers


@pytest.fixture(params=DATABASES)
def filled(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlMarketStore]:
    """Signals of two configurations on two instruments at three times, two of them at the same time."""
    opened = Opening(SqlMarketStore, request.param)(tmp_path)
    with writing(opened.engine) as connection:
        for id_, config, instrument, later, status in (
            ("s1", "classic", 7, 0, "EXECUTED"),
            ("s2", "trend", 7, 1, "PENDING"),
            ("s3", "classic", 8, 1, "FAILED"),
            ("s4", "trend", 8, 2, "PENDING"),
        ):
            at = NOON + later * MINUTE
            times: dict[str, Cell] = {"end_at": at, "created_at": at, "updated_at": at}
            other: dict[str, Cell] = {"home": opened.home, "config": config, "instrument": instrument, "status": status}
            insert_row(connection, {**ROW, **other, **times, "id": id_, "active": status == "PENDING"})
        insert_row(connection, {**ROW, "home": "another", "id": "s9"})
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("page", "ids"),
    [
        (SignalPage(count=9), ["s4", "s3", "s2", "s1"]),
        (SignalPage(count=2), ["s4", "s3"]),
        (SignalPage(count=9, after=(NOON + MINUTE, "s3")), ["s2", "s1"]),
        (SignalPage(count=9, after=(NOON, "s1")), []),
        (SignalPage(count=9, config="classic"), ["s3", "s1"]),
        (SignalPage(count=9, instruments=(7,)), ["s2", "s1"]),
        (SignalPage(count=9, instruments=(7, 8)), ["s4", "s3", "s2", "s1"]),
        (SignalPage(count=9, instruments=()), []),
        (SignalPage(count=9, status="PENDING"), ["s4", "s2"]),
        (SignalPage(count=9, start=NOON + MINUTE), ["s4", "s3", "s2"]),
        (SignalPage(count=9, end=NOON + MINUTE), ["s1"]),
        (SignalPage(count=9, start=NOON, end=NOON + 2 * MINUTE, config="trend", status="PENDING"), ["s2"]),
    ],
)
def test_signals_newest_first_as_they_are_asked_for(filled: MarketStore, page: SignalPage, ids: list[str]) -> None:
    assert [row["id"] for row in filled.signals(page)] == ids


def bar(instrument: int, minute: int, *, source: str = "ticks", close: int = 100, revision: int = 0, frame: str = "1min") -> Bar:
    start = minute * MINUTE
    end = start + MINUTE
    return Bar(instrument, end, frame, start, end, 99, max(close, 101), 98, close, 5, source, 3, revision, "")


@pytest.fixture
def barred(filled: SqlMarketStore) -> MarketStore:
    filled.put_bars([bar(7, minute) for minute in range(5)])
    filled.put_bars([bar(7, minute, source="ib") for minute in (3, 6)])
    filled.put_bars([bar(7, 4, close=120, revision=1), bar(8, 9), bar(8, 9, frame="5min")])
    return filled


def test_the_ends_of_each_series_whatever_its_sources(barred: MarketStore) -> None:
    assert set(barred.series_ends()) == {
        SeriesEnds(7, "1min", 0, 6 * MINUTE),
        SeriesEnds(8, "1min", 9 * MINUTE, 9 * MINUTE),
        SeriesEnds(8, "5min", 9 * MINUTE, 9 * MINUTE),
    }


def test_an_import_that_is_not_published_has_no_ends(barred: MarketStore) -> None:
    before = set(barred.series_ends())
    barred.stage_bars(barred.begin_import("file", "1"), [bar(7, 99), bar(9, 1)])
    assert set(barred.series_ends()) == before


@pytest.mark.parametrize(
    ("count", "source", "before", "minutes"),
    [
        (3, "ticks", 2**62, [2, 3, 4]),
        (3, "", 2**62, [3, 4, 6]),
        (99, "", 2**62, [0, 1, 2, 3, 3, 4, 6]),
        (2, "ticks", 4 * MINUTE, [2, 3]),
        (2, "ib", 2**62, [3, 6]),
        (2, "other", 2**62, []),
    ],
)
def test_the_latest_bars_oldest_first(barred: MarketStore, count: int, source: str, before: int, minutes: list[int]) -> None:
    found = barred.latest_bars(7, "1min", count, source, before)
    assert [each.start // MINUTE for each in found] == minutes
    assert all(each.close == 120 for each in found if each.start == 4 * MINUTE), "the newest revision"
