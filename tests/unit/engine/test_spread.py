"""A trade is carried into the next contract by one order of two legs: whatever of it is told, in whatever order."""

from itertools import permutations

import msgspec
import pytest

from tests.unit.engine.test_months import roll
from tests.unit.engine.test_stuck import MES, PRICE, QUANTITY, Trader
from theo.domain.approval import Refused
from theo.domain.effects import Alert, AskBook, CancelOrder, PlaceTicket
from theo.domain.facts import LegRolled, TradeClosed
from theo.domain.inputs import Command, LinkChanged, TimerFired
from theo.domain.market_data import MINUTE, SECOND, ContractRolled
from theo.domain.orders import OcaType, Order, OrderRole, OrderType, Side, Ticket, TimeInForce
from theo.domain.reports import BookOrder, BookReported, OrderAccepted, OrderCancelled, OrderFilled, OrderRejected
from theo.engine.state import TradeState
from theo.engine.trade_life import TradeStatus
from theo.risk.approve import approve_spread_again

UP = 500
STOP, TARGET = "k-1-1", "k-1-2"


class Roller(Trader):
    """Long two of A, behind a stop and a target; then the future goes on in B, and a spread is to carry the trade over."""

    def __init__(self) -> None:
        super().__init__()
        self.core.state.issued = 10  # ids beyond those that were made by hand
        roll(self, "", "A")
        self.effects.clear()
        self.rolled()

    def rolled(self) -> None:
        self.step(ContractRolled(at=self.at, instrument=MES, previous="A", contract="B", difference=UP, carry=True, spread=True))

    @property
    def trade(self) -> TradeState:
        (trade,) = self.core.state.trades.values()
        return trade

    def spread(self) -> tuple[Order, ...]:
        """The legs of the newest one that left."""
        return [ticket for ticket in self.tickets() if ticket[0].spread][-1]

    def tickets(self) -> list[tuple[Order, ...]]:
        return [each.approved.subject.orders for each in self.effects if isinstance(each, PlaceTicket)]

    def accepted(self, *orders: Order) -> None:
        for order in orders:
            self.step(OrderAccepted(self.at, order.id, f"p-{order.id}"))

    def part(self, order: Order | str, quantity: int = QUANTITY, price: int = PRICE, name: str = "") -> None:
        ref = order if isinstance(order, str) else order.id
        self.step(
            OrderFilled(
                at=self.at,
                order=ref,
                execution=f"x-{ref}-{name or quantity}",
                timestamp=self.at,
                quantity=quantity,
                price=price,
                charges=1_000_000,
            )
        )

    def ends(self, *orders: str) -> None:
        for order in orders:
            self.step(OrderCancelled(self.at, order, "by us"))

    def passes(self, time: int) -> None:
        self.at += time
        self.step(TimerFired(self.at))

    def settles(self) -> None:
        """What newly left is accepted, and time passes until nothing more leaves."""
        seen: set[str] = set()
        for _ in range(6):
            fresh = [o for ticket in self.tickets() for o in ticket if o.id not in seen]
            seen |= {o.id for o in fresh}
            self.accepted(*(o for o in fresh if self.core.state.orders[o.id].status == "intended"))
            self.passes(3 * SECOND)

    def resting(self, contract: str) -> dict[str, int]:
        """By role, what works of the trade in a contract."""
        found: dict[str, int] = {}
        for held in self.core.state.orders.values():
            if held.open_quantity and (held.order.contract or "A") == contract and held.status != "cancelling":
                found[held.order.role] = found.get(held.order.role, 0) + held.open_quantity
        return found

    def alerts(self) -> list[str]:
        """Codes of all that was told."""
        return [each.code for each in self.effects if isinstance(each, Alert)]

    def closed(self) -> list[TradeClosed]:
        return [fact for fact in self.facts if isinstance(fact, TradeClosed)]

    def leg(self) -> LegRolled:
        (found,) = [fact for fact in self.facts if isinstance(fact, LegRolled)]
        return found


@pytest.fixture
def roller() -> Roller:
    """The spread works at the venue, and the target was taken back."""
    made = Roller()
    made.accepted(*made.spread())
    made.ends(TARGET)
    return made


def test_one_ticket_closes_in_the_group_of_the_stop_and_opens_as_much() -> None:
    made = Roller()
    near, far = made.spread()
    assert (near.side, near.contract, near.role, near.quantity) == (Side.SELL, "A", OrderRole.CLOSE, QUANTITY)
    assert (far.side, far.contract, far.role, far.quantity) == (Side.BUY, "B", OrderRole.ENTRY, QUANTITY)
    assert (near.spread, far.spread, near.type, near.tif) == (far.id, near.id, OrderType.MARKET, TimeInForce.DAY)
    assert near.oca_group == made.core.state.orders[STOP].order.oca_group
    assert (near.oca_type, far.oca_group) == (OcaType.REDUCE_NON_BLOCK, "")
    assert [each.order for each in made.effects if isinstance(each, CancelOrder)] == [TARGET]


@pytest.mark.parametrize("order", list(permutations(("near", "far", "stop"))))
def test_in_whatever_order_it_is_told_the_trade_goes_on_behind_its_exits(order: tuple[str, ...], roller: Roller) -> None:
    near, far = roller.spread()
    for what in order:
        if what == "stop":
            roller.ends(STOP)
        else:
            roller.part(near if what == "near" else far, price=PRICE if what == "near" else PRICE + UP)
    roller.settles()
    trade = roller.trade
    assert (trade.status, trade.contract, trade.open_quantity, trade.in_sum) == ("running", "B", 2, 2 * (PRICE + UP))
    assert roller.resting("B") == {OrderRole.STOP: 2, OrderRole.TARGET: 2}
    assert roller.resting("A") == {}
    exits = [o for t in roller.tickets() for o in t if o.contract == "B" and not o.spread]
    assert {(o.stop, o.limit) for o in exits} == {(PRICE - 2_000 + UP, None), (None, PRICE + 2_000 + UP)}
    assert (roller.leg().reopened, roller.leg().carried, roller.leg().exit_sum) == (2, 2, 2 * PRICE)
    assert roller.core.state.fronts[MES].leaving == 0
    assert roller.core.state.positions[MES] == 2
    assert roller.pages() == []


def test_the_stop_of_the_next_contract_leaves_with_the_fill(roller: Roller) -> None:
    """Nothing is waited for, not even the near leg's fill."""
    roller.effects.clear()
    near, far = (held.order for held in roller.core.state.orders.values() if held.order.spread)
    roller.part(far)
    (stop,), (target,) = roller.tickets()
    assert (stop.role, stop.contract, stop.quantity, target.role) == (OrderRole.STOP, "B", 2, OrderRole.TARGET)
    assert stop.oca_group == target.oca_group != near.oca_group


def test_what_is_filled_in_parts_is_protected_in_parts(roller: Roller) -> None:
    near, far = roller.spread()
    roller.part(near, 1, name="1")
    roller.part(far, 1, name="1")
    roller.settles()
    assert roller.resting("B") == {OrderRole.STOP: 1, OrderRole.TARGET: 1, OrderRole.ENTRY: 1}
    assert roller.trade.status == TradeStatus.ROLLING
    roller.part(near, 1, name="2")
    roller.part(far, 1, name="2")
    roller.ends(STOP)
    roller.settles()
    assert roller.resting("B") == {OrderRole.STOP: 2, OrderRole.TARGET: 2}
    groups = {o.oca_group for t in roller.tickets() for o in t if o.contract == "B" and not o.spread}
    assert len(groups) == 2  # each pair reduces itself alone
    assert (roller.trade.status, roller.trade.open_quantity) == ("running", 2)


def test_what_the_spread_does_not_fill_in_time_is_closed_and_what_it_did_goes_on(roller: Roller) -> None:
    near, far = roller.spread()
    roller.part(near, 1, name="1")
    roller.part(far, 1, name="1")
    roller.settles()
    roller.passes(MINUTE)
    assert [e.order for e in roller.effects if isinstance(e, CancelOrder) and e.order in {near.id, far.id}] == [near.id, far.id]
    roller.ends(near.id, far.id)
    (close,) = [t[0] for t in roller.tickets() if t[0].role is OrderRole.CLOSE and not t[0].spread]
    assert (close.contract, close.quantity, close.tif) == ("A", 1, TimeInForce.GTC)
    roller.accepted(close)
    roller.part(close, 1)
    roller.ends(STOP)
    roller.settles()
    assert (roller.trade.status, roller.trade.contract, roller.trade.open_quantity) == ("running", "B", 1)
    assert roller.resting("B") == {OrderRole.STOP: 1, OrderRole.TARGET: 1}
    assert roller.pages() == ["roll_short"]


def fallen_back(roller: Roller) -> None:
    """The rest is as without a spread: closed in A, a bracket in B; and that was said."""
    close = [t[0] for t in roller.tickets() if t[0].role is OrderRole.CLOSE][-1]
    assert (close.contract, close.quantity, close.spread) == ("A", 2, "")
    roller.accepted(close)
    roller.part(close)
    roller.ends(STOP)
    opens = roller.tickets()[-1]
    assert [(o.role, o.contract, o.quantity, o.spread) for o in opens] == [(r, "B", 2, "") for r in ("entry", "stop", "target")]
    roller.accepted(*opens)
    roller.part(opens[0], price=PRICE + UP)
    roller.settles()
    assert (roller.trade.status, roller.trade.contract, roller.trade.open_quantity) == ("running", "B", 2)
    assert roller.resting("B") == {OrderRole.STOP: 2, OrderRole.TARGET: 2}
    assert (roller.leg().reopened, roller.leg().carried) == (2, 0)
    assert "spread_failed" in roller.alerts()
    assert roller.pages() == []


def test_where_it_is_refused_the_trade_is_closed_and_opened_anew() -> None:
    made = Roller()
    for leg in made.spread():
        made.step(OrderRejected(made.at, leg.id, 201, "no combinations"))
    made.ends(TARGET)
    fallen_back(made)


def test_where_it_is_not_filled_within_its_bound_too(roller: Roller) -> None:
    roller.passes(MINUTE - 1)
    near, far = roller.spread()
    assert {e.order for e in roller.effects if isinstance(e, CancelOrder)} == {TARGET}
    roller.passes(1)
    roller.ends(near.id, far.id)
    fallen_back(roller)


def test_a_stop_that_takes_all_ends_the_trade(roller: Roller) -> None:
    """The venue ends the spread with the group."""
    near, far = roller.spread()
    roller.part(STOP)
    roller.ends(near.id, far.id)
    roller.settles()
    assert [(fact.how, fact.quantity) for fact in roller.closed()] == [("stop", 2)]
    assert not roller.core.state.positions[MES]
    roller.part(far, 1)  # what comes after its end is a person's
    assert "past_contract_fill" in roller.pages()
    assert roller.core.state.fronts[MES].leaving == 0


def test_both_the_stop_and_the_spread_may_fill_and_the_excess_is_taken_back(roller: Roller) -> None:
    near, far = roller.spread()
    roller.part(STOP)
    roller.part(near)
    roller.part(far)
    roller.settles()
    back = [t[0] for t in roller.tickets() if t[0].side is Side.BUY and t[0].contract == "A"]
    assert [(o.quantity, o.role) for o in back] == [(2, OrderRole.CLOSE)]
    assert "excess_fill" in roller.pages()
    assert roller.resting("B") == {OrderRole.STOP: 2, OrderRole.TARGET: 2}


def test_a_close_that_is_asked_for_meanwhile_closes_in_both(roller: Roller) -> None:
    near, far = roller.spread()
    roller.part(near, 1, name="1")
    roller.part(far, 1, name="1")
    roller.settles()
    roller.step(Command(at=roller.at, id="f", actor="me", name="flatten", reason="test"))
    roller.ends(near.id, far.id)
    (close,) = [t[0] for t in roller.tickets() if t[0].role is OrderRole.CLOSE and not t[0].spread]
    assert (close.contract, close.quantity) == ("A", 1)
    roller.accepted(close)
    roller.part(close, 1)
    roller.ends(STOP)
    roller.settles()
    last = [t[0] for t in roller.tickets() if t[0].role is OrderRole.CLOSE][-1]
    assert (last.contract, last.quantity) == ("B", 1)
    roller.part(last, 1)
    for held in list(roller.core.state.orders.values()):
        if held.open_quantity:
            roller.ends(held.order.id)
    roller.settles()
    assert [fact.quantity for fact in roller.closed()] == [1]
    assert not roller.core.state.positions[MES]


def test_a_halt_ends_the_spread_and_the_trade_is_closed(roller: Roller) -> None:
    near, far = roller.spread()
    roller.step(Command(at=roller.at, id="h", actor="me", name="halt", reason="test"))
    assert far.id in {e.order for e in roller.effects if isinstance(e, CancelOrder)}
    roller.ends(near.id, far.id)
    close = [t[0] for t in roller.tickets() if t[0].role is OrderRole.CLOSE][-1]
    roller.accepted(close)
    roller.part(close)
    roller.ends(STOP)
    roller.settles()
    assert "roll_failed" in roller.pages()
    assert not roller.core.state.positions[MES]


def book(roller: Roller, months: dict[str, int], *working: str, executions: tuple[OrderFilled, ...] = ()) -> None:
    """The broker's books: what it holds of each month, and what works."""
    roller.at += SECOND
    held = [roller.core.state.orders[order] for order in working]
    listed = tuple(BookOrder(o.order, o.broker_id, "working", o.filled) for o in held)
    roller.step(
        BookReported(
            at=roller.at,
            orders=listed,
            executions=executions,
            positions={MES: sum(months.values())} if sum(months.values()) else {},
            months={MES: {name: held for name, held in months.items() if held}},
        )
    )


def test_a_leg_that_is_not_told_is_asked_for_and_nothing_is_opened_on_a_guess(roller: Roller) -> None:
    near, far = roller.spread()
    roller.at += SECOND
    roller.part(near)
    roller.ends(STOP)
    roller.effects.clear()
    roller.passes(3 * SECOND)
    assert roller.kinds(AskBook)
    roller.passes(10 * MINUTE)
    assert roller.tickets() == []
    told = OrderFilled(
        at=roller.at, order=far.id, execution="x-far", timestamp=roller.at, quantity=2, price=PRICE + UP, charges=0
    )
    book(roller, {"B": 2}, executions=(told,))
    roller.settles()
    assert roller.resting("B") == {OrderRole.STOP: 2, OrderRole.TARGET: 2}
    assert (roller.trade.status, roller.trade.contract) == ("running", "B")


def test_fills_that_the_books_tell_while_the_link_is_down_get_both_exits_when_it_is_back(roller: Roller) -> None:
    near, far = roller.spread()
    roller.at += SECOND
    roller.step(LinkChanged(roller.at, up=False, reason="away"))
    roller.part(near)
    roller.part(far)
    roller.ends(STOP)
    assert (roller.trade.status, roller.resting("B")) == (TradeStatus.ROLLING, {})
    roller.passes(SECOND)
    roller.step(LinkChanged(roller.at, up=True, reason="back"))
    roller.settles()
    assert roller.resting("B") == {OrderRole.STOP: 2, OrderRole.TARGET: 2}
    assert (roller.trade.status, roller.trade.contract) == ("running", "B")


def test_a_lost_answer_is_asked_for_and_the_same_order_is_sent_again() -> None:
    """The link is lost with the send; the books that follow know nothing of it."""
    made = Roller()
    near, far = made.spread()
    made.ends(TARGET)
    made.step(LinkChanged(made.at, up=False, reason="away"))
    made.passes(10 * SECOND)
    assert {made.core.state.orders[leg.id].status for leg in (near, far)} == {"unknown"}
    made.effects.clear()
    made.step(LinkChanged(made.at, up=True, reason="back"))
    made.passes(30 * SECOND)
    book(made, {"A": 2}, STOP)
    assert [tuple(o.id for o in ticket) for ticket in made.tickets()] == [(near.id, far.id)]
    made.accepted(near, far)
    made.part(near)
    made.part(far)
    made.ends(STOP)
    made.settles()
    assert (made.trade.status, made.trade.contract, made.trade.open_quantity) == ("running", "B", 2)
    assert made.resting("B") == {OrderRole.STOP: 2, OrderRole.TARGET: 2}


def test_a_stop_that_the_next_contract_does_not_take_closes_the_trade(roller: Roller) -> None:
    near, far = roller.spread()
    roller.part(far)
    for _ in range(4):
        for ticket in roller.tickets():
            if ticket[0].contract == "B" and ticket[0].role is OrderRole.STOP:
                roller.step(OrderRejected(roller.at, ticket[0].id, 201, "no stops"))
        targets = [t[0] for t in roller.tickets() if t[0].contract == "B" and t[0].role is OrderRole.TARGET]
        roller.accepted(*targets)
        roller.passes(3 * SECOND)
    assert roller.pages().count("unprotected") >= 2
    roller.part(near)
    roller.ends(STOP)
    roller.settles()
    assert roller.trade.close_reason == "unprotected"
    last = [t[0] for t in roller.tickets() if t[0].role is OrderRole.CLOSE][-1]
    assert (last.contract, last.quantity) == ("B", 2)


def test_two_rolls_one_after_the_other(roller: Roller) -> None:
    near, far = roller.spread()
    roller.part(near)
    roller.part(far)
    roller.ends(STOP)
    roller.settles()
    roller.step(ContractRolled(at=roller.at, instrument=MES, previous="B", contract="C", difference=UP, carry=True, spread=True))
    near, far = roller.spread()
    assert (near.contract, far.contract, near.quantity) == ("B", "C", 2)
    roller.accepted(near, far)
    roller.part(near)
    roller.part(far)
    for held in list(roller.core.state.orders.values()):
        if held.open_quantity and held.order.contract == "B":
            roller.ends(held.order.id)
    roller.settles()
    assert (roller.trade.status, roller.trade.contract, roller.trade.rolled_deals) == ("running", "C", 2)
    assert roller.resting("C") == {OrderRole.STOP: 2, OrderRole.TARGET: 2}
    assert roller.pages() == []


def test_only_one_position_in_two_contracts_is_such_an_order() -> None:
    near, far = Roller().spread()
    assert not isinstance(approve_spread_again(Ticket((near, far)), 2), Refused)
    for change in ({"quantity": 3}, {"contract": "A"}, {"side": Side.SELL}, {"instrument": 99}):
        assert isinstance(approve_spread_again(Ticket((near, msgspec.structs.replace(far, **change))), 2), Refused)
    assert isinstance(approve_spread_again(Ticket((near, far)), 1), Refused)
    assert isinstance(approve_spread_again(Ticket((near, far)), -2), Refused)
