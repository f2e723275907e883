"""An index is silent for longer than the grace: its bar ends by the clock, at the moment at which decisions wait no longer.

What decides it may be the clock's own input or any other that comes at that moment; a recovery sees the market as it was seen.
"""

from typing import ClassVar

import pytest

from tests.golden.records import facts_of
from tests.unit.drive.small_worlds import decisions, plan_of
from tests.unit.strategy.markets import MONDAY, OPEN, SPY, VIX
from theo.domain.inputs import Started, TimerFired
from theo.domain.journal import TRADING, Record
from theo.domain.market_data import MINUTE, SECOND, Tick, TickKind
from theo.drive.assembly import Plan, assemble
from theo.engine.core import Core
from theo.engine.journal import Journal
from theo.engine.recovery import recover
from theo.strategy.loading import load_ruleset
from theo.strategy.user import Enter, Leave, Seen, UserStrategy, with_class

END = MONDAY + OPEN + 15 * MINUTE
RULES = """
name = "watching"
strategy = "python"
timeframe = "15min"
target = "none"
[symbols]
primary = "SPY"
partners = ["VIX"]
[python]
class = "watching.py:Watching"
[stop]
percent = 1
[size]
quantity = 7
[trading]
style = "positional"
"""


class Watching(UserStrategy):
    """Remembers what it read of VIX at each end."""

    numbers: ClassVar[dict[str, str]] = {"vix": "VIX close"}

    def on_bar(self, seen: Seen) -> Enter | Leave | None:
        self.memory[str(seen.end)] = seen["vix"]
        return None


def plan() -> Plan:
    made = plan_of(with_class(load_ruleset(RULES, "watching.toml"), Watching, "source"))
    made.classes = {"watching": Watching}
    made.from_ticks = True
    return made


def trade(at: int, price: int) -> Tick:
    return Tick(SPY.id, at, at, 0, int(TickKind.TRADE), price, 1, 0, 0, "t")


def index(at: int, price: int) -> Tick:
    return Tick(VIX.id, at, at, 0, int(TickKind.INDEX), price, 0, 0, 0, "t")


UNTIL_THE_END = [trade(END - MINUTE, 40_000), index(END - 7 * SECOND, 1_500), trade(END + SECOND // 2, 40_010)]
GRACE_IS_OVER: dict[str, Tick | TimerFired] = {
    "the clock": TimerFired(END + 2 * SECOND),
    "a trade": trade(END + 2 * SECOND + 1, 40_020),
}


def run(last: Tick | TimerFired) -> tuple[Core, list[Record]]:
    """A core that was stepped and journalled as the shell does it."""
    records: list[Record] = []
    core, journal = assemble(plan()), Journal(records.extend, 1)
    started = Started(at=END - 2 * MINUTE, key=plan().key, build="b", cash=1, world=plan().record())
    for item in (started, *UNTIL_THE_END, last):
        if isinstance(item, Tick):
            journal.take(item)
        facts, _ = core.step(item)
        if facts or core.closed_by_time:
            journal.step(core.at, None if isinstance(item, Tick) else item, facts)
    journal.commit(core.at)
    return core, records


@pytest.mark.parametrize("by", GRACE_IS_OVER)
def test_the_bar_that_the_clock_ends_is_part_of_the_decision(by: str) -> None:
    core, records = run(GRACE_IS_OVER[by])
    assert [decided.end for decided in decisions(facts_of(records))] == [END]
    assert core.world.scans["watching"].strategy.state() == {str(END): 15.0}


@pytest.mark.parametrize("by", GRACE_IS_OVER)
def test_a_recovery_sees_what_was_seen(by: str) -> None:
    core, records = run(GRACE_IS_OVER[by])
    again = assemble(plan())
    recover(again, None, [r for r in records if r.stream == TRADING], [r for r in records if r.stream != TRADING])
    assert again.world.scans["watching"].strategy.state() == core.world.scans["watching"].strategy.state()
    assert again.world.market.state() == core.world.market.state()
