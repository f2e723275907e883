"""What the owner of the tables does to scans and their history is found, at the change; what was there before is chained."""

import sqlite3
from contextlib import closing
from pathlib import Path
from random import Random

import psycopg
import pytest

from tests.postgres import DATABASES, new_database, plain
from tests.scan_tampering import HISTORY, ScanVictim
from theo.adapters.sql.database.place import Place
from theo.adapters.sql.database.transactions import reading, writing
from theo.adapters.sql.journal.append_only import missing_rules
from theo.adapters.sql.journal.scan_history import STREAMS, ScanHistory
from theo.adapters.sql.journal.verify import verify
from theo.adapters.sql.schema.opening import Database, migrate

CHANGES, SEED = 40, 7


@pytest.mark.parametrize("database", DATABASES)
def test_every_change_behind_the_platforms_back_is_found_where_it_is(tmp_path: Path, database: str) -> None:
    victim = ScanVictim(tmp_path, database)
    assert victim.sound()
    assert [victim.whole[at]["seq"] for at in (0, -1)] == [1, len(victim.whole)]
    draw = Random(SEED)  # noqa: S311 - the same changes each time
    assert [missed for _ in range(CHANGES) if (missed := victim.missed(draw))] == []
    assert victim.sound()
    victim.close()


@pytest.mark.parametrize("database", DATABASES)
def test_rows_that_people_query_by_are_those_of_the_document(tmp_path: Path, database: str) -> None:
    victim = ScanVictim(tmp_path, database)
    for table, change in (
        ("signal_symbols", "UPDATE signal_symbols SET timeframe = '60min' WHERE config_id = 1 AND role = 'Partner'"),
        ("signal_entry_rules", "UPDATE signal_entry_rules SET correlation_threshold = 0.7 WHERE config_id = 1 AND place = 3"),
        ("signal_entry_rules", "DELETE FROM signal_entry_rules WHERE config_id = 1 AND side = 'Long'"),
    ):
        assert victim.found_after(table, change) == (f"scan 1 (scan0) says otherwise than its document: {table}",)
    assert victim.sound()
    victim.close()


def test_a_rule_that_is_gone_is_named(tmp_path: Path) -> None:
    place = Place(tmp_path)
    history = ScanHistory(place)
    with closing(sqlite3.connect(tmp_path / "settings.db")) as raw, raw:
        raw.execute(f"DROP TRIGGER {HISTORY}_no_delete")
    with reading(history.engine) as connection:
        assert missing_rules(connection, history.rules) == (f"{HISTORY}_no_delete",)
    history.close()


def test_a_rule_of_a_server_that_is_gone_is_named(tmp_path: Path) -> None:
    place = Place(tmp_path, new_database(), "home")
    assert place.server is not None
    history = ScanHistory(place)
    with psycopg.connect(plain(place.server)) as raw:
        raw.execute(f"ALTER TABLE exact.{HISTORY} DISABLE TRIGGER {HISTORY}_no_change".encode())
    with reading(history.engine) as connection:
        assert missing_rules(connection, history.rules) == (f"{HISTORY}_no_change",)
    history.close()


BEFORE = "INSERT INTO signal_config_changes (home, config_id, number, name, at, user_name, action, reason, before, after) VALUES "
ROWS = [
    ("a", 1, 1, "one", 10, "ann", "create", "", None, "x = 1\n"),
    ("b", 1, 1, "one", 15, "bob", "create", "", None, "y"),
    ("a", 2, 1, "two", 20, "ann", "create", 'said "so"', None, "z = 'ä'"),
    ("a", 1, 2, "one", 30, "ann", "edit", "", "x = 1\n", "x = 2\n"),
    ("a", 2, 2, "two", 40, "ann", "delete", "", "z = 'ä'", None),
]


@pytest.mark.parametrize("database", DATABASES)
def test_what_was_there_before_the_chain_is_chained_by_home_in_its_order(tmp_path: Path, database: str) -> None:
    from theo.adapters.sql.database import postgresql, sqlite

    server = None if database == "sqlite" else new_database(empty=True)
    engine = (
        sqlite.open_engine(tmp_path / "settings.db", durable=True)
        if server is None
        else postgresql.open_engine(server, durable=True, lock="settings", statement_ms=10_000)
    )
    with writing(engine) as connection:
        if server is not None:
            connection.exec_driver_sql("CREATE SCHEMA IF NOT EXISTS exact")
        migrate(connection, Database.SETTINGS, "0001")
        for row in ROWS:
            marks = ", ".join("?" if server is None else "%s" for _ in row)
            connection.exec_driver_sql(f"{BEFORE} ({marks})", row)
    engine.dispose()
    for home, kept in (("a", ["one", "two", "one", "two"]), ("b", ["one"])):
        history = ScanHistory(Place(tmp_path, server, home))
        (walked,) = verify(history, (), STREAMS)
        assert (walked.fault, walked.records) == (None, len(kept))
        with reading(history.engine) as connection:
            assert missing_rules(connection, history.rules) == ()
            seen = connection.exec_driver_sql(f"SELECT name FROM {HISTORY} WHERE home = '{home}' ORDER BY seq")  # noqa: S608 - our words
            assert [row.name for row in seen] == kept
        history.close()
