"""The same commands on a PostgreSQL server as on files: the same deals and orders, and nothing of one home in another's."""

import json
import shutil
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import URL

from tests.postgres import new_database, plain
from tests.unit.app.cli.test_bad_input import good_rows, written
from tests.unit.app.conftest import DEMO_DAYS, Said, Theo
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.app.home.layout import Home
from theo.app.recorded.report import run_facts
from theo.domain.errors import HaltRequiredError
from theo.domain.journal import TRADING
from theo.report.orders_hash import orders_hash

SHOWN_NEVER = "s3cret-word"
VARIABLE = "THEO_DATABASE_URL"


@pytest.fixture(scope="module")
def database() -> URL:
    return new_database()


@pytest.fixture(scope="module")
def desk(theo: Theo, played: Path, database: URL, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo of the other tests, played on a server."""
    home = tmp_path_factory.mktemp("desk")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, plain(database))
        said = theo("--home", home, "demo", "--days", DEMO_DAYS, "--speed", 0, "--plain")
    assert said.code == 0, said.err
    return home


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch, desk: Path, database: URL) -> None:
    monkeypatch.setenv(VARIABLE, plain(database))


def on_files(theo: Theo, *arguments: object) -> Said:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(VARIABLE)
        return theo(*arguments)


def decided(home: Home, folder: Path) -> str:
    store = SqlJournalStore(home.place(folder))
    try:
        _, instruments, facts = run_facts(store)
        return orders_hash(facts, {number: each.symbol for number, each in instruments.items()})
    finally:
        store.close()


def rows(database: URL, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(plain(database)) as connection:
        return connection.execute(query).fetchall()


def test_the_same_deals_and_orders_and_no_file_of_ours(
    theo: Theo, desk: Path, played: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deals = theo("--home", desk, "deals", "--json")
    on_server = decided(Home(desk), desk / "demo")
    assert list(desk.rglob("*.db")) == []
    monkeypatch.delenv(VARIABLE)
    assert json.loads(deals.out) == json.loads(theo("--home", played, "deals", "--json").out)
    assert on_server == decided(Home(played), played / "demo")


def test_the_record_is_sound_and_the_tables_are_what_it_says(theo: Theo, desk: Path) -> None:
    verified = theo("--home", desk, "journal", "verify", "--redecide", "--json")
    assert verified.code == 0, verified.out
    assert {stream["stream"] for stream in json.loads(verified.out)[0]["streams"]} == {"trading", "ticks:market"}
    rebuilt = theo("--home", desk, "journal", "rebuild")
    assert (rebuilt.code, "the tables are what the journal says" in rebuilt.out) == (0, True), rebuilt.out


def test_status_and_why_read_the_same(theo: Theo, desk: Path, played: Path) -> None:
    ours, theirs = (
        json.loads(call.out)
        for call in (theo("--home", desk, "status", "--json"), on_files(theo, "--home", played, "status", "--json"))
    )
    same = ("run", "problem", "account", "mode", "equity", "open_trades", "prices", "alerts", "series")
    assert [{name: run[name] for name in same} for run in ours["runs"]] == [
        {name: run[name] for name in same} for run in theirs["runs"]
    ]
    (run,) = ours["runs"]
    time = run["prices"][0]["at"][:10]
    assert theo("--home", desk, "why", "SIM-MES", f"{time}T15:45").out.replace(str(desk), "") == on_files(
        theo, "--home", played, "why", "SIM-MES", f"{time}T15:45"
    ).out.replace(str(played), "")


def test_a_stop_waits_on_the_server_and_is_lifted(theo: Theo, desk: Path) -> None:
    said = theo("--home", desk, "stop", "--reason", "for the night")
    assert (said.code, "halt waits: not running" in said.out) == (0, True), said.out
    assert json.loads(theo("--home", desk, "status", "--json").out)["runs"][0]["waiting"] == ["halt"]
    assert theo("--home", desk, "resume", "--reason", "slept well").code == 0


def test_a_run_that_is_kept_again_takes_the_place_of_the_first(theo: Theo, desk: Path, database: URL, tmp_path: Path) -> None:
    file = written(tmp_path / "bars.csv", good_rows())
    assert theo("--home", desk, "import", "bars", file, "--symbol", "SPY", "--timeframe", "15min").code == 0
    asked = ("--home", desk, "backtest", "buy-and-hold", "--json")
    first = theo(*asked)
    assert first.code == 0, first.err
    counted = (
        "SELECT (SELECT count(*) FROM exact.journal WHERE stream NOT LIKE 'audit:%'), "
        "(SELECT count(*) FROM exact.decisions), (SELECT count(*) FROM exact.bars)"
    )
    stored = rows(database, counted)
    assert theo(*asked).out == first.out
    assert rows(database, counted) == stored
    (run,) = (desk / "runs").iterdir()
    assert theo("--home", desk, "journal", "verify", "--run", run.name).code == 0
    assert {str(home).partition("/")[2] for (home,) in rows(database, "SELECT DISTINCT home FROM exact.runs")} == {
        "demo",
        f"runs/{run.name}",
    }


def test_a_run_that_is_written_is_not_removed(theo: Theo, desk: Path) -> None:
    store = SqlJournalStore(Home(desk).place(desk / "demo"))
    store.claim(TRADING)
    try:
        said = theo("--home", desk, "demo", "--days", DEMO_DAYS, "--speed", 0, "--plain", "--fresh")
    finally:
        store.close()
    assert (said.code, "another process writes the stream trading" in said.err) == (1, True), said.err
    assert theo("--home", desk, "journal", "verify").code == 0


def test_another_folder_of_the_same_name_is_refused(
    theo: Theo, desk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = (desk / "home.name").read_text(encoding="utf-8").split()[0]
    monkeypatch.setenv("THEO_HOME_NAME", name)
    said = theo("--home", tmp_path, "demo", "--days", 1, "--speed", 0, "--plain")
    assert (said.code, f"the name {name} is another home's" in said.err, str(desk) in said.err) == (2, True, True), said.err


def test_a_home_whose_name_is_changed_is_refused(theo: Theo, desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THEO_HOME_NAME", "another")
    said = theo("--home", desk, "deals")
    assert (said.code, "not another" in said.err) == (2, True), said.err


def test_a_server_that_lacks_the_journal_is_refused(theo: Theo, desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, plain(new_database()))
    said = theo("--home", desk, "deals")
    assert (said.code, "the server has no journal of" in said.err) == (2, True), said.err


def test_files_are_not_forgotten_for_a_server_nor_a_server_for_files(
    theo: Theo, desk: Path, played: Path, tmp_path: Path
) -> None:
    home = Path(shutil.copytree(played, tmp_path / "home"))
    said = theo("--home", home, "deals")
    assert (said.code, "is a file, and a server is configured" in said.err, "theo db copy" in said.err) == (2, True, True)
    said = on_files(theo, "--home", desk, "deals")
    assert (said.code, "on a server, and none is configured" in said.err) == (2, True), said.err


@pytest.mark.parametrize(
    "command", ["status", "deals", "doctor", "journal verify", "import list", "stop", "demo --days 1 --plain"]
)
def test_a_server_that_cannot_be_reached_is_told_without_the_password(
    theo: Theo, desk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    home = Path(shutil.copytree(desk, tmp_path / "home"))
    monkeypatch.setenv(VARIABLE, f"postgresql://theo:{SHOWN_NEVER}@127.0.0.1:1/theo")
    said = theo("--home", home, *command.split())
    assert said.code in {1, 2}
    assert "cannot be re" in said.out + said.err or "reached" in said.out + said.err, said.out + said.err
    assert SHOWN_NEVER not in said.out + said.err
    assert SHOWN_NEVER not in repr(Home(home).place(home)) + str(Home(home).server.__repr__())
    if command == "stop":
        assert (home / "STOP").exists()


@pytest.mark.parametrize(
    ("address", "told"),
    [
        (f"mysql://theo:{SHOWN_NEVER}@db/theo", "none of PostgreSQL's"),
        (f"postgresql://theo:{SHOWN_NEVER}@db", "names no database"),
        (f"postgresql://theo:{SHOWN_NEVER}@db/theo?password={SHOWN_NEVER}", "options that are not taken: password"),
        (f"postgresql://theo:{SHOWN_NEVER}@db/theo?options=-cfsync%3Doff", "options that are not taken: options"),
        (f"theo:{SHOWN_NEVER}", "cannot be read"),
        (f"postgresql://theo:{SHOWN_NEVER}@db:port/theo", "cannot be read"),
    ],
)
def test_a_wrong_address_is_one_sentence_without_the_password(
    theo: Theo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str, told: str
) -> None:
    monkeypatch.delenv(VARIABLE)
    for name, text in (("environment", ""), ("file", f'[database]\nurl = "{address}"\n')):
        home = tmp_path / name
        home.mkdir()
        if text:
            monkeypatch.delenv(VARIABLE)
            (home / "theo.toml").write_text(text, encoding="utf-8")
        else:
            monkeypatch.setenv(VARIABLE, address)
        said = theo("--home", home, "import", "list")
        assert (said.code, told in said.err, said.err.count("\n")) == (2, True, 1), said.err
        assert SHOWN_NEVER not in said.out + said.err
        checked = theo("--home", home, "doctor")
        assert (checked.code, told in checked.out, SHOWN_NEVER in checked.out + checked.err) == (1, True, False), checked.out


def test_the_address_may_stand_in_the_file_and_tls_options_pass_through(
    theo: Theo, tmp_path: Path, database: URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE)
    address = f"{plain(database)}&sslmode=disable&target_session_attrs=read-write"
    (tmp_path / "theo.toml").write_text(f'[database]\nurl = "{address}"\n', encoding="utf-8")
    said = theo("--home", tmp_path, "import", "list")
    assert said.code == 0, said.err
    server = Home(tmp_path).server
    assert server is not None
    assert (server.drivername, server.query["sslmode"]) == ("postgresql+psycopg", "disable")


def test_two_writers_of_one_stream_on_two_folders_are_one_too_many(desk: Path, tmp_path: Path) -> None:
    """A copied folder carries its name and identity: the server's lock tells the two apart while both run."""
    home = Path(shutil.copytree(desk, tmp_path / "home"))
    first = SqlJournalStore(Home(desk).place(desk / "demo"))
    second = SqlJournalStore(Home(home).place(home / "demo"))
    try:
        first.claim(TRADING)
        with pytest.raises(HaltRequiredError, match="another process writes the stream"):
            second.claim(TRADING)
    finally:
        second.close()
        first.close()
