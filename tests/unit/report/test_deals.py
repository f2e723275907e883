"""Deals against cash counted from the executions themselves."""

import ast
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.report.journal import BEGIN, CASH, INSTRUMENTS, MES, SPY, closed, day, filled, intended, started
from theo.domain.facts import Fact, Filled, TradeClosed
from theo.domain.instrument import MICROS
from theo.domain.market_data import DAY
from theo.domain.orders import Side
from theo.engine import decide
from theo.engine.decide.tend import HOW
from theo.engine.order_life import ENDED, OrderStatus
from theo.report.deals import COMPLETED, HOW_CLOSED, RUNNING, EquityPoint, RunDeals, runs

USD = MICROS


def fold(facts: list[Fact]) -> RunDeals:
    (run,) = runs(facts, INSTRUMENTS)
    return run


def test_a_long_and_a_short_deal_as_a_person_would_reckon_them() -> None:
    long, short = intended(1), intended(2, instrument=SPY, side=Side.SELL, quantity=10, config="other")
    facts: list[Fact] = [started(), day(0, CASH), long, filled(long, Side.BUY, 2, 650_000, at=BEGIN + 10)]
    facts.append(filled(long, Side.SELL, 2, 651_050, at=BEGIN + 20))
    facts.append(closed(long, facts, "target", at=BEGIN + 20))
    facts += [short, filled(short, Side.SELL, 10, 50_000, at=BEGIN + 30, charges=USD)]
    facts.append(filled(short, Side.BUY, 10, 50_125, at=BEGIN + 40, charges=USD))
    facts.append(closed(short, facts, "stop", at=BEGIN + 40))
    one, two = fold(facts).deals()
    assert (one.signal_type, one.symbol, one.status, one.how_closed) == ("Long", "MES", COMPLETED, "Profit")
    assert (one.entry_average, one.exit_average) == (650_000, 651_050)
    assert (one.gross, one.charges, one.net) == (105 * USD, 1_240_000, 103_760_000)  # 10.50 points x 5 USD x 2
    assert one.net_percent == pytest.approx(100 * 103.76 / 65_000)
    assert (one.entered_at, one.exited_at) == (BEGIN + 10, BEGIN + 20)
    assert (two.signal_type, two.how_closed, two.key.config) == ("Short", "Stop-loss", "other")
    assert two.net == -(12_500_000 + 2 * USD)  # 1.25 x 10, and 1 USD each way


def test_a_running_deal_has_no_end_and_its_open_part_is_open_profit() -> None:
    trade = intended(1, quantity=3)
    facts: list[Fact] = [started(), trade, filled(trade, Side.BUY, 3, 650_000, at=BEGIN + 10)]
    run = fold([*facts, filled(trade, Side.SELL, 1, 650_100, at=BEGIN + 11)])
    (deal,) = run.deals()
    assert (deal.status, deal.how_closed, deal.exited_at) == (RUNNING, "", BEGIN + 11)
    assert deal.gross == 5 * USD
    assert run.open_profit({1: 649_900}) == -10 * USD
    assert run.equity({1: 649_900}) == CASH - 5 * USD - 1_240_000
    (waiting,) = fold(facts).deals()
    assert (waiting.exit_average, waiting.gross) == (None, 0)


def test_a_trade_that_never_filled_is_no_deal() -> None:
    trade = intended(1)
    run = fold([started(), trade, closed(trade, [], "cancelled", at=BEGIN + 9)])
    assert run.deals() == []
    assert [d.deals for d in run.days()] == [0]


def test_a_ghost_fill_lets_the_deal_run_again_until_it_is_flat() -> None:
    trade = intended(1)
    facts: list[Fact] = [started(), day(0, CASH), trade, filled(trade, Side.BUY, 2, 650_000, at=BEGIN + 1)]
    facts.append(filled(trade, Side.SELL, 2, 651_000, at=BEGIN + 2))
    facts.append(closed(trade, facts, "target", at=BEGIN + 2))
    facts.append(filled(trade, Side.SELL, 2, 648_000, at=BEGIN + 3))  # the other leg too
    assert fold(facts).deals()[0].status == RUNNING
    facts += [day(1, CASH), filled(trade, Side.BUY, 2, 648_100, at=BEGIN + DAY)]
    facts.append(closed(trade, facts, "target", at=BEGIN + DAY))
    run = fold(facts)
    (deal,) = run.deals()
    assert (deal.status, deal.gross) == (COMPLETED, 90 * USD)  # +10.00 x 2 and -1.00 x 2, at 5 USD a point
    assert CASH + deal.net == run.cash
    assert [d.deals for d in run.days()] == [0, 1]


def test_account_days_hold_the_deals_closed_on_them_and_the_change_of_equity() -> None:
    trade = intended(1)
    facts: list[Fact] = [started(), day(0, CASH), trade, filled(trade, Side.BUY, 2, 650_000, at=BEGIN + 1)]
    facts += [day(1, CASH + 500 * USD), filled(trade, Side.SELL, 2, 650_500, at=BEGIN + DAY + 1)]
    facts += [closed(trade, facts, "exit_rule", at=BEGIN + DAY + 2), day(2, CASH + 48_760_000)]
    first, second, third = fold(facts).days()
    assert (first.day, first.equity_start, first.equity_end, first.deals) == (20_000, CASH, CASH + 500 * USD, 0)
    assert (second.deals, second.gross, second.charges, second.net) == (1, 50 * USD, 1_240_000, 48_760_000)
    assert (third.equity_start, third.equity_end) == (CASH + 48_760_000, None)


def test_equity_is_known_at_the_start_at_each_day_and_when_all_is_flat() -> None:
    trade = intended(1)
    facts: list[Fact] = [started(), day(0, CASH), trade, filled(trade, Side.BUY, 2, 650_000, at=BEGIN + 1)]
    facts += [day(1, CASH + 500 * USD), filled(trade, Side.SELL, 2, 650_500, at=BEGIN + DAY + 1)]
    assert fold(facts).equity_points() == [
        EquityPoint(BEGIN, CASH),
        EquityPoint(BEGIN, CASH),
        EquityPoint(BEGIN + DAY, CASH + 500 * USD),
        EquityPoint(BEGIN + DAY + 6, CASH + 48_760_000),
    ]


def test_runs_of_one_journal_are_kept_apart() -> None:
    one, two = intended(1), intended(2)
    before: list[Fact] = [intended(9), started("r1"), one, filled(one, Side.BUY, 1, 650_000, at=BEGIN + 1)]
    first, second = runs([*before, started("r2"), two, filled(two, Side.SELL, 1, 650_000, at=BEGIN + 2)], INSTRUMENTS)
    assert [(r.key.run, [d.trade for d in r.deals()]) for r in (first, second)] == [("r1", ["j-t1"]), ("r2", ["j-t2"])]
    assert second.positions == {MES.id: -1}


FILLS = st.lists(
    st.tuples(
        st.integers(1, 4),  # trade
        st.sampled_from(Side),
        st.integers(1, 9),
        st.integers(1, 1_000_000),
        st.integers(0, 5_000_000),
    ),
    max_size=30,
)


@given(FILLS, st.integers(1, 1_000_000), st.integers(1, 1_000_000))
def test_deals_add_up_to_the_change_of_equity_to_the_micro(
    drawn: list[tuple[int, Side, int, int, int]], mes: int, spy: int
) -> None:
    sides = {1: Side.BUY, 2: Side.SELL, 3: Side.BUY, 4: Side.SELL}
    trades = {n: intended(n, instrument=MES if n < 3 else SPY, side=side) for n, side in sides.items()}
    fills = [
        filled(trades[n], side, quantity, price, at=BEGIN + place, charges=charges)
        for place, (n, side, quantity, price, charges) in enumerate(drawn)
    ]
    prices = {MES.id: mes, SPY.id: spy}
    run = fold([started(), *trades.values(), *fills])
    cash = CASH - sum(f.value + f.charges for f in fills)
    worth = sum(f.side.sign * f.quantity * prices[f.instrument] * INSTRUMENTS[f.instrument].unit_value for f in fills)
    assert run.equity(prices) == cash + worth
    assert CASH + sum(d.net for d in run.deals()) + run.open_profit(prices) == cash + worth


@given(st.lists(st.tuples(st.sampled_from(Side), st.integers(1, 9), st.integers(1, 10**6), st.integers(1, 10**6)), max_size=20))
def test_closed_deals_equal_what_the_core_recorded_and_leave_cash_alone(drawn: list[tuple[Side, int, int, int]]) -> None:
    facts: list[Fact] = [started(), day(0, CASH)]
    for number, (side, quantity, into, out) in enumerate(drawn, start=1):
        trade = intended(number, side=side, quantity=quantity)
        at = BEGIN + number * 10
        facts += [trade, filled(trade, side, quantity, into, at=at), filled(trade, side.opposite, quantity, out, at=at + 1)]
        facts.append(closed(trade, facts, "stop", at=at + 2))
    run = fold(facts)
    recorded = [(f.gross, f.charges) for f in facts if isinstance(f, TradeClosed)]
    assert [(d.gross, d.charges) for d in run.deals()] == recorded
    assert run.cash == CASH - sum(f.value + f.charges for f in facts if isinstance(f, Filled))
    (result,) = run.days()
    assert result.net == run.cash - CASH == sum(gross - charges for gross, charges in recorded)


def reasons_of_the_core() -> set[str]:
    """Every text that the core's decisions give as the reason of a close, read from their source."""
    places = {"close_trade": 2, "flatten": 1, "CloseAsked": 2}  # function or fact -> where the reason stands
    found = set[str]()
    for module in resources.files(decide).iterdir():
        if not module.name.endswith(".py"):
            continue
        for call in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            name = call.func.id if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) else ""
            if isinstance(call, ast.Call) and len(call.args) > (place := places.get(name, len(call.args))):
                texts = (node.value for node in ast.walk(call.args[place]) if isinstance(node, ast.Constant))
                found |= {text for text in texts if isinstance(text, str)}
    return found


def test_every_reason_of_the_core_has_words() -> None:
    reasons = reasons_of_the_core() | set(HOW.values())
    assert {"roll", "session_end", "breaker", "unprotected", "reverse"} <= reasons, "the source is read in another way now"
    assert reasons | {status.value for status in ENDED - {OrderStatus.FILLED}} == set(HOW_CLOSED)
    assert len(set(HOW_CLOSED.values())) == len(HOW_CLOSED)
