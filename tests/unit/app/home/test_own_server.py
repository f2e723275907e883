"""`theo db start` and `stop`: a PostgreSQL server in the home, never as root."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from theo.adapters.postgres.server import Server, wheel_binaries
from theo.app.commands.server import run_start, run_stop
from theo.domain.errors import HaltRequiredError, UserError

IS_ROOT = os.geteuid() == 0
USER = "nobody" if IS_ROOT else ""


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder that every user may enter: as root the server runs as nobody."""
    folder = Path(tempfile.mkdtemp(prefix="theo-home-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    if (folder / "postgres" / "data").exists():
        run_stop(folder, json=True)
    shutil.rmtree(folder)


def test_the_server_starts_takes_clients_and_stops(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if USER and not all(each.stat().st_mode & 0o001 for each in wheel_binaries().parents):
        pytest.skip("as root the server runs as nobody, who may not enter the folder of the environment")
    assert run_start(home, user=USER, json=True) == 0
    url = json.loads(capsys.readouterr().out)["url"]
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept (x int)")
    assert run_start(home, user="", json=True) == 0  # a second start finds it running
    assert json.loads(capsys.readouterr().out)["url"] == url
    assert run_stop(home, json=True) == 0
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)
    assert run_start(home, user="", json=True) == 0
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)
        assert connection.execute("SHOW fsync").fetchone() == ("on",)
        assert connection.execute("SHOW random_page_cost").fetchone() == ("1.1",)


@pytest.mark.skipif(not IS_ROOT, reason="only root can be refused as root")
def test_root_is_refused_and_told_what_to_do(home: Path) -> None:
    with pytest.raises(UserError, match=r"never runs as root.*--as USER"):
        run_start(home, user="", json=True)
    assert not (home / "postgres").exists()


@pytest.mark.skipif(IS_ROOT, reason="root may name another user")
def test_another_user_cannot_be_named(home: Path) -> None:
    with pytest.raises(UserError, match="Leave --as away"):
        run_start(home, user="nobody", json=True)


@pytest.mark.skipif(not IS_ROOT, reason="only root runs it as another user")
def test_a_user_who_may_not_enter_is_told(home: Path) -> None:
    programs = home / "programs"
    shutil.copytree(wheel_binaries(), programs, ignore=lambda _folder, names: [n for n in names if n != "initdb"])
    programs.chmod(0o700)
    with pytest.raises(UserError, match="nobody cannot run PostgreSQL there"):
        Server(home / "server", programs, "nobody").make()
    home.chmod(0o700)
    with pytest.raises(HaltRequiredError, match="Permission denied"):
        run_start(home, user="nobody", json=True)
