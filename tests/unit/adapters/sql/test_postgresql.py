"""What is PostgreSQL's alone: its schema, its errors, a connection that goes away."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Text, bindparam, cast, select, text
from sqlalchemy.engine import make_url

from tests.contracts.journal_records import chain
from tests.postgres import new_database, plain, server
from theo.adapters.postgres.server import Server
from theo.adapters.sql.database import sqlite
from theo.adapters.sql.database.dialect import raw_pages
from theo.adapters.sql.database.place import Place
from theo.adapters.sql.database.transactions import reading, writing
from theo.adapters.sql.inbox import SqlInbox
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.adapters.sql.market.store import SqlMarketStore
from theo.adapters.sql.market.tick_rows import keep
from theo.adapters.sql.schema.opening import METADATA, Database, migrate, open_database, version_table
from theo.adapters.sql.tables.column_types import Moment
from theo.domain.errors import HaltRequiredError, OutcomeUnknownError, UserError
from theo.domain.inputs import Command
from theo.domain.journal import TRADING
from theo.domain.market_data import Tick
from theo.ports.market_store import TickRange

YEAR_1, YEAR_10000 = -62_135_596_800_000_000, 253_402_300_800_000_000  # the library's times end there


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path, new_database(), "home")


@pytest.mark.parametrize("database", list(Database))
def test_the_tables_are_what_the_migrations_make(tmp_path: Path, database: Database) -> None:
    engine = open_database(Place(tmp_path, new_database(empty=True), "x"), database)
    with engine.connect() as connection:
        options = {"version_table": version_table("postgresql", database), "include_object": _is_ours}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), METADATA[database]) == []
    engine.dispose()


def _is_ours(_found: object, name: str | None, kind: str, *_more: object) -> bool:
    """What only a server without TimescaleDB has stands outside the models."""
    own = ("made_bars", "made_pieces", "made_until", "ticks_by_time", "ticks_early", "ticks_late")
    return kind not in {"table", "index"} or not (name or "").startswith(own)


def test_homes_in_one_database_do_not_see_each_other(tmp_path: Path) -> None:
    url = new_database()
    stores = [SqlJournalStore(Place(tmp_path / name, url, name)) for name in ("a", "ab", "b")]
    for number, store in enumerate(stores, start=1):
        store.append(chain([b"x"] * number, store.claim(TRADING)))
        store.save_snapshot(number, 1, "build", "digest", b"%d" % number)
    for number, store in enumerate(stores, start=1):
        assert store.streams() == (TRADING,)
        assert len(list(store.read(TRADING))) == number
        assert [snapshot.payload for snapshot in store.newest_snapshots()] == [b"%d" % number]
        store.close()


def test_a_password_is_never_shown(tmp_path: Path) -> None:
    word = "not-to-be-seen"
    wrong = new_database().set(password=word, database="missing")
    with pytest.raises(UserError, match="missing") as refused:
        SqlMarketStore(Place(tmp_path, wrong, "x"))
    assert word not in str(refused.value)
    assert "THEO_DATABASE_URL" in refused.value.remedy
    assert word not in repr(Place(tmp_path, wrong, "x"))


def _end_connections(place: Place) -> None:
    assert place.server is not None
    with psycopg.connect(plain(place.server), autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def _write_and_be_cut(store: SqlMarketStore, place: Place, *, before_the_commit: bool) -> None:
    with writing(store.engine) as connection:
        connection.execute(text("INSERT INTO watermarks VALUES ('', 's', 1, '')"))
        _end_connections(place)
        if before_the_commit:
            connection.execute(text("SELECT 1"))


def test_a_connection_cut_before_the_commit_means_that_nothing_was_written(place: Place) -> None:
    store = SqlMarketStore(place)
    with pytest.raises(HaltRequiredError, match="cannot be written"):
        _write_and_be_cut(store, place, before_the_commit=True)
    with reading(store.engine) as connection:  # the pool has noticed
        assert connection.execute(text("SELECT count(*) FROM watermarks")).scalar_one() == 0
    store.close()


def test_a_connection_cut_at_the_commit_means_that_nobody_knows(place: Place) -> None:
    store = SqlMarketStore(place)
    with pytest.raises(OutcomeUnknownError, match="nobody knows"):
        _write_and_be_cut(store, place, before_the_commit=False)
    store.close()


def test_a_writer_whose_session_ended_is_fenced_off_by_the_next(place: Place) -> None:
    copied = Place(place.folder / "copied", place.server, place.name)  # on this machine a file lock would hold the second back
    first, second = SqlJournalStore(place), SqlJournalStore(copied)
    old = first.claim(TRADING)
    _end_connections(place)
    records = chain([b"new"], second.claim(TRADING))
    with pytest.raises(HaltRequiredError, match="may not write"):
        first.append(chain([b"old"], old))
    second.append(records)
    assert list(first.read(TRADING)) == records
    first.close()
    second.close()


def test_a_lock_that_is_held_too_long_is_told(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("theo.adapters.sql.database.postgresql.LOCK_WAIT_MS", 50)
    holder, waiting = SqlInbox(place), SqlMarketStore(place)
    with (
        writing(waiting.engine),
        pytest.raises(HaltRequiredError, match="another process holds the write lock"),
        writing(waiting.engine),
    ):
        pass
    holder.close()
    waiting.close()


def test_times_are_the_same_numbers_on_both_sides(place: Place) -> None:
    store = SqlMarketStore(place)
    wanted = select(cast(bindparam("at", type_=Moment), Moment).label("at"))

    @given(at=st.integers(-210_000_000_000_000_000, 9_000_000_000_000_000_000))
    def same(at: int) -> None:
        assert list(raw_pages(connection, wanted.params(at=at), 10)) == [[(at,)]]
        if YEAR_1 <= at < YEAR_10000:
            assert connection.execute(wanted, {"at": at}).scalar_one() == at
            written = connection.execute(select(cast(wanted.scalar_subquery(), Text)), {"at": at})
            assert datetime.fromisoformat(written.scalar_one()) == datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)

    with reading(store.engine) as connection:
        same()
    store.close()


def test_a_file_of_the_first_schema_keeps_its_rows(tmp_path: Path) -> None:
    engine = sqlite.open_engine(tmp_path / "inbox.db", durable=True)
    with writing(engine) as connection:
        migrate(connection, Database.INBOX, "0001")
        connection.execute(text("INSERT INTO commands VALUES (7, 'c7', 5, 'owner', 'halt', 'why', 'MES', NULL, NULL, NULL)"))
    engine.dispose()
    inbox = SqlInbox(tmp_path)
    assert inbox.pending() == (Command(at=5, id="c7", actor="owner", name="halt", reason="why", subject="MES"),)
    inbox.close()


def test_a_server_keeps_its_data_over_a_crash(short_folder: Path) -> None:
    ours = Server(short_folder / "server", server().binaries, server().user)
    ours.make()
    ours.start()
    with psycopg.connect(plain(make_url(ours.url()))) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS number")
    ours.stop("immediate")
    assert not ours.runs()
    ours.make()
    ours.start()
    with psycopg.connect(plain(make_url(ours.url()))) as connection:
        assert connection.execute("SELECT number FROM kept").fetchone() == (42,)
    ours.stop()


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """Pytest's own are too long for a socket."""
    with TemporaryDirectory(prefix="theo-pg-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def test_a_server_that_cannot_start_says_why(short_folder: Path) -> None:
    ours = Server(short_folder / "server", server().binaries, server().user)
    ours.make(("shared_buffers = 'no size'",))
    with pytest.raises(HaltRequiredError, match=r"pg_ctl failed.*shared_buffers"):
        ours.start()


def test_a_path_that_is_too_long_for_a_socket_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="shorter path"):
        Server(tmp_path / ("x" * 100), server().binaries).make()


def _copy_and_be_cut(store: SqlMarketStore, place: Place, tick: Tick) -> None:
    with writing(store.engine) as connection:
        _end_connections(place)
        keep(connection, [tick], {"ib": 1}, merging=False)


def test_a_connection_cut_in_a_copy_is_told_as_such(place: Place) -> None:
    """Not as the failure of the rollback that follows: whoever waits and tries again knows only our errors."""
    store = SqlMarketStore(place)
    tick = Tick(1, 0, 0, 0, 0, 100, 1, 0, 0, "ib")
    with pytest.raises(HaltRequiredError, match="cannot be written"):
        _copy_and_be_cut(store, place, tick)
    store.keep_ticks([tick])
    assert list(store.ticks(TickRange(instrument=1))) == [tick]
    store.close()
