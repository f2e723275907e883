"""What the venue refuses again and again is asked for ever more seldom, and a person is told once."""

from collections.abc import Callable

import pytest

from tests.unit.engine.test_stuck import Trader
from theo.domain.effects import PlaceTicket
from theo.domain.inputs import Command, LinkChanged, TimerFired
from theo.domain.market_data import MINUTE, SECOND
from theo.domain.orders import OrderRole, Side
from theo.domain.reports import OrderCancelled, OrderRejected
from theo.engine.world import Settings

TRIES = 3


def test_the_wait_doubles_with_each_refusal_and_has_an_end() -> None:
    settings = Settings()
    waits = [settings.refused_wait(refusals) for refusals in range(1, 40)]
    assert waits[0] == settings.send_retry_wait == 2 * SECOND
    assert waits[1] == 2 * waits[0]
    assert waits == sorted(waits)
    assert MINUTE < waits[-1] < 3 * MINUTE


class Refused(Trader):
    """A venue that takes no market order."""

    def __init__(self) -> None:
        super().__init__()
        self.core.state.issued = 100  # the orders made by hand have the first numbers

    def tried(self, side: Side) -> list[str]:
        """Market orders that leave, or take back, oldest first."""
        tickets = [effect.approved.subject.orders for effect in self.kinds(PlaceTicket) if isinstance(effect, PlaceTicket)]
        return [o.id for orders in tickets for o in orders if o.role is OrderRole.CLOSE and o.side is side]

    def refuse_all(self, side: Side) -> None:
        """Refuse what is tried, until nothing more is."""
        refused = 0
        while refused < (sent := len(self.tried(side))) < 2 * TRIES + 1:
            refused = sent
            self.at += SECOND
            self.step(OrderRejected(self.at, self.tried(side)[-1], 201, "Not logged in"))
            self.later()

    def later(self) -> None:
        """A minute on."""
        self.at += MINUTE
        self.step(TimerFired(self.at))

    def command(self, name: str, subject: str = "") -> None:
        """What a person asks for."""
        self.at += SECOND
        self.step(Command(at=self.at, id=f"c{self.at}", name=name, actor="owner", reason="by hand", subject=subject))


def excess() -> tuple[Refused, Side]:
    """Both legs of an exit group were filled."""
    trader = Refused()
    trader.fill("k-1-1")
    trader.fill("k-1-2")
    return trader, Side.BUY


def closing() -> tuple[Refused, Side]:
    """A trade that is to be closed."""
    trader = Refused()
    trader.command("close_trade", "k-t1")
    trader.step(OrderCancelled(trader.at, "k-1-2", "as asked"))
    return trader, Side.SELL


@pytest.mark.parametrize("begun", [excess, closing])
def test_a_market_order_that_is_refused_thrice_halts_and_pages(begun: Callable[[], tuple[Refused, Side]]) -> None:
    trader, side = begun()
    trader.refuse_all(side)
    assert len(trader.tried(side)) == TRIES
    assert trader.pages().count("close_refused") == 1
    assert "refuses" in trader.core.state.halted


@pytest.mark.parametrize("begun", [excess, closing])
def test_it_is_tried_again_once_a_person_resumes_or_the_link_came_up(begun: Callable[[], tuple[Refused, Side]]) -> None:
    trader, side = begun()
    trader.refuse_all(side)
    trader.command("resume")
    assert len(trader.tried(side)) == TRIES + 1
    trader.refuse_all(side)
    assert len(trader.tried(side)) == 2 * TRIES
    assert trader.pages().count("close_refused") == 2
    for up in (False, True):
        trader.step(LinkChanged(trader.at, up=up, reason="1102"))
    trader.book()
    assert len(trader.tried(side)) == 2 * TRIES + 1
