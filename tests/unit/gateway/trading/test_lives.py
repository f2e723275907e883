"""An order's life as a client hears it: IB's sequences, changes, cancels, errors."""

from typing import Any

import pytest
from msgspec.structs import replace

from tests.unit.gateway.hand_market import SPY, VIX, listed
from tests.unit.gateway.trading.pit import (
    EUR,
    MES,
    OPEN,
    Pit,
    at,
    cancelling,
    codes,
    fills,
    placing,
    statuses,
    words,
)
from theo.gateway.wire.messages.contract import Contract
from theo.gateway.wire.messages.orders import (
    CommissionReport,
    ExecDetails,
    ExecDetailsEnd,
    OpenOrder,
    OpenOrderEnd,
    OrderStatus,
    ReqExecutions,
    ReqGlobalCancel,
    ReqOpenOrders,
)
from theo.gateway.wire.messages.session import ErrorMessage, NextValidId, ReqIds


def test_a_market_order_is_accepted_then_filled_then_charged() -> None:
    pit = Pit()
    assert words(pit.peer.ask(placing(1, "BUY", "MKT", 5))) == [
        "open 1 PreSubmitted",
        "status 1 PreSubmitted 0/5",
        "open 1 Submitted",
        "status 1 Submitted 0/5",
    ]
    heard = pit.trades("600.05")
    assert words(heard) == ["fill 1 BOT 5 @ 600.1", "open 1 Filled", "status 1 Filled 5/0", "commission"]
    report = next(m for m in heard if isinstance(m, CommissionReport))
    assert (report.commission, report.currency, report.realized_pnl) == (1.0, "USD", None)


def test_partial_fills_add_up() -> None:
    pit = Pit()
    pit.peer.ask(placing(1, "BUY", "LMT", 10, lmt_price=600.0))
    assert words(pit.offers("600", 4)) == ["fill 1 BOT 4 @ 600.0", "open 1 Submitted", "status 1 Submitted 4/6", "commission"]
    heard = pit.offers("599.95", 9)
    assert fills(heard) == [(1, 6, 600.0)]
    execution = next(m for m in heard if isinstance(m, ExecDetails)).execution
    status = next(m for m in heard if isinstance(m, OrderStatus))
    assert execution.cum_qty == status.filled == 10
    assert status.avg_fill_price == execution.avg_price == 600.0


def test_states_are_repeated_as_often_as_the_settings_say() -> None:
    pit = Pit(status_copies=3)
    pit.peer.ask(placing(1, "BUY", "MKT", 5))
    assert statuses(pit.trades("600.05"), 1) == ["Filled"] * 3


def test_a_cancel_is_pending_then_done_and_confirmed_by_202() -> None:
    pit = Pit()
    pit.peer.ask(placing(1, "BUY", "LMT", 5, lmt_price=500.0))
    assert words(pit.peer.ask(cancelling(1))) == [
        "status 1 PendingCancel 0/5",
        "open 1 Cancelled",
        "status 1 Cancelled 0/5",
        "error 1 202",
    ]
    (again,) = pit.peer.ask(cancelling(1))
    assert (again.code, again.text) == (10148, "OrderId 1 that needs to be cancelled cannot be cancelled, state: Cancelled.")
    (unknown,) = pit.peer.ask(cancelling(9))
    assert (unknown.code, unknown.text) == (10147, "OrderId 9 that needs to be cancelled is not found.")
    assert fills(pit.trades("400")) == []


def test_a_change_keeps_the_order_and_its_perm_id() -> None:
    pit = Pit()
    before = pit.peer.ask(placing(1, "BUY", "LMT", 5, lmt_price=500.0))
    after = pit.peer.ask(placing(1, "BUY", "LMT", 7, lmt_price=501.0))
    assert words(after) == ["open 1 Submitted", "status 1 Submitted 0/7"]
    assert after[0].order.lmt_price == 501.0
    assert after[0].order.perm_id == before[0].order.perm_id
    assert fills(pit.offers("501", 100)) == [(1, 7, 501.0)]
    assert codes(pit.peer.ask(placing(1, "BUY", "LMT", 8, lmt_price=501.0))) == [104]


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        (placing(1, "SELL", "LMT", 5, lmt_price=500.0), 105),
        (placing(1, "BUY", "LMT", 5, MES, lmt_price=500.0), 105),
        (placing(1, "BUY", "STP", 5, aux_price=700.0), 329),
        (placing(1, "BUY", "LMT", 5, lmt_price=500.001), 110),
        (placing(1, "BUY", "LMT", 3, lmt_price=500.0), 201),  # four are filled
        (placing(1, "BUY", "LMT", 0, lmt_price=500.0), 434),
    ],
)
def test_a_change_that_cannot_be_leaves_the_order(changed: Any, code: int) -> None:  # noqa: ANN401 - a request
    pit = Pit()
    pit.peer.ask(placing(1, "BUY", "LMT", 5, lmt_price=600.0))
    pit.offers("600", 4)
    pit.offers("601", 1000)
    (error,) = pit.peer.ask(changed)
    assert (error.req_id, error.code) == (1, code)
    assert fills(pit.offers("600", 100)) == [(1, 1, 600.0)]


def test_a_limit_order_may_become_immediate() -> None:
    pit = Pit()
    pit.peer.ask(placing(1, "BUY", "LMT", 5, lmt_price=500.0))
    pit.peer.ask(placing(1, "BUY", "LMT", 5, lmt_price=500.0, tif="IOC"))
    assert words(pit.trades("600")) == ["open 1 Cancelled", "status 1 Cancelled 0/5", "error 1 202"]


AAPL = listed("AAPL", "STK")

REFUSED: list[tuple[dict[str, Any], int]] = [
    ({"kind": "LMT", "lmt_price": 600.005}, 110),
    ({"kind": "LMT"}, 110),
    ({"kind": "STP", "aux_price": -1.0}, 110),
    ({"kind": "PEG BENCH"}, 387),
    ({"kind": "VWAP"}, 387),
    ({"kind": "MKT", "quantity": 0}, 434),
    ({"kind": "MKT", "quantity": 1.5}, 10243),
    ({"kind": "MKT", "tif": "WEEK"}, 321),
    ({"kind": "STP", "aux_price": 1.0, "tif": "IOC"}, 111),
    ({"kind": "MOC", "tif": "GTC"}, 113),
    ({"kind": "TRAIL"}, 158),
    ({"kind": "TRAIL", "trailing_percent": 100.0}, 159),
    ({"kind": "MKT", "tif": "GTD"}, 334),
    ({"kind": "MKT", "tif": "GTD", "good_till_date": "20261124 09:00:00"}, 334),
    ({"kind": "MKT", "tif": "GTD", "good_till_date": "soon"}, 337),
    ({"kind": "MKT", "good_after_time": "20261199 10:00:00"}, 337),
    ({"kind": "MKT", "good_after_time": "20261125 10:00:00 Mars/Olympus"}, 337),
    ({"kind": "MKT", "algo_strategy": "Adaptive"}, 442),
    ({"kind": "MKT", "e_trade_only": True}, 10268),
    ({"kind": "MKT", "all_or_none": True}, 201),
    ({"kind": "MKT", "account": "U9"}, 321),
    ({"kind": "MKT", "parent_id": 77}, 10006),
    ({"kind": "MKT", "oca_group": "g", "oca_type": 7}, 321),
    ({"kind": "MKT", "side": "HOLD"}, 321),
]


@pytest.mark.parametrize(("fields", "code"), REFUSED)
def test_what_cannot_be_is_refused_with_the_code_of_ib(fields: dict[str, Any], code: int) -> None:
    pit = Pit()
    named = {"side": "BUY", "quantity": 5, **fields}
    side, kind, quantity = (named.pop(name) for name in ("side", "kind", "quantity"))
    heard = pit.peer.ask(placing(1, side, kind, quantity, **named))
    assert words(heard) == [f"error 1 {code}"] or (code > 2104 and [m.code for m in heard] == [code])
    assert pit.room.orders == {}


def test_an_index_cannot_be_traded_and_an_unknown_contract_is_none() -> None:
    pit = Pit()
    assert words(pit.peer.ask(placing(1, "BUY", "MKT", 1, VIX))) == ["error 1 201"]
    unknown = placing(2, "BUY", "MKT", 1)
    unknown = type(unknown)(
        type(unknown.contract)(symbol="NOSUCH", sec_type="STK", exchange="SMART", currency="USD"), unknown.order
    )
    assert words(pit.peer.ask(unknown)) == ["error 2 200"]


def test_an_order_needs_an_exchange_even_with_a_con_id() -> None:
    pit = Pit()
    heard = pit.peer.ask(replace(placing(1, "BUY", "MKT", 1), contract=Contract(con_id=SPY.con_id)))
    assert [(m.req_id, m.code, m.text) for m in heard] == [
        (1, 321, "Error validating request.-'bN' : cause - Missing order exchange.")
    ]
    assert pit.room.orders == {}


def test_an_order_id_is_used_once() -> None:
    pit = Pit()
    pit.peer.ask(placing(5, "BUY", "LMT", 5, lmt_price=500.0), cancelling(5))
    assert codes(pit.peer.ask(placing(5, "BUY", "LMT", 5, lmt_price=500.0))) == [103]
    assert codes(pit.peer.ask(placing(3, "BUY", "LMT", 5, lmt_price=500.0))) == [103]
    assert pit.peer.ask(ReqIds()) == [NextValidId(6)]
    assert pit.another(2).ask(ReqIds()) == [NextValidId(1)]


def test_an_order_without_funds_becomes_inactive_with_201() -> None:
    pit = Pit(cash=1_000)
    heard = pit.peer.ask(placing(1, "BUY", "MKT", 100))
    assert words(heard) == ["open 1 Inactive", "status 1 Inactive 0/100", "error 1 201"]
    # 1 for the commission, 10 because the offer is above the last price
    assert "Equity with Loan Value [989.00 USD] must exceed the new total Initial Margin of [30000.00 USD]" in heard[-1].text
    assert fills(pit.trades("600")) == []


def test_a_what_if_order_is_answered_with_margins_and_nothing_is_booked() -> None:
    pit = Pit(cash=100_000)
    (answer,) = pit.peer.ask(placing(1, "BUY", "LMT", 100, lmt_price=600.0, what_if=True))
    assert isinstance(answer, OpenOrder)
    state = answer.state
    assert answer.order.what_if
    assert (state.init_margin_before, state.init_margin_change, state.init_margin_after) == (0.0, 30_000.0, 30_000.0)
    assert (state.maint_margin_change, state.equity_with_loan_before, state.commission) == (15_000.0, 100_000.0, 1.0)
    assert state.equity_with_loan_after == 99_999.0
    assert (state.min_commission, state.max_commission) == (None, None)  # ib_async's notebook "ordering" has it so from TWS
    assert pit.room.orders == {}
    assert pit.peer.ask(ReqIds()) == [NextValidId(1)]


def test_a_what_if_order_beyond_the_funds_has_its_numbers_and_201() -> None:
    answer, error = Pit(cash=1_000).peer.ask(placing(1, "BUY", "MKT", 1, MES, what_if=True))
    assert answer.state.init_margin_change == 2_310.0
    assert error.code == 201


def test_an_order_before_the_open_waits_with_399_and_works_when_it_opens() -> None:
    pit = Pit(at("2026-11-24 08:00"))
    heard = pit.peer.ask(placing(1, "BUY", "LMT", 5, lmt_price=600.2))
    assert words(heard) == ["open 1 PendingSubmit", "status 1 PendingSubmit 0/5", "error 1 399"]
    assert heard[-1].text == (
        "Order Message:\nBUY 5 SPY ARCA\n"
        "Warning: Your order will not be placed at the exchange until 2026-11-24 09:30:00 US/Eastern."
    )
    assert fills(pit.trades("590")) == []
    assert words(pit.peer.wait(at("2026-11-24 09:30")))[-1] == "status 1 Submitted 0/5"
    assert fills(pit.offers("599", 100)) == [(1, 5, 599.0)]


def test_an_order_that_waits_names_the_market_as_tws_does() -> None:
    (notice,) = [
        m for m in Pit(at("2026-11-24 08:00")).peer.ask(placing(1, "BUY", "MKT", 33, AAPL)) if isinstance(m, ErrorMessage)
    ]
    assert notice.text.startswith(
        "Order Message:\nBUY 33 AAPL NASDAQ.NMS\nWarning: Your order will not be placed at the exchange"
    )


def test_an_order_for_all_hours_works_before_the_open() -> None:
    pit = Pit(at("2026-11-24 08:00"))
    pit.peer.ask(placing(1, "BUY", "LMT", 5, lmt_price=600.2, outside_rth=True))
    assert fills(pit.offers("600", 100)) == [(1, 5, 600.0)]


def test_a_future_trades_in_all_its_hours_and_the_flag_is_ignored() -> None:
    pit = Pit(at("2026-11-24 03:00"))
    pit.peer.ask(placing(1, "BUY", "MKT", 1, MES))
    assert fills(pit.trades("6800", MES)) == [(1, 1, 6800.25)]
    heard = pit.peer.ask(placing(2, "BUY", "LMT", 1, MES, lmt_price=6000.0, outside_rth=True))
    assert [m.code for m in heard if isinstance(m, ErrorMessage)] == [2109]
    assert statuses(heard, 2)[-1] == "Submitted"


def test_a_day_order_ends_with_the_session() -> None:
    pit = Pit(at("2026-11-24 15:00"))
    pit.peer.ask(placing(1, "BUY", "LMT", 5, lmt_price=500.0), placing(2, "BUY", "LMT", 5, lmt_price=500.0, tif="GTC"))
    assert words(pit.peer.wait(at("2026-11-24 16:01"))) == ["open 1 Cancelled", "status 1 Cancelled 0/5", "error 1 202"]
    assert [o.order_id for o in pit.room.orders.values() if o.status == "Submitted"] == [2]


def test_an_order_good_till_a_date_ends_then() -> None:
    pit = Pit()
    pit.peer.ask(placing(1, "BUY", "LMT", 5, lmt_price=500.0, tif="GTD", good_till_date="20261124 10:05:00 US/Eastern"))
    assert pit.peer.wait(at("2026-11-24 10:04")) == []
    assert "error 1 202" in words(pit.peer.wait(at("2026-11-24 10:05")))


def test_an_order_good_after_a_time_begins_then() -> None:
    pit = Pit()
    heard = pit.peer.ask(placing(1, "BUY", "MKT", 5, good_after_time="20261124-15:30:00"))
    assert words(heard) == ["open 1 PreSubmitted", "status 1 PreSubmitted 0/5"]
    assert fills(pit.trades("600")) == []
    pit.peer.wait(at("2026-11-24 10:30"))
    assert len(fills(pit.trades("600"))) == 1


def test_an_order_may_wait_for_a_year_that_no_calendar_knows() -> None:
    pit = Pit()
    heard = pit.peer.ask(placing(1, "BUY", "LMT", 5, lmt_price=700.0, good_after_time="20300101-01:01:01"))
    assert words(heard) == ["open 1 PreSubmitted", "status 1 PreSubmitted 0/5"]
    assert fills(pit.trades("600")) == []
    assert statuses(pit.peer.ask(cancelling(1)), 1) == ["Cancelled"]


def test_orders_for_the_close_and_the_open_work_there() -> None:
    pit = Pit()
    pit.peer.ask(placing(1, "BUY", "MOC", 5), placing(2, "BUY", "LMT", 3, lmt_price=700.0, tif="OPG"))
    assert fills(pit.trades("600")) == []
    pit.peer.wait(at("2026-11-24 15:59:55"))
    assert [each[:2] for each in fills(pit.trades("600"))] == [(1, 5)]
    pit.peer.wait(at("2026-11-25 09:30"))
    assert [each[:2] for each in fills(pit.trades("601"))] == [(2, 3)]


def test_every_order_is_cancelled_at_once_whoever_placed_it() -> None:
    pit = Pit()
    other = pit.another(2)
    pit.peer.ask(placing(1, "BUY", "LMT", 5, lmt_price=500.0), placing(2, "SELL", "STP", 5, aux_price=500.0))
    assert "error 1 202" in words(other.ask(placing(1, "BUY", "LMT", 5, lmt_price=500.0), ReqGlobalCancel()))
    assert [w for w in words(pit.peer.hear()) if w.startswith("error")] == ["error 1 202", "error 2 202"]


def test_open_orders_name_everything_that_works() -> None:
    pit = Pit()
    pit.peer.ask(placing(1, "BUY", "LMT", 5, lmt_price=500.0, order_ref="mine"), placing(2, "BUY", "MKT", 5, transmit=False))
    heard = pit.peer.ask(ReqOpenOrders())
    assert words(heard) == ["open 1 Submitted", "status 1 Submitted 0/5"]
    assert heard[-1] == OpenOrderEnd()
    order = heard[0].order
    assert (order.order_ref, order.account, order.client_id, order.tif) == ("mine", "DU1", 1, "DAY")
    assert heard[0].contract.right == "?"


def test_executions_come_back_with_their_commissions_before_the_end() -> None:
    pit = Pit()
    pit.peer.ask(placing(1, "BUY", "MKT", 5), placing(2, "SELL", "MKT", 3, MES))
    pit.trades("600")
    pit.trades("6800", MES)
    assert words(pit.peer.ask(ReqExecutions(7))) == ["fill 1 BOT 5 @ 600.1", "commission", "fill 2 SLD 3 @ 6799.75", "commission"]
    for filtered, numbers in [
        (ReqExecutions(7, symbol="SPY"), [1]),
        (ReqExecutions(7, sec_type="FUT"), [2]),
        (ReqExecutions(7, side="BUY"), [1]),
        (ReqExecutions(7, client_id=4), []),
        (ReqExecutions(7, account="DU9"), []),
        (ReqExecutions(7, time="20261124-23:00:00"), []),
        (ReqExecutions(7, time="20261124 10:00:02"), [2]),
        (ReqExecutions(7, exchange="CME"), [2]),
    ]:
        heard = pit.peer.ask(filtered)
        assert [number for number, _, _ in fills(heard)] == numbers
        assert heard[-1] == ExecDetailsEnd(7)
    assert codes(pit.peer.ask(ReqExecutions(7, time="yesterday"))) == [337]
    pit.simulator.advance(at("2026-11-25 00:00"))
    assert words(pit.peer.ask(ReqExecutions(8))) == []


def test_a_currency_is_traded_by_its_quotes() -> None:
    pit = Pit()
    pit.peer.ask(placing(1, "BUY", "MKT", 20_000, EUR), placing(2, "SELL", "LIT", 20_000, EUR, aux_price=1.2, lmt_price=1.19))
    bought = pit.quotes("1.1", "1.1002", EUR)
    assert fills(bought) == [(1, 20_000, 1.1001)]
    assert [m.commission for m in bought if isinstance(m, CommissionReport)] == [2.0]  # 0.2 basis points were 0.44
    assert fills(pit.quotes("1.2", "1.2002", EUR)) == []
    assert fills(pit.quotes("1.2001", "1.2003", EUR)) == [(2, 20_000, 1.2001)]


def test_the_room_only_looks_when_something_waits() -> None:
    pit = Pit()
    assert pit.room.next_due() > OPEN + 10**15
    pit.peer.ask(placing(1, "BUY", "LMT", 5, lmt_price=500.0))
    assert pit.room.next_due() == at("2026-11-24 16:00")
    pit.peer.ask(cancelling(1))
    assert pit.room.next_due() > OPEN + 10**15
