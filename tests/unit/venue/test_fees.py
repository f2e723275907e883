"""Charges against Interactive Brokers' own worked figures and the published rates, by hand in decimals."""

import csv
import os
import re
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.venue.floor import FUTURE, bar, feed, order, trade, venue
from theo.domain.errors import ConfigError
from theo.domain.instrument import Instrument, SecurityType
from theo.domain.orders import OrderType, Side, Ticket
from theo.domain.reports import OrderFilled
from theo.venue.exchange import VenueSettings
from theo.venue.fees import SCHEDULES, Done, charges, done, order_charges, round_trip_estimate, schedule

STOCK = Instrument(id=1, symbol="S", token=1, security_type=SecurityType.STK, exchange="SMART", calendar="NYSE", price_decimals=4)
OPTION = Instrument(
    id=1, symbol="O", token=1, security_type=SecurityType.OPT, exchange="SMART", calendar="NYSE", multiplier=100, price_decimals=2
)
CURRENCY = Instrument(
    id=1, symbol="EUR.USD", token=1, security_type=SecurityType.CASH, exchange="IDEALPRO", calendar="FOREX", price_decimals=5
)

# schedule, instrument, side, quantity, price, charges: every figure worked out by hand from the schedule's text
WORKED: list[tuple[str, Instrument, Side, int, str, str]] = [
    ("zero", STOCK, Side.SELL, 1000, "50", "0"),
    ("reference", STOCK, Side.BUY, 1000, "98.8563", "1.977126"),
    # IBKR's examples of the fixed plan: 100 shares at 25 = 1.00; 1000 at 25 = 5.00; 1000 at 0.25 = 2.50 (1 % of the value)
    ("stocks_fixed", STOCK, Side.BUY, 100, "25", "1"),
    ("stocks_fixed", STOCK, Side.BUY, 1000, "25", "5"),
    ("stocks_fixed", STOCK, Side.BUY, 1000, "0.25", "2.5"),
    ("stocks_fixed", STOCK, Side.BUY, 1, "25", "0.25"),  # the maximum wins over the minimum
    # sells: section 31 20.60 a million, trading activity fee 0.000195 a share
    ("stocks_fixed", STOCK, Side.SELL, 1000, "25", "5.71"),  # 5 + 25,000 x 0.0000206 + 0.195
    ("stocks_fixed", STOCK, Side.SELL, 100_000, "10", "530.39"),  # 500 + 20.60 + 9.79, the cap
    # tiered: 0.0035, access 0.003, clearing 0.0002 a share, 0.000735 of the commission
    ("stocks_tiered", STOCK, Side.BUY, 1000, "25", "6.7025725"),
    ("stocks_tiered", STOCK, Side.BUY, 10, "25", "0.38225725"),  # 0.35, the minimum, + 0.032 + 0.35 x 0.000735
    ("options", OPTION, Side.BUY, 1, "2.50", "1"),  # the minimum
    ("options", OPTION, Side.BUY, 10, "2.50", "6.5"),
    ("options", OPTION, Side.BUY, 10, "0.07", "5"),
    ("options", OPTION, Side.BUY, 10, "0.04", "2.5"),
    ("options", OPTION, Side.SELL, 10, "2.50", "6.5844"),  # + 2,500 x 0.0000206 + 10 x 0.00329
    # IBKR's examples of currencies: 50,000 a day for 2.00, the minimum; 1,000,000,000 a month for 20,000
    ("currency_usd", CURRENCY, Side.BUY, 50_000, "1", "2"),
    ("currency_usd", CURRENCY, Side.SELL, 1_000_000_000, "1", "20000"),
    ("currency_usd", CURRENCY, Side.SELL, 200_000, "1.10001", "4.40004"),
    ("futures_mes", FUTURE, Side.BUY, 3, "6800.25", "1.86"),
    ("futures_mes", FUTURE, Side.SELL, 3, "6800.25", "1.86"),
    ("futures_es", FUTURE, Side.SELL, 2, "6800.25", "4.5"),
]


@pytest.mark.parametrize(("name", "instrument", "side", "quantity", "price", "expected"), WORKED)
def test_charges_by_hand(name: str, instrument: Instrument, side: Side, quantity: int, price: str, expected: str) -> None:
    exact = (Decimal(expected) * 1_000_000).quantize(Decimal(1), ROUND_HALF_UP)
    assert charges(instrument, side, quantity, instrument.units(price), schedule(name)) == exact


def test_futures_cost_what_the_contract_facts_say() -> None:
    data = os.environ.get("THEO_TEST_DATA")
    if not data:
        pytest.skip("THEO_TEST_DATA is not set")
    with (Path(data) / "contracts" / "contract_facts.csv").open() as file:
        facts = {row["item"]: row["value"] for row in csv.DictReader(file)}
    for name, item in (("futures_es", "IBKR ES all-in per side"), ("futures_mes", "IBKR MES all-in per side")):
        found = re.search(r"= ([\d.]+) USD", facts[item])
        assert found is not None
        assert charges(FUTURE, Side.BUY, 1, 500_000, SCHEDULES[name]) == Decimal(found[1]) * 1_000_000


def test_an_unknown_schedule_is_named() -> None:
    with pytest.raises(ConfigError, match=r"'stocks' is not known.*stocks_fixed"):
        schedule("stocks")


@pytest.mark.parametrize("name", [n for n in SCHEDULES if n not in {"zero", "reference"}])
def test_every_schedule_of_the_broker_says_where_it_is_from(name: str) -> None:
    assert SCHEDULES[name].source.startswith("IBKR")
    assert SCHEDULES[name].as_of.startswith("2026-")


SPLITS = st.lists(st.tuples(st.integers(1, 500), st.integers(1, 2_000_000)), min_size=1, max_size=8)


@given(st.sampled_from(sorted(SCHEDULES)), st.sampled_from(Side), SPLITS)
def test_an_order_in_parts_never_gets_cheaper_as_it_goes_on(name: str, side: Side, parts: list[tuple[int, int]]) -> None:
    rates, total, before = SCHEDULES[name], Done(), 0
    for quantity, price in parts:
        total = total.plus(done(STOCK, quantity, price, rates))
        after = order_charges(side, total, rates)
        assert after >= before
        before = after


@given(
    st.sampled_from(sorted(SCHEDULES)),
    st.sampled_from(Side),
    st.integers(1, 2_000_000),
    st.lists(st.integers(1, 500), min_size=1, max_size=8),
)
def test_an_order_in_parts_costs_what_it_costs_at_once(name: str, side: Side, price: int, parts: list[int]) -> None:
    rates, total = SCHEDULES[name], Done()
    for quantity in parts:
        total = total.plus(done(STOCK, quantity, price, rates))
    assert order_charges(side, total, rates) == charges(STOCK, side, sum(parts), price, rates)


def test_the_minimum_is_paid_once_for_an_order_that_fills_in_parts() -> None:
    exchange = venue(fees=SCHEDULES["stocks_fixed"])
    exchange.place(Ticket((order(Side.BUY, OrderType.MARKET, 300),)), 0)
    said = feed(exchange, [trade(1, 5_000, 100), trade(2, 5_000, 100), trade(3, 5_000, 100)])
    assert [r.charges for r in said if isinstance(r, OrderFilled)] == [1_000_000, 0, 500_000]
    assert exchange.books.fees == 1_500_000


def test_a_round_trip_is_both_sides() -> None:
    rates = SCHEDULES["stocks_fixed"]
    both = charges(STOCK, Side.BUY, 50, 250_000, rates) + charges(STOCK, Side.SELL, 50, 250_000, rates)
    assert round_trip_estimate(STOCK, 50, 250_000, rates) == both
    assert round_trip_estimate(FUTURE, 2, 1, SCHEDULES["futures_mes"]) == 4 * 620_000


def test_charges_are_part_of_every_execution() -> None:
    exchange = venue(fees=SCHEDULES["futures_mes"], settings=VenueSettings(slippage_ticks=1))
    exchange.place(Ticket((order(Side.BUY, OrderType.MARKET, 2),)), 0)
    (said,) = feed(exchange, [bar(0, (10_000, 10_000, 10_000, 10_000))])
    assert isinstance(said, OrderFilled)
    assert (said.price, said.charges) == (10_025, 1_240_000)
    assert exchange.books.cash == -2 * 10_025 * 50_000 - 1_240_000
