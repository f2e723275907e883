"""An exit fills before its entry was told: the stop stays until the broker has said which of the two is wrong."""

from tests.unit.engine.test_stuck import MES, PRICE, QUANTITY, Trader
from theo.domain.effects import AskBook, CancelOrder, PlaceTicket
from theo.domain.market_data import SECOND
from theo.domain.reports import BookOrder, BookReported, OrderFilled

ENTRY, STOP, TARGET = "k-1-0", "k-1-1", "k-1-2"


class Untold(Trader):
    """Nobody tells of the entry's fill."""

    def fill(self, order: str) -> None:
        """The whole of an order, unless it is the entry."""
        if order != ENTRY:
            super().fill(order)

    def filled(self, order: str, quantity: int) -> OrderFilled:
        return OrderFilled(
            at=self.at, order=order, execution=f"x-{order}", timestamp=self.at, quantity=quantity, price=PRICE, charges=0
        )

    def stop_fills(self) -> None:
        """One of two contracts."""
        self.at += SECOND
        self.effects.clear()
        self.step(self.filled(STOP, 1))

    def answer(self, position: int, executions: tuple[OrderFilled, ...], working: tuple[str, ...]) -> None:
        """The broker's books."""
        self.at += SECOND
        orders = self.core.state.orders
        listed = tuple(BookOrder(orders[each].order, orders[each].broker_id, "working", orders[each].filled) for each in working)
        filled = tuple(BookOrder(orders[e.order].order, orders[e.order].broker_id, "filled", e.quantity) for e in executions)
        all_told = (self.filled(STOP, 1), *executions)
        self.step(BookReported(at=self.at, orders=listed + filled, executions=all_told, positions={MES: position}))


def test_the_broker_is_asked_and_the_stop_stays() -> None:
    trader = Untold()
    trader.stop_fills()
    assert trader.kinds(AskBook)
    assert not trader.kinds(CancelOrder)
    assert not trader.kinds(PlaceTicket)
    trader.answer(1, (trader.filled(ENTRY, QUANTITY),), (STOP, TARGET))
    assert trader.core.state.trades["k-t1"].open_quantity == 1
    assert not trader.kinds(CancelOrder)
    assert not trader.core.state.orders[STOP].ended


def test_an_excess_that_the_broker_confirms_is_taken_back() -> None:
    trader = Untold()
    trader.stop_fills()
    trader.answer(-1, (), (ENTRY, STOP, TARGET))
    assert {effect.order for effect in trader.kinds(CancelOrder) if isinstance(effect, CancelOrder)} >= {STOP, TARGET}
