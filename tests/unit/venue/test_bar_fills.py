"""Each order type on bars: the rules of the simulated exchange as a table of order, bars, expected price."""

import pytest

from tests.unit.venue.floor import BUY, LMT, MKT, SELL, STP, STP_LMT, TRAIL, bar, feed, fills, order, venue
from theo.domain.orders import Order, Ticket
from theo.venue.exchange import VenueSettings

QUIET = (10_000, 10_050, 9_950, 10_000)
UP, DOWN = (10_100, 10_200, 10_050, 10_150), (9_900, 9_950, 9_800, 9_850)
TOUCH = VenueSettings(limit_fills="touch")
SLIPPING = VenueSettings(slippage_ticks=2)

CASES: list[tuple[str, Order, list[tuple[int, int, int, int]], VenueSettings, int | None]] = [
    ("market buys at the open", order(BUY, MKT), [UP], VenueSettings(), 10_100),
    ("market slips up", order(BUY, MKT), [UP], SLIPPING, 10_150),
    ("market slips down", order(SELL, MKT), [UP], SLIPPING, 10_050),
    ("limit at the low is not passed", order(BUY, LMT, limit=9_950), [QUIET], VenueSettings(), None),
    ("limit a tick above the low is passed", order(BUY, LMT, limit=9_975), [QUIET], VenueSettings(), 9_975),
    ("limit at the low is touched", order(BUY, LMT, limit=9_950), [QUIET], TOUCH, 9_950),
    ("limit at a better open", order(BUY, LMT, limit=9_950), [QUIET, DOWN], VenueSettings(), 9_900),
    ("limit never slips", order(BUY, LMT, limit=9_975), [QUIET], SLIPPING, 9_975),
    ("sell limit at the high is not passed", order(SELL, LMT, limit=10_050), [QUIET], VenueSettings(), None),
    ("sell limit at the high is touched", order(SELL, LMT, limit=10_050), [QUIET], TOUCH, 10_050),
    ("sell limit at a better open", order(SELL, LMT, limit=10_075), [QUIET, UP], VenueSettings(), 10_100),
    ("stop beyond the range", order(BUY, STP, stop=10_075), [QUIET], VenueSettings(), None),
    ("stop is touched", order(BUY, STP, stop=10_050), [QUIET], VenueSettings(), 10_050),
    ("stop slips", order(BUY, STP, stop=10_050), [QUIET], SLIPPING, 10_100),
    ("stop gaps to the open", order(BUY, STP, stop=10_075), [QUIET, UP], VenueSettings(), 10_100),
    ("sell stop gaps and slips", order(SELL, STP, stop=9_925), [QUIET, DOWN], SLIPPING, 9_850),
    ("stop-limit within its limit", order(BUY, STP_LMT, stop=10_025, limit=10_050), [QUIET], VenueSettings(), 10_025),
    ("stop-limit gapped beyond its limit waits", order(BUY, STP_LMT, stop=10_025, limit=10_050), [UP], VenueSettings(), None),
    (
        "and is filled when the price comes back",
        order(BUY, STP_LMT, stop=10_025, limit=10_050),
        [UP, (10_125, 10_150, 10_025, 10_100)],
        VenueSettings(),
        10_050,
    ),
    (
        "gapped beyond its limit, but the bar comes back",
        order(BUY, STP_LMT, stop=10_025, limit=10_075),
        [UP],
        VenueSettings(),
        10_075,
    ),
    (
        "stop-limit with its limit behind the stop: only the close is known to be later",
        order(BUY, STP_LMT, stop=10_050, limit=9_975),
        [QUIET],
        VenueSettings(),
        None,
    ),
    ("sell stop-limit", order(SELL, STP_LMT, stop=9_975, limit=9_950), [QUIET], VenueSettings(), 9_975),
    ("trailing stop starts at the open", order(SELL, TRAIL, trail=50), [QUIET], VenueSettings(), 9_950),
    ("trailing stop follows, a bar later", order(SELL, TRAIL, trail=75), [UP, QUIET], VenueSettings(), 10_000),
    ("the old level is tested first", order(SELL, TRAIL, trail=75), [(10_000, 10_200, 9_975, 10_000)], VenueSettings(), None),
    ("a buying trail follows down", order(BUY, TRAIL, trail=100), [DOWN, UP], VenueSettings(), 10_100),
    (
        "a trailing stop follows a single tick",
        order(SELL, TRAIL, trail=200),
        [(10_000, 10_000, 9_950, 10_000), (10_000, 10_025, 9_950, 10_000), (10_000, 10_000, 9_825, 9_850)],
        VenueSettings(),
        9_825,
    ),
    (
        "a buying one too",
        order(BUY, TRAIL, trail=200),
        [(10_000, 10_050, 10_000, 10_000), (10_000, 10_050, 9_975, 10_000), (10_000, 10_175, 10_000, 10_150)],
        VenueSettings(),
        10_175,
    ),
    ("a trail may begin where it is told", order(SELL, TRAIL, trail=500, stop=9_975), [QUIET], VenueSettings(), 9_975),
]


@pytest.mark.parametrize(("wanted", "bars", "settings", "price"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_a_bar_fills(wanted: Order, bars: list[tuple[int, int, int, int]], settings: VenueSettings, price: int | None) -> None:
    exchange = venue(settings=settings)
    exchange.place(Ticket((wanted,)), 0)
    said = feed(exchange, (bar(n, prices) for n, prices in enumerate(bars)))
    assert fills(said) == ([] if price is None else [("a", 1, price)])
    if price is not None:  # and not in an earlier bar than the last
        assert said[0].at == len(bars) * 60_000_000


def test_a_resting_limit_is_not_improved_by_the_same_bars_low() -> None:
    exchange = venue()
    exchange.place(Ticket((order(BUY, LMT, limit=10_000),)), 0)
    assert fills(feed(exchange, [bar(0, (10_050, 10_050, 9_800, 9_900))])) == [("a", 1, 10_000)]


def test_a_trailing_stop_never_loosens_when_it_is_given_more_room() -> None:
    from theo.domain.orders import Amendment

    exchange = venue()
    exchange.place(Ticket((order(SELL, TRAIL, trail=100),)), 0)
    feed(exchange, [bar(0, UP)])
    assert exchange.books.orders["a"].level == 10_100
    exchange.amend(Amendment(order="a", quantity=1, trail=500), 1)
    feed(exchange, [bar(1, (10_150, 10_175, 10_125, 10_150))])
    assert exchange.books.orders["a"].level == 10_100


def test_a_trailing_stop_never_loosens_while_others_trade() -> None:
    exchange = venue()
    exchange.place(Ticket((order(SELL, TRAIL, trail=300), order(BUY, TRAIL, name="b", trail=300))), 0)
    feed(exchange, [bar(0, QUIET)])
    exchange.place(Ticket((order(BUY, MKT, name="c"),)), 60_000_000)
    feed(exchange, [bar(1, (10_000, 10_025, 9_975, 10_000))])
    assert [exchange.books.orders[name].level for name in "ab"] == [10_050 - 300, 9_950 + 300]


def test_what_must_fill_at_once_meets_a_bar_at_its_open() -> None:
    from tests.unit.venue.floor import FOK, IOC, words

    exchange = venue()
    exchange.place(Ticket((order(BUY, LMT, limit=10_000, tif=IOC), order(BUY, LMT, name="b", limit=10_075, tif=FOK))), 0)
    said = feed(exchange, [bar(0, (10_050, 10_100, 9_900, 10_000))])
    assert words(said) == ["filled b", "cancelled a"]
    exchange.place(Ticket((order(BUY, LMT, name="c", limit=9_000, tif=IOC),)), 60_000_000)
    assert words(feed(exchange, [bar(1, QUIET)])) == ["cancelled c"]


def test_an_order_that_comes_within_a_bar_meets_its_close_alone() -> None:
    exchange = venue()
    exchange.place(Ticket((order(BUY, MKT), order(SELL, STP, name="b", stop=9_800))), 30_000_000)
    assert fills(feed(exchange, [bar(0, (10_000, 10_100, 9_700, 9_900))])) == [("a", 1, 9_900)]


def test_latency_is_event_time() -> None:
    exchange = venue(settings=VenueSettings(latency=60_000_001))
    exchange.place(Ticket((order(BUY, MKT),)), 0)
    bars = [bar(0, QUIET), bar(1, UP), bar(2, DOWN)]
    assert fills(feed(exchange, bars[:1])) == []
    assert fills(feed(exchange, bars[1:])) == [("a", 1, 10_150)]  # it came a microsecond into the second bar: its close


def test_participation_limits_what_a_bar_fills_and_a_triggered_stop_goes_on_at_the_market() -> None:
    exchange = venue(settings=VenueSettings(participation=0.1))
    exchange.place(Ticket((order(SELL, STP, 25, stop=9_950),)), 0)
    bars = [bar(0, QUIET, 100), bar(1, UP, 100), bar(2, UP, 4), bar(3, UP, 100)]
    assert fills(feed(exchange, bars)) == [("a", 10, 9_950), ("a", 10, 10_100), ("a", 5, 10_100)]


def test_participation_is_shared_by_the_orders_of_a_bar() -> None:
    exchange = venue(settings=VenueSettings(participation=0.1))
    exchange.place(Ticket((order(BUY, MKT, 7), order(BUY, MKT, 7, name="b"))), 0)
    assert fills(feed(exchange, [bar(0, QUIET, 100)])) == [("a", 7, 10_000), ("b", 3, 10_000)]


def test_whole_lots_only() -> None:
    exchange = venue(settings=VenueSettings(participation=0.1))
    exchange.place(Ticket((order(BUY, MKT, 30, instrument=3),)), 0)
    assert fills(feed(exchange, [bar(0, QUIET, 190, instrument=3)])) == [("a", 10, 10_000)]


def test_a_bar_that_is_not_newer_fills_nothing() -> None:
    exchange = venue()
    feed(exchange, [bar(5, QUIET)])
    exchange.place(Ticket((order(BUY, STP, stop=10_100),)), 0)
    assert feed(exchange, [bar(5, UP), bar(4, UP)]) == []
    assert fills(feed(exchange, [bar(6, UP)])) == [("a", 1, 10_100)]


def test_bars_of_another_instrument_fill_nothing() -> None:
    exchange = venue()
    exchange.place(Ticket((order(BUY, MKT),)), 0)
    assert feed(exchange, [bar(0, QUIET, instrument=3), bar(0, QUIET, instrument=2)]) == []
