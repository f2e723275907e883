"""Whatever the underlying, the quotes and a person do: an option trade is never short, never unprotected, loses as planned.

The exchange's own books are what is compared with.
"""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.drive.option_world import CALL, ENDS, Item, chosen, front_of, played, quotes, spy
from tests.unit.strategy.markets import SPY, bar
from theo.domain.facts import Alerted, Filled, TradeClosed, TradeIntended
from theo.domain.inputs import Command
from theo.domain.instrument import MICROS
from theo.domain.market_data import SECOND
from theo.domain.orders import OrderRole
from theo.engine.order_life import LIVE
from theo.engine.trade_life import TradeStatus

CENTS = st.integers(1, 2_000)
BETWEEN = 100  # moments in a bar


@st.composite
def moments(draw: st.DrawFn) -> list[Item]:
    """A choice, then bars of SPY with quotes, offers that vanish, closes by hand and halts between them."""
    items: list[Item] = [*spy([500_00, 500_00]), chosen(ENDS[1] + SECOND)]
    commands = 0
    for before, end in pairwise(ENDS[1:13]):
        step = (end - before) // BETWEEN
        for place in sorted(draw(st.sets(st.integers(2, BETWEEN - 1), max_size=4))):
            at, kind = before + place * step, draw(st.sampled_from(["quotes"] * 6 + ["close", "halt", "resume"]))
            if kind == "quotes":
                bid = draw(st.one_of(CENTS, st.just(0)))  # 0: nobody bids
                items += quotes(at, bid, bid + draw(st.integers(0, 30)), draw(st.sampled_from([0, 1, 2, 40])))
            else:
                commands += 1
                name = {"close": "flatten"}.get(kind, kind)
                items.append(Command(at=at, id=f"c{commands}", actor="me", name=name, reason="test"))
        items += quotes(end - SECOND, 200, 204)
        items.append(bar(SPY, end, 100 * draw(st.integers(505, 545))))
    return items


@settings(max_examples=150)
@given(moments())
def test_books_agree_and_no_more_than_the_premium_is_lost(items: list[Item]) -> None:
    done, facts = played(items)
    state, books, one = done.core.state, done.venue.books, front_of(CALL)
    assert {i: q for i, q in state.positions.items() if q} == {i: q for i, q in books.positions.items() if q}
    assert state.positions.get(one, 0) >= 0
    assert state.cash == 100_000 * MICROS + books.cash
    held = 0
    for fact in facts:
        if isinstance(fact, Filled):
            held += fact.side.sign * fact.quantity
            assert held >= 0, "an option is never sold that was not bought"
            assert fact.price > 0, "nobody is sold to who does not bid"
    for closed in (fact for fact in facts if isinstance(fact, TradeClosed) and fact.quantity):
        (intended,) = [fact for fact in facts if isinstance(fact, TradeIntended) and fact.id == closed.id]
        assert closed.gross - closed.charges >= -intended.risk, "the whole premium with its charges was planned"
    for name in state.open_trades:
        trade = state.trades[name]
        orders = [state.orders[o] for o in trade.orders]
        if trade.status is TradeStatus.RUNNING and not any(o.order.role is OrderRole.ENTRY and not o.ended for o in orders):
            resting = sum(o.open_quantity for o in orders if o.order.role is OrderRole.STOP and o.status in LIVE)
            assert resting == trade.open_quantity
    pages = {fact.code for fact in facts if isinstance(fact, Alerted) and fact.severity == "page"}
    assert pages <= {"halted"}
