"""Roles on a real server: the application can do its work and not one thing more to the journal; readers read views."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import URL

from tests.contracts.journal_records import chain
from tests.postgres import new_database, plain
from theo.adapters.postgres.roles import READ_SECONDS_MAX, make_roles, rights
from theo.adapters.sql.database.place import Place
from theo.adapters.sql.inbox import SqlInbox
from theo.adapters.sql.journal.audit_trail import AuditEntry, AuditTrail
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.adapters.sql.market.store import SqlMarketStore
from theo.domain.errors import UserError
from theo.domain.inputs import Command
from theo.domain.journal import TRADING
from theo.domain.market_data import Tick

NUMBERS = itertools.count()
APP, READER = "desk_app", "desk_reader"


@pytest.fixture(scope="module")
def url() -> URL:
    found = new_database()
    make_roles(plain(found), APP, READER)
    return found


@pytest.fixture
def place(url: URL, tmp_path: Path) -> Iterator[Place]:
    """A home whose application runs as its own role."""
    place = Place(tmp_path, url.set(username=APP), f"home{next(NUMBERS)}/own")
    store = SqlJournalStore(place)
    store.append(chain([b"a", b"b"], store.claim(TRADING)))
    store.save_snapshot(2, 1, "build", "d", b"p")
    store.close()
    yield place
    with psycopg.connect(plain(url), autocommit=True) as owner:
        owner.execute("DELETE FROM exact.commands")


def test_the_application_can_do_all_its_work(place: Place) -> None:
    again = SqlJournalStore(place)
    again.claim(TRADING)
    again.save_snapshot(1, 1, "build", "d", b"p")
    again.save_snapshot(2, 2, "build", "d", b"p")
    again.close()
    trail = AuditTrail(place)
    trail.record(AuditEntry(1, "me", "configuration"))
    trail.close()
    market = SqlMarketStore(place)
    market.put_ticks([Tick(1, 1_000, 1_000, 0, 0, 500, 1, 0, 0, "ib")])
    market.close()
    inbox = SqlInbox(place)
    inbox.post(Command(at=1, id="x", actor="me", name="halt", reason="r"))
    inbox.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE exact.journal SET epoch = 9",
        "DELETE FROM exact.journal",
        "TRUNCATE exact.journal",
        "SET theo.erased_run = 'x'; DELETE FROM exact.journal",
        "ALTER TABLE exact.journal DISABLE TRIGGER ALL",
        "DROP TRIGGER journal_no_change ON exact.journal",
        "ALTER TABLE exact.journal ADD COLUMN more text",
        "DROP TABLE exact.leases",
        "CREATE TABLE exact.mine (a int)",
        "CREATE TABLE public.mine (a int)",
        "CREATE OR REPLACE FUNCTION exact.refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
        "SET session_replication_role = replica",
        "UPDATE exact.journal_schema_version SET version_num = '9999'",
        "CREATE ROLE another",
    ],
)
def test_the_application_is_refused_everything_else(place: Place, statement: str) -> None:
    assert place.server is not None
    with psycopg.connect(plain(place.server)) as app, pytest.raises(psycopg.errors.InsufficientPrivilege):
        app.execute(statement.encode())


@pytest.mark.parametrize(
    ("statement", "refused"),
    [
        ("SELECT count(*) FROM stock_ticks", False),
        ("SELECT * FROM stock_ohlc_15min", False),
        ("SELECT * FROM generated_signals", False),
        ("SELECT * FROM exact.journal", True),
        ("SELECT exact.erase_run('a/runs/b')", True),
        ("INSERT INTO exact.leases VALUES ('a', 1)", True),
        ("CREATE TABLE mine (a int)", True),
        ("SET default_transaction_read_only = off; CREATE TABLE mine (a int)", True),
    ],
)
def test_readers_read_the_views_and_nothing_else(url: URL, statement: str, *, refused: bool) -> None:
    with psycopg.connect(plain(url.set(username=READER))) as reader:
        if not refused:
            reader.execute(statement.encode())
            assert reader.execute("SHOW statement_timeout").fetchone() == (f"{READ_SECONDS_MAX}s",)
            return
        with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction)):
            reader.execute(statement.encode())


def test_making_roles_again_changes_nothing_and_takes_an_owner(url: URL) -> None:
    assert make_roles(plain(url), APP, READER) == ()
    with pytest.raises(UserError, match="CREATEROLE"):
        make_roles(plain(url.set(username=APP)), "other", "another")
    with pytest.raises(UserError, match="start theo once"):
        make_roles(plain(new_database(empty=True)), APP, READER)


def test_it_is_known_who_may_change_the_journal(url: URL) -> None:
    owner, app = rights(plain(url)), rights(plain(url.set(username=APP)))
    assert owner is not None
    assert app is not None
    assert (owner.owner, owner.changes_journal) == (True, True)
    assert (app.role, app.superuser, app.owner, app.changes_journal) == (APP, False, False, False)
    assert rights(plain(new_database(empty=True))) is None
