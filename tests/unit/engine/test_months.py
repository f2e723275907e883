"""The broker's books of two contracts of one future: an old leg is never taken for the new one."""

import pytest

from tests.unit.engine.test_stuck import MES, QUANTITY, Trader
from theo.domain.effects import Alert, PlaceTicket
from theo.domain.inputs import LinkChanged, TimerFired
from theo.domain.market_data import SECOND, ContractRolled
from theo.domain.orders import OrderRole
from theo.domain.reports import BookOrder, BookReported


def roll(trader: Trader, previous: str, contract: str, difference: int = 0) -> None:
    trader.step(ContractRolled(at=trader.at, instrument=MES, previous=previous, contract=contract, difference=difference))


def read(trader: Trader, months: dict[str, int] | None, held: int = QUANTITY) -> bool:
    """The link comes back and the books are told, with no execution and what closes a contract at work; whether they agree."""
    trader.step(LinkChanged(trader.at, up=False, reason="away"))
    trader.at += SECOND
    trader.step(LinkChanged(trader.at, up=True, reason="back"))
    for _ in range(6):
        trader.at += 10 * SECOND
        trader.step(TimerFired(trader.at))
        told = None if months is None else {MES: months}
        closing = [o.order for o in trader.core.state.orders.values() if o.order.role is OrderRole.CLOSE]
        works = tuple(BookOrder(order, "1", "working", 0) for order in closing)
        trader.step(BookReported(at=trader.at, orders=works, executions=(), positions={MES: held}, months=told))
    return trader.core.state.agreed


def sent(trader: Trader) -> set[tuple[str, str]]:
    """Role and contract of every order that left since the effects were cleared."""
    tickets = [each.approved.subject for each in trader.effects if isinstance(each, PlaceTicket)]
    return {(str(order.role), order.contract) for ticket in tickets for order in ticket.orders}


@pytest.fixture
def trader() -> Trader:
    """Long two of contract A, which the front was named after."""
    made = Trader()
    roll(made, "", "A")
    made.effects.clear()
    return made


def test_what_is_held_in_its_own_contract_agrees(trader: Trader) -> None:
    assert read(trader, {"A": QUANTITY})
    assert sent(trader) == {(str(OrderRole.STOP), "A")}


def test_the_same_number_in_another_contract_does_not(trader: Trader) -> None:
    assert not read(trader, {"B": QUANTITY})
    assert sent(trader) == set()
    (text,) = [each.text for each in trader.effects if isinstance(each, Alert) and each.code == "position_differs"]
    assert " A: our fills say 2, the broker says 0" in text


def test_while_it_leaves_a_contract_each_of_the_two_is_compared_alone(trader: Trader) -> None:
    roll(trader, "A", "B", 500)
    assert read(trader, {"A": QUANTITY})
    assert not read(trader, {"B": QUANTITY})
    assert not read(trader, {"A": QUANTITY, "B": -QUANTITY}, held=0)
    assert not read(trader, {})
    assert read(trader, {"A": QUANTITY})
    assert trader.core.state.held_there == {}


def test_a_venue_that_does_not_tell_contracts_apart_is_compared_by_the_sum(trader: Trader) -> None:
    assert read(trader, None)
    assert not read(trader, None, held=QUANTITY + 1)
