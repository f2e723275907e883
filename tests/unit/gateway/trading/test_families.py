"""Brackets, groups, and orders of several clients and accounts."""

from typing import Any

import pytest

from tests.unit.gateway.hand_market import listed
from tests.unit.gateway.trading.pit import MES, SPY, Peer, Pit, at, cancelling, codes, fills, placing, statuses, words
from theo.gateway.trading.allocation import fill_shares, split
from theo.gateway.wire.messages.contract import Contract
from theo.gateway.wire.messages.order import Order
from theo.gateway.wire.messages.orders import (
    CompletedOrder,
    CompletedOrdersEnd,
    ExecDetails,
    OpenOrder,
    OpenOrderEnd,
    OrderBound,
    OrderStatus,
    ReqAllOpenOrders,
    ReqAutoOpenOrders,
    ReqCompletedOrders,
    ReqGlobalCancel,
    ReqOpenOrders,
)


def bracket(pit: Pit, quantity: int = 5, **parent: Any) -> list[Any]:  # noqa: ANN401 - any field
    """Buy at 600 (order 1), take the profit at 610 (2), stop at 590 (3); what is heard of it."""
    head = {"kind": "LMT", "lmt_price": 600.0, **parent}
    kind = head.pop("kind")
    return pit.peer.ask(
        placing(1, "BUY", kind, quantity, transmit=False, **head),
        placing(2, "SELL", "LMT", quantity, lmt_price=610.0, parent_id=1, transmit=False),
        placing(3, "SELL", "STP", quantity, aux_price=590.0, parent_id=1),
    )


def test_a_bracket_is_sent_with_its_last_order() -> None:
    pit = Pit()
    assert pit.peer.ask(placing(1, "BUY", "LMT", 5, lmt_price=600.0, transmit=False)) == []
    assert words(pit.peer.ask(ReqOpenOrders())) == []
    heard = bracket_children(pit)
    assert words(heard) == [
        "open 1 PreSubmitted",
        "status 1 PreSubmitted 0/5",
        "open 1 Submitted",
        "status 1 Submitted 0/5",
        "open 2 PreSubmitted",
        "status 2 PreSubmitted 0/5",
        "open 3 PreSubmitted",
        "status 3 PreSubmitted 0/5",
    ]
    held = {m.order_id: (m.parent_id, m.why_held) for m in heard if isinstance(m, OrderStatus)}
    assert held == {1: (0, ""), 2: (1, "child"), 3: (1, "child,trigger")}


def bracket_children(pit: Pit) -> list[Any]:
    return pit.peer.ask(
        placing(2, "SELL", "LMT", 5, lmt_price=610.0, parent_id=1, transmit=False),
        placing(3, "SELL", "STP", 5, aux_price=590.0, parent_id=1),
    )


def test_children_wait_for_the_whole_parent_then_one_fills_and_the_other_is_cancelled() -> None:
    pit = Pit()
    bracket(pit)
    heard = pit.offers("600", 2)
    assert (fills(heard), statuses(heard, 2), statuses(heard, 3)) == ([(1, 2, 600.0)], [], [])
    heard = pit.offers("600", 3)
    assert (statuses(heard, 1), statuses(heard, 2), statuses(heard, 3)) == (
        ["Filled"],
        ["PreSubmitted", "Submitted"],
        ["PreSubmitted"],
    )
    child = next(m for m in heard if isinstance(m, OpenOrder) and m.order.order_id == 2)
    parent = next(m for m in heard if isinstance(m, OpenOrder) and m.order.order_id == 1)
    pit.quotes("599.9", "600.1")  # the children rest
    assert (child.order.oca_type, child.order.oca_group) == (3, str(parent.order.perm_id))
    heard = pit.quotes("610.1", "610.3")
    assert fills(heard) == [(2, 5, 610.0)]
    assert statuses(heard, 3) == ["Cancelled"]
    assert "error 3 202" in words(heard)


def test_a_partly_filled_child_makes_its_brother_smaller() -> None:
    pit = Pit()
    bracket(pit)
    pit.offers("600", 5)
    pit.quotes("599.9", "600.1")
    heard = pit.quotes("610.1", "610.3", sizes=(2, 100))
    assert fills(heard) == [(2, 2, 610.0)]
    assert [(int(m.filled), int(m.remaining)) for m in heard if isinstance(m, OrderStatus) and m.order_id == 3] == [(0, 3)]
    pit.quotes("589.8", "590.2")
    assert [each[:2] for each in fills(pit.trades("590"))] == [(3, 3)]
    assert pit.ledgers.accounts["DU1"].holdings[SPY.con_id].quantity == 0


def test_children_die_with_their_parent() -> None:
    pit = Pit()
    bracket(pit)
    heard = pit.peer.ask(cancelling(1))
    assert [w for w in words(heard) if w.startswith("error")] == ["error 1 202", "error 2 202", "error 3 202"]
    assert codes(pit.peer.ask(placing(4, "SELL", "LMT", 5, lmt_price=610.0, parent_id=1))) == [10006]


def test_a_parent_that_is_refused_for_funds_takes_its_children_with_it() -> None:
    heard = bracket(Pit(cash=100))
    assert (statuses(heard, 1), statuses(heard, 2), statuses(heard, 3)) == (["Inactive"], ["Cancelled"], ["Cancelled"])


def test_a_child_may_come_later_and_may_be_of_another_contract() -> None:
    pit = Pit()
    pit.peer.ask(placing(1, "BUY", "LMT", 5, lmt_price=600.0))
    assert statuses(pit.peer.ask(placing(2, "SELL", "MKT", 1, MES, parent_id=1)), 2) == ["PreSubmitted"]
    assert statuses(pit.offers("600", 5), 2)[-1] == "Submitted"
    heard = pit.peer.ask(placing(3, "SELL", "LMT", 5, lmt_price=700.0, parent_id=1))
    assert statuses(heard, 3)[-1] == "Submitted"


def test_a_child_is_changed_while_it_waits() -> None:
    pit = Pit()
    bracket(pit)
    assert words(pit.peer.ask(placing(3, "SELL", "STP", 5, aux_price=595.0, parent_id=1))) == [
        "open 3 PreSubmitted",
        "status 3 PreSubmitted 0/5",
    ]
    pit.offers("600", 5)
    pit.quotes("594.9", "595.1")
    assert fills(pit.trades("595")) == [(3, 5, 594.9)]


@pytest.mark.parametrize(
    ("oca_type", "after"),
    [(0, "Cancelled 0/5"), (1, "Cancelled 0/5"), (2, "Submitted 0/3"), (3, "Submitted 0/3")],
)
def test_a_group_of_one_name_acts_by_its_type(oca_type: int, after: str) -> None:
    pit = Pit()
    group: dict[str, Any] = {"oca_group": "g", "oca_type": oca_type}
    pit.peer.ask(
        placing(1, "BUY", "LMT", 5, lmt_price=600.0, **group),
        placing(2, "BUY", "LMT", 5, lmt_price=500.0, **group),
        placing(3, "BUY", "MIT", 5, MES, aux_price=500.0, **group),
    )
    heard = pit.offers("600", 2)
    assert f"status 2 {after}" in words(heard)
    assert f"status 3 {after.replace('Submitted', 'PreSubmitted')}" in words(heard)
    assert pit.another(2).ask(placing(1, "BUY", "LMT", 5, lmt_price=500.0, **group))


def test_only_the_owner_may_touch_an_order_and_the_master_sees_all() -> None:
    pit = Pit(master_client_id=7)
    other, master = pit.another(2), pit.another(7)
    pit.peer.ask(placing(1, "BUY", "LMT", 5, lmt_price=600.0))
    assert codes(other.ask(cancelling(1))) == codes(master.ask(cancelling(1))) == [10147]
    assert statuses(master.hear(), 1) == []  # what it asked before is read
    pit.offers("600", 5)
    assert words(master.hear()) == ["fill 1 BOT 5 @ 600.0", "open 1 Filled", "status 1 Filled 5/0", "commission"]
    assert words(other.hear()) == ["commission"]


def test_all_open_orders_are_everybodys_and_a_client_that_comes_back_finds_its_own() -> None:
    pit = Pit()
    other = pit.another(2)
    other.ask(placing(4, "BUY", "LMT", 5, lmt_price=500.0))
    heard = pit.peer.ask(placing(1, "BUY", "LMT", 5, lmt_price=500.0), ReqAllOpenOrders())
    assert [(m.order.client_id, m.order.order_id) for m in heard if isinstance(m, OpenOrder)][2:] == [(2, 4), (1, 1)]
    pit.simulator.disconnected(other.client)
    pit.offers("499", 100)
    again = pit.another(2)
    assert again.ask(ReqOpenOrders()) == [OpenOrderEnd()]


class Started(Peer):
    """Keeps what it heard when it started."""

    heard_first: list[Any]

    def ask(self, *requests: Any) -> list[Any]:  # noqa: ANN401 - any request
        heard = super().ask(*requests)
        if not hasattr(self, "heard_first"):
            self.heard_first = heard
        return heard


@pytest.mark.parametrize("told", [True, False])
def test_open_orders_are_told_at_the_start_if_the_settings_say_so(told: bool) -> None:  # noqa: FBT001 - a setting
    pit = Pit(open_orders_on_connect=told)
    pit.peer.ask(placing(1, "BUY", "LMT", 5, lmt_price=500.0))
    pit.simulator.disconnected(pit.peer.client)
    assert words(Started(pit.simulator, 1).heard_first) == (["open 1 Submitted", "status 1 Submitted 0/5"] if told else [])


def test_a_read_only_gateway_takes_no_orders() -> None:
    pit = Pit(read_only=True)
    requests = (placing(1, "BUY", "MKT", 5), cancelling(1), ReqGlobalCancel(), ReqOpenOrders(), ReqCompletedOrders(api_only=True))
    heard = pit.peer.ask(*requests)
    assert [(m.req_id, m.code) for m in heard] == [(1, 321), (1, 321), (-1, 321), (-1, 321), (-1, 321)]
    assert "Read-Only mode" in heard[0].text


def typed(side: str, kind: str, quantity: int, **more: Any) -> tuple[Contract, Order]:  # noqa: ANN401 - any field
    asked = placing(0, side, kind, quantity, **more)
    return asked.contract, asked.order


def test_orders_of_tws_have_no_number_until_client_0_binds_them() -> None:
    pit = Pit()
    zero = pit.another(0)
    pit.room.place_in_tws(pit.simulator.desk, *typed("BUY", "LMT", 5, lmt_price=500.0))
    assert {m.order_id for m in zero.hear() if isinstance(m, OrderStatus)} == {0}
    assert [m.order.order_id for m in pit.peer.ask(ReqAllOpenOrders()) if isinstance(m, OpenOrder)] == [0]
    assert words(pit.peer.ask(ReqOpenOrders())) == []
    bound, *_ = heard = zero.ask(ReqOpenOrders())
    assert isinstance(bound, OrderBound)
    assert (bound.client_id, bound.order_id) == (0, 1)
    assert words(heard) == ["open 1 Submitted", "status 1 Submitted 0/5"]
    assert "error 1 202" in words(zero.ask(cancelling(1)))
    assert codes(pit.peer.ask(ReqAutoOpenOrders(auto_bind=True))) == [327]
    zero.ask(ReqAutoOpenOrders(auto_bind=True))
    pit.room.place_in_tws(pit.simulator.desk, *typed("BUY", "LMT", 5, lmt_price=500.0))
    assert [m.order_id for m in zero.hear() if isinstance(m, OrderBound)] == [2]


def test_completed_orders_are_known_by_perm_id_and_reference() -> None:
    pit = Pit()
    pit.peer.ask(placing(1, "BUY", "MKT", 5, order_ref="one"), placing(2, "BUY", "LMT", 5, lmt_price=500.0), cancelling(2))
    pit.trades("600")
    pit.room.place_in_tws(pit.simulator.desk, *typed("BUY", "MKT", 1))
    pit.trades("600")
    heard = pit.peer.ask(ReqCompletedOrders(api_only=True))
    done = [m for m in heard if isinstance(m, CompletedOrder)]
    assert [(m.state.status, m.order.order_ref, m.state.completed_status) for m in done] == [
        ("Filled", "one", "Filled Size: 5"),
        ("Cancelled", "", "Cancelled by Trader"),
    ]
    assert done[0].state.completed_time == "20261124 10:00:01 America/New_York"
    assert done[0].order.perm_id > 0
    assert heard[-1] == CompletedOrdersEnd()
    assert len(pit.peer.ask(ReqCompletedOrders(api_only=False))) == 4
    pit.simulator.advance(at("2026-11-25 00:00"))
    assert pit.peer.ask(ReqCompletedOrders(api_only=False))[-1:] == [CompletedOrdersEnd()]
    assert not [m for m in pit.peer.ask(ReqCompletedOrders(api_only=False)) if isinstance(m, CompletedOrder)]


ADVISOR: dict[str, Any] = {
    "accounts": ("DU1", "DU2", "DU3"),
    "cash": 1_000_000,
    "account_groups": {"two": ("DU1", "DU2")},
}


def test_several_accounts_need_one_to_be_named() -> None:
    pit = Pit(**ADVISOR)
    assert codes(pit.peer.ask(placing(1, "BUY", "MKT", 5))) == [435]
    assert statuses(pit.peer.ask(placing(1, "BUY", "MKT", 5, account="DU2")), 1)[-1] == "Submitted"
    pit.trades("600")
    assert {name: len(each.holdings) for name, each in pit.ledgers.accounts.items()} == {"DU1": 0, "DU2": 1, "DU3": 0}


@pytest.mark.parametrize(
    ("group", "method", "expected"),
    [
        ("All", "EqualQuantity", {"DU1": 4, "DU2": 3, "DU3": 3}),
        ("two", "EqualQuantity", {"DU1": 5, "DU2": 5}),
        ("two", "NetLiq", {"DU1": 5, "DU2": 5}),
        ("two", "AvailableEquity", {"DU1": 6, "DU2": 4}),
    ],
)
def test_a_group_shares_an_order_and_each_account_has_its_executions(group: str, method: str, expected: dict[str, int]) -> None:
    pit = Pit(**ADVISOR)
    pit.ledgers.book("DU2", MES.instrument, 150, MES.instrument.units("6800"), 0)  # a third of its equity is margin
    pit.peer.ask(placing(1, "BUY", "MKT", 10, fa_group=group, fa_method=method))
    heard = pit.trades("600")
    shares = {m.execution.acct_number: int(m.execution.shares) for m in heard if isinstance(m, ExecDetails)}
    assert shares == expected
    assert statuses(heard, 1) == ["Filled"]
    charged = sum(int(m.commission * 100) for m in heard if hasattr(m, "commission"))
    assert charged == 100


def test_an_allocation_by_percent_follows_what_is_held() -> None:
    pit = Pit(**ADVISOR)
    pit.ledgers.book("DU1", SPY.instrument, 100, SPY.instrument.units("600"), 0)
    pit.ledgers.book("DU2", SPY.instrument, 50, SPY.instrument.units("600"), 0)
    pit.peer.ask(placing(1, "SELL", "MKT", 1, fa_group="All", fa_method="PctChange", fa_percentage="-20"))
    heard = pit.trades("600")
    assert {m.execution.acct_number: int(m.execution.shares) for m in heard if isinstance(m, ExecDetails)} == {
        "DU1": 20,
        "DU2": 10,
    }


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"fa_group": "nobody"}, 332),
        ({"fa_group": "All", "fa_method": "Fair"}, 333),
        ({"fa_group": "All", "fa_method": "PctChange", "fa_percentage": "half"}, 333),
        ({"fa_group": "All", "fa_method": "PctChange", "fa_percentage": "50"}, 426),
    ],
)
def test_an_allocation_that_cannot_be_is_refused(fields: dict[str, Any], code: int) -> None:
    assert codes(Pit(**ADVISOR).peer.ask(placing(1, "SELL", "MKT", 10, **fields))) == [code]


def test_shares_of_a_fill_end_where_the_order_ends() -> None:
    wanted, got = split(100, {"a": 5, "b": 3, "c": 2}), dict.fromkeys("abc", 0)
    assert wanted == {"a": 50, "b": 30, "c": 20}
    for quantity in (1, 7, 33, 2, 57):
        part = fill_shares(quantity, wanted, got)
        assert sum(part.values()) == quantity
        for account, size in part.items():
            got[account] += size
            assert got[account] <= wanted[account]
    assert got == wanted


def test_twenty_orders_work_on_a_side_of_a_contract() -> None:
    pit = Pit(working_orders_max=2)
    heard = pit.peer.ask(*[placing(n, "BUY", "LMT", 1, lmt_price=500.0) for n in (1, 2, 3)])
    assert statuses(heard, 3) == ["Inactive"]
    assert "maximum of 2" in heard[-1].text
    assert statuses(pit.peer.ask(placing(4, "SELL", "LMT", 1, lmt_price=700.0)), 4)[-1] == "Submitted"


def test_a_member_of_a_group_that_dies_with_its_parent_is_ended_once() -> None:
    pit = Pit()
    group: dict[str, Any] = {"oca_group": "g", "oca_type": 1}
    pit.peer.ask(
        placing(1, "BUY", "MKT", 5, **group),
        placing(2, "BUY", "MIT", 5, aux_price=500.0, **group),
        placing(3, "SELL", "LMT", 5, lmt_price=610.0, parent_id=2, **group),
    )
    heard = pit.trades("600")
    assert (statuses(heard, 1), statuses(heard, 2), statuses(heard, 3)) == (["Filled"], ["Cancelled"], ["Cancelled"])


def test_what_has_expired_or_is_continuous_cannot_be_traded() -> None:
    pit = Pit()
    gone = listed("MES", "FUT", last_trade_date_or_contract_month="202609", include_expired=True)
    assert codes(pit.peer.ask(placing(1, "BUY", "MKT", 1, gone))) == [392]
    front = listed("MES", "CONTFUT")
    asked = placing(2, "BUY", "MKT", 1, front)
    asked = type(asked)(type(asked.contract)(symbol="MES", sec_type="CONTFUT", exchange="CME", currency="USD"), asked.order)
    assert codes(pit.peer.ask(asked)) == [412]
