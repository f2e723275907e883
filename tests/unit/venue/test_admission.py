"""What the exchange refuses, as a table of order, IB's error number, and words of the reason."""

import msgspec
import pytest

from tests.unit.venue.floor import (
    BUY,
    DAY,
    FOK,
    FUTURE,
    GTC,
    IOC,
    LMT,
    MKT,
    NO_FEES,
    SELL,
    STP,
    STP_LMT,
    TRAIL,
    bar,
    bracket,
    feed,
    fills,
    order,
    venue,
    words,
)
from theo.domain.market_data import Tick, TickKind
from theo.domain.orders import Amendment, Order, Ticket
from theo.domain.reports import ActionRejected, OrderAmended, OrderRejected

REFUSED: list[tuple[Order, int, str]] = [
    (order(BUY, MKT, instrument=99), 200, "No security definition"),
    (order(BUY, MKT, instrument=2), 201, "VIX is an index and cannot be traded"),
    (order(BUY, MKT, 0), 434, "size cannot be zero"),
    (order(BUY, MKT, -1), 201, "not a positive multiple of 1"),
    (order(BUY, MKT, 15, instrument=3), 201, "not a positive multiple of 10"),
    (order(BUY, LMT), 201, "needs a limit price"),
    (order(BUY, LMT, limit=10_010), 110, "limit price 100.10 of FUT, increment 0.25"),
    (order(BUY, LMT, limit=0), 110, "minimum price variation"),
    (order(BUY, LMT, limit=-25), 110, "minimum price variation"),
    (order(BUY, MKT, limit=10_000), 201, "has no limit price"),
    (order(BUY, STP), 201, "needs a stop price"),
    (order(BUY, STP, stop=10_001), 110, "stop price"),
    (order(BUY, STP_LMT, stop=10_000), 201, "needs a limit price"),
    (order(BUY, TRAIL), 201, "needs a trail price"),
    (order(BUY, TRAIL, trail=30), 110, "trail price"),
    (order(BUY, TRAIL, trail=25, limit=100), 201, "has no limit price"),
    (order(BUY, STP, stop=10_000, tif=IOC), 201, "IOC is not allowed on a STP order"),
    (order(BUY, STP_LMT, stop=10_000, limit=10_000, tif=IOC), 201, "IOC is not allowed on a STP LMT order"),
    (order(BUY, TRAIL, trail=25, tif=IOC), 201, "IOC is not allowed on a TRAIL order"),
    (order(BUY, MKT, tif=FOK), 201, "FOK is not allowed on a MKT order"),
    (order(BUY, STP, stop=10_000, tif=FOK), 201, "FOK is not allowed on a STP order"),
    (order(BUY, MKT, parent="none"), 201, "its parent none is not working"),
]


@pytest.mark.parametrize(("wanted", "code", "reason"), REFUSED)
def test_an_order_is_refused(wanted: Order, code: int, reason: str) -> None:
    exchange = venue()
    (said,) = exchange.place(Ticket((wanted,)), 7)
    assert isinstance(said, OrderRejected)
    assert (said.at, said.order, said.code) == (7, "a", code)
    assert reason in said.reason
    assert feed(exchange, [bar(1, (10_000, 10_000, 10_000, 10_000), instrument=wanted.instrument)]) == []
    assert exchange.book(8).orders[0].status == "rejected"


TAKEN = [
    order(BUY, MKT, tif=DAY),
    order(SELL, MKT, tif=IOC),
    order(BUY, LMT, limit=10_000, tif=FOK),
    order(SELL, LMT, limit=10_000, tif=IOC),
    order(BUY, STP, stop=10_000, tif=GTC),
    order(BUY, STP_LMT, stop=10_000, limit=10_025),
    order(SELL, TRAIL, trail=25, stop=9_000),
    order(BUY, MKT, 20, instrument=3),
]


@pytest.mark.parametrize("wanted", TAKEN)
def test_an_order_is_taken(wanted: Order) -> None:
    assert words(venue().place(Ticket((wanted,)), 0)) == ["accepted a"]


@pytest.mark.parametrize("tif", [IOC, FOK])
def test_a_bracket_is_never_immediate(tif: str) -> None:
    exchange = venue()
    said = exchange.place(bracket(order(BUY, LMT, limit=10_000, tif=IOC if tif == IOC else FOK), stop=9_000), 0)
    assert words(said) == ["rejected a", "rejected stop"]
    exchange.place(Ticket((order(BUY, LMT, name="b", limit=10_000, tif=IOC),)), 0)
    assert words(exchange.place(Ticket((order(SELL, STP, name="c", stop=9_000, parent="b"),)), 0)) == ["rejected c"]


def test_a_refused_parent_takes_its_children_with_it() -> None:
    said = venue().place(bracket(order(BUY, MKT, instrument=2), stop=9_000, target=11_000), 0)
    assert words(said) == ["rejected a", "rejected stop", "rejected target"]


def test_a_child_trades_what_its_parent_trades() -> None:
    said = venue().place(Ticket((order(BUY, MKT), order(SELL, STP, 10, name="b", stop=100, parent="a", instrument=3))), 0)
    assert words(said) == ["accepted a", "rejected b"]


def test_an_id_is_never_executed_twice() -> None:
    exchange, quiet = venue(), (10_000, 10_000, 10_000, 10_000)
    wanted = Ticket((order(BUY, MKT),))
    exchange.place(wanted, 0)
    for number in range(3):  # while it works, and after it was filled
        (said,) = exchange.place(wanted, number)
        assert isinstance(said, OrderRejected)
        assert said.code == 103
        feed(exchange, [bar(number, quiet)])
    assert exchange.books.positions == {1: 1}
    assert [entry.status for entry in exchange.book(9).orders] == ["filled"]


def test_the_id_of_a_refused_order_is_used_up() -> None:
    exchange = venue()
    exchange.place(Ticket((order(BUY, MKT, 0),)), 0)
    (said,) = exchange.place(Ticket((order(BUY, MKT),)), 0)
    assert isinstance(said, OrderRejected)
    assert said.code == 103


def test_a_cancel_that_comes_too_late_says_so() -> None:
    exchange = venue()
    exchange.place(Ticket((order(BUY, MKT),)), 0)
    feed(exchange, [bar(0, (10_000, 10_000, 10_000, 10_000))])
    assert exchange.cancel("a", 9) == (ActionRejected(9, "a", "cancel", "Order cannot be cancelled, state: filled"),)
    assert exchange.cancel("b", 9) == (ActionRejected(9, "b", "cancel", "Can't find order"),)


def test_an_amended_order_trades_at_its_new_values() -> None:
    exchange = venue()
    exchange.place(Ticket((order(BUY, LMT, 5, limit=9_000),)), 0)
    said = exchange.amend(Amendment(order="a", quantity=3, limit=10_000), 1)
    assert said == (OrderAmended(at=1, order="a", quantity=3, limit=10_000),)
    assert fills(feed(exchange, [bar(0, (9_950, 10_100, 9_900, 10_050))])) == []  # it came within that bar, which closes above
    assert fills(feed(exchange, [bar(1, (9_950, 10_100, 9_900, 10_050))])) == [("a", 3, 9_950)]


@pytest.mark.parametrize(
    ("amendment", "reason"),
    [
        (Amendment(order="b", quantity=1, limit=100), "Can't find order"),
        (Amendment(order="a", quantity=2, limit=10_000), "2 are filled"),
        (Amendment(order="a", quantity=5, limit=10_001), "minimum price variation"),
        (Amendment(order="a", quantity=5, limit=10_000, stop=10_000), "has no stop price"),
    ],
)
def test_an_amendment_that_cannot_be_leaves_the_order(amendment: Amendment, reason: str) -> None:
    from tests.unit.venue.floor import trade

    exchange = venue()
    exchange.place(Ticket((order(BUY, LMT, 5, limit=10_000),)), 0)
    feed(exchange, [trade(1, 9_900, 2)])
    before = exchange.state()
    (said,) = exchange.amend(amendment, 2)
    assert isinstance(said, ActionRejected)
    assert said.action == "amend"
    assert reason in said.reason
    assert exchange.state() == before


def test_what_is_listed_later_trades_from_then_on() -> None:
    exchange = venue()
    later = msgspec.structs.replace(FUTURE, id=9)
    (refused,) = exchange.place(Ticket((order(BUY, MKT, name="early", instrument=9),)), 0)
    assert isinstance(refused, OrderRejected)
    exchange.list_instrument(later, None, NO_FEES)
    exchange.place(Ticket((order(BUY, MKT, name="late", instrument=9),)), 1)
    said = exchange.on_tick(Tick(9, 2, 2, 0, TickKind.TRADE, 100_00, 5))
    assert fills(said) == [("late", 1, 100_00)]
    exchange.list_instrument(msgspec.structs.replace(later, tick=100), None, NO_FEES)
    (accepted,) = exchange.place(Ticket((order(BUY, LMT, name="again", limit=100_25, instrument=9),)), 3)
    assert words([accepted]) == ["accepted again"]
