"""A journal of several processes, some of which knew other rules: each is decided again by what it knew."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import msgspec
import pytest

from tests.closing.tick_market import booted, plan, ticks
from tests.golden.records import facts_of
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.app.home.layout import Home, open_home
from theo.app.recorded.run import decide_again, recorded_items, recorded_plan
from theo.domain.facts import Filled, Restarted
from theo.domain.inputs import Started
from theo.domain.journal import TRADING
from theo.drive.assembly import Plan, assemble, exchange
from theo.drive.lockstep import LockStep
from theo.drive.redecide import redecide
from theo.engine.codec import Step, decode_steps
from theo.runtime.boot import keep_snapshot
from theo.strategy.loading import load_ruleset

DAYS, TICKS_A_DAY = 24, 800
SHARE = DAYS * TICKS_A_DAY // 4  # of ticks for each of four processes


@pytest.fixture(scope="module")
def plain() -> Plan:
    return plan(DAYS)


@pytest.fixture(scope="module")
def changed(plain: Plan) -> Plan:
    """Half the stop's distance, and less confirmation."""
    ((_, text),) = plain.rulesets
    other = text.replace("threshold = 0.7", "threshold = 0.5").replace("times = 2.0", "times = 1.0")
    return replace(plain, rulesets=[(load_ruleset(other, "demo.toml"), other)])


@pytest.fixture(scope="module")
def home(plain: Plan, changed: Plan, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Four processes after each other: the second changes the rules, the fourth the limits; the exchange is one."""
    found = open_home(tmp_path_factory.mktemp("home"))
    limited = replace(changed, limits=msgspec.structs.replace(changed.limits, trades_per_day_max=1))
    market, venue = ticks(plain, DAYS, TICKS_A_DAY), exchange(plain)
    for of, keeps in ((plain, True), (changed, False), (changed, True), (limited, False)):
        with booted(folder_of(found), of) as (store, run):
            driver = LockStep(run.core, venue, run.journal)
            first = next(market)
            driver.feed(Started(at=max(run.core.at, first.at), key=of.key, build=of.build, cash=of.cash, world=of.record()))
            driver.run([first, *islice(market, SHARE - 1)])
            if keeps:
                keep_snapshot(store, run, of.build)
    return found


def folder_of(home: Home) -> Path:
    return home.runs / "ticks"


@pytest.fixture
def store(home: Home) -> Iterator[SqlJournalStore]:
    opened = SqlJournalStore(folder_of(home))
    yield opened
    opened.close()


def test_every_process_is_decided_again_by_what_it_knew(home: Home, store: SqlJournalStore) -> None:
    facts = facts_of(store.read(TRADING))
    restarts = [fact for fact in facts if isinstance(fact, Restarted)]
    assert [bool(fact.world) for fact in restarts] == [True, False, True]
    assert sum(isinstance(fact, Filled) for fact in facts) >= 8
    compared = decide_again(home, folder_of(home), store)
    assert compared.first_difference is None
    assert compared.facts == len(facts)


def test_by_what_the_first_knew_the_later_ones_differ(plain: Plan, store: SqlJournalStore) -> None:
    steps: list[Step] = [step for record in store.read(TRADING) for step in decode_steps(record)]
    compared = redecide(lambda _: assemble(plain), steps, recorded_items(store), lambda: (steps, recorded_items(store)))
    assert compared.first_difference is not None


def test_the_plan_of_a_run_is_that_of_its_newest_start(home: Home, changed: Plan, store: SqlJournalStore) -> None:
    found = recorded_plan(home, folder_of(home), store)
    assert found.limits.trades_per_day_max == 1
    assert found.rulesets[0][0].version == changed.rulesets[0][0].version
