"""Rule sets are looked at in the order of their names, however they are named: a record of the plan knows no other order."""

import msgspec

from tests.unit.drive.small_worlds import decisions, facts_after, plan_of
from tests.unit.strategy.markets import CLOSE, MONDAY, SPY, bar, ruleset_of
from theo.domain.market_data import MINUTE
from theo.strategy.ruleset import RuleSet

ENTRY = '[entry]\nlong = [{ left = "close", op = ">", right = 0 }]'


def named(name: str) -> RuleSet:
    return msgspec.structs.replace(ruleset_of(ENTRY), name=name)


def test_the_order_on_the_command_line_decides_nothing() -> None:
    bars = [bar(SPY, MONDAY + CLOSE - minutes * MINUTE, 40_000) for minutes in (45, 30, 15)]
    up_first, down_first = (
        facts_after(plan_of(*(named(name) for name in names)), bars) for names in (("up", "down"), ("down", "up"))
    )
    assert [fact.config for fact in decisions(up_first)] == ["down", "up"] * 3
    assert up_first[1:] == down_first[1:]
