"""Opening: made, migrated, or refused with what to do."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from theo.adapters.sql.inbox import SqlInbox
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.adapters.sql.market.store import SqlMarketStore
from theo.adapters.sql.schema import opening as schema
from theo.adapters.sql.schema.opening import DURABLE, METADATA, NEWEST, Database, open_database
from theo.adapters.sql.settings.scans import SqlScans
from theo.domain.errors import CorruptionError, TheoError, UserError
from tools.fresh_schema import FOLDER, statements

Open = Callable[[Path], object]
STORES = [SqlJournalStore, SqlMarketStore, SqlInbox, SqlScans]


@pytest.mark.parametrize("database", list(Database))
def test_the_tables_are_what_the_migrations_make(tmp_path: Path, database: Database) -> None:
    engine = open_database(tmp_path, database)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA[database]) == []
    engine.dispose()


@pytest.mark.parametrize("database", list(Database))
def test_a_new_file_is_what_the_migrations_make(tmp_path: Path, database: Database) -> None:
    assert (FOLDER / f"{database}.sql").read_text() == statements(database), "run: python -m tools.fresh_schema"
    open_database(tmp_path, database).dispose()
    with sqlite3.connect(tmp_path / f"{database}.db") as raw:
        assert "\n\n".join(raw.iterdump()) == f"BEGIN TRANSACTION;\n\n{statements(database)}\nCOMMIT;"
    raw.close()


@pytest.mark.parametrize("database", list(Database))
def test_the_newest_revision_is_the_one_that_is_named(database: Database) -> None:
    folder = Path(schema.__file__).parent / "migrations"
    scripts = ScriptDirectory(str(folder), version_locations=[str(folder / database)])
    revisions = [script.revision for script in scripts.walk_revisions()]
    assert scripts.get_heads() == [NEWEST[database]]
    assert revisions == sorted(revisions, reverse=True)


@pytest.mark.parametrize("database", list(Database))
def test_logs_and_syncing(tmp_path: Path, database: Database) -> None:
    engine = open_database(tmp_path, database)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == (2 if database in DURABLE else 1)
    engine.dispose()
    assert (tmp_path / f"{database}.db").exists()


@pytest.mark.parametrize("opens", STORES)
def test_a_file_of_a_newer_theo_is_refused(tmp_path: Path, opens: Open) -> None:
    (name,) = _make(tmp_path, opens)
    with sqlite3.connect(tmp_path / name) as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
    raw.close()
    with pytest.raises(UserError, match=r"newer theo.*Upgrade theo"):
        opens(tmp_path)


def _make(home: Path, opens: Open) -> list[str]:
    store = opens(home)
    store.close()  # type: ignore[attr-defined]  # every store has it
    return [path.name for path in home.glob("*.db")]


@pytest.mark.parametrize("opens", STORES)
def test_a_file_that_is_no_database_is_refused_and_not_touched(tmp_path: Path, opens: Open) -> None:
    (name,) = _make(tmp_path / "other", opens)
    home = tmp_path / "home"
    home.mkdir()
    (home / name).write_text("not a database, but longer than a header of one " * 40)
    before = (home / name).read_bytes()
    with pytest.raises(CorruptionError, match=r"is no database.*Move the file away") as refused:
        opens(home)
    assert str(home / name) in str(refused.value)
    assert (home / name).read_bytes() == before


def test_a_database_of_another_program_is_refused_and_not_touched(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "journal.db") as raw:
        raw.execute("CREATE TABLE contacts (name TEXT)")
    raw.close()
    with pytest.raises(CorruptionError, match="not one of theo's"):
        SqlJournalStore(tmp_path)
    with sqlite3.connect(tmp_path / "journal.db") as raw:
        assert raw.execute("SELECT name FROM sqlite_master").fetchall() == [("contacts",)]
    raw.close()


@pytest.mark.parametrize("opens", STORES)
def test_a_home_that_is_a_file_is_refused(tmp_path: Path, opens: Open) -> None:
    (tmp_path / "home").write_text("")
    with pytest.raises(UserError, match="--home"):
        opens(tmp_path / "home")


@contextmanager
def without_root() -> Iterator[None]:
    """Root may write everywhere; the permissions that a user meets are met as nobody."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("opens", STORES)
def test_a_folder_that_cannot_be_written_is_a_clear_error(opens: Open, tmp_path_factory: pytest.TempPathFactory) -> None:
    home = tmp_path_factory.mktemp("home")
    home.chmod(0o555)
    for parent in home.parents:
        if parent.stat().st_uid == os.getuid() and parent != Path("/tmp"):  # noqa: S108 - pytest's own folders lie in it
            parent.chmod(parent.stat().st_mode | 0o555)
    with without_root(), pytest.raises(UserError) as refused:
        opens(home)
    assert str(home) in str(refused.value)
    assert refused.value.remedy
    assert list(home.iterdir()) == []


def test_two_processes_may_open_a_new_home_at_once(tmp_path: Path) -> None:
    code = (
        "from pathlib import Path; from theo.adapters.sql.market.store import SqlMarketStore as S; "
        f"S(Path({str(tmp_path)!r})).close()"
    )
    processes = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    store = SqlMarketStore(tmp_path)
    assert store.series() == ()
    store.close()


def test_every_error_of_opening_is_ours(tmp_path: Path) -> None:
    (tmp_path / "journal.db").mkdir()
    with pytest.raises(TheoError):
        SqlJournalStore(tmp_path)


def test_an_existing_home_opens_without_alembic(tmp_path: Path) -> None:
    _make(tmp_path, SqlMarketStore)
    code = (
        "import sys; from pathlib import Path; from theo.adapters.sql.market.store import SqlMarketStore as S; "
        f"S(Path({str(tmp_path)!r})).close(); sys.exit('alembic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_ports_load_neither_sqlalchemy_nor_numpy() -> None:
    code = (
        "import sys, theo.ports.store, theo.ports.market_store, theo.adapters.sql, theo.adapters.files; "
        "sys.exit(bool({'sqlalchemy', 'numpy', 'duckdb', 'alembic'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
