"""A replica of the server: long reading goes there, and nothing is written to it."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from tests.postgres import plain, server
from tests.unit.adapters.sql.test_ingest import follow
from tests.unit.app.cli.test_bad_input import good_rows, import_spy, written
from tests.unit.app.conftest import Theo
from tests.unit.app.rulesets.test_own_class import CLASS, RULES
from theo.adapters.postgres.server import Server
from theo.adapters.sql.database.transactions import writing
from theo.adapters.sql.market.store import SqlMarketStore
from theo.app.home.layout import Home
from theo.domain.errors import TheoError

WRITES, READS = "THEO_DATABASE_URL", "THEO_DATABASE_READ_URL"


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Server, Server]]:
    """A primary, and a standby that has what a commit wrote before the commit is answered."""
    with tempfile.TemporaryDirectory(prefix="theo-read-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        primary, standby = (Server(Path(folder) / name, server().binaries, server().user) for name in ("a", "b"))
        primary.make(("shared_buffers = 16MB", "synchronous_standby_names = '*'", "synchronous_commit = remote_apply"))
        primary.start()
        follow(primary, standby)
        try:
            yield primary, standby
        finally:
            standby.stop("immediate")
            primary.stop("immediate")


def test_a_backtest_reads_the_replica(
    theo: Theo, servers: tuple[Server, Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    primary, standby = servers
    monkeypatch.setenv(WRITES, plain(make_url(primary.url())))
    monkeypatch.setenv(READS, plain(make_url(standby.url())))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "third.py").write_text(CLASS, encoding="utf-8")
    (tmp_path / "third.toml").write_text(RULES, encoding="utf-8")
    home = tmp_path / "home"
    assert import_spy(theo, home, written(tmp_path / "spy.csv", good_rows()[:26])).code == 0
    said = theo("--home", home, "backtest", tmp_path / "third.toml")
    assert said.code == 0, said.err
    assert "a replica, it has all that came" in theo("--home", home, "doctor").out
    store = SqlMarketStore(Home(home).reading_place())
    with pytest.raises(TheoError, match="read-only"), writing(store.engine) as connection:
        connection.execute(text("DELETE FROM bars"))
    store.close()
    standby.stop("immediate")
    said = theo("--home", home, "backtest", tmp_path / "third.toml")
    assert (said.code, str(standby.socket) in said.err) == (2, True), said.err


def test_a_replica_of_nothing_is_refused(theo: Theo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(READS, "postgresql://me@nowhere/x")
    said = theo("--home", tmp_path, "backtest", "buy-and-hold")
    assert (said.code, "Set THEO_DATABASE_URL too, or neither" in said.err) == (2, True)
