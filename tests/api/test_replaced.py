"""A run that is played afresh, or thrown away, under an interface that serves it: the new one is told, or that there is none."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from tests.api.conftest import Asking, serving
from tests.api.home import theo
from tests.api.test_events import closed, message, stream
from tests.postgres import DATABASES, new_database, plain
from tests.unit.app.running import once_there
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.api.event_tail import Pace
from theo.app.home.layout import VARIABLES, open_home
from theo.domain.journal import TRADING

DEMO = ("demo", "--days", 1, "--speed", 0, "--plain")


@contextmanager
def api(home: Path, run: str) -> Iterator[tuple[Asking, subprocess.Popen[str]]]:
    """`theo api` as a process of its own."""
    command = [sys.executable, "-c", "from theo.app.cli import main; main()"]
    command += ["--home", str(home), "api", "--port", "0", "--run", run]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        (port,) = re.findall(r":(\d+),", process.stdout.readline())
        process.stdout.readline()
        try:
            yield Asking(int(port)), process
        finally:
            process.terminate()


def hello(port: int) -> dict[str, Any] | None:
    """What a new stream is told first; None while nobody tells it."""
    try:
        with stream(port, "after=0") as connection:
            told = message(connection)
    except (OSError, ConnectionClosed):
        return None
    return told if told["kind"] == "hello" else None


def head(home: Path) -> int:
    """The newest record of the demo."""
    opened = open_home(home)
    with closing(SqlJournalStore(opened.place(opened.demo))) as store:
        found = store.head(TRADING)
    assert found is not None
    return found.seq


@pytest.mark.slow
@pytest.mark.parametrize("database", DATABASES)
def test_a_demo_that_is_played_afresh_is_served_in_the_old_ones_place(
    tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if database == "postgresql":
        monkeypatch.setenv(VARIABLES[0], plain(new_database()))
    theo(tmp_path, *DEMO)
    with api(tmp_path, "demo") as (asking, process):
        old = once_there(lambda: hello(asking.port))
        assert asking.get("/health").body["journal"]["recorded"] == head(tmp_path)
        with stream(asking.port) as connection:
            assert message(connection)["journal"] == old["journal"]
            theo(tmp_path, *DEMO, "--seed", 2, "--fresh")
            assert closed(connection)[0] == 1012

        def new() -> dict[str, Any] | None:
            found = hello(asking.port)
            return found if found and found["journal"] != old["journal"] and found["newest"] == head(tmp_path) else None

        def whole() -> bool | None:
            journal = asking.get("/health").body["journal"]
            return (journal["recorded"], journal["projected"]) == (head(tmp_path), head(tmp_path)) or None

        assert once_there(new)["run"] == "demo"
        assert once_there(whole)
        with stream(asking.port, f"after=0&journal={old['journal']}") as connection:
            assert closed(connection)[0] == 1008
        process.terminate()
        assert process.wait(20) == 0
        assert process.stdout is not None
        assert "another run has begun in the place of demo" in process.stdout.read()
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_of_a_run_that_was_thrown_away_the_service_says_so_and_makes_nothing_in_its_place(traded: Path, tmp_path: Path) -> None:
    home = Path(shutil.copytree(traded, tmp_path / "home"))
    (folder,) = (home / "runs").iterdir()
    with serving(home, folder=folder, pace=Pace(silence_s=0.2, look_old_s_max=0.3)) as served:
        with stream(served.port) as connection:
            message(connection)
            assert served.get("/health").status == 200
            shutil.rmtree(folder)
            assert closed(connection) == (1013, "the run that is served was thrown away")
        found = served.get("/health")
        assert found.status == 503
        assert "the run that is served was thrown away" in found.body["problems"][0]
        assert not folder.exists()
