"""Executions that come twice, late, corrected, or with charges told after them: counted as they are stated last."""

import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.report.journal import BEGIN, CASH, INSTRUMENTS, MES, closed, filled, intended, started
from theo.domain import reports as r
from theo.domain.instrument import MICROS
from theo.domain.keys import Key
from theo.domain.market_data import DAY
from theo.domain.orders import Side
from theo.engine.apply import apply
from theo.engine.decide.order_reports import on_report
from theo.engine.state import State
from theo.engine.turn import Turn
from theo.engine.world import World
from theo.market.book import MarketBook
from theo.report.deals import RunDeals
from theo.risk.limits import Limits

AT = BEGIN + 100


def world() -> World:
    return World(
        instruments=INSTRUMENTS,
        market=MarketBook(),
        limits=Limits(),
        costs=lambda *_: 0,
        account_day=lambda at: (at // DAY, (at // DAY + 1) * DAY),
        breaker_opens=lambda at: at + DAY,
    )


class Run:
    """One trade of ten MES that waits for its entry, and the fold of its deals."""

    def __init__(self) -> None:
        self.state = State(key=Key(), journal="j")
        self.deals = RunDeals(started(), INSTRUMENTS)
        plan = intended(0, quantity=10)
        apply(self.state, started())
        apply(self.state, plan)
        self.deals.take(plan)
        self.order, self.trade = plan.approved.subject.orders[0].id, plan.id

    def hear(self, report: r.OrderReport) -> list[str]:
        """The names of the facts that follow."""
        turn = Turn(self.state, world(), AT)
        on_report(turn, report)
        for fact in turn.facts:
            self.deals.take(fact)
        return [type(fact).__name__ for fact in turn.facts]

    def fill(self, execution: str, quantity: int, price: int, charges: int) -> r.OrderFilled:
        return r.OrderFilled(
            at=AT,
            order=self.order,
            execution=execution,
            timestamp=AT,
            quantity=quantity,
            price=price,
            charges=charges,
            final=False,
        )

    def correction(self, execution: str, replaces: tuple[str, ...], quantity: int, price: int, charges: int) -> r.FillCorrected:
        return r.FillCorrected(
            at=AT,
            order=self.order,
            execution=execution,
            replaces=replaces,
            timestamp=AT,
            quantity=quantity,
            price=price,
            charges=charges,
        )


def test_late_charges_take_the_place_of_the_estimate_once() -> None:
    run = Run()
    run.hear(run.fill("a.01", 2, 650_000, 1_240_000))
    told = r.ChargesReported(AT, run.order, "a.01", 1_000_000)
    assert "FillRevised" in run.hear(told)
    assert "FillRevised" not in run.hear(told)
    assert run.state.trades[run.trade].charges == 1_000_000
    assert run.state.cash == CASH - 2 * 650_000 * MES.unit_value - 1_000_000


def test_charges_of_what_nobody_knows_change_nothing() -> None:
    run = Run()
    assert run.hear(r.ChargesReported(AT, run.order, "never", 5)) == []
    assert run.hear(r.ChargesReported(AT, "another", "never", 5)) == []
    assert run.state.cash == CASH


@pytest.mark.parametrize("first", [True, False], ids=["after what it corrects", "before what it corrects"])
def test_a_correction_wins(first: bool) -> None:  # noqa: FBT001 - a parameter
    run = Run()
    wrong, right = run.fill("a.01", 2, 650_000, 1_240_000), run.correction("a.02", ("a.01",), 2, 650_025, 1_240_000)
    for report in (wrong, right, wrong, right) if first else (right, wrong, right):
        run.hear(report)
    trade = run.state.trades[run.trade]
    assert (trade.in_quantity, trade.in_sum, trade.charges) == (2, 2 * 650_025, 1_240_000)
    assert run.state.positions == {MES.id: 2}
    assert run.state.cash == CASH - 2 * 650_025 * MES.unit_value - 1_240_000


def test_a_deal_that_was_over_ends_again_with_its_true_charges() -> None:
    run = Run()
    plan = intended(0, quantity=10)
    entry = filled(plan, Side.BUY, 10, 650_000, at=AT, charges=10 * MICROS)
    leave = msgspec.structs.replace(filled(plan, Side.SELL, 10, 650_100, at=AT, number=1), order=entry.order)
    for fact in (entry, leave, closed(plan, [entry, leave], "manual", at=AT)):
        apply(run.state, fact)
        run.deals.take(fact)
    assert run.hear(r.ChargesReported(AT, run.order, entry.execution, 6 * MICROS)) == ["FillRevised", "TradeClosed"]
    (deal,) = run.deals.deals()
    assert (deal.status, deal.charges) == ("Completed", 6 * MICROS + leave.charges)
    assert run.deals.cash == run.state.cash == CASH + 10 * 100 * MES.unit_value - deal.charges
    assert not run.state.open_trades


@given(draw=st.randoms(use_true_random=False), count=st.integers(1, 5))
def test_whatever_the_order_the_last_statement_counts(draw: random.Random, count: int) -> None:
    """Each execution has up to three versions and a price of its charges; reports come shuffled and repeated."""
    run = Run()
    reports: list[r.OrderReport] = []
    paid = quantity = 0
    for n in range(count):
        versions, execution, size, price = draw.randint(1, 3), "", 0, 0
        for version in range(1, versions + 1):
            size, price, charges = draw.randint(1, 2), 650_000 + 25 * draw.randint(0, 9), draw.randint(0, MICROS)
            earlier = tuple(f"{n}.{v:02d}" for v in range(1, version))
            execution = f"{n}.{version:02d}"
            corrected = run.correction(execution, earlier, size, price, charges)
            reports.append(corrected if earlier else run.fill(execution, size, price, charges))
        final = draw.randint(0, MICROS)
        quantity += size
        paid += size * price * MES.unit_value + final
        reports += [r.ChargesReported(AT, run.order, execution, final)] * 2
    shuffled = [*reports, *reports]
    draw.shuffle(shuffled)
    for report in (*shuffled, *reports):
        run.hear(report)
    assert run.state.positions == {MES.id: quantity}
    assert run.state.cash == run.deals.cash == CASH - paid
    assert run.state.orders[run.order].filled == quantity
