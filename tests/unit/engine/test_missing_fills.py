"""A fill that the broker tells no more: nothing is sent for what it does not hold, and a person is told."""

import pytest

from tests.unit.engine.test_stuck import MES, QUANTITY, Trader
from theo.domain.effects import Alert, PlaceTicket
from theo.domain.inputs import LinkChanged, TimerFired
from theo.domain.market_data import SECOND
from theo.domain.orders import OrderRole
from theo.domain.reports import BookReported


def after_midnight(trader: Trader, held: int) -> None:
    """The link was away; the books have no execution and no order of ours, and say that so many are held."""
    trader.step(LinkChanged(trader.at, up=False, reason="away"))
    trader.at += SECOND
    trader.step(LinkChanged(trader.at, up=True, reason="back"))
    for _ in range(6):
        trader.at += 10 * SECOND
        trader.step(TimerFired(trader.at))
        trader.step(BookReported(at=trader.at, orders=(), executions=(), positions={MES: held} if held else {}))


def sent(trader: Trader) -> list[tuple[str, int]]:
    """Role and quantity of every order that left."""
    tickets = [each.approved.subject for each in trader.effects if isinstance(each, PlaceTicket)]
    return list(dict.fromkeys((str(order.role), order.quantity) for ticket in tickets for order in ticket.orders))


@pytest.mark.parametrize(("held", "stops"), [(0, []), (1, [("stop", 1)]), (-1, [])])
def test_no_stop_is_sent_for_what_the_broker_does_not_hold(held: int, stops: list[tuple[str, int]]) -> None:
    trader = Trader()
    after_midnight(trader, held)
    assert sent(trader) == stops
    (text,) = [each.text for each in trader.effects if isinstance(each, Alert) and each.code == "position_differs"]
    assert "forgets executions at midnight" in text
    assert not trader.core.state.agreed


def test_what_the_broker_holds_is_protected_whole() -> None:
    trader = Trader()
    after_midnight(trader, QUANTITY)
    assert sent(trader) == [(str(OrderRole.STOP), QUANTITY)]


def test_more_than_ours_is_no_reason_to_stand_unprotected() -> None:
    trader = Trader()
    after_midnight(trader, QUANTITY + 3)
    assert sent(trader) == [(str(OrderRole.STOP), QUANTITY)]


def test_when_the_position_is_there_again_it_is_protected() -> None:
    trader = Trader()
    after_midnight(trader, 0)
    assert sent(trader) == []
    after_midnight(trader, QUANTITY)
    assert sent(trader) == [(str(OrderRole.STOP), QUANTITY)]
    assert trader.core.state.held_there == {}
