"""The same bars through backtest, replay and paper: the same decisions, orders, fills and deals; and a pinned list of orders.

A pinned hash changes only when a decision changes on purpose: then the new one is pinned with the change that explains it.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from tests.golden.markets import ES_VX, SPY_VIX, SPY_VXX, HomeOf, Pair
from tests.golden.pair_runs import RunOf
from tests.golden.records import facts_of
from theo.adapters.instruments.catalogue import catalogue
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.app.commands import backtest, paper, replay
from theo.app.home.layout import open_home
from theo.app.recorded.run import recorded_items, recorded_plan
from theo.domain.facts import BookAsked, Fact, Reconciled, RunStarted
from theo.domain.journal import TRADING, Record
from theo.drive.assembly import assemble
from theo.drive.redecide import redecide
from theo.engine.codec import decode_steps
from theo.engine.journal import MARKET
from theo.report.deals import Deal, runs
from theo.report.orders_hash import fill_lines, order_lines, orders_hash
from theo.strategy.loading import load_ruleset

INSTRUMENTS = {entry.instrument.id: entry.instrument for entry in catalogue().values()}
SYMBOLS = {number: instrument.symbol for number, instrument in INSTRUMENTS.items()}
PINNED = {
    "spy-vix": "4301dfc7542a4aac194fdfcbfa58b418101dc23e899c9ecdc69057cd6848d972",
    "es-vx": "a52112284241f2f0e6568d7bf331c607721ea9eee9e659d0b86877c62b9c041a",
    "spy-vxx": "f64ad3b6af56c87b449a2d549884235eacd09a5797d471c12969b4a30e992d64",
}


def records_of(folder: Path) -> list[Record]:
    store = SqlJournalStore(folder)
    try:
        return [*store.read(TRADING), *store.read(MARKET)]
    finally:
        store.close()


def run_backtest(home: Path, ruleset: Path) -> Path:
    """The folder of the kept run."""
    assert backtest.run(home, str(ruleset), timerange="", cash=100_000, source="", keep=True, json=True) == 0
    return only_run(home, "backtest")


def run_paper(home: Path, ruleset: Path) -> Path:
    assert paper.run(home, str(ruleset), source="", timerange="", speed=0, cash=100_000, json=True) == 0
    return only_run(home, "virtual")


def only_run(home: Path, mode: str) -> Path:
    (folder,) = (found for found in (home / "runs").iterdir() if found.name.endswith(mode))
    return folder


def traded(facts: list[Fact]) -> list[str]:
    """Every fact but those of start and reconciliation, as text without the ids of journal and run."""
    (started,) = (fact for fact in facts if isinstance(fact, RunStarted))
    prefix = json.loads(started.world)["journal"]
    kept = [fact for fact in facts if not isinstance(fact, RunStarted | BookAsked | Reconciled)]
    key = msgspec.json.encode(started.key).decode().removesuffix(',"",""]')
    ours = re.compile(rf'(?<=["\s]){prefix}-')
    return [ours.sub("", msgspec.json.encode(fact).decode().replace(key, "[KEY")) for fact in kept]


def deals_of(facts: list[Fact]) -> list[Deal]:
    """The deals without the ids of journal and run."""
    (run,) = runs(facts, INSTRUMENTS)
    bare = [msgspec.structs.replace(deal, trade="", signal="", key=run.key) for deal in run.deals()]
    return [msgspec.structs.replace(deal, key=type(run.key)()) for deal in bare]


@pytest.mark.parametrize("pair", [SPY_VIX, ES_VX], ids=lambda pair: pair.name)
def test_backtest_and_paper_decide_the_same(home_of: HomeOf, pair: Pair) -> None:
    home, ruleset = home_of(pair)
    backtested, papered = facts_of(records_of(run_backtest(home, ruleset))), facts_of(records_of(run_paper(home, ruleset)))
    assert order_lines(papered, SYMBOLS) == order_lines(backtested, SYMBOLS)
    assert fill_lines(papered, SYMBOLS) == fill_lines(backtested, SYMBOLS)
    assert deals_of(papered) == deals_of(backtested)
    assert traded(papered) == traded(backtested)
    assert len(fill_lines(papered, SYMBOLS)) > 20


@pytest.mark.parametrize("keep_run", [run_backtest, run_paper])
def test_a_replay_decides_what_was_recorded(
    home_of: HomeOf, capsys: pytest.CaptureFixture[str], keep_run: Callable[[Path, Path], Path]
) -> None:
    home, ruleset = home_of(SPY_VIX)
    folder = keep_run(home, ruleset)
    capsys.readouterr()
    assert replay.run(home, folder.name, speed=0, json=True) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["difference"] is None
    assert said["facts"] == len(facts_of(records_of(folder)))


def test_a_replay_by_other_rules_differs(home_of: HomeOf) -> None:
    """The comparison is no matter of course: with a threshold of 0.9 other breaks are confirmed."""
    home, ruleset = home_of(SPY_VIX)
    folder = run_backtest(home, ruleset)
    store = SqlJournalStore(folder)
    try:
        plan = recorded_plan(open_home(home), folder, store)
        text = SPY_VIX.ruleset.replace("threshold = 0.7", "threshold = 0.9")
        plan.rulesets = [(load_ruleset(text, "changed"), text)]
        steps = [step for record in store.read(TRADING) for step in decode_steps(record)]
        compared = redecide(lambda _: assemble(plan), steps, recorded_items(store), lambda: (steps, recorded_items(store)))
    finally:
        store.close()
    assert compared.first_difference is not None
    assert compared.facts < len(facts_of(records_of(folder)))


@pytest.mark.parametrize("pair", [SPY_VIX, ES_VX, SPY_VXX], ids=lambda pair: pair.name)
def test_the_list_of_orders_is_the_pinned_one(run_of: RunOf, pair: Pair) -> None:
    assert orders_hash(run_of(pair).facts, SYMBOLS) == PINNED[pair.name]


def test_a_fresh_process_with_another_hash_seed_writes_the_same_journal(home_of: HomeOf) -> None:
    home, ruleset = home_of(SPY_VIX)
    journals = []
    for seed in ("1", "2"):
        command = [sys.executable, "-c", "from theo.app.cli import main; main()", "--home", str(home), "backtest", str(ruleset)]
        subprocess.run(command, env={**os.environ, "PYTHONHASHSEED": seed}, check=True, capture_output=True, timeout=60)
        journals.append([(r.stream, r.seq, r.recorded_at, r.payload) for r in records_of(only_run(home, "backtest"))])
        shutil.rmtree(home / "runs")
    assert journals[0] == journals[1]
    assert len(journals[0]) > 20
