"""Brackets and exit groups: who sleeps, who wakes, who dies, and what of the entry's own bar an exit may see."""

import pytest

from tests.unit.venue.floor import BUY, GTC, LMT, MKT, SELL, STP, STP_LMT, bar, bracket, feed, fills, order, trade, venue, words
from theo.domain.orders import OcaType, Order, Ticket
from theo.domain.reports import OrderAmended
from theo.venue.exchange import Venue, VenueSettings

TOUCH = VenueSettings(limit_fills="touch")

# entry, stop, target, the entry's bar, what is filled in it
ENTRY_BARS: list[tuple[str, Order, int, int, tuple[int, int, int, int], list[tuple[str, int, int]]]] = [
    (
        "market entry, nothing else reached",
        order(BUY, MKT),
        9_900,
        10_100,
        (10_000, 10_075, 9_925, 10_000),
        [("a", 1, 10_000)],
    ),
    (
        "market entry, target in its bar",
        order(BUY, MKT),
        9_900,
        10_100,
        (10_000, 10_100, 9_925, 10_000),
        [("a", 1, 10_000), ("target", 1, 10_100)],
    ),
    (
        "market entry, both in its bar: the stop",
        order(BUY, MKT),
        9_900,
        10_100,
        (10_000, 10_100, 9_900, 10_000),
        [("a", 1, 10_000), ("stop", 1, 9_900)],
    ),
    (
        "market entry that opens beyond its stop leaves at the open",
        order(BUY, MKT),
        9_900,
        10_100,
        (9_800, 9_850, 9_750, 9_800),
        [("a", 1, 9_800), ("stop", 1, 9_800)],
    ),
    (
        "stop entry within the bar: the low before it counts against it, from the stop price on",
        order(BUY, STP, stop=10_050),
        9_950,
        10_200,
        (9_900, 10_100, 9_875, 10_075),
        [("a", 1, 10_050), ("stop", 1, 9_950)],
    ),
    (
        "stop entry within the bar: its target can only lie after it",
        order(BUY, STP, stop=10_050),
        9_850,
        10_200,
        (9_900, 10_225, 9_875, 10_075),
        [("a", 1, 10_050), ("target", 1, 10_200)],
    ),
    (
        "limit entry within the bar: a high may have been before it",
        order(BUY, LMT, limit=9_950),
        9_800,
        10_100,
        (10_000, 10_125, 9_900, 10_000),
        [("a", 1, 9_950)],
    ),
    (
        "limit entry within the bar: the close is after it",
        order(BUY, LMT, limit=9_950),
        9_800,
        10_100,
        (10_000, 10_125, 9_900, 10_100),
        [("a", 1, 9_950), ("target", 1, 10_100)],
    ),
    (
        "limit entry within the bar: its stop lies after it",
        order(BUY, LMT, limit=9_950),
        9_900,
        10_100,
        (10_000, 10_025, 9_900, 10_000),
        [("a", 1, 9_950), ("stop", 1, 9_900)],
    ),
    (
        "stop-limit entry within the bar: a target only by the close",
        order(BUY, STP_LMT, stop=10_050, limit=10_075),
        9_850,
        10_200,
        (9_900, 10_225, 9_875, 10_075),
        [("a", 1, 10_050)],
    ),
]


@pytest.mark.parametrize(
    ("entry", "stop", "target", "prices", "filled"), [c[1:] for c in ENTRY_BARS], ids=[c[0] for c in ENTRY_BARS]
)
def test_the_bar_of_the_entry(
    entry: Order, stop: int, target: int, prices: tuple[int, int, int, int], filled: list[tuple[str, int, int]]
) -> None:
    exchange = venue(settings=TOUCH)
    exchange.place(bracket(entry, stop=stop, target=target), 0)
    assert fills(feed(exchange, [bar(0, prices)])) == filled


def test_exits_sleep_until_the_entry_is_filled() -> None:
    exchange = venue()
    exchange.place(bracket(order(BUY, LMT, limit=9_000), stop=8_900, target=9_100), 0)
    assert feed(exchange, [bar(0, (10_000, 10_000, 9_050, 10_000))]) == []
    assert exchange.books.positions == {}


def test_exits_sleep_while_the_entry_is_partly_filled_and_die_with_it() -> None:
    exchange = venue()
    exchange.place(bracket(order(BUY, LMT, 5, limit=10_000), stop=9_900, target=10_100), 0)
    assert fills(feed(exchange, [trade(1, 9_950, 2), trade(2, 9_800, 0)])) == [
        ("a", 2, 9_950),
        ("a", 3, 10_000),
        ("stop", 5, 9_800),
    ]
    exchange = venue()
    exchange.place(bracket(order(BUY, LMT, 5, limit=10_000), stop=9_900, target=10_100), 0)
    feed(exchange, [trade(1, 9_950, 2)])
    assert words(exchange.cancel("a", 2)) == ["cancelled a", "cancelled stop", "cancelled target"]
    assert feed(exchange, [trade(3, 9_800)]) == []
    assert exchange.books.positions == {1: 2}


def test_a_filled_stop_ends_its_target() -> None:
    exchange = venue()
    exchange.place(bracket(order(BUY, MKT), stop=9_900, target=10_100), 0)
    feed(exchange, [bar(0, (10_000, 10_025, 9_975, 10_000))])
    said = feed(exchange, [bar(1, (10_000, 10_200, 9_900, 10_000))])
    assert words(said) == ["filled stop", "cancelled target"]
    assert exchange.books.positions == {1: 0}


def test_a_trailing_stop_in_a_bracket_starts_from_the_entry() -> None:
    exchange = venue()
    exchange.place(bracket(order(BUY, LMT, limit=9_950), trail=100), 0)
    feed(exchange, [bar(0, (10_000, 10_300, 9_900, 9_975))])  # the high may have been before the entry
    assert exchange.books.orders["trail"].level == 9_975 - 100


def test_a_child_of_a_filled_parent_works_at_once() -> None:
    exchange = venue()
    exchange.place(Ticket((order(BUY, MKT),)), 0)
    feed(exchange, [bar(0, (10_000, 10_000, 10_000, 10_000))])
    exchange.place(Ticket((order(SELL, STP, name="b", stop=9_900, parent="a"),)), 60_000_000)
    assert fills(feed(exchange, [bar(1, (10_000, 10_000, 9_900, 9_900))])) == [("b", 1, 9_900)]


def test_a_short_bracket_is_the_mirror() -> None:
    exchange = venue(settings=TOUCH)
    exchange.place(bracket(order(SELL, MKT, 2), stop=10_100, target=9_900), 0)
    assert fills(feed(exchange, [bar(0, (10_000, 10_100, 9_900, 10_000))])) == [("a", 2, 10_000), ("stop", 2, 10_100)]
    assert exchange.books.cash == 2 * (10_000 - 10_100) * 50_000


def _group(kind: OcaType) -> Venue:
    exchange = venue()
    exits = (
        order(SELL, STP, 5, name="stop", stop=9_900, group="g", oca=kind),
        order(SELL, LMT, 5, name="target", limit=10_100, group="g", oca=kind),
        order(SELL, LMT, 2, name="half", limit=10_200, group="g", oca=kind),
    )
    exchange.place(Ticket(exits), 0)
    return exchange


def test_type_1_cancels_the_group_on_any_fill() -> None:
    said = feed(_group(OcaType.CANCEL_WITH_BLOCK), [trade(1, 10_125, 2)])
    assert words(said) == ["filled target", "cancelled stop", "cancelled half"]


@pytest.mark.parametrize("kind", [OcaType.REDUCE_WITH_BLOCK, OcaType.REDUCE_NON_BLOCK])
def test_types_2_and_3_reduce_the_group(kind: OcaType) -> None:
    exchange = _group(kind)
    said = feed(exchange, [trade(1, 10_125, 2)])
    assert words(said) == ["filled target", "amended stop", "cancelled half"]
    assert isinstance(said[1], OrderAmended)
    assert said[1].quantity == 3
    assert fills(feed(exchange, [trade(2, 9_900)])) == [("stop", 3, 9_900)]
    assert exchange.books.positions == {1: -5}


def test_a_group_spans_instruments() -> None:
    exchange = venue()
    one = order(BUY, LMT, 10, limit=9_000, group="g", oca=OcaType.CANCEL_WITH_BLOCK)
    other = order(BUY, LMT, 10, name="b", limit=9_000, group="g", oca=OcaType.CANCEL_WITH_BLOCK, instrument=3)
    exchange.place(Ticket((one, other)), 0)
    assert words(feed(exchange, [bar(0, (8_000, 8_000, 8_000, 8_000), instrument=3)])) == ["filled b", "cancelled a"]


def test_a_closing_order_in_the_stops_group_leaves_before_the_stop() -> None:
    exchange = venue()
    exchange.place(bracket(order(BUY, MKT, 3), stop=9_900), 0)
    feed(exchange, [bar(0, (10_000, 10_000, 10_000, 10_000))])
    exchange.place(Ticket((order(SELL, MKT, 3, name="close", group="exits", tif=GTC),)), 60_000_000)
    assert words(feed(exchange, [bar(1, (9_950, 9_950, 9_800, 9_850))])) == ["filled close", "cancelled stop"]
