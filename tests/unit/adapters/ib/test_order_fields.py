"""Orders in IB's words and back: exact for every price that an instrument can have."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ib_async.contract import ContractDetails
from ib_async.util import UNSET_DOUBLE

from tests.unit.gateway.tables import at
from theo.adapters.ib.day_end import session_ends_near
from theo.adapters.ib.executions import earlier
from theo.adapters.ib.order_fields import from_ib, micros, to_ib, units
from theo.domain.errors import DataError
from theo.domain.instrument import Instrument, SecurityType
from theo.domain.orders import OcaType, Order, OrderRole, OrderType, Side, TimeInForce

PRICE = st.integers(1, 10**11)


def instrument(decimals: int) -> Instrument:
    return Instrument(
        id=1,
        symbol="X",
        token=1,
        security_type=SecurityType.STK,
        exchange="SMART",
        calendar="NYSE",
        price_decimals=decimals,
    )


@st.composite
def orders(draw: st.DrawFn) -> Order:
    """Any order that we can send."""
    kind = draw(st.sampled_from(OrderType))
    group = draw(st.booleans())
    trails = kind is OrderType.TRAILING_STOP
    return Order(
        id="j-1-0",
        account="DU1",
        instrument=1,
        side=draw(st.sampled_from(Side)),
        type=kind,
        quantity=draw(st.integers(1, 10**9)),
        tif=draw(st.sampled_from(TimeInForce)),
        role=OrderRole.STOP,
        trade="t",
        limit=draw(PRICE) if kind in {OrderType.LIMIT, OrderType.STOP_LIMIT} else None,
        stop=draw(PRICE) if kind in {OrderType.STOP, OrderType.STOP_LIMIT} or (trails and group) else None,
        trail=draw(PRICE) if trails else None,
        parent="j-0-0",
        oca_group="g" if group else "",
        oca_type=OcaType.REDUCE_NON_BLOCK if group else OcaType.NONE,
        outside_rth=draw(st.booleans()),
    )


@given(order=orders(), decimals=st.integers(0, 6))
def test_an_order_comes_back_as_it_went(order: Order, decimals: int) -> None:
    """Through text and binary fractions, as the wire and ib_async make of prices."""
    held = instrument(decimals)
    made = to_ib(order, held, "DU1")
    for name in ("lmtPrice", "auxPrice", "trailStopPrice"):
        price = getattr(made, name)
        text = str(price)
        assert price == UNSET_DOUBLE or "E" not in text
        setattr(made, name, float(text))
    assert from_ib(made, order.id, held, order) == order


@given(decimals=st.integers(0, 6), price=PRICE)
def test_prices_leave_as_their_own_decimals(decimals: int, price: int) -> None:
    held = instrument(decimals)
    order = Order(
        id="j-1-0",
        account="",
        instrument=1,
        side=Side.BUY,
        type=OrderType.LIMIT,
        quantity=1,
        tif=TimeInForce.DAY,
        role=OrderRole.ENTRY,
        trade="t",
        limit=price,
    )
    sent = str(to_ib(order, held, "DU1").lmtPrice)
    assert Decimal(sent) * 10**decimals == price
    assert len(sent.partition(".")[2]) == decimals


def test_what_we_never_send_is_not_read_as_an_order_of_ours() -> None:
    held = instrument(2)
    order = Order(
        id="j-1-0",
        account="",
        instrument=1,
        side=Side.BUY,
        type=OrderType.MARKET,
        quantity=1,
        tif=TimeInForce.DAY,
        role=OrderRole.ENTRY,
        trade="t",
    )
    made = to_ib(order, held, "DU1")
    made.orderType = "REL"
    assert from_ib(made, "x", held) is None


def test_protective_stops_say_what_triggers_them() -> None:
    stop = Order(
        id="j-1-0",
        account="",
        instrument=1,
        side=Side.SELL,
        type=OrderType.STOP,
        quantity=1,
        tif=TimeInForce.GTC,
        role=OrderRole.STOP,
        trade="t",
        stop=100,
    )
    assert to_ib(stop, instrument(2), "DU1").triggerMethod == 2
    market = msgspec.structs.replace(stop, type=OrderType.MARKET, stop=None)
    assert to_ib(market, instrument(2), "DU1").triggerMethod == 0


def test_numbers_that_are_none_are_refused_or_none() -> None:
    with pytest.raises(DataError):
        units(instrument(2), UNSET_DOUBLE)
    with pytest.raises(DataError):
        units(instrument(2), 1.005)
    assert micros(UNSET_DOUBLE) is None
    assert micros(0.62) == 620_000
    assert micros(1.0000005) == 1_000_000


@pytest.mark.parametrize(
    ("execution", "replaces"),
    [
        ("0000e0d5.6545a6d0.01.01", ()),
        ("0000e0d5.6545a6d0.01.02", ("0000e0d5.6545a6d0.01.01",)),
        ("0000e0d5.6545a6d0.01.03", ("0000e0d5.6545a6d0.01.01", "0000e0d5.6545a6d0.01.02")),
        ("a.10", tuple(f"a.{n:02d}" for n in range(1, 10))),
        ("without", ()),
        ("", ()),
    ],
)
def test_a_correction_names_what_it_replaces(execution: str, replaces: tuple[str, ...]) -> None:
    assert earlier(execution) == replaces


@pytest.mark.parametrize(
    ("moment", "ends"),
    [
        ("2026-11-20 16:00", True),
        ("2026-11-20 16:01", True),
        ("2026-11-20 20:00", True),
        ("2026-11-20 12:00", False),
        ("2026-11-21 16:00", False),
    ],
)
def test_a_session_end_is_one_of_ibs_hours(moment: str, ends: bool) -> None:  # noqa: FBT001 - what is expected of the moment
    details = ContractDetails(
        timeZoneId="US/Eastern",
        tradingHours="20261120:0400-20261120:2000;20261121:CLOSED",
        liquidHours="20261120:0930-20261120:1600;20261121:CLOSED",
    )
    assert session_ends_near(details, at(moment)) is ends


def test_hours_that_cannot_be_read_are_no_end() -> None:
    assert not session_ends_near(ContractDetails(timeZoneId="Nowhere", tradingHours="x"), 0)
    assert not session_ends_near(ContractDetails(timeZoneId="UTC", tradingHours="x-y;;"), 0)
