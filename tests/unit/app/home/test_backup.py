"""Backup, loss of everything, restore: the same home again, on files and on a server; what is not whole is no backup."""

import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy.engine import URL

from tests.contracts.journal_records import chain
from tests.postgres import new_database, plain, server, timescale_server
from tests.unit.app.conftest import Theo
from tests.unit.app.home.test_journal_commands import change
from theo.adapters.postgres.dump import drop_database
from theo.adapters.postgres.server import Server
from theo.adapters.sql.file_backup import copy_database
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.adapters.sql.journal.verify import verify
from theo.domain.journal import TRADING

VARIABLE = "THEO_DATABASE_URL"
DAYS = 4


@pytest.fixture
def backup(theo: Theo, copied: Path, tmp_path: Path) -> Path:
    said = theo("--home", copied, "db", "backup", tmp_path / "kept")
    assert said.code == 0, said.err
    (made,) = (tmp_path / "kept").iterdir()
    return made


def deals(theo: Theo, home: Path) -> object:
    return json.loads(theo("--home", home, "deals", "--run", "demo", "--json").out)


def test_a_home_of_files_comes_back_after_everything_is_lost(theo: Theo, copied: Path, backup: Path, tmp_path: Path) -> None:
    (copied / "theo.toml").write_text("mode = 'virtual'\n")
    before = deals(theo, copied)
    shutil.rmtree(copied)
    said = theo("db", "restore", backup, tmp_path / "new")
    assert said.code == 0, said.out + said.err
    assert deals(theo, tmp_path / "new") == before
    assert theo("--home", tmp_path / "new", "journal", "verify", "--redecide").code == 0
    assert theo("--home", tmp_path / "new", "audit", "verify").code == 0
    assert theo("--home", tmp_path / "new", "demo", "--days", "12", "--speed", "0", "--plain").code == 0
    listed = theo("--home", tmp_path / "new", "audit", "list", "--run", "audit")
    assert "restore" in listed.out


@pytest.mark.parametrize("started", [server, timescale_server])
def test_a_home_on_a_server_comes_back_after_everything_is_lost(
    theo: Theo, tmp_path: Path, started: Callable[[], Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, programs = new_database(on=started()), started().binaries
    home, back = tmp_path / "home", url.set(database=f"{url.database}_back")
    monkeypatch.setenv(VARIABLE, plain(url))
    assert theo("--home", home, "demo", "--days", DAYS, "--speed", "0", "--plain").code == 0
    before = deals(theo, home)
    said = theo("--home", home, "db", "backup", tmp_path / "kept", "--programs", programs)
    assert said.code == 0, said.err
    (made,) = (tmp_path / "kept").iterdir()
    shutil.rmtree(home)
    drop_database(plain(url))
    monkeypatch.delenv(VARIABLE)
    assert theo("db", "restore", made, tmp_path / "new", "--programs", programs).code == 2  # it needs a database
    assert not (tmp_path / "new").exists()
    said = theo("db", "restore", made, tmp_path / "new", "--database", plain(back), "--programs", programs)
    assert (said.code, "are those of its ticks" in said.out) == (0, True), said.out + said.err
    monkeypatch.setenv(VARIABLE, plain(back))
    assert deals(theo, tmp_path / "new") == before
    assert theo("--home", tmp_path / "new", "journal", "verify", "--redecide").code == 0
    assert theo("--home", tmp_path / "new", "audit", "verify").code == 0
    assert theo("--home", tmp_path / "new", "journal", "rebuild").code == 0
    assert trials(url) == []


def trials(url: URL) -> list[tuple[object, ...]]:
    """Databases that a trial left behind."""
    from theo.adapters.postgres.dump import connected

    with connected(plain(url.set(database="postgres"))) as connection:
        return connection.execute("SELECT datname FROM pg_database WHERE datname LIKE 'theo_trial%'").fetchall()


def test_nothing_is_restored_over_another_home(theo: Theo, copied: Path, backup: Path) -> None:
    said = theo("db", "restore", backup, copied)
    assert (said.code, "is not empty" in said.err) == (2, True)
    assert (theo("db", "restore", copied, copied.parent / "x").code, (copied.parent / "x").exists()) == (2, False)


def test_a_backup_inside_its_home_is_refused(theo: Theo, copied: Path) -> None:
    assert theo("--home", copied, "db", "backup", copied / "kept").code == 2
    assert not (copied / "kept").exists()


@pytest.mark.parametrize("kind", ["changed", "missing", "added"])
def test_a_backup_that_is_not_what_was_kept_is_refused(theo: Theo, backup: Path, kind: str, tmp_path: Path) -> None:
    file = backup / "home" / "demo" / "journal.db"
    if kind == "changed":
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
    elif kind == "missing":
        file.unlink()
    else:
        (backup / "home" / "more.toml").write_text("")
    for command in (("verify-backup", backup), ("restore", backup, tmp_path / "new")):
        said = theo("db", *command)
        assert (said.code, "not those that were kept" in said.err) == (1, True), said.err
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("kind", ["journal", "tables", "cut"])
def test_a_home_that_is_not_sound_makes_no_backup(theo: Theo, copied: Path, tmp_path: Path, kind: str) -> None:
    statement = {
        "journal": "UPDATE journal SET epoch = 9 WHERE stream = 'trading' AND seq = 7",
        "tables": "UPDATE deals SET net = net + 1",
        "cut": "DELETE FROM journal WHERE stream = 'trading' AND seq > 30",
    }[kind]
    change(copied / "demo" / ("market.db" if kind == "tables" else "journal.db"), statement)
    said = theo("--home", copied, "db", "backup", tmp_path / "kept")
    assert (said.code, "is not whole" in said.err) == (1, True), said.err
    assert [path.name.endswith(".unverified") for path in (tmp_path / "kept").iterdir()] == [True]


@pytest.fixture
def writer(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process that appends without a pause."""
    command = [sys.executable, "-m", "tests.unit.adapters.sql.journal_writer", str(tmp_path), "8"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[4]) as process:
        yield process
        process.kill()


def test_a_copy_made_while_another_process_writes_is_of_one_moment(tmp_path: Path, writer: "subprocess.Popen[str]") -> None:
    assert writer.stdout is not None
    ends = []
    for number in range(5):
        before = int(writer.stdout.readline())
        (tmp_path / f"copy{number}").mkdir()
        copy_database(tmp_path / "journal.db", tmp_path / f"copy{number}" / "journal.db")
        store = SqlJournalStore(tmp_path / f"copy{number}")
        (walked,) = verify(store)
        store.close()
        assert walked.fault is None
        assert walked.records >= before
        assert walked.records % 8 == 0
        ends.append(walked.records)
    assert ends == sorted(ends)
    assert not writer.poll()


def test_a_copy_is_one_file(tmp_path: Path) -> None:
    store = SqlJournalStore(tmp_path)
    store.append(chain([b"a", b"b"], store.claim(TRADING)))
    copy_database(tmp_path / "journal.db", tmp_path / "copy.db")
    with closing(sqlite3.connect(tmp_path / "copy.db")) as raw:
        assert raw.execute("SELECT count(*) FROM journal").fetchone() == (2,)
    assert sorted(path.name for path in tmp_path.glob("copy*")) == ["copy.db"]
    store.close()
