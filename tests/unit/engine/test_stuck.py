"""An order of a flat trade that the venue lets nobody cancel: everything is cancelled, or trading halts."""

import pytest

from tests.closing import tick_market
from theo.domain.approval import Approved
from theo.domain.effects import Alert, CancelEverything, CancelOrder, Effect, LatchHalt
from theo.domain.facts import Halted, TradeClosed, TradeIntended
from theo.domain.inputs import Input, LinkChanged, Started, TimerFired
from theo.domain.market_data import MINUTE, SECOND
from theo.domain.orders import OcaType, Order, OrderRole, OrderType, Side, Ticket, TimeInForce
from theo.domain.reports import (
    ActionRejected,
    BookOrder,
    BookReported,
    OrderAccepted,
    OrderCancelled,
    OrderFilled,
)
from theo.drive.assembly import assemble
from theo.engine.apply import apply
from theo.engine.core import Core
from theo.engine.decide.order_reports import REFUSALS_TOLD

MES = tick_market.INDEX
PRICE, QUANTITY = 270_000, 2


class Trader:
    """A core with open trades of two contracts each, made by hand; what it asks for is kept."""

    def __init__(self, trades: int = 1) -> None:
        plan = tick_market.plan(1)
        self.core: Core = assemble(plan)
        self.key = plan.key
        self.at = next(iter(tick_market.ticks(plan, 1, 4))).at
        self.effects: list[Effect] = []
        self.facts: list[object] = []
        self.step(Started(at=self.at, key=plan.key, build="t", cash=plan.cash, world="{}"))
        self.step(LinkChanged(self.at, up=True, reason="connected"))
        self.step(BookReported(at=self.at, orders=(), executions=(), positions={}))
        for number in range(1, trades + 1):
            self._open(number)

    def step(self, item: Input) -> None:
        """One input."""
        facts, effects = self.core.step(item)
        self.facts += facts
        self.effects += effects

    def _open(self, number: int) -> None:
        trade = f"k-t{number}"

        def order(index: int, role: OrderRole, kind: OrderType, side: Side, **prices: int) -> Order:
            exits = role is not OrderRole.ENTRY
            return Order(
                id=f"k-{number}-{index}",
                account="SIM",
                instrument=MES,
                side=side,
                type=kind,
                quantity=QUANTITY,
                tif=TimeInForce.GTC,
                role=role,
                trade=trade,
                parent=f"k-{number}-0" if exits else "",
                oca_group=f"{trade}-exits" if exits else "",
                oca_type=OcaType.REDUCE_NON_BLOCK if exits else OcaType.NONE,
                **prices,  # type: ignore[arg-type]  # limit and stop
            )

        orders = (
            order(0, OrderRole.ENTRY, OrderType.MARKET, Side.BUY),
            order(1, OrderRole.STOP, OrderType.STOP, Side.SELL, stop=PRICE - 2_000),
            order(2, OrderRole.TARGET, OrderType.LIMIT, Side.SELL, limit=PRICE + 2_000),
        )
        made = TradeIntended(
            at=self.at,
            id=trade,
            key=self.key,
            signal="",
            instrument=MES,
            side=Side.BUY,
            quantity=QUANTITY,
            entry=PRICE,
            stop=PRICE - 2_000,
            target=PRICE + 2_000,
            risk=0,
            approved=Approved(Ticket(orders), ("by hand",)),
        )
        apply(self.core.state, made)
        for each in orders:
            self.step(OrderAccepted(self.at, each.id, f"p-{each.id}"))
        self.fill(orders[0].id)

    def fill(self, order: str) -> None:
        """The whole of an order."""
        self.step(
            OrderFilled(
                at=self.at,
                order=order,
                execution=f"x-{order}",
                timestamp=self.at,
                quantity=QUANTITY,
                price=PRICE,
                charges=0,
            )
        )

    def refuse(self, order: str, others: tuple[BookOrder, ...] = (), elsewhere: int = 0) -> None:
        """The trade of a stop is flat; every cancel of it is refused, and the books say that it works."""
        for _ in range(REFUSALS_TOLD):
            self.at += 3 * MINUTE
            self.step(TimerFired(self.at))
            assert [e.order for e in self.effects if isinstance(e, CancelOrder)][-1] == order
            assert not [e for e in self.effects if isinstance(e, CancelEverything)]
            self.step(ActionRejected(self.at, order, "cancel", "10147: OrderId 7 that needs to be cancelled is not found."))
            self.book(others, elsewhere)

    def book(self, others: tuple[BookOrder, ...] = (), elsewhere: int = 0) -> None:
        """The broker's books: what works of ours, and others."""
        self.at += SECOND
        ours = tuple(
            BookOrder(held.order, held.broker_id, "working", 0) for held in self.core.state.orders.values() if not held.ended
        )
        positions = {MES: held} if (held := self.core.state.positions.get(MES, 0)) else {}
        self.step(BookReported(at=self.at, orders=ours + others, executions=(), positions=positions, elsewhere=elsewhere))

    def kinds(self, kind: type) -> list[object]:
        """Effects and facts of a kind."""
        return [each for each in (*self.effects, *self.facts) if isinstance(each, kind)]

    def pages(self) -> list[str]:
        """Codes of what a person was paged with."""
        return [each.code for each in self.effects if isinstance(each, Alert) and each.severity == "page"]


def test_nothing_else_rests_and_everything_is_cancelled() -> None:
    trader = Trader()
    trader.fill("k-1-2")
    trader.refuse("k-1-1")
    assert trader.kinds(CancelEverything)
    assert trader.pages() == ["order_stuck", "global_cancel"]
    assert not trader.kinds(Halted)
    trader.step(OrderCancelled(trader.at, "k-1-1", "by us"))
    assert [each.id for each in trader.kinds(TradeClosed)] == ["k-t1"]  # type: ignore[attr-defined]  # of that kind


def typed_in_tws(order: str = "permId 7") -> BookOrder:
    made = Order(
        id=order,
        account="SIM",
        instrument=MES,
        side=Side.BUY,
        type=OrderType.LIMIT,
        quantity=1,
        tif=TimeInForce.DAY,
        role=OrderRole.ENTRY,
        trade="",
    )
    return BookOrder(made, "7", "working", 0)


@pytest.mark.parametrize(
    ("others", "elsewhere", "named"),
    [((typed_in_tws(),), 0, "permId 7"), ((), 3, "3 in other accounts")],
    ids=["an order typed into TWS", "orders of other accounts"],
)
def test_what_is_not_ours_is_never_taken_away(others: tuple[BookOrder, ...], elsewhere: int, named: str) -> None:
    trader = Trader()
    trader.fill("k-1-2")
    trader.refuse("k-1-1", others, elsewhere)
    assert not trader.kinds(CancelEverything)
    assert trader.kinds(LatchHalt)
    assert trader.core.state.halted
    text = [each.text for each in trader.effects if isinstance(each, Alert) and each.code == "order_stuck"][-1]
    assert named in text
    assert "Cancel k-1-1 in TWS" in text
    trader.book()  # the other is gone: nothing stands in the way
    assert trader.kinds(CancelEverything)


def test_the_stop_of_another_open_trade_is_never_taken_away() -> None:
    trader = Trader(trades=2)
    trader.fill("k-1-2")
    trader.refuse("k-1-1")
    assert not trader.kinds(CancelEverything)
    assert trader.core.state.halted


def test_the_stop_of_an_open_trade_stays_however_often_its_change_is_refused() -> None:
    trader = Trader()
    for _ in range(REFUSALS_TOLD + 1):
        trader.step(ActionRejected(trader.at, "k-1-1", "amend", "no"))
        trader.book()
    assert not trader.kinds(CancelEverything)
    assert not trader.kinds(CancelOrder)
    assert not trader.core.state.halted
