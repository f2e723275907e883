"""Writers that are killed, disks that fill up, commits whose outcome nobody knows: real processes, real files."""

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.contracts.journal_records import chain
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.adapters.sql.journal.verify import verify
from theo.domain.errors import HaltRequiredError, OutcomeUnknownError
from theo.domain.journal import TRADING

ROOT = Path(__file__).parents[4]
PAGE = 4096


def writer(home: Path, group: int) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tests.unit.adapters.sql.journal_writer", str(home), str(group)]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}"}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment)


@pytest.mark.parametrize("group", [1, 64])
def test_a_killed_writer_loses_nothing_that_it_acknowledged(tmp_path: Path, group: int) -> None:
    for _ in range(3):
        process = writer(tmp_path, group)
        assert process.stdout is not None
        heard = [int(process.stdout.readline()) for _ in range(20)]
        process.send_signal(signal.SIGKILL)
        heard += [int(line) for line in process.stdout if line.endswith("\n")]
        process.wait()
        process.stdout.close()
        store = SqlJournalStore(tmp_path)
        head = store.head(TRADING)
        assert head is not None
        assert head.seq >= heard[-1]
        assert head.seq % group == 0
        (walked,) = verify(store)
        assert (walked.fault, walked.records) == (None, head.seq)
        store.close()


def test_a_living_writer_keeps_a_second_process_out(tmp_path: Path) -> None:
    process = writer(tmp_path, 1)
    assert process.stdout is not None
    process.stdout.readline()
    store = SqlJournalStore(tmp_path)
    with pytest.raises(HaltRequiredError, match=f"its process id is {process.pid}"):
        store.claim(TRADING)
    process.kill()
    process.wait()
    process.stdout.close()
    assert store.claim(TRADING) == 2
    store.close()


def in_a_process(act: Callable[[], None]) -> None:
    """Run in a forked child, so that limits of the process do not stay; its failures are ours."""
    child = os.fork()
    if child == 0:
        try:
            act()
        except BaseException as error:  # noqa: BLE001 - whatever it is, the parent must fail
            os.write(2, f"{type(error).__name__}: {error}\n".encode())
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


def test_a_full_database_stores_nothing_and_says_so(tmp_path: Path) -> None:
    store = SqlJournalStore(tmp_path)
    epoch = store.claim(TRADING)
    small = chain([b"a"], epoch)
    store.append(small)
    with store._appends.writing() as connection:  # the limit is a connection's own
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(HaltRequiredError, match=r"no space is left.*Free space") as full:
        store.append(chain([b"b" * PAGE * 10] * 5, epoch, after=small[0]))
    assert not isinstance(full.value, OutcomeUnknownError)
    assert list(store.read(TRADING)) == small
    store.close()


def test_a_disk_that_fails_in_the_commit_leaves_the_outcome_unknown(tmp_path: Path) -> None:
    """The file may not grow any more: the write of the commit fails. Later the journal is whole, with or without the group."""
    store = SqlJournalStore(tmp_path)
    epoch = store.claim(TRADING)
    first = chain([b"a"], epoch)
    store.append(first)
    store.close()

    def act() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        child = SqlJournalStore(tmp_path)
        mine = child.claim(TRADING)
        size = (tmp_path / "journal.db-wal").stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 2 * PAGE, size + 2 * PAGE))
        with pytest.raises(OutcomeUnknownError, match="nobody knows whether the commit was stored"):
            child.append(chain([b"b" * PAGE * 10], mine, after=first[0]))

    in_a_process(act)
    after = SqlJournalStore(tmp_path)
    (walked,) = verify(after)
    assert walked.fault is None
    assert after.head(TRADING) is not None
    after.close()
