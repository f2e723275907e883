"""Orders that another instrument's price sets off: when they begin to work, and that they never do before."""

from datetime import date

import msgspec
import pytest

from tests.unit.venue.floor import (
    BUY,
    FUTURE,
    INDEX,
    INSTRUMENTS,
    LMT,
    MKT,
    NO_FEES,
    SELL,
    ask,
    bar,
    bid,
    feed,
    fills,
    nyse,
    order,
    venue,
    words,
)
from theo.domain.market_data import DAY, HOUR, MINUTE, Tick, TickFlag, TickKind
from theo.domain.orders import Amendment, Order, PriceCondition, Ticket
from theo.venue.admission import NO_CONDITION
from theo.venue.exchange import Venue

OPEN_DAY = date(2026, 3, 16)
OPEN = (OPEN_DAY - date(1970, 1, 1)).days * DAY + 13 * HOUR + 30 * MINUTE  # 09:30 in New York's summer


def when(price: int, *, above: bool, side: object = SELL, name: str = "a", **more: object) -> Order:
    """A market order of the future that the index sets off."""
    made = order(side, MKT, name=name, **more)  # type: ignore[arg-type]  # as the floor's own
    return msgspec.structs.replace(made, condition=PriceCondition(INDEX.id, price, above))


def index(at: int, value: int, flags: int = 0) -> Tick:
    return Tick(INDEX.id, at, at, 0, TickKind.INDEX, value, 0, flags)


@pytest.mark.parametrize(("above", "before", "there"), [(True, 1_999, 2_000), (True, 1_000, 2_500), (False, 2_001, 2_000)])
def test_it_works_from_the_price_on_and_takes_the_next_quote(above: bool, before: int, there: int) -> None:  # noqa: FBT001 - a condition has that part
    exchange = venue()
    exchange.place(Ticket((when(2_000, above=above),)), 0)
    assert not fills(feed(exchange, [index(1, before), bid(2, 100_00), bid(3, 90_00), index(4, there)]))
    assert fills(feed(exchange, [index(5, before), bid(6, 95_00)])) == [("a", 1, 95_00)], "and is not put to sleep again"


def test_a_bar_that_reaches_it_sets_it_off() -> None:
    exchange = venue()
    exchange.place(Ticket((when(2_000, above=False),)), 0)
    between = exchange.quiet_between(INDEX.id)
    assert between[0] >= between[1], "every bar of what is watched is looked at"
    said = feed(exchange, [bar(0, (2_100, 2_150, 2_001, 2_050), instrument=2), bar(0, (100_00,) * 4)])
    said += feed(exchange, [bar(1, (2_050, 2_060, 1_999, 2_050), instrument=2), bar(1, (101_00,) * 4), bar(2, (102_00,) * 4)])
    assert fills(said) == [("a", 1, 102_00)]


def test_a_flagged_value_sets_nothing_off() -> None:
    exchange = venue()
    exchange.place(Ticket((when(2_000, above=True),)), 0)
    assert not fills(feed(exchange, [index(1, 2_500, TickFlag.OUTLIER), bid(2, 100_00)]))


def test_a_child_sleeps_until_its_parent_is_filled_and_what_has_happened_counts() -> None:
    exchange = venue()
    entry = order(BUY, LMT, name="entry", limit=100_00)
    stop = when(2_000, above=False, name="stop", parent="entry", group="exits")
    target = when(3_000, above=True, name="target", parent="entry", group="exits")
    exchange.place(Ticket((entry, stop, target)), 0)
    assert not fills(feed(exchange, [index(1, 1_900), bid(2, 99_00)])), "nothing is there to be sold"
    said = feed(exchange, [ask(3, 100_00)])
    assert fills(said) == [("entry", 1, 100_00), ("stop", 1, 99_00)], "the index was there already"
    assert exchange.books.positions[FUTURE.id] == 0
    assert "target" not in {held.order.id for held in exchange.books.orders.values() if held.standing == "working"}


def test_a_fill_of_one_takes_the_other_exit_away() -> None:
    exchange = venue()
    stop, target = (when(2_000, above=False, name="stop", group="x"), when(3_000, above=True, name="target", group="x"))
    exchange.place(Ticket((stop, target)), 0)
    said = feed(exchange, [index(1, 3_000), bid(2, 100_00), index(3, 1_900), bid(4, 99_00)])
    assert words(said) == ["filled target", "cancelled stop"]


def test_outside_its_hours_nothing_sets_it_off() -> None:
    hours = nyse(OPEN_DAY, OPEN_DAY)
    exchange = Venue(INSTRUMENTS, {**hours, INDEX.id: hours[FUTURE.id]}, dict.fromkeys(INSTRUMENTS, NO_FEES))
    exchange.place(Ticket((when(2_000, above=True),)), OPEN - HOUR)
    assert not fills(feed(exchange, [index(OPEN - MINUTE, 2_500), index(OPEN + 1, 1_900), bid(OPEN + 2, 100_00)]))
    assert fills(feed(exchange, [index(OPEN + 3, 2_000), bid(OPEN + 4, 100_00)])) == [("a", 1, 100_00)]


@pytest.mark.parametrize("set_off", [False, True])
def test_it_survives_in_the_books(set_off: bool) -> None:  # noqa: FBT001 - it was set off, or was not
    exchange, again = venue(), venue()
    exchange.place(Ticket((when(2_000, above=True),)), 0)
    feed(exchange, [index(1, 2_000 if set_off else 1_000)])
    again.restore(msgspec.msgpack.decode(msgspec.msgpack.encode(exchange.state())))
    assert bool(fills(feed(again, [bid(2, 100_00)]))) is set_off
    assert bool(fills(feed(again, [index(3, 2_000), bid(4, 100_00)]))) is not set_off


def test_made_smaller_it_waits_for_the_same() -> None:
    exchange = venue()
    exchange.place(Ticket((when(2_000, above=True, quantity=3),)), 0)
    exchange.amend(Amendment(order="a", quantity=2), 1)
    assert not fills(feed(exchange, [bid(2, 100_00)]))
    assert fills(feed(exchange, [index(3, 2_000), bid(4, 100_00)])) == [("a", 2, 100_00)]


@pytest.mark.parametrize("condition", [PriceCondition(99, 2_000, above=True), PriceCondition(INDEX.id, 0, above=True)])
def test_a_condition_that_cannot_be_met_is_refused(condition: PriceCondition) -> None:
    exchange = venue()
    (said,) = exchange.place(Ticket((msgspec.structs.replace(order(SELL, MKT), condition=condition),)), 0)
    assert getattr(said, "code", 0) == NO_CONDITION
