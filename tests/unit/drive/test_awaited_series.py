"""A decision waits for every series that it reads, of whatever timeframe, within its grace; the order of arrival is nothing."""

from itertools import permutations

import msgspec
import pytest

from tests.unit.drive.small_worlds import decisions, facts_after, known_at, plan_of
from tests.unit.strategy.markets import MONDAY, OPEN, SPY, VIX, bar, every_15_minutes, ruleset_of
from theo.domain.instrument import Instrument
from theo.domain.market_data import DAY, HOUR, MINUTE, SECOND, Bar
from theo.drive.assembly import assemble
from theo.engine.core import Core
from theo.strategy.ruleset import plan_of as numbers_and_conditions

ENTRY = """
[entry]
long = [
    { left = "VIX@60min close", op = ">", right = 0 },
    { left = "SPY@5min close", op = ">", right = 0 },
    { left = "VIX close", op = ">", right = 900 },
]
"""
RULES = ruleset_of(ENTRY)
TEN = MONDAY + 15 * HOUR  # 10:00 in New York: the first bar at which all timeframes close
LATE = SECOND


def frames_at(end: int) -> list[tuple[Instrument, str]]:
    """Series that close at ``end``; hours end with the clock, the first one is half an hour long."""
    at_end = [(SPY, "15min"), (VIX, "15min"), (SPY, "5min")]
    return [*at_end, (VIX, "60min")] if end % HOUR == 0 else at_end


def bars_at(end: int) -> list[Bar]:
    opens = end - end % DAY + OPEN
    bars = [bar(i, end, 600 + end // MINUTE % 97, frame=frame) for i, frame in frames_at(end)]
    return [msgspec.structs.replace(one, start=max(one.start, opens)) for one in bars]


def numbers_of(order: tuple[int, ...], ends: list[int]) -> list[tuple[float | None, ...]]:
    """The numbers of each decision when the bars of each end come in this order."""
    bars = [group[k] for end in ends for group in [bars_at(end)] for k in order if k < len(group)]
    return [decided.numbers for decided in decisions(facts_after(plan_of(RULES), bars))]


def test_any_order_of_arrival_leads_to_the_same_decisions() -> None:
    ends = every_15_minutes(30)
    expected = numbers_of((3, 2, 1, 0), ends)  # slower and faster series first, the primary last
    assert len(expected) == 30
    assert all(number is not None for numbers in expected[1:] for number in numbers)  # before 10:00 no hour has closed
    for order in permutations(range(4)):
        assert numbers_of(order, ends) == expected, order


def stepped(core: Core, one: Bar) -> int:
    """How many decisions for the end of the bar it leads to."""
    return sum(decided.end == one.end for decided in decisions(core.step(one)[0]))


@pytest.mark.parametrize("last", ["60min", "5min"])
def test_the_decision_is_taken_when_the_last_series_arrives(last: str) -> None:
    core = assemble(plan_of(RULES))
    for one in bars_at(TEN - 15 * MINUTE):
        core.step(one)
    bars = sorted(bars_at(TEN), key=lambda one: one.timeframe == last)
    assert [stepped(core, one) for one in bars[:-1]] == [0, 0, 0]
    assert core.timer <= TEN + RULES.grace
    assert stepped(core, known_at(bars[-1], TEN + LATE)) == 1


def test_a_slower_series_that_does_not_come_is_missing_after_the_grace() -> None:
    ends = every_15_minutes(3)
    bars = [one for end in ends for one in bars_at(end) if one.timeframe != "60min"]
    late = bars_at(TEN)[-1]
    (_, at_ten, after) = decisions(facts_after(plan_of(RULES), [*bars[:6], known_at(late, TEN + 5 * SECOND), *bars[6:]]))
    place = [operand.timeframe for operand in numbers_and_conditions(RULES).numbers].index("60min")
    assert (at_ten.end, at_ten.numbers[place]) == (TEN, None)
    assert after.numbers[place] == late.close / 100
