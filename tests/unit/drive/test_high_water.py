"""The high-water mark against the report's own equity points, and the drawdown limit that is counted from it within a day."""

import pytest

from tests.unit.drive.small_worlds import CASH, plan_of
from tests.unit.strategy.markets import SPY, bar, every_15_minutes, ruleset_of
from theo.domain.facts import BreakerTripped, Fact, SignalClosed, TradeClosed, TradeIntended
from theo.domain.instrument import MICROS
from theo.domain.journal import TRADING, Record
from theo.domain.market_data import Bar
from theo.drive.assembly import Plan, assemble
from theo.drive.backtest import Backtested, backtest
from theo.engine.codec import decode_facts
from theo.engine.recovery import recover
from theo.report.deals import runs
from theo.risk.limits import UNLIMITED, Limits

ALWAYS_LONG = '[entry]\nlong = [{ left = "close", op = ">", right = 0 }]\n[size]\nquantity = 200'
WON, LOST = 42_300, 40_900
PRICES = [40_000, 40_000, WON, WON, WON, 41_500, LOST, LOST]  # a target of 5 %, then a fall that no stop of 5 % ends


def plan(drawdown_percent_max: float) -> Plan:
    made = plan_of(ruleset_of(ALWAYS_LONG, stop="percent = 5.0", target="percent = 5.0"))
    made.limits = Limits(
        drawdown_percent_max=drawdown_percent_max,
        daily_loss_percent_max=50.0,
        trade_risk_percent_max=50.0,
        total_risk_percent_max=50.0,
        stock_position_cash_max=UNLIMITED,
    )
    return made


def bars() -> list[Bar]:
    ends = every_15_minutes(len(PRICES))
    return [bar(SPY, end, price) for end, price in zip(ends, PRICES, strict=True)]


def run(of: Plan) -> tuple[Backtested, list[Fact]]:
    records: list[Record] = []
    done = backtest(of, bars(), records.extend)
    return done, [fact for record in records for fact in decode_facts(record)]


def test_the_mark_is_the_highest_point_that_the_report_knows() -> None:
    done, facts = run(plan(drawdown_percent_max=50.0))
    (deals,) = runs(facts, {SPY.id: SPY})
    highest = max(point.equity for point in deals.equity_points())
    assert done.core.state.high_water == highest
    assert highest > CASH + 3_000 * MICROS, "no trade was won"


@pytest.mark.parametrize(("limit", "trips"), [(2.0, 1), (4.0, 0)])
def test_a_fall_from_what_was_won_today_trips_the_breaker(limit: float, trips: int) -> None:
    _, facts = run(plan(limit))
    assert next(fact.how for fact in facts if isinstance(fact, TradeClosed)) == "target"
    tripped = [fact.refused for fact in facts if isinstance(fact, BreakerTripped)]
    assert [refused.rule for refused in tripped] == ["drawdown"] * trips
    for refused in tripped:
        assert refused.value > refused.limit > 0.02 * CASH / MICROS  # of the mark, which lies above the cash of the start


def test_a_breaker_that_has_tripped_stays_so_after_a_crash() -> None:
    """The process is gone; the next one knows what was recorded, and refuses what it would buy at once."""
    made, records = plan(2.0), list[Record]()
    done = backtest(made, bars(), records.extend)
    core = assemble(plan(2.0))
    recover(core, None, [r for r in records if r.stream == TRADING], [r for r in records if r.stream != TRADING])
    assert core.state.breaker is not None
    assert (core.state.breaker, core.state.breaker_holds_until) == (done.core.state.breaker, done.core.state.breaker_holds_until)
    facts = [fact for end in every_15_minutes(len(PRICES) + 3)[len(PRICES) :] for fact in core.step(bar(SPY, end, LOST))[0]]
    refused = [fact.refused for fact in facts if isinstance(fact, SignalClosed)]
    assert [each.rule for each in refused if each] == ["breaker"] * 3
    assert not [fact for fact in facts if isinstance(fact, TradeIntended)]
