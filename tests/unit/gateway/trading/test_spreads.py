"""Calendar spreads: two months of a future in one order, both legs or none, each leg in the books of its own contract."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from tests.unit.gateway.hand_market import listed
from tests.unit.gateway.trading.pit import MES, SECOND, Pit, at, codes, placing, statuses, words
from theo.gateway.wire.messages import orders as wire
from theo.gateway.wire.messages.contract import ComboLeg, Contract
from theo.gateway.wire.messages.order import Order
from theo.gateway.wire.messages.orders import (
    CancelOrder,
    CommissionReport,
    CompletedOrder,
    ExecDetails,
    OpenOrder,
    PlaceOrder,
)

NEXT = listed("MES", "FUT", last_trade_date_or_contract_month="202703")
ES = listed("ES", "FUT", last_trade_date_or_contract_month="202703")
ROLL = (ComboLeg(MES.con_id, 1, "SELL", "CME"), ComboLeg(NEXT.con_id, 1, "BUY", "CME"))


def pit() -> Pit:
    """The next month is quoted 49.75 above this one: 6849.50 / 6850.00."""
    made = Pit()
    next_month(made)
    return made


def next_month(made: Pit, bid: str = "6849.5", ask: str = "6850") -> list[Any]:
    return made.quotes(bid, ask, NEXT)


def this_month(made: Pit, bid: str = "6799.75", ask: str = "6800.25") -> list[Any]:
    return made.quotes(bid, ask, MES)


def spread(
    order_id: int,
    side: str = "BUY",
    kind: str = "MKT",
    quantity: int = 2,
    legs: tuple[ComboLeg, ...] = ROLL,
    symbol: str = "MES",
    **more: Any,  # noqa: ANN401 - any field
) -> PlaceOrder:
    contract = Contract(symbol=symbol, sec_type="BAG", currency="USD", exchange="CME", combo_legs=legs)
    fields = {"tif": "DAY", "transmit": True, "order_ref": "ours", **more}
    return PlaceOrder(
        contract, Order(order_id=order_id, action=side, order_type=kind, total_quantity=Decimal(quantity), **fields)
    )


def held(made: Pit) -> dict[int, int]:
    return {con_id: each.quantity for con_id, each in made.ledgers.accounts["DU1"].holdings.items() if each.quantity}


def told(heard: list[Any]) -> list[tuple[str, str, str, int, float]]:
    """Of each execution: security type, the tail of its id, side, quantity, price."""
    found = [m for m in heard if isinstance(m, ExecDetails)]
    return [
        (m.contract.sec_type, m.execution.exec_id[-5:], m.execution.side, int(m.execution.shares), m.execution.price)
        for m in found
    ]


def test_both_legs_are_filled_at_the_prices_of_one_instant_and_told_after_a_summary() -> None:
    made = pit()
    assert statuses(made.peer.ask(spread(1)), 1) == ["Submitted"]
    assert held(made) == {}
    assert this_month(made) == []  # one leg alone fills nothing: the other's price is of another instant
    heard = next_month(made)
    assert told(heard) == [
        ("BAG", "01.01", "BOT", 2, 50.25),
        ("FUT", "02.01", "SLD", 2, 6799.75),
        ("FUT", "03.01", "BOT", 2, 6850.0),
    ]
    assert held(made) == {MES.con_id: -2, NEXT.con_id: 2}
    executions = [m for m in heard if isinstance(m, ExecDetails)]
    assert [m.contract.con_id for m in executions[1:]] == [MES.con_id, NEXT.con_id]
    assert {(m.execution.order_ref, m.execution.order_id, m.execution.perm_id) for m in executions} == {
        ("ours", 1, executions[0].execution.perm_id)
    }
    costs = [m.exec_id for m in heard if isinstance(m, CommissionReport)]
    assert costs == [m.execution.exec_id for m in executions[1:]]  # of the legs alone
    assert words(heard)[3:5] == ["open 1 Filled", "status 1 Filled 2/0"]


def test_what_is_sold_turns_every_leg() -> None:
    made = pit()
    made.peer.ask(spread(1, "SELL"))
    this_month(made)
    assert told(next_month(made)) == [
        ("BAG", "01.01", "SLD", 2, 49.25),
        ("FUT", "02.01", "BOT", 2, 6800.25),
        ("FUT", "03.01", "SLD", 2, 6849.5),
    ]
    assert held(made) == {MES.con_id: 2, NEXT.con_id: -2}


@pytest.mark.parametrize(("side", "limit", "fits"), [("BUY", 50.25, True), ("BUY", 50.0, False), ("SELL", 49.25, True)])
def test_a_limit_is_of_the_difference(side: str, limit: float, fits: bool) -> None:  # noqa: FBT001 - what a case expects
    made = pit()
    made.peer.ask(spread(1, side, "LMT", lmt_price=limit))
    this_month(made)
    assert bool(told(next_month(made))) is fits
    if not fits:
        assert len(told(next_month(made, "6849", "6849.75"))) == 3


def test_a_difference_below_zero_is_a_price() -> None:
    made = pit()
    back = tuple(msgspec.structs.replace(leg, action="BUY" if leg.action == "SELL" else "SELL") for leg in ROLL)
    made.peer.ask(spread(1, "BUY", "LMT", legs=back, lmt_price=-49.25))
    this_month(made)
    assert told(next_month(made))[0][-1] == -49.25


def test_a_part_may_be_filled_on_demand_and_the_rest_works_on() -> None:
    made = pit()
    made.peer.ask(spread(1, quantity=3))
    made.room.fill_now(made.simulator.desk, next(iter(made.room.orders)), 1)
    assert held(made) == {MES.con_id: -1, NEXT.con_id: 1}
    this_month(made)
    next_month(made)
    assert held(made) == {MES.con_id: -3, NEXT.con_id: 3}
    heard = made.peer.ask(wire.ReqExecutions(7))
    assert [row[0] for row in told(heard)] == ["BAG", "FUT", "FUT"] * 2
    assert sum(isinstance(m, CommissionReport) for m in heard) == 4


def test_its_group_shrinks_by_what_it_fills_and_it_shrinks_with_its_group() -> None:
    """Two long of this month behind a stop; the spread closes one, and an exit the other."""
    made = pit()
    made.peer.ask(placing(1, "BUY", "MKT", 2, MES))
    this_month(made)
    group: dict[str, Any] = {"oca_group": "exits", "oca_type": 3}
    made.peer.ask(placing(2, "SELL", "STP", 2, MES, aux_price=6700.0, **group), spread(3, quantity=2, **group))
    desk, orders = made.simulator.desk, {each.order_id: each for each in made.room.orders.values()}
    made.room.fill_now(desk, orders[3].perm_id, 1)
    assert [orders[2].remaining, orders[3].remaining] == [1, 1]
    heard = made.trades("6699", MES)  # the stop takes the rest
    assert statuses(heard, 2)[-1] == "Filled"
    assert statuses(heard, 3)[-1] == "Cancelled"
    assert held(made) == {NEXT.con_id: 1}


def test_it_may_be_changed_and_cancelled_and_ends_with_its_day() -> None:
    made = pit()
    made.peer.ask(
        spread(1, "BUY", "LMT", lmt_price=10.0), spread(2, "BUY", "LMT", lmt_price=11.0), spread(3, "BUY", "LMT", lmt_price=9.0)
    )
    assert statuses(made.peer.ask(CancelOrder(1)), 1) == ["Cancelled"]
    heard = made.peer.ask(spread(2, "BUY", "LMT", quantity=3, lmt_price=50.25))
    assert [m.order.total_quantity for m in heard if isinstance(m, OpenOrder)] == [3]
    this_month(made)
    assert len(told(next_month(made))) == 3
    assert codes(made.peer.ask(spread(3, "SELL", "LMT", lmt_price=9.0))) == [105]
    assert statuses(made.peer.wait(at("2026-11-24 17:00")), 3) == ["Cancelled"]


def test_a_completed_one_names_its_legs() -> None:
    made = pit()
    made.peer.ask(spread(1))
    this_month(made)
    next_month(made)
    (done,) = [m for m in made.peer.ask(wire.ReqCompletedOrders(api_only=True)) if isinstance(m, CompletedOrder)]
    assert done.contract.sec_type == "BAG"
    assert [(leg.con_id, leg.action) for leg in done.contract.combo_legs] == [(MES.con_id, "SELL"), (NEXT.con_id, "BUY")]


def legs(*pairs: tuple[Any, str, int]) -> tuple[ComboLeg, ...]:
    return tuple(ComboLeg(listing.con_id, ratio, action, "CME") for listing, action, ratio in pairs)


@pytest.mark.parametrize(
    ("refused", "code"),
    [
        (spread(1, legs=()), 321),
        (spread(1, legs=(ComboLeg(42, 1, "SELL", "CME"), ROLL[1])), 313),
        (spread(1, legs=(ComboLeg(MES.con_id, 1, "SELL", "NYSE"), ROLL[1])), 313),
        (spread(1, legs=(ComboLeg(MES.con_id, 0, "SELL", "CME"), ROLL[1])), 313),
        (spread(1, legs=(ROLL[0], ROLL[0])), 312),
        (spread(1, legs=legs((MES, "SELL", 1), (ES, "BUY", 1))), 312),
        (spread(1, symbol="ES"), 312),
        (spread(1, legs=legs((MES, "SELL", 1), (NEXT, "BUY", 2))), 201),
        (spread(1, legs=legs((MES, "BUY", 1), (NEXT, "BUY", 1))), 201),
        (spread(1, legs=ROLL[:1]), 201),
        (spread(1, kind="STP", aux_price=50.0), 387),
        (spread(1, tif="IOC"), 111),
        (spread(1, kind="LMT", lmt_price=50.1), 110),
        (spread(1, what_if=True), 201),
    ],
)
def test_what_is_no_calendar_spread_is_refused(refused: PlaceOrder, code: int) -> None:
    made = pit()
    heard = made.peer.ask(refused)
    assert codes(heard) == [code]
    assert dict(made.room.orders) == {}


def test_a_gateway_goes_on_with_a_spread_where_it_was_stopped() -> None:
    one = pit()
    one.peer.ask(spread(1))
    this_month(one)
    state = msgspec.json.decode(msgspec.json.encode(one.room.state()))
    fresh = pit()
    fresh.room.restore(fresh.simulator.desk, state)
    assert fresh.room.state() == one.room.state()
    fresh.peer.ask(wire.ReqExecutions(7))
    assert len(told(next_month(fresh))) == 3


def test_a_correction_is_of_one_leg() -> None:
    made = pit()
    made.peer.ask(spread(1))
    this_month(made)
    next_month(made)
    made.room.correct_execution(made.simulator.desk)
    assert told(made.peer.wait(made.now + SECOND)) == [("FUT", "03.02", "BOT", 2, 6850.25)]
