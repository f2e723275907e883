"""What comes later changes nothing that was decided before: cut at any bar, or followed by other prices, a run begins the same.

Commands of the roll calendar belong to what is known beforehand, so runs are cut where bars and rolls are merged.
"""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.golden.markets import ES_VX, SPY_VIX, Pair, import_pair
from tests.golden.records import facts_of
from theo.app.home.layout import open_home
from theo.app.runs.planning import plan_backtest
from theo.domain.facts import Decided, Fact
from theo.domain.inputs import Command
from theo.domain.journal import Record
from theo.domain.keys import Mode
from theo.domain.market_data import Bar, ContractRolled
from theo.drive.assembly import Plan
from theo.drive.backtest import LookAhead, backtest, merged
from theo.research.ahead import columns_ahead

Items = list[Bar | ContractRolled | Command]
EXAMPLES = 30


class Whole(msgspec.Struct):
    """A plan, all that its backtest is fed with, and every fact that it leaves."""

    plan: Plan
    items: Items
    look: LookAhead | None  # columns computed ahead, or bar by bar
    facts: list[Fact]


def facts_after(plan: Plan, items: Items, look: LookAhead | None) -> list[Fact]:
    records: list[Record] = []
    backtest(plan, items, records.extend, ahead=look)
    return facts_of(records)


def whole(home: Path, data: Path, pair: Pair, timerange: str, look: LookAhead | None) -> Whole:
    ruleset = import_pair(home, data, pair)
    plan, stored, market = plan_backtest(
        open_home(home), str(ruleset), timerange=timerange, cash=100_000, source="", mode=Mode.BACKTEST
    )
    items = list(merged([series.bars() for series in stored]))
    market.close()
    return Whole(plan, items, look, facts_after(plan, items, look))


RUNS = [(SPY_VIX, "", None), (SPY_VIX, "", columns_ahead), (ES_VX, "20180201-20180430", None)]


@pytest.fixture(scope="module", params=RUNS, ids=lambda param: f"{param[0].name}{'-ahead' if param[2] else ''}")
def run(request: pytest.FixtureRequest, real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    pair, timerange, look = request.param
    return whole(tmp_path_factory.mktemp(pair.name), real_data, pair, timerange, look)


def decided_by(facts: list[Fact], at: int) -> int:
    return sum(isinstance(fact, Decided) and fact.end <= at for fact in facts)


@settings(max_examples=EXAMPLES)
@given(data=st.data())
def test_cutting_the_future_off_changes_no_earlier_fact(run: Whole, data: st.DataObject) -> None:
    cut = data.draw(st.integers(1, len(run.items) - 1), label="items kept")
    facts = facts_after(run.plan, run.items[:cut], run.look)
    assert facts == run.facts[: len(facts)]
    complete = run.items[cut].at - 1  # both instruments' bars of an earlier end were fed
    assert decided_by(facts, complete) == decided_by(run.facts, complete)


@settings(max_examples=EXAMPLES)
@given(data=st.data(), factor=st.sampled_from([(1, 2), (9, 10), (11, 10), (2, 1)]))
def test_other_prices_later_change_no_earlier_fact(run: Whole, data: st.DataObject, factor: tuple[int, int]) -> None:
    cut = data.draw(st.integers(1, len(run.items) - 1), label="items kept")
    known = facts_after(run.plan, run.items[:cut], run.look)
    other = run.items[:cut] + [_moved(item, *factor) for item in run.items[cut:]]
    assert facts_after(run.plan, other, run.look)[: len(known)] == known


def _moved(item: Bar | ContractRolled | Command, by: int, of: int) -> Bar | ContractRolled | Command:
    if isinstance(item, Command):
        return item
    prices = {name: getattr(item, name) * by // of for name in ("open", "high", "low", "close")}
    return msgspec.structs.replace(item, **prices)
