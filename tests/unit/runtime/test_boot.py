"""A run that comes back with other rule sets must know everything that it holds."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.drive.option_world import SIGNAL, Item, plan, played, quotes, ruleset, signalled
from tests.unit.drive.small_worlds import plan_of
from tests.unit.strategy.markets import VIX
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.domain.errors import ConfigError
from theo.domain.journal import TRADING, Record
from theo.domain.market_data import SECOND
from theo.drive.assembly import Plan, assemble
from theo.engine.journal import MARKET
from theo.runtime.boot import boot

FILLED = quotes(SIGNAL + SECOND, 200, 204)


def started_again(folder: Path, items: list[Item], following: Plan) -> int:
    """How many trades are open after a start with another plan."""
    records: list[Record] = []
    played(items, records=records)
    with closing(SqlJournalStore(folder)) as before:
        assert before.claim(TRADING, MARKET) == 1
        before.append(records)
    store = SqlJournalStore(folder)
    try:
        return len(boot(store, lambda: assemble(following)).core.state.open_trades)
    finally:
        store.close()


def without_options() -> Plan:
    """The same rule set, for whose signals no option is traded any more."""
    return plan_of(ruleset())


def without_spy() -> Plan:
    return replace(plan(), rulesets=[], instruments={"VIX": VIX}, options={}, fees={"VIX": "zero"})


@pytest.mark.parametrize("following", [without_options, without_spy])
def test_what_is_open_and_not_read_any_more_is_named_and_nothing_begins(following: object, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="trade j-t0 of opts is open in what no rule set reads now"):
        started_again(tmp_path, signalled(*FILLED), following())  # type: ignore[operator]  # a plan's maker


def test_with_its_rule_set_it_goes_on(tmp_path: Path) -> None:
    assert started_again(tmp_path, signalled(*FILLED), plan()) == 1


def test_what_is_over_need_not_be_read(tmp_path: Path) -> None:
    assert started_again(tmp_path, signalled()[:2], without_spy()) == 0
