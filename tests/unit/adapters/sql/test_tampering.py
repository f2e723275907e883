"""What the owner of the tables does to journal and audit trail is found, at the record; the database refuses everybody else."""

import sqlite3
from contextlib import closing
from pathlib import Path
from random import Random

import psycopg
import pytest

from tests.contracts.journal_records import chain
from tests.postgres import DATABASES, new_database, plain
from tests.tampering import Victim
from theo.adapters.sql.database.place import Place
from theo.adapters.sql.database.transactions import reading
from theo.adapters.sql.journal.append_only import missing_rules
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.domain.journal import TRADING

CHANGES = 40
SEED = 11


@pytest.mark.parametrize("database", DATABASES)
def test_every_change_up_to_the_last_anchor_is_found_where_it_is(tmp_path: Path, database: str) -> None:
    victim = Victim(tmp_path, database)
    assert victim.faults() == []
    draw = Random(SEED)  # noqa: S311 - the same changes each time
    assert [missed for _ in range(CHANGES) if (missed := victim.missed(draw))] == []
    assert victim.faults() == []
    victim.close()


def a_journal(place: Place) -> None:
    store = SqlJournalStore(place)
    store.append(chain([b"a", b"b", b"c"], store.claim(TRADING)))
    store.close()


CHANGED = "UPDATE journal SET epoch = epoch + 1 WHERE seq = 2"
REFUSED = "the journal is append-only"


@pytest.mark.parametrize(
    "statement",
    [
        CHANGED,
        "UPDATE journal SET hash = hash",
        "DELETE FROM journal WHERE seq = 3",
        "DELETE FROM journal",
        "INSERT OR REPLACE INTO journal SELECT * FROM journal WHERE seq = 2",
        "REPLACE INTO journal SELECT stream, seq, 9, recorded_at, type, version, payload, previous, hash FROM journal",
    ],
)
def test_sqlite_refuses_to_change_records(tmp_path: Path, statement: str) -> None:
    a_journal(Place(tmp_path))
    with closing(sqlite3.connect(tmp_path / "journal.db")) as raw, pytest.raises(sqlite3.IntegrityError, match=REFUSED):
        raw.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        CHANGED,
        "DELETE FROM journal WHERE seq = 3",
        "TRUNCATE journal",
        "INSERT INTO journal SELECT * FROM journal WHERE seq = 2 ON CONFLICT (stream, seq) DO UPDATE SET epoch = 9",
        "SELECT erase_run('home')",
        "SELECT erase_run('home/runs/')",
        "SELECT erase_run('%/runs/x/y')",
    ],
)
def test_a_server_refuses_to_change_records(tmp_path: Path, statement: str) -> None:
    place = Place(tmp_path, new_database(), "home")
    a_journal(place)
    assert place.server is not None
    with psycopg.connect(plain(place.server)) as raw:
        raw.execute("SET search_path = exact")
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match=REFUSED):
            raw.execute(statement.encode())


def test_a_kept_run_can_be_thrown_away_whole_and_takes_no_other_with_it(tmp_path: Path) -> None:
    url = new_database()
    places = [Place(tmp_path / name, url, name) for name in ("home", "home/runs/a", "home/runs/ab", "home2/runs/a")]
    for place in places:
        a_journal(place)
    with psycopg.connect(plain(url), autocommit=True) as raw:
        assert raw.execute("SELECT exact.erase_run('home/runs/a')").fetchone() == (3,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match=REFUSED):
            raw.execute("DELETE FROM exact.journal")
    for place in places:
        store = SqlJournalStore(place)
        assert len(list(store.read(TRADING))) == (0 if place.name == "home/runs/a" else 3)
        store.close()


@pytest.mark.parametrize("kind", ["dropped", "weakened"])
@pytest.mark.parametrize("database", DATABASES)
def test_rules_that_are_gone_are_named(tmp_path: Path, database: str, kind: str) -> None:
    place = Place(tmp_path, None if database == "sqlite" else new_database(), "home")
    a_journal(place)
    if place.server is None:
        with closing(sqlite3.connect(tmp_path / "journal.db")) as raw, raw:
            raw.execute("DROP TRIGGER journal_no_delete")
            if kind == "weakened":
                raw.execute("CREATE TRIGGER journal_no_delete BEFORE DELETE ON journal BEGIN SELECT 1; END")
        expected: tuple[str, ...] = ("journal_no_delete",)
    else:
        with psycopg.connect(plain(place.server)) as connection:
            connection.execute(
                "ALTER TABLE exact.journal DISABLE TRIGGER journal_no_change"
                if kind == "dropped"
                else "CREATE OR REPLACE FUNCTION exact.refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD;END'"
            )
        expected = ("journal_no_change",) if kind == "dropped" else ("journal_no_change", "journal_no_truncate")
    store = SqlJournalStore(place)
    with reading(store.engine) as connection:
        assert missing_rules(connection) == expected
    store.close()
