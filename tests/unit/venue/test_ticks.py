"""Trades and quotes: the same orders, filled by what a tick says, at the size it says."""

import pytest

from tests.unit.venue.floor import (
    BUY,
    FOK,
    IOC,
    LMT,
    MKT,
    SELL,
    STP,
    STP_LMT,
    TRAIL,
    ask,
    bid,
    bracket,
    feed,
    fills,
    order,
    trade,
    venue,
    words,
)
from theo.domain.market_data import Tick, TickFlag, TickKind
from theo.domain.orders import Order, Ticket
from theo.venue.exchange import VenueSettings

PLAIN, TOUCH, SLIPPING = VenueSettings(), VenueSettings(limit_fills="touch"), VenueSettings(slippage_ticks=2)

# order, ticks after it, settings, fills as (quantity, price)
CASES: list[tuple[str, Order, list[Tick], VenueSettings, list[tuple[int, int]]]] = [
    ("market without a quote: last and slippage", order(BUY, MKT), [trade(1, 100_00)], SLIPPING, [(1, 100_50)]),
    ("market takes the ask, no slippage", order(BUY, MKT), [ask(1, 100_25)], SLIPPING, [(1, 100_25)]),
    ("market sells to the bid", order(SELL, MKT), [ask(1, 100_25), bid(2, 99_75)], PLAIN, [(1, 99_75)]),
    ("market waits for its side", order(SELL, MKT), [ask(1, 100_25)], PLAIN, []),
    (
        "the size on offer limits, the next quote fills the rest",
        order(BUY, MKT, 5),
        [ask(1, 100_00, 2), ask(2, 100_25, 9)],
        PLAIN,
        [(2, 100_00), (3, 100_25)],
    ),
    (
        "an offer is taken once; then the trades' sizes",
        order(BUY, MKT, 5),
        [ask(1, 100_00, 2), trade(2, 100_25, 1), trade(3, 100_50, 7)],
        SLIPPING,
        [(2, 100_00), (1, 100_75), (2, 101_00)],
    ),
    (
        "sizes may be told not to matter",
        order(BUY, MKT, 5),
        [ask(1, 100_00, 2)],
        VenueSettings(sizes_limit_fills=False),
        [(5, 100_00)],
    ),
    ("nothing is sold where nobody bids any more", order(SELL, MKT), [ask(1, 100_25), bid(2, 0)], PLAIN, []),
    ("and nothing bought where nothing is offered", order(BUY, MKT), [ask(1, 0), bid(2, 99_75)], PLAIN, []),
    ("the next bid is taken", order(SELL, MKT), [bid(2, 0), bid(3, 99_00)], PLAIN, [(1, 99_00)]),
    ("a trade at the limit may be another's", order(BUY, LMT, limit=100_00), [trade(1, 100_00)], PLAIN, []),
    ("touching is a setting", order(BUY, LMT, limit=100_00), [trade(1, 100_00)], TOUCH, [(1, 100_00)]),
    ("an offer at the limit is one", order(BUY, LMT, limit=100_00), [ask(1, 100_00)], PLAIN, [(1, 100_00)]),
    ("a bid for a sell limit", order(SELL, LMT, limit=100_00), [bid(1, 100_25)], PLAIN, [(1, 100_25)]),
    ("a new limit order takes the better price", order(BUY, LMT, limit=100_00), [trade(1, 99_00)], PLAIN, [(1, 99_00)]),
    (
        "a resting one trades at its limit",
        order(BUY, LMT, limit=100_00),
        [trade(1, 101_00), trade(2, 99_00)],
        PLAIN,
        [(1, 100_00)],
    ),
    ("as it does against quotes", order(BUY, LMT, limit=100_00), [ask(1, 101_00), ask(2, 99_00)], PLAIN, [(1, 100_00)]),
    (
        "a limit is filled by the sizes that trade",
        order(BUY, LMT, 5, limit=100_00),
        [trade(1, 101_00), trade(2, 99_75, 2), trade(3, 99_50, 2), trade(4, 99_75, 2)],
        PLAIN,
        [(2, 100_00), (2, 100_00), (1, 100_00)],
    ),
    ("a stop needs a trade", order(BUY, STP, stop=101_00), [trade(1, 100_00), ask(2, 102_00), bid(3, 101_00)], PLAIN, []),
    (
        "and then takes the ask",
        order(BUY, STP, stop=101_00),
        [ask(1, 101_25, 1), trade(2, 101_00)],
        SLIPPING,
        [(1, 101_25)],
    ),
    ("a stop gapped through", order(SELL, STP, stop=99_00), [trade(1, 100_00), trade(2, 98_00)], PLAIN, [(1, 98_00)]),
    (
        "a stop once triggered goes on at the market",
        order(SELL, STP, 3, stop=99_00),
        [trade(1, 99_00, 1), trade(2, 99_50, 5)],
        PLAIN,
        [(1, 99_00), (2, 99_50)],
    ),
    (
        "without trades a bid sets off a buy stop",
        order(BUY, STP, stop=101_00),
        [ask(1, 101_50), bid(2, 101_00)],
        PLAIN,
        [(1, 101_50)],
    ),
    ("a wide spread does not", order(BUY, STP, stop=101_00), [ask(1, 105_00), bid(2, 100_00)], PLAIN, []),
    ("set off before the other side is known", order(SELL, STP, stop=99_00), [ask(1, 99_00), bid(2, 98_75)], PLAIN, [(1, 98_75)]),
    (
        "a stop-limit rests as a limit once triggered",
        order(BUY, STP_LMT, stop=101_00, limit=101_00),
        [trade(1, 101_50), trade(2, 102_00), trade(3, 100_75)],
        PLAIN,
        [(1, 101_00)],
    ),
    (
        "a trailing stop follows and leaves",
        order(SELL, TRAIL, trail=1_00),
        [trade(1, 100_00), trade(2, 103_00), trade(3, 102_25), trade(4, 102_00)],
        PLAIN,
        [(1, 102_00)],
    ),
    (
        "IOC takes what is there",
        order(BUY, LMT, 5, limit=100_00, tif=IOC),
        [ask(1, 100_00, 2), ask(2, 100_00, 9)],
        PLAIN,
        [(2, 100_00)],
    ),
    ("FOK takes all", order(BUY, LMT, 5, limit=100_00, tif=FOK), [ask(1, 100_00, 5)], PLAIN, [(5, 100_00)]),
    ("FOK takes nothing", order(BUY, LMT, 5, limit=100_00, tif=FOK), [ask(1, 100_00, 4), ask(2, 100_00, 9)], PLAIN, []),
    ("a flagged trade fills nothing", order(BUY, MKT), [trade(1, 100_00, flags=TickFlag.OUTLIER)], PLAIN, []),
    ("nor one that is no last price", order(BUY, MKT), [trade(1, 100_00, flags=TickFlag.NOT_LAST)], PLAIN, []),
    ("nor a settlement", order(BUY, MKT), [Tick(1, 1, 1, 0, TickKind.SETTLEMENT, 100_00, 0)], PLAIN, []),
    ("one without volume does", order(BUY, MKT), [trade(1, 100_00, flags=TickFlag.NOT_VOLUME)], PLAIN, [(1, 100_00)]),
]


@pytest.mark.parametrize(("wanted", "ticks", "settings", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_ticks_fill(wanted: Order, ticks: list[Tick], settings: VenueSettings, expected: list[tuple[int, int]]) -> None:
    exchange = venue(settings=settings)
    exchange.place(Ticket((wanted,)), 0)
    assert fills(feed(exchange, ticks)) == [("a", quantity, price) for quantity, price in expected]


def test_a_quote_known_before_the_order_is_taken_by_the_next_event() -> None:
    exchange = venue()
    feed(exchange, [bid(1, 99_75, 4), ask(2, 100_25, 4)])
    exchange.place(Ticket((order(BUY, LMT, 2, limit=100_25, tif=IOC), order(SELL, MKT, 3, name="b"))), 3)
    assert fills(feed(exchange, [trade(4, 100_50, 1)])) == [("b", 3, 99_75), ("a", 2, 100_25)]


def test_a_known_quote_is_taken_whatever_trades_next() -> None:
    """A trade far from the order's own price does not hide the offer that it can have."""
    exchange = venue()
    feed(exchange, [bid(1, 100_50)])
    exchange.place(Ticket((order(SELL, LMT, 2, limit=98_00),)), 2)
    assert fills(feed(exchange, [trade(3, 97_50, 1)])) == [("a", 2, 100_50)]


def test_a_stop_on_quotes_alone_sees_the_quote_it_was_placed_beyond() -> None:
    exchange = venue()
    feed(exchange, [ask(1, 99_00), bid(2, 98_75)])
    exchange.place(Ticket((order(SELL, STP, stop=99_50),)), 3)
    assert fills(feed(exchange, [bid(4, 98_50)])) == [("a", 1, 98_50)]


def test_an_order_never_meets_what_happened_before_it() -> None:
    exchange = venue()
    exchange.place(Ticket((order(BUY, MKT),)), 1_000)
    late = Tick(1, 2_000, 999, 0, TickKind.TRADE, 100_00, 1)
    assert feed(exchange, [late]) == []
    assert fills(feed(exchange, [trade(2_001, 101_00)])) == [("a", 1, 101_00)]


def test_latency_holds_for_ticks() -> None:
    exchange = venue(settings=VenueSettings(latency=50))
    exchange.place(Ticket((order(BUY, MKT),)), 1_000)
    assert fills(feed(exchange, [trade(1_049, 100_00), trade(1_050, 101_00)])) == [("a", 1, 101_00)]


def test_what_is_not_filled_at_once_is_cancelled() -> None:
    exchange = venue()
    exchange.place(Ticket((order(BUY, LMT, 5, limit=100_00, tif=IOC),)), 0)
    assert words(feed(exchange, [ask(1, 100_00, 2)])) == ["filled a", "cancelled a"]
    assert exchange.books.positions == {1: 2}


def test_a_trades_size_is_shared_in_order_of_rank_and_arrival() -> None:
    exchange = venue(settings=TOUCH)
    one, two = order(BUY, LMT, 3, limit=100_00), order(BUY, LMT, 3, name="b", limit=100_00)
    exchange.place(Ticket((one, two, order(BUY, STP, 3, name="c", stop=100_00))), 0)
    assert fills(feed(exchange, [trade(1, 100_00, 5)])) == [("c", 3, 100_00), ("a", 2, 100_00)]


def test_a_bracket_lives_on_ticks() -> None:
    exchange = venue()
    exchange.place(bracket(order(BUY, MKT, 2), stop=99_00, target=101_00), 0)
    said = feed(exchange, [trade(1, 100_00, 1), trade(2, 100_25, 1), trade(3, 101_25, 1), trade(4, 98_75)])
    assert words(said) == ["filled a", "filled a", "filled target", "amended stop", "filled stop", "cancelled target"]
    assert exchange.books.positions == {1: 0}
