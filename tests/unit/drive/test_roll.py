"""A future rolls in a backtest: levels and trades move by the difference, and the gap between two contracts is nothing."""

from collections.abc import Iterable
from typing import Literal, TypeVar

import msgspec
import pytest

from tests.golden.records import facts_of
from tests.unit.strategy.markets import MES, MONDAY, NEW_YORK_WINTER, every_15_minutes, weekdays
from theo.domain import facts as f
from theo.domain.errors import DataError
from theo.domain.inputs import Command
from theo.domain.instrument import MICROS
from theo.domain.journal import Record
from theo.domain.keys import Key, Mode
from theo.domain.market_data import DAY, MINUTE, Bar
from theo.domain.orders import OrderRole
from theo.drive.assembly import Plan, assemble
from theo.drive.backtest import Backtested, backtest, merged
from theo.drive.redecide import redecide
from theo.drive.rolls import Rolling
from theo.engine.codec import decode_batch, decode_steps
from theo.engine.recovery import recover
from theo.engine.snapshot import digest
from theo.market.rolls import Roll, RollRule, back_adjusted
from theo.report.deals import runs
from theo.strategy.loading import load_ruleset

T = TypeVar("T")
CASH = 100_000 * MICROS
UP = 5_000  # 50.00: what the next contract is above the front, far beyond every bar's range
ENDS = every_15_minutes(60)  # 26 bars a session
SECOND_DAY = ENDS[26] - 15 * MINUTE
RULES = """
name = "rolls"
strategy = "rules"
timeframe = "15min"
[symbols]
primary = "MES"
partners = []
[stop]
times = 3.0
of = "atr(3)"
[target]
times = 40.0
of = "atr(3)"
[size]
quantity = 2
[trading]
style = "positional"
from = "00:00"
to = "24:00"
days = "all"
[entry]
"""
HOLDS = RULES + 'long = [{ left = "minutes_to_close", op = "==", right = 330 }]\n'  # 10:30: on both days; one trade at a time
BREAKS = RULES + 'long = [{ left = "close", op = "breaks_above", right = "highest(8)" }]\n'


def prices(count: int) -> Iterable[int]:
    """A walk of whole ticks that goes nowhere."""
    return (400_000 + 25 * ((7 * n * n) % 41) for n in range(count))


def bars(up: int = UP) -> list[Bar]:
    """MES of one contract on the first day, of the next from the second on."""
    made = []
    for end, close in zip(ENDS, prices(len(ENDS)), strict=True):
        is_next = end > SECOND_DAY
        price, name = (close + up, "B") if is_next else (close, "A")
        start = end - 15 * MINUTE
        made.append(Bar(3, end, "15min", start, end, price, price + 50, price - 50, price, 100, contract=name))
    return made


def calendar(up: int = UP) -> tuple[Roll, ...]:
    return (Roll(previous="A", contract="B", at=SECOND_DAY, difference=up, measured_at=ENDS[25]),)


def plan_of(text: str) -> Plan:
    ruleset = load_ruleset(text, "test.toml")
    return Plan(
        key=Key(account="SIM", mode=Mode.BACKTEST, run="rolls"),
        journal="j",
        build="test",
        cash=CASH,
        instruments={"MES": MES},
        fees={"MES": "futures_mes"},
        tables={"C": weekdays(MONDAY // DAY - 7, 60)},
        offsets=NEW_YORK_WINTER,
        rulesets=[(ruleset, text)],
    )


def run(text: str, rule: RollRule, up: int = UP, told: list[Record] | None = None) -> tuple[Backtested, list[f.Fact]]:
    records: list[Record] = [] if told is None else told
    items = merged([bars(up)], [Rolling(rule, calendar(up))])
    done = backtest(plan_of(text), items, records.extend)
    return done, facts_of(records)


def of(facts: Iterable[f.Fact], kind: type[T]) -> list[T]:
    return [fact for fact in facts if isinstance(fact, kind)]


@pytest.mark.parametrize("method", ["spread", "close_and_open"])
def test_a_carried_trade_is_two_deals_with_levels_moved_by_the_difference(method: Literal["spread", "close_and_open"]) -> None:
    rule = RollRule(method=method)
    done, facts = run(HOLDS, rule)
    (leg,), (intended,) = of(facts, f.LegRolled), of(facts, f.TradeIntended)
    assert (leg.previous, leg.contract, leg.quantity, leg.reopened) == ("A", "B", 2, 2)
    assert leg.stop == intended.stop + UP
    assert leg.target == (intended.target or 0) + UP
    (trade,) = done.core.state.trades.values()
    assert trade.contract == "B"
    assert trade.open_quantity == 2
    resting = [o.order for o in (done.core.state.orders[i] for i in trade.orders) if not o.ended]
    assert {(o.role, o.contract, o.stop or o.limit) for o in resting} == {
        (OrderRole.STOP, "B", leg.stop),
        (OrderRole.TARGET, "B", leg.target),
    }
    fills = of(facts, f.Filled)
    assert [(fill.role, fill.quantity) for fill in fills] == [(OrderRole.ENTRY, 2), (OrderRole.CLOSE, 2), (OrderRole.ENTRY, 2)]
    left, opened = fills[1].price, fills[2].price
    before, first, second = bars()[25:28]
    expected = {"spread": (before.close, before.close + UP), "close_and_open": (first.open - UP, second.open)}
    assert (left, opened) == expected[method]
    assert not [fact for fact in of(facts, f.Alerted) if fact.severity == "page"]


def test_a_trade_that_opens_in_a_named_contract_has_its_name() -> None:
    """What closes or protects it later names the same one."""
    done = backtest(plan_of(HOLDS), merged([bars()[:26]], [Rolling(RollRule(), ())]), lambda _records: None)
    (trade,) = done.core.state.trades.values()
    assert (trade.open_quantity, trade.contract) == (2, "A")


def test_the_deals_of_a_rolled_trade_add_up_to_the_change_of_cash() -> None:
    _, facts = run(HOLDS, RollRule(method="spread"))
    (deals,) = runs(facts, {3: MES})
    rolled, running = deals.deals()
    assert (rolled.how, running.how) == ("roll", "")
    assert rolled.trade == running.trade
    paid = sum(fill.value + fill.charges for fill in of(facts, f.Filled))
    assert deals.cash - CASH == -paid == rolled.net - running.entry_value - running.charges


def test_a_trade_that_is_not_carried_is_closed_in_its_contract() -> None:
    done, facts = run(HOLDS, RollRule(carry=False))
    first, second = of(facts, f.TradeClosed)[0], of(facts, f.TradeIntended)[1]
    assert (first.how, first.exit_sum) == ("roll", 2 * (bars()[26].open - UP))
    assert second.approved.subject.orders[0].contract == "B"
    assert not of(facts, f.LegRolled)
    assert done.core.state.fronts[3].leaving == 0


@pytest.mark.parametrize("up", [UP, -UP])
def test_the_gap_between_two_contracts_is_no_signal(up: int) -> None:
    """The decisions are those of a series that never rolled, whatever the difference."""
    _, rolled = run(BREAKS, RollRule(method="spread"), up)
    _, plain = run(BREAKS, RollRule(method="spread"), 0)
    assert [(d.end, d.verdict) for d in of(rolled, f.Decided)] == [(d.end, d.verdict) for d in of(plain, f.Decided)]
    assert of(plain, f.SignalRaised)


def test_without_the_move_of_the_frame_the_gap_would_be_one() -> None:
    """What the roll is there for: the same bars, with a calendar that calls the difference nothing."""
    records: list[Record] = []
    wrong = tuple(msgspec.structs.replace(roll, difference=0) for roll in calendar())
    backtest(plan_of(BREAKS), merged([bars()], [Rolling(RollRule(method="spread"), wrong)]), records.extend)
    first = SECOND_DAY + 15 * MINUTE
    assert [d.verdict for d in of(facts_of(records), f.Decided) if d.end == first] != [
        d.verdict for d in of(run(BREAKS, RollRule())[1], f.Decided) if d.end == first
    ]


def test_the_last_price_and_equity_go_on_over_a_roll() -> None:
    """Equity marks what is left of the old contract at its own price: a roll by itself gains and loses nothing."""
    equities = []
    for up in (UP, 0):
        _, facts = run(HOLDS, RollRule(method="spread"), up)
        equities.append([d.equity for d in of(facts, f.DayBegan)])
    assert equities[0] == equities[1]


def test_a_halted_platform_carries_nothing_and_pages() -> None:
    plan = plan_of(HOLDS)
    records: list[Record] = []
    items = list(merged([bars()], [Rolling(RollRule(), calendar())]))
    place = next(i for i, item in enumerate(items) if not isinstance(item, Bar) and i)
    items.insert(place, Command(at=items[place - 1].at, id="h", actor="me", name="halt", reason="test"))
    backtest(plan, items, records.extend)
    facts = facts_of(records)
    assert [fact.how for fact in of(facts, f.TradeClosed)] == ["roll"]
    assert "not_carried" in [fact.code for fact in of(facts, f.Alerted)]


def test_a_new_contract_that_is_refused_leaves_the_trade_flat_and_pages() -> None:
    """The stop would lie below zero at the new contract's prices: no rule lets it through."""
    down = -399_000
    moved = [bar if bar.contract == "A" else bar.moved(down - UP) for bar in bars()]
    roll = msgspec.structs.replace(calendar()[0], difference=down)
    records: list[Record] = []
    low = HOLDS.replace("times = 3.0", "times = 9.0")
    done = backtest(plan_of(low), merged([moved], [Rolling(RollRule(method="spread"), (roll,))]), records.extend)
    facts = facts_of(records)
    closed = of(facts, f.TradeClosed)[0]
    assert (closed.how, closed.quantity) == ("roll", 2)
    assert "roll_failed" in [fact.code for fact in of(facts, f.Alerted)]
    assert not any(done.core.state.positions.values())


def test_a_run_with_a_roll_is_decided_again_and_recovered_to_the_same() -> None:
    records: list[Record] = []
    done, _ = run(HOLDS, RollRule(), told=records)
    steps = [step for r in records if r.stream == "trading" for step in decode_steps(r)]
    data = [item for r in records if r.stream != "trading" for item in decode_batch(r).items]
    compared = redecide(lambda _started: assemble(plan_of(HOLDS)), steps, iter(data), lambda: (steps, iter(data)))
    assert compared.first_difference is None
    again = assemble(plan_of(HOLDS))
    recover(again, None, [r for r in records if r.stream == "trading"], [r for r in records if r.stream != "trading"])
    assert digest(again.state) == digest(done.core.state)
    assert again.world.market.state() == done.core.world.market.state()


def test_bars_of_a_contract_that_the_calendar_does_not_have_are_refused() -> None:
    with pytest.raises(DataError, match="roll calendar has A"):
        list(merged([bars()], [Rolling(RollRule(), ())]))


def test_the_decisions_are_those_of_the_back_adjusted_series() -> None:
    adjusted = [msgspec.structs.replace(bar, contract="B") for bar in back_adjusted(bars(), calendar())]
    records: list[Record] = []
    backtest(plan_of(BREAKS), merged([adjusted], [Rolling(RollRule(), ())]), records.extend)
    rolled = run(BREAKS, RollRule())[1]
    after = [(d.end, d.numbers) for d in of(rolled, f.Decided) if d.end > SECOND_DAY]
    assert after == [(d.end, d.numbers) for d in of(facts_of(records), f.Decided) if d.end > SECOND_DAY]
