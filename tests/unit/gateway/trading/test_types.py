"""Order types that the gateway itself waits for: touched, trailing, pegged, conditional; and the pure rules they follow."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.gateway.trading.pit import EUR, MES, SPY, Pit, at, codes, fills, placing, statuses
from theo.domain.orders import Side
from theo.gateway.desk import Quote
from theo.gateway.trading.terms import Terms
from theo.gateway.trading.triggers import is_stopped, limit_after, moved_level, pegged_limit
from theo.gateway.wire.messages.order import (
    ExecutionCondition,
    MarginCondition,
    PercentChangeCondition,
    PriceCondition,
    TimeCondition,
    VolumeCondition,
)
from theo.gateway.wire.messages.orders import OpenOrder, OrderStatus

# order, prices of trades until nothing more is said, and what is filled at the end
TOUCHED: list[tuple[str, str, dict[str, Any], list[str], list[tuple[int, int, float]]]] = [
    ("BUY", "MIT", {"aux_price": 590.0}, ["595", "590.01"], []),
    ("BUY", "MIT", {"aux_price": 590.0}, ["595", "590", "590"], [(1, 5, 590.2)]),
    ("SELL", "MIT", {"aux_price": 610.0}, ["605", "610", "611"], [(1, 5, 610.8)]),
    ("BUY", "LIT", {"aux_price": 590.0, "lmt_price": 588.0}, ["590", "590"], []),
    ("BUY", "LIT", {"aux_price": 590.0, "lmt_price": 588.0}, ["590", "589", "587"], [(1, 5, 588.0)]),
    ("BUY", "STP", {"aux_price": 610.0}, ["605", "609.99"], []),
    ("BUY", "STP", {"aux_price": 610.0}, ["605", "610"], [(1, 5, 610.2)]),
    ("SELL", "STP LMT", {"aux_price": 590.0, "lmt_price": 589.0}, ["590", "591"], [(1, 5, 590.0)]),
    ("SELL", "TRAIL", {"aux_price": 5.0}, ["600", "610", "606"], []),
    ("SELL", "TRAIL", {"aux_price": 5.0}, ["600", "610", "605"], [(1, 5, 604.8)]),
    ("SELL", "TRAIL", {"trailing_percent": 1.0}, ["600", "610", "604"], []),
    ("SELL", "TRAIL", {"trailing_percent": 1.0}, ["600", "610", "603.9", "603"], [(1, 5, 602.8)]),
    ("BUY", "TRAIL", {"trailing_percent": 1.0, "trail_stop_price": 601.0}, ["600.5", "601", "602"], [(1, 5, 601.2)]),
    ("BUY", "TRAIL LIMIT", {"aux_price": 5.0, "lmt_price_offset": 1.0}, ["600", "590", "595", "595"], [(1, 5, 595.2)]),
    ("BUY", "TRAIL LIMIT", {"aux_price": 5.0, "lmt_price_offset": 1.0}, ["590", "600", "600"], []),
    ("SELL", "TRAIL LIMIT", {"aux_price": 5.0, "trail_stop_price": 598.0, "lmt_price": 597.5}, ["598", "598"], [(1, 5, 597.8)]),
]


@pytest.mark.parametrize(("side", "kind", "fields", "prices", "filled"), TOUCHED)
def test_an_order_waits_for_its_price(
    side: str, kind: str, fields: dict[str, Any], prices: list[str], filled: list[tuple[int, int, float]]
) -> None:
    """Each trade is quoted 0.20 to both sides."""
    pit = Pit()
    heard = pit.peer.ask(placing(1, side, kind, 5, **fields))
    status = next(m for m in heard if isinstance(m, OrderStatus))
    assert (status.status, status.why_held) == ("PreSubmitted", "trigger")
    done = []
    for price in (*prices, prices[-1]):  # a market order of the gateway's own meets the next event
        done += fills(pit.quotes(f"{float(price) - 0.2:.2f}", f"{float(price) + 0.2:.2f}"))
        done += fills(pit.trades(price))
    assert done == filled


def test_a_stop_limit_that_was_triggered_and_rests_is_submitted() -> None:
    pit = Pit()
    pit.peer.ask(placing(1, "BUY", "STP LMT", 5, aux_price=610.0, lmt_price=605.0))
    pit.quotes("609.8", "610.2")
    assert statuses(pit.trades("610"), 1) == ["Submitted"]


@pytest.mark.parametrize(
    ("kind", "fields", "shown", "filled_at"),
    [
        ("MIDPRICE", {}, 600.0, 599.5),
        ("MIDPRICE", {"lmt_price": 599.0}, 599.0, 599.0),
        ("REL", {"aux_price": 0.05}, 599.95, 599.05),
        ("REL", {"aux_price": 0.05, "lmt_price": 599.0}, 599.0, 599.0),
    ],
)
def test_a_pegged_order_follows_the_quote_up_to_its_cap(
    kind: str, fields: dict[str, Any], shown: float, filled_at: float
) -> None:
    pit = Pit()
    pit.peer.ask(placing(1, "BUY", kind, 5, **fields))
    assert statuses(pit.quotes("599.9", "600.1"), 1) == []
    (worked,) = pit.room.orders.values()
    assert worked.level == SPY.instrument.units(str(shown))
    pit.quotes("599", "600")
    pit.quotes("599", "600")  # there it rests
    assert fills(pit.offers("598", 100)) == [(1, 5, filled_at)]


terms_st = st.builds(
    Terms,
    side=st.sampled_from(Side),
    type=st.just("TRAIL LIMIT"),
    quantity=st.just(1),
    tif=st.just("DAY"),
    trail=st.integers(1, 500).map(lambda n: n * 25),
    offset=st.integers(0, 40).map(lambda n: n * 25),
)


@given(terms_st, st.lists(st.integers(1000, 4000).map(lambda n: n * 25), min_size=1))
def test_a_trailing_level_never_loosens_and_stays_its_distance_away(terms: Terms, prices: list[int]) -> None:
    sign, level, best = terms.side.sign, moved_level(terms, None, prices[0], 25), prices[0]
    for price in prices[1:]:
        before, level = level, moved_level(terms, level, price, 25)
        best = min(best, price) if sign > 0 else max(best, price)
        assert sign * level <= sign * before
        assert level == best + sign * (terms.trail or 0)
        assert limit_after(terms, level) == level + sign * terms.offset
        assert is_stopped(terms, level, level)


@given(st.sampled_from(Side), st.integers(1, 999), st.integers(0, 50), st.none() | st.integers(1, 1200))
def test_a_midprice_never_crosses_the_middle_nor_its_cap(side: Side, bid: int, spread: int, cap: int | None) -> None:
    terms = Terms(side=side, type="MIDPRICE", quantity=1, tif="DAY", limit=None if cap is None else cap * 25)
    limit = pegged_limit(terms, Quote(bid=bid * 25, ask=(bid + spread) * 25), 25)
    assert limit is not None
    assert limit % 25 == 0
    assert side.sign * (2 * limit - (2 * bid + spread) * 25) <= 0
    assert terms.limit is None or side.sign * (limit - terms.limit) <= 0


PRICE = PriceCondition("a", is_more=True, price=6810.0, con_id=MES.con_id, exchange="CME")
TIME = TimeCondition("a", is_more=True, time="20261124 10:10:00 US/Eastern")


def test_an_order_waits_for_the_price_of_another_contract() -> None:
    pit = Pit()
    heard = pit.peer.ask(placing(1, "BUY", "MKT", 5, conditions=(PRICE,)))
    assert statuses(heard, 1) == ["PreSubmitted"]
    assert fills(pit.trades("600")) == []
    pit.trades("6809.75", MES)
    assert statuses(pit.trades("6810", MES), 1) == ["PreSubmitted", "Submitted"]
    assert len(fills(pit.trades("600"))) == 1


def test_conditions_are_joined_by_and_and_or() -> None:
    either = (PriceCondition("o", is_more=True, price=9999.0, con_id=MES.con_id, exchange="CME"), TIME)
    both = (PRICE, TIME)
    pit = Pit()
    pit.peer.ask(placing(1, "BUY", "MKT", 5, conditions=either), placing(2, "BUY", "MKT", 5, conditions=both))
    heard = pit.peer.wait(at("2026-11-24 10:10:01"))
    assert (statuses(heard, 1)[-1:], statuses(heard, 2)) == (["Submitted"], [])
    assert statuses(pit.trades("6811", MES), 2)[-1:] == ["Submitted"]


def test_volume_and_change_are_looked_at_too() -> None:
    pit = Pit()
    volume = VolumeCondition("a", is_more=True, volume=2_000_000, con_id=SPY.con_id, exchange="SMART")
    change = PercentChangeCondition("a", is_more=False, change_percent=-50.0, con_id=SPY.con_id, exchange="SMART")
    pit.peer.ask(placing(1, "BUY", "MKT", 5, conditions=(volume,)), placing(2, "BUY", "MKT", 5, conditions=(change,)))
    assert statuses(pit.trades("600"), 1) == []
    assert statuses(pit.trades("600"), 1)[-1] == "Submitted"
    assert [o.phase for o in pit.room.orders.values()][1] == "armed"  # no close is known: it is not met


@pytest.mark.parametrize(
    ("condition", "code"),
    [
        (PriceCondition("a", is_more=True, price=1.0, con_id=1, exchange=""), 147),
        (TimeCondition("a", is_more=True, time="noon"), 337),
        (MarginCondition("a", is_more=True, percent=30), 201),
        (ExecutionCondition("a", "STK", "SMART", "SPY"), 201),
    ],
)
def test_conditions_that_cannot_be_are_refused(condition: Any, code: int) -> None:  # noqa: ANN401 - one of many kinds
    assert codes(Pit().peer.ask(placing(1, "BUY", "MKT", 5, conditions=(condition,)))) == [code]


def test_a_day_order_that_waits_for_its_price_ends_with_the_session() -> None:
    pit = Pit(at("2026-11-24 15:00"))
    pit.peer.ask(placing(1, "BUY", "MIT", 5, aux_price=500.0))
    heard = pit.peer.wait(at("2026-11-24 16:00"))
    assert statuses(heard, 1) == ["Cancelled"]


def test_a_currency_trails_by_its_quotes() -> None:
    pit = Pit()
    pit.peer.ask(placing(1, "SELL", "TRAIL", 20_000, EUR, trailing_percent=1.0))
    pit.quotes("1.1", "1.1002", EUR)
    assert fills(pit.quotes("1.0891", "1.0893", EUR)) == []
    pit.quotes("1.0889", "1.0891", EUR)
    assert fills(pit.quotes("1.0888", "1.089", EUR)) == [(1, 20_000, 1.0888)]


def test_a_trailing_stop_shows_where_it_stands() -> None:
    pit = Pit()
    pit.peer.ask(placing(1, "SELL", "TRAIL", 5, aux_price=5.0))
    pit.trades("610")
    pit.trades("609")
    changed = pit.peer.ask(placing(1, "SELL", "TRAIL", 4, aux_price=5.0))
    shown = next(m for m in changed if isinstance(m, OpenOrder))
    assert (shown.order.trail_stop_price, shown.order.aux_price) == (605.0, 5.0)
    pit.quotes("605.1", "605.3")
    pit.trades("605")
    assert [o.status for o in pit.room.orders.values()] == ["Filled"]
