"""One run's executions as those of several accounts: nothing is lost, and no account is closed beyond what it holds."""

from collections import Counter
from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.report.journal import filled as fill_of
from tests.unit.report.journal import intended
from theo.domain.facts import Fact, Filled, FillRevised
from theo.domain.orders import Side
from theo.report.account_fills import Shares, account_fills
from theo.report.allocation import AccountMethod

RATIO = {"DU1": 2, "DU2": 1, "DU3": 3}
PARTS = st.lists(st.integers(1, 7), min_size=1, max_size=6)


@given(PARTS, PARTS, st.sampled_from(AccountMethod), st.sampled_from(Side))
def test_each_account_ends_flat_and_nothing_is_lost(ins: list[int], outs: list[int], method: AccountMethod, side: Side) -> None:
    size = sum(ins)
    trade = intended(1, side=side, quantity=size)
    facts: list[Fact] = [trade]
    facts += [fill_of(trade, side, n, 650_000 + at, at=at, charges=7 * n + 1) for at, n in enumerate(ins)]
    left = size
    for at, part in enumerate([*outs, size], start=100):
        closing = min(left, part)
        if closing:
            facts.append(fill_of(trade, side.opposite, closing, 650_100 + at, at=at, charges=5 * closing + 2))
            left -= closing
    parts = account_fills(facts, Shares(RATIO, method))
    fills = [fact for fact in facts if isinstance(fact, Filled)]
    by_time = Counter[int]()
    for each in parts:
        by_time[each.at] += abs(each.quantity)
    assert by_time == Counter({fill.timestamp: fill.quantity for fill in fills})
    assert sum(each.charges for each in parts) == sum(fill.charges for fill in fills)
    for account in RATIO:
        held = list(accumulate(each.quantity for each in parts if each.account == account))
        assert all(quantity * side.sign >= 0 for quantity in held)
        assert not held or held[-1] == 0


def test_an_entry_goes_by_the_ratio_and_what_is_in_excess_too() -> None:
    trade = intended(1, quantity=6)
    facts: list[Fact] = [trade, fill_of(trade, Side.BUY, 6, 650_000, at=1), fill_of(trade, Side.SELL, 12, 650_100, at=2)]
    sizes = {(each.account, each.quantity) for each in account_fills(facts, Shares(RATIO))}
    assert sizes == {("DU1", 2), ("DU2", 1), ("DU3", 3), ("DU1", -4), ("DU2", -2), ("DU3", -6)}


def test_a_correction_takes_the_place_of_what_it_corrects() -> None:
    trade = intended(1, quantity=6)
    fill = fill_of(trade, Side.BUY, 6, 650_000, at=1, charges=600)
    revised = FillRevised(
        at=9,
        order=fill.order,
        trade=trade.id,
        execution="later",
        replaces=(fill.execution,),
        instrument=fill.instrument,
        side=Side.BUY,
        price=650_025,
        quantity=0,
        turnover=150,
        value=0,
        charges=-60,
    )
    parts = account_fills([trade, fill, revised], Shares({"DU1": 1}))
    assert [(each.quantity, each.price, each.charges) for each in parts] == [(6, 650_025, 540)]
