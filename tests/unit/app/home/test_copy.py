"""`theo db copy`: a home from files to a server and back, verified, gone on with after a break, never half taken for whole."""

import json
import shutil
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection, Table

from tests.postgres import new_database, plain
from tests.unit.app.cli.test_bad_input import good_rows, written
from tests.unit.app.conftest import Theo
from theo.adapters.sql import moving
from theo.adapters.sql.database.dialect import Rows, insert_rows
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.domain.errors import CorruptionError
from theo.domain.journal import TRADING


@pytest.fixture
def home(theo: Theo, played: Path, tmp_path: Path) -> Path:
    """A demo, imported bars and a kept backtest, in files."""
    folder = Path(shutil.copytree(played, tmp_path / "home"))
    file = written(tmp_path / "bars.csv", good_rows())
    assert theo("--home", folder, "import", "bars", file, "--symbol", "SPY", "--timeframe", "15min").code == 0
    assert theo("--home", folder, "backtest", "buy-and-hold", "--json").code == 0
    return folder


def told(theo: Theo, home: Path) -> list[str]:
    """What the home says of itself: the deals of every run, the series, whether its journals are sound."""
    answers = [theo("--home", home, "deals", "--json", "--run", run.name) for run in ((home / "runs").iterdir())]
    answers += [theo("--home", home, "deals", "--json", "--run", "demo"), theo("--home", home, "import", "list", "--json")]
    answers.append(theo("--home", home, "journal", "verify", "--json"))
    assert all(answer.code == 0 for answer in answers), [answer.err + answer.out for answer in answers]
    return [answer.out for answer in answers]


def test_there_and_back_it_says_the_same(theo: Theo, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, url = told(theo, home), plain(new_database())
    said = theo("--home", home, "db", "copy", "files", url, "--json")
    assert said.code == 0, said.err
    names = {copied["name"] for one in json.loads(said.out) for copied in one["copied"]}
    assert names >= {"trading", "ticks:market", "import:bars.csv"}
    refused = theo("--home", home, "deals")
    assert (refused.code, "on a server, and none is configured" in refused.err) == (2, True), refused.err
    monkeypatch.setenv("THEO_DATABASE_URL", url)
    assert told(theo, home) == before
    assert theo("--home", home, "journal", "rebuild").code == 0
    assert theo("--home", home, "stop", "--reason", "on the server").code == 0  # a command more than the files have
    assert theo("--home", home, "db", "copy", url, "files").code == 0
    refused = theo("--home", home, "deals")
    assert (refused.code, "is a file, and a server is configured" in refused.err) == (2, True), refused.err
    monkeypatch.delenv("THEO_DATABASE_URL")
    assert told(theo, home) == before
    assert json.loads(theo("--home", home, "status", "--json").out)["runs"][0]["waiting"] == ["halt"]


def test_what_broke_off_is_no_home_and_is_gone_on_with(theo: Theo, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, url = told(theo, home), plain(new_database())
    calls: list[int] = []

    def breaking(connection: Connection, table: Table, rows: Rows) -> int:
        calls.append(1)
        if len(calls) == 4:
            raise CorruptionError("cut")
        return insert_rows(connection, table, rows)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(moving, "PAGE_RECORDS", 20)
        patch.setattr(moving, "insert_rows", breaking)
        assert theo("--home", home, "db", "copy", "files", url).code == 1
    assert told(theo, home) == before  # the files are the home as before
    monkeypatch.setenv("THEO_DATABASE_URL", url)
    assert theo("--home", home, "deals").code == 2
    assert theo("--home", home, "db", "copy", "files", url).code == 0
    assert told(theo, home) == before


def test_a_running_home_and_another_journal_are_refused(theo: Theo, home: Path) -> None:
    url = plain(new_database())
    store = SqlJournalStore(home / "demo")
    store.claim(TRADING)
    try:
        said = theo("--home", home, "db", "copy", "files", url)
    finally:
        store.close()
    assert (said.code, "another process writes the stream trading" in said.err) == (1, True), said.err
    assert theo("--home", home, "db", "copy", "files", url).code == 0
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER TABLE exact.journal DISABLE TRIGGER ALL")
        connection.execute("UPDATE exact.journal SET hash = '\\x00' WHERE seq = (SELECT max(seq) FROM exact.journal)")
    for mark in home.rglob("*.server"):
        mark.unlink()
    said = theo("--home", home, "db", "copy", "files", url)
    assert (said.code, "the target holds another journal" in said.err) == (2, True), said.err
    assert theo("--home", home, "db", "copy", "files", "files").code == 2


def test_from_one_server_to_another(theo: Theo, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What came in since it went to the first is on the second, and the first is the home no more."""
    first, second = (plain(new_database()) for _ in range(2))
    assert theo("--home", home, "db", "copy", "files", first).code == 0
    monkeypatch.setenv("THEO_DATABASE_URL", first)
    ticks = tmp_path / "ticks.csv"
    ticks.write_text("ts,price,size\n2024-01-31T14:30:00.000Z,472.16,300\n2024-02-01T14:30:00.000Z,472.17,100\n")
    assert theo("--home", home, "import", "ticks", ticks, "--symbol", "SPY").code == 0
    assert theo("--home", home, "stop", "--reason", "on the first").code == 0
    before = told(theo, home)
    said = theo("--home", home, "db", "copy", first, second, "--json")
    assert said.code == 0, said.err
    assert {"trading", "import:ticks.csv"} <= {copied["name"] for one in json.loads(said.out) for copied in one["copied"]}
    refused = theo("--home", home, "deals")
    assert (refused.code, "was copied away from here" in refused.err) == (2, True), refused.err
    monkeypatch.setenv("THEO_DATABASE_URL", second)
    assert told(theo, home) == before
    assert json.loads(theo("--home", home, "status", "--json").out)["runs"][0]["waiting"] == ["halt"]
    with psycopg.connect(first) as one, psycopg.connect(second) as other:
        asked = "SELECT symbol, timestamp, price, volume FROM stock_ticks ORDER BY timestamp DESC LIMIT 10"
        assert one.execute(asked).fetchall() == other.execute(asked).fetchall() != []
    assert theo("--home", home, "db", "copy", second, second).code == 2
    assert theo("--home", home, "db", "copy", second, first).code == 0  # and back
    refused = theo("--home", home, "deals")
    assert (refused.code, "was copied away from here" in refused.err) == (2, True), refused.err
    monkeypatch.setenv("THEO_DATABASE_URL", first)
    assert told(theo, home) == before
