"""`theo parity` on recorded runs: one whose exchange is the backtest's, and one whose exchange does what nothing explains."""

import json
import re
from pathlib import Path

import msgspec
import pytest

from tests.unit.app.conftest import Theo
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.app.home.layout import Home, open_home
from theo.app.recorded.run import recorded_plan, recorded_prices
from theo.domain.inputs import Started
from theo.domain.journal import TRADING
from theo.drive.assembly import assemble, exchange
from theo.drive.lockstep import LockStep
from theo.engine.journal import MARKET, Journal
from theo.report.parity import Cause

SLIPPED = 40  # ticks: the recorded market was never there


def trade_again(home: Home, slippage_ticks: int) -> None:
    """The demo's market once more, as a run of its own whose record says nothing of the slippage."""
    demo, store = SqlJournalStore(home.demo), SqlJournalStore(home.runs / "slipped")
    try:
        plan = recorded_plan(home, home.demo, demo)
        core, items = assemble(plan), list(recorded_prices(demo))
        started = Started(at=items[0].at, key=plan.key, build=plan.build, cash=plan.cash, world=plan.record())
        plan.venue = msgspec.structs.replace(plan.venue, slippage_ticks=slippage_ticks)
        driver = LockStep(core, exchange(plan), Journal(store.append, store.claim(TRADING, MARKET)))
        driver.feed(started)
        driver.run(items)
    finally:
        demo.close()
        store.close()


@pytest.fixture(scope="module")
def slipped(theo: Theo, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("slipped")
    assert theo("--home", folder, "demo", "--days", 12, "--speed", 0, "--plain").code == 0
    trade_again(open_home(folder), SLIPPED)
    return folder


def test_a_run_on_the_simulated_exchange_differs_in_nothing(theo: Theo, played: Path) -> None:
    said = theo("--home", played, "parity", "--json")
    assert said.code == 0, said.err
    found = json.loads(said.out)
    assert (found["difference"], found["differences"], found["causes"], found["cost"]) == ("", [], {}, 0)
    assert found["alike"] == found["orders"] > 0
    assert found["deals_alike"] == found["deals"] > 0


def test_what_nothing_explains_is_said_and_fails(theo: Theo, slipped: Path) -> None:
    said = theo("--home", slipped, "parity", "slipped")
    assert said.code == 1
    assert "all" in said.out.splitlines()[0]  # the decisions are those of the record
    assert re.search(r"\d+ without an explanation: keep the journal, and report it", said.out)
    found = json.loads(theo("--home", slipped, "parity", "slipped", "--json").out)
    assert found["unexplained"] == found["causes"]["unexplained"] > 0
    assert {each["cause"] for each in found["differences"]} <= {"unexplained", "follows"}
    assert found["cost"] > 0


def test_a_run_that_does_not_exist_is_named(theo: Theo, played: Path) -> None:
    said = theo("--home", played, "parity", "nobody")
    assert said.code == 2
    assert "no run 'nobody'" in said.err


def test_the_page_names_every_cause() -> None:
    page = (Path(__file__).parents[4] / "docs/how-to/compare-with-backtest.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == [cause.value for cause in Cause]
