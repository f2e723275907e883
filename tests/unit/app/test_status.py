import json
from pathlib import Path

from tests.unit.app.conftest import Theo
from theo.adapters.sql.journal_store import SqlJournalStore
from theo.domain.facts import Filled, RunStarted
from theo.domain.journal import TRADING
from theo.engine.codec import decode_facts


def test_equity_is_cash_and_fills_of_the_journal(theo: Theo, played: Path) -> None:
    store = SqlJournalStore(played / "demo")
    facts = [fact for record in store.read(TRADING) for fact in decode_facts(record)]
    store.close()
    started = next(fact for fact in facts if isinstance(fact, RunStarted))
    fills = [fact for fact in facts if isinstance(fact, Filled)]
    flat = sum(fact.side.sign * fact.quantity for fact in fills)
    (run,) = json.loads(theo("--home", played, "status", "--json").out)["runs"]
    assert flat == len(run["open_trades"]) == 0, "choose other days: the check below is of an account that is flat"
    cash = started.cash - sum(fact.value + fact.charges for fact in fills)
    assert run["equity"] == cash / 1_000_000
    assert (run["run"], run["mode"], run["process"], run["problem"]) == ("demo", "virtual", None, "")
    assert {price["symbol"] for price in run["prices"]} == {"SIM-MES", "VIX"}


def test_people_read_the_same(theo: Theo, played: Path) -> None:
    said = theo("--home", played, "status")
    assert said.code == 0
    assert "demo: SIM VIRTUAL, not running" in said.out
    assert "new risk is allowed" in said.out
    assert "no open trade" in said.out


def test_an_empty_home_says_how_to_begin(theo: Theo, tmp_path: Path) -> None:
    said = theo("--home", tmp_path, "status")
    assert (said.code, "no run is recorded yet" in said.out) == (0, True)


def test_status_changes_no_byte_of_the_journal(theo: Theo, copied: Path) -> None:
    before = (copied / "demo" / "journal.db").read_bytes()
    assert theo("--home", copied, "status").code == 0
    assert (copied / "demo" / "journal.db").read_bytes() == before


def test_a_broken_journal_is_a_problem_that_is_told(theo: Theo, copied: Path) -> None:
    (copied / "demo" / "journal.db").write_bytes(b"no database at all" * 1000)
    said = theo("--home", copied, "status")
    assert (said.code, said.err) == (1, "")
    assert "problem: " in said.out
    assert "journal.db" in said.out


def test_the_stop_file_is_told_with_its_reason(theo: Theo, copied: Path) -> None:
    (copied / "STOP").write_text("lunch\n")
    said = theo("--home", copied, "status")
    assert f"STOP file {copied / 'STOP'}: lunch" in said.out
    assert "HALTED by a STOP file" in said.out
