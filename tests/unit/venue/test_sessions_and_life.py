"""Trading hours and times in force on real New York sessions; contracts that end; books that outlive their client."""

import json
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest

from tests.unit.venue.floor import (
    BUY,
    DAY,
    GTC,
    INSTRUMENTS,
    IOC,
    LMT,
    MKT,
    SELL,
    STP,
    bar,
    bracket,
    feed,
    fills,
    nyse,
    order,
    trade,
    venue,
    words,
)
from theo.domain.errors import ConfigError, CorruptionError
from theo.domain.market_data import MINUTE, Bar
from theo.domain.orders import Amendment, OrderRole, OrderType, Side, Ticket, TimeInForce
from theo.domain.reports import OrderFilled
from theo.venue.books import FOLLOWS, LIVE, NEVER, Held, Standing
from theo.venue.exchange import Venue, VenueSettings

HOURS = nyse(date(2026, 11, 16), date(2026, 12, 4))
NEW_YORK = ZoneInfo("America/New_York")
FRIDAY, MONDAY = date(2026, 11, 20), date(2026, 11, 23)
HALF_DAY = date(2026, 11, 27)  # closes at 13:00
FLAT = (10_000, 10_000, 10_000, 10_000)


def at(day: date, clock: str) -> int:
    """Microseconds of a New York wall-clock time."""
    local = datetime.combine(day, datetime.strptime(clock, "%H:%M").time(), NEW_YORK)  # noqa: DTZ007 - the zone is given beside
    return (local - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def quarter(day: date, clock: str, prices: tuple[int, int, int, int] = FLAT, minutes: int = 15) -> Bar:
    start = at(day, clock)
    return Bar(1, start + minutes * MINUTE, f"{minutes}min", start, start + minutes * MINUTE, *prices, 100)


@pytest.mark.parametrize(
    ("tif", "placed", "fill"),
    [
        (GTC, (FRIDAY, "16:00"), (MONDAY, "09:30")),  # decided on the last bar: waits
        (GTC, (FRIDAY, "12:00"), (FRIDAY, "12:00")),
        (DAY, (FRIDAY, "12:00"), (FRIDAY, "12:00")),
        (DAY, (FRIDAY, "16:00"), None),  # decided on the last bar: dropped
        (DAY, (FRIDAY, "08:00"), (FRIDAY, "09:30")),  # waits for its own day's regular hours
        (DAY, (HALF_DAY, "13:00"), None),
        (GTC, (HALF_DAY, "13:00"), (date(2026, 11, 30), "09:30")),
        (IOC, (FRIDAY, "08:00"), None),  # nothing is there at once
        (IOC, (FRIDAY, "12:00"), (FRIDAY, "12:00")),
        (DAY, (date(2026, 11, 22), "12:00"), None),  # a Sunday
    ],
)
def test_when_an_order_for_regular_hours_is_filled(
    tif: TimeInForce, placed: tuple[date, str], fill: tuple[date, str] | None
) -> None:
    exchange = venue(hours=HOURS)
    exchange.place(Ticket((order(BUY, MKT, tif=tif),)), at(*placed))
    days = (FRIDAY, MONDAY, HALF_DAY, date(2026, 11, 30))
    clocks = ("04:00", "08:00", "09:15", "09:30", "12:00", "12:45", "13:00", "15:45", "16:00", "19:45")
    said = feed(exchange, (quarter(day, clock) for day in days for clock in clocks if at(day, clock) >= at(*placed)))
    assert [r.timestamp for r in said if isinstance(r, OrderFilled)] == ([] if fill is None else [at(*fill)])
    assert words(said) == ["expired a" if fill is None else "filled a"]


@pytest.mark.parametrize(
    ("tif", "outside", "placed", "dies"),
    [
        (DAY, False, (FRIDAY, "12:00"), (FRIDAY, "16:00")),
        (DAY, True, (FRIDAY, "12:00"), (FRIDAY, "20:00")),
        (DAY, False, (FRIDAY, "05:00"), (FRIDAY, "16:00")),
        (DAY, False, (FRIDAY, "18:00"), (FRIDAY, "18:00")),
        (DAY, True, (FRIDAY, "18:00"), (FRIDAY, "20:00")),
        (DAY, False, (HALF_DAY, "10:00"), (HALF_DAY, "13:00")),
        (DAY, True, (HALF_DAY, "10:00"), (HALF_DAY, "17:00")),
        (GTC, False, (FRIDAY, "12:00"), None),
    ],
)
def test_when_an_order_dies_of_age(
    tif: TimeInForce,
    outside: bool,  # noqa: FBT001 - a column of the table
    placed: tuple[date, str],
    dies: tuple[date, str] | None,
) -> None:
    exchange = venue(hours=HOURS)
    exchange.place(Ticket((order(BUY, LMT, limit=100, tif=tif, outside_rth=outside),)), at(*placed))
    if dies is None:
        assert exchange.next_due == NEVER
        return
    assert exchange.next_due == at(*dies)
    assert exchange.on_time(at(*dies) - 1) == ()
    assert words(exchange.on_time(at(*dies))) == ["expired a"]
    assert exchange.next_due == NEVER


def test_outside_regular_hours_only_who_asked_for_it_trades() -> None:
    exchange = venue(hours=HOURS)
    both = order(BUY, STP, name="rth", stop=10_100), order(BUY, STP, name="all", stop=10_100, outside_rth=True)
    exchange.place(Ticket(both), at(FRIDAY, "16:00"))
    spike = (10_000, 10_200, 10_000, 10_200)
    assert fills(feed(exchange, [quarter(FRIDAY, "17:00", spike)])) == [("all", 1, 10_100)]
    assert fills(feed(exchange, [quarter(FRIDAY, "21:00", spike)])) == []  # closed for everyone
    assert fills(feed(exchange, [quarter(MONDAY, "09:30", (10_300,) * 4)])) == [("rth", 1, 10_300)]


def test_a_bar_that_reaches_over_the_opening_is_traded_at_its_close_only() -> None:
    exchange = venue(hours=HOURS)
    exchange.place(Ticket((order(BUY, STP, stop=10_100), order(BUY, MKT, name="b"))), at(FRIDAY, "08:00"))
    early = quarter(FRIDAY, "09:00", (10_000, 10_500, 9_900, 10_050), minutes=60)
    assert fills(feed(exchange, [early])) == [("b", 1, 10_050)]


def test_a_bar_over_a_whole_day_and_night_is_no_price_for_regular_hours() -> None:
    exchange = venue(hours=HOURS)
    exchange.place(Ticket((order(BUY, MKT), order(BUY, MKT, name="b", outside_rth=True))), at(FRIDAY, "02:00"))
    assert fills(feed(exchange, [quarter(FRIDAY, "04:00", minutes=16 * 60)])) == [("b", 1, 10_000)]


def test_a_dead_order_is_not_filled_by_a_tick_when_nobody_told_the_time() -> None:
    exchange = venue(hours=HOURS)
    exchange.place(Ticket((order(BUY, MKT, tif=DAY),)), at(FRIDAY, "12:00"))
    assert words(feed(exchange, [trade(at(MONDAY, "09:30"), 10_000)])) == ["expired a"]


def test_ticks_fill_nothing_while_closed() -> None:
    exchange = venue(hours=HOURS)
    exchange.place(Ticket((order(BUY, MKT),)), at(FRIDAY, "16:00"))
    assert feed(exchange, [trade(at(FRIDAY, "16:30"), 10_000), trade(at(MONDAY, "09:29"), 10_000)]) == []
    assert fills(feed(exchange, [trade(at(MONDAY, "09:30"), 10_100)])) == [("a", 1, 10_100)]


def test_a_quote_of_yesterday_is_not_taken() -> None:
    from tests.unit.venue.floor import ask

    exchange = venue(hours=HOURS)
    feed(exchange, [ask(at(FRIDAY, "15:59"), 9_000, 5)])
    exchange.place(Ticket((order(BUY, MKT),)), at(FRIDAY, "16:00"))
    assert fills(feed(exchange, [trade(at(MONDAY, "09:30"), 10_100, 1)])) == [("a", 1, 10_100)]


def test_a_limit_that_rested_over_the_night_gets_the_better_open() -> None:
    exchange = venue(hours=HOURS)
    exchange.place(Ticket((order(BUY, LMT, limit=10_000),)), at(FRIDAY, "12:00"))
    said = feed(exchange, [trade(at(FRIDAY, "15:59"), 10_100), trade(at(MONDAY, "09:30"), 9_000)])
    assert fills(said) == [("a", 1, 9_000)]


def test_children_die_when_their_parent_dies_of_age() -> None:
    exchange = venue(hours=HOURS)
    exchange.place(bracket(order(BUY, LMT, limit=100, tif=DAY), stop=75, target=10_000), at(FRIDAY, "12:00"))
    assert words(exchange.on_time(at(FRIDAY, "16:00"))) == ["expired a", "cancelled stop", "cancelled target"]


# Contracts that end


def test_a_new_contract_settles_the_old_one_at_its_last_price() -> None:
    exchange = venue()
    exchange.place(bracket(order(BUY, MKT, 2), stop=9_000, target=12_000), 0)
    said = feed(exchange, [bar(0, FLAT, contract="H"), bar(1, (10_000, 10_100, 9_900, 10_050), contract="H")])
    assert words(said) == ["filled a"]
    said = feed(exchange, [bar(2, (11_000, 13_000, 8_000, 11_000), contract="M")])
    assert fills(said) == [("stop", 2, 10_050)]
    assert words(said) == ["filled stop", "cancelled target"]
    assert exchange.books.cash == 2 * 50 * 50_000


def test_orders_for_the_old_contract_die_with_it() -> None:
    exchange = venue()
    feed(exchange, [bar(0, FLAT, contract="H")])
    exchange.place(Ticket((order(BUY, MKT),)), MINUTE)
    assert words(feed(exchange, [bar(1, FLAT, contract="M")])) == ["cancelled a"]
    assert exchange.books.positions == {}


def test_a_client_that_closes_at_the_contracts_end_is_filled_by_its_own_order() -> None:
    exchange = venue()
    exchange.place(bracket(order(BUY, MKT, 2), stop=9_000), 0)
    feed(exchange, [bar(0, FLAT)])
    exchange.place(Ticket((order(SELL, MKT, 2, name="close", group="exits"),)), MINUTE)
    assert words(exchange.settle(1, MINUTE)) == ["filled close", "cancelled stop"]


def test_an_uncovered_position_is_settled_by_the_exchange() -> None:
    exchange = venue()
    exchange.place(Ticket((order(SELL, MKT, 3),)), 0)
    feed(exchange, [bar(0, FLAT)])
    assert fills(exchange.settle(1, MINUTE)) == [("settlement-2", 3, 10_000)]
    assert exchange.book(MINUTE).positions == {}
    assert exchange.settle(1, MINUTE) == ()


def test_settling_on_a_new_contract_may_be_switched_off() -> None:
    exchange = venue(settings=VenueSettings(settle_contracts=False))
    exchange.place(Ticket((order(BUY, MKT, 2),)), 0)
    feed(exchange, [bar(0, FLAT, contract="H"), bar(1, FLAT, contract="M")])
    assert exchange.books.positions == {1: 2}


# Books


def test_the_books_say_what_happened() -> None:
    exchange = venue()
    exchange.place(bracket(order(BUY, MKT, 2), stop=9_000), 0)
    feed(exchange, [bar(0, FLAT)])
    book = exchange.book(5)
    assert [(e.order.id, e.status, e.filled) for e in book.orders] == [("a", "filled", 2), ("stop", "working", 0)]
    assert [e.execution for e in book.executions] == ["E1"]
    assert book.positions == {1: 2}


def test_old_orders_and_executions_are_forgotten_but_not_positions() -> None:
    exchange = venue()
    week = 7 * 24 * 60
    for number in range(3):
        exchange.place(Ticket((order(BUY, MKT, name=f"{number}"),)), number * week * MINUTE)
        feed(exchange, [bar(number * week, FLAT)])
    book = exchange.book(0)
    assert [e.order.id for e in book.orders] == ["2"]
    assert len(book.executions) == 1
    assert book.positions == {1: 3}
    assert exchange.books.cash == -3 * 10_000 * 50_000


@pytest.mark.parametrize("through", [json, msgspec.msgpack])
def test_books_survive_a_file(through: object) -> None:
    exchange = venue(hours=HOURS)
    exchange.place(bracket(order(BUY, MKT, tif=DAY), stop=9_000, trail=500), at(FRIDAY, "12:00"))
    feed(exchange, [quarter(FRIDAY, "12:00")])
    kept = exchange.state()
    again = venue(hours=HOURS)
    again.restore(json.loads(json.dumps(kept)) if through is json else msgspec.msgpack.decode(msgspec.msgpack.encode(kept)))
    assert again.books == exchange.books
    assert again.next_due == exchange.next_due
    assert again.amend(Amendment(order="stop", quantity=1, stop=9_500), 0) == exchange.amend(
        Amendment(order="stop", quantity=1, stop=9_500), 0
    )


@pytest.mark.parametrize("damaged", [None, [], {"orders": 3}, {"orders": {"a": {}}}])
def test_damaged_books_are_named(damaged: object) -> None:
    with pytest.raises(CorruptionError, match="simulated exchange's books"):
        venue().restore(damaged)


def test_an_instrument_without_a_fee_schedule_is_named() -> None:
    exchange = Venue(INSTRUMENTS, {}, {})
    exchange.place(Ticket((order(BUY, MKT),)), 0)
    with pytest.raises(ConfigError, match="instrument 1 has no fee schedule"):
        exchange.on_bar(bar(0, FLAT))


def test_the_life_of_an_order_at_the_exchange() -> None:
    assert set(FOLLOWS) == set(Standing)
    for standing in Standing:
        assert bool(FOLLOWS[standing]) is (standing in LIVE)
        held = Held(order(Side.BUY, OrderType.MARKET), "V1", standing, 0, 0)
        for following in Standing:
            if following in FOLLOWS[standing]:
                continue
            with pytest.raises(ValueError, match="cannot become"):
                held.become(following)


def test_roles_are_the_clients_business() -> None:
    """A target that calls itself an entry is still filled after the stop."""
    exchange = venue(settings=VenueSettings(limit_fills="touch"))
    exchange.place(bracket(order(BUY, MKT), stop=9_900, target=10_100), 0)
    for held in exchange.books.orders.values():
        held.order = msgspec.structs.replace(held.order, role=OrderRole.TARGET if held.order.type is STP else OrderRole.STOP)
    assert fills(feed(exchange, [bar(0, (10_000, 10_100, 9_900, 10_000))])) == [("a", 1, 10_000), ("stop", 1, 9_900)]
