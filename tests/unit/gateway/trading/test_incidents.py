"""What goes wrong with orders on demand, and a gateway that is stopped and goes on."""

from typing import Any

import msgspec
import pytest

from tests.unit.gateway.hand_market import BOOK
from tests.unit.gateway.trading.pit import MES, SECOND, SPY, Pit, cancelling, codes, fills, placing, statuses, words
from theo.domain.errors import ConfigError, CorruptionError
from theo.domain.instrument import MICROS
from theo.gateway.incidents.levers import TradingLevers
from theo.gateway.trading.working import FOLLOWS, LIVE, Phase
from theo.gateway.wire.messages.account import Position, ReqPositions
from theo.gateway.wire.messages.order import PriceCondition
from theo.gateway.wire.messages.orders import (
    CommissionReport,
    CompletedOrder,
    ExecDetails,
    OpenOrder,
    OrderStatus,
    ReqAllOpenOrders,
    ReqCompletedOrders,
    ReqExecutions,
    ReqGlobalCancel,
    ReqOpenOrders,
)
from theo.gateway.wire.messages.session import NextValidId, ReqIds


def test_the_room_has_every_lever_that_incidents_pull() -> None:
    levers: TradingLevers = Pit().room
    assert levers is not None


def test_fills_while_the_link_is_down_must_be_asked_for() -> None:
    pit = Pit()
    pit.peer.ask(placing(1, "BUY", "LMT", 5, lmt_price=600.0), ReqPositions())
    pit.room.hold_reports(pit.simulator.desk, on=True)
    assert pit.offers("600", 5) == []
    pit.room.hold_reports(pit.simulator.desk, on=False)
    assert pit.trades("600") == []
    assert words(pit.peer.ask(ReqExecutions(3))) == ["fill 1 BOT 5 @ 600.0", "commission"]
    (position, _) = pit.peer.ask(ReqPositions())
    assert isinstance(position, Position)
    assert position.position == 5


def test_an_order_may_be_taken_without_a_word_and_lives() -> None:
    pit = Pit()
    pit.room.swallow_orders(1)
    assert pit.peer.ask(placing(1, "BUY", "LMT", 5, lmt_price=600.0)) == []
    assert words(pit.peer.ask(ReqOpenOrders())) == ["open 1 Submitted", "status 1 Submitted 0/5"]
    assert pit.offers("600", 5) == []
    assert fills(pit.peer.ask(ReqExecutions(3))) == [(1, 5, 600.0)]
    assert words(pit.peer.ask(placing(2, "BUY", "LMT", 5, lmt_price=500.0))) != []


def test_a_change_may_make_two_orders_of_one_and_the_ghost_lives_on() -> None:
    pit = Pit()
    pit.peer.ask(placing(1, "SELL", "STP", 5, aux_price=590.0))
    pit.room.split_modifies(1)
    pit.peer.ask(placing(1, "SELL", "STP", 5, aux_price=595.0))
    heard = pit.peer.ask(ReqAllOpenOrders())
    assert len({m.order.perm_id for m in heard if isinstance(m, OpenOrder)}) == 2
    assert {m.order.order_id for m in heard if isinstance(m, OpenOrder)} == {1}
    assert statuses(pit.peer.ask(cancelling(1)), 1)[-1] == "Cancelled"
    assert codes(pit.peer.ask(cancelling(1))) == [10148]
    assert fills(pit.trades("590")) == [(1, 5, 599.9)]  # it takes the bid


def test_an_order_may_be_inactive_long_before_it_is_told_why() -> None:
    pit = Pit()
    pit.room.late_rejects(1)
    assert words(pit.peer.ask(placing(1, "BUY", "MKT", 5))) == ["open 1 Inactive", "status 1 Inactive 0/5"]
    assert pit.peer.wait(pit.now + 4 * SECOND) == []
    assert words(pit.peer.wait(pit.now + 2 * SECOND)) == ["error 1 201"]
    assert pit.peer.wait(pit.now + 20 * SECOND) == []


def test_a_cancel_may_lose_to_a_fill() -> None:
    pit = Pit()
    pit.peer.ask(placing(1, "BUY", "LMT", 5, lmt_price=500.0))
    pit.room.lose_cancels(1)
    heard = pit.peer.ask(cancelling(1))
    assert (heard[0].code, heard[0].text[-14:]) == (10148, "state: Filled.")
    assert words(heard[1:]) == ["fill 1 BOT 5 @ 500.0", "open 1 Filled", "status 1 Filled 5/0", "commission"]
    assert fills(pit.trades("400")) == []


def test_both_orders_of_a_group_may_be_filled_in_a_race() -> None:
    pit = Pit()
    group: dict[str, Any] = {"oca_group": "g", "oca_type": 1}
    pit.peer.ask(placing(1, "SELL", "LMT", 5, lmt_price=610.0, **group), placing(2, "SELL", "STP", 5, aux_price=590.0, **group))
    for perm_id in list(pit.room.orders):
        pit.room.fill_now(pit.simulator.desk, perm_id)
    assert [each[:2] for each in fills(pit.peer.hear())] == [(1, 5), (2, 5)]
    with pytest.raises(ConfigError, match="no live order"):
        pit.room.fill_now(pit.simulator.desk, 7)


def test_a_part_may_be_filled_on_demand_and_the_rest_works_on() -> None:
    pit = Pit()
    pit.peer.ask(placing(1, "BUY", "LMT", 5, lmt_price=500.0))
    pit.room.fill_now(pit.simulator.desk, min(pit.room.orders), 2)
    assert fills(pit.offers("500", 100)) == [(1, 2, 500.0), (1, 3, 500.0)]


def test_an_execution_is_corrected_under_the_next_suffix_and_the_books_follow() -> None:
    pit = Pit()
    pit.peer.ask(placing(1, "BUY", "MKT", 5))
    first = next(m for m in pit.trades("600") if isinstance(m, ExecDetails)).execution
    pit.room.correct_execution(pit.simulator.desk)
    heard = pit.peer.hear()
    second = next(m for m in heard if isinstance(m, ExecDetails)).execution
    assert (first.exec_id[:-2], second.exec_id[:-2]) == (second.exec_id[:-2], first.exec_id[:-2])
    assert (first.exec_id[-2:], second.exec_id[-2:]) == ("01", "02")
    assert (second.price, second.avg_price) == (600.11, 600.11)
    assert next(m for m in heard if isinstance(m, CommissionReport)).exec_id == second.exec_id
    assert pit.ledgers.accounts["DU1"].cash["USD"] == (1_000_000 - 1) * MICROS - 5 * 600_110_000
    assert pit.ledgers.accounts["DU1"].holdings[SPY.con_id].cost == 5 * 600_110_000


def test_a_corrected_close_changes_what_was_realized() -> None:
    pit = Pit()
    pit.peer.ask(placing(1, "BUY", "MKT", 1, MES))
    pit.trades("6800", MES)
    pit.peer.ask(placing(2, "SELL", "MKT", 1, MES))
    heard = pit.trades("6800", MES)
    before = next(m for m in heard if isinstance(m, CommissionReport)).realized_pnl
    pit.room.correct_execution(pit.simulator.desk)
    after = next(m for m in pit.peer.hear() if isinstance(m, CommissionReport)).realized_pnl
    assert before is not None
    assert after is not None
    assert before == pytest.approx(-0.5 * 5 - 2 * 0.62)
    assert after == pytest.approx(before - 1.25)
    assert pit.ledgers.accounts["DU1"].cash["USD"] == 1_000_000 * MICROS + round(after * MICROS)


def test_ids_roll_back_and_new_orders_get_the_numbers_of_live_ones() -> None:
    pit = Pit()
    pit.peer.ask(*[placing(n, "BUY", "LMT", 5, lmt_price=500.0 + n) for n in range(1, 6)])
    pit.peer.ask(placing(6, "BUY", "LMT", 5, lmt_price=500.0, transmit=False))
    pit.room.roll_back_ids(pit.simulator.desk, 3)
    assert pit.peer.ask(ReqIds()) == [NextValidId(4)]
    assert len(pit.room.orders) == 5  # what was not transmitted is gone
    assert codes(pit.peer.ask(cancelling(5))) == [10147]
    pit.peer.ask(placing(4, "BUY", "LMT", 7, lmt_price=490.0))
    same = [m for m in pit.peer.ask(ReqOpenOrders()) if isinstance(m, OrderStatus) and m.order_id == 4]
    assert [int(m.remaining) for m in same] == [5, 7]
    assert len({m.perm_id for m in same}) == 2
    assert codes(pit.peer.ask(placing(3, "BUY", "LMT", 6, lmt_price=503.0))) == []  # still a change


def test_every_order_is_rejected_while_the_login_has_lapsed() -> None:
    pit = Pit()
    pit.room.reject_orders(on=True)
    assert words(pit.peer.ask(placing(1, "BUY", "MKT", 5)))[-1] == "error 1 201"
    pit.room.reject_orders(on=False)
    assert statuses(pit.peer.ask(placing(2, "BUY", "MKT", 5)), 2)[-1] == "Submitted"


def test_a_preset_may_be_told_of() -> None:
    heard = Pit(preset_notices=True).peer.ask(placing(1, "BUY", "LMT", 5, lmt_price=500.0, tif=""))
    assert heard[0].code == 10349
    assert statuses(heard, 1)[-1] == "Submitted"


def busy() -> Pit:
    """A gateway with every kind of order in it."""
    pit = Pit()
    condition = PriceCondition("a", is_more=True, price=6810.0, con_id=MES.con_id, exchange="CME")
    pit.peer.ask(
        placing(1, "BUY", "LMT", 5, lmt_price=600.0),
        placing(2, "SELL", "LMT", 5, lmt_price=610.0, parent_id=1),
        placing(3, "SELL", "TRAIL", 5, aux_price=10.0, parent_id=1),
        placing(4, "BUY", "MKT", 2, conditions=(condition,)),
        placing(5, "SELL", "TRAIL", 2, trailing_percent=1.0),
        placing(6, "BUY", "MOC", 2),
        placing(7, "BUY", "LMT", 2, lmt_price=1.0, transmit=False),
        placing(8, "BUY", "LMT", 2, lmt_price=400.0, tif="GTC", order_ref="mine"),
        placing(9, "BUY", "MKT", 1, MES),
        cancelling(8),
    )
    pit.offers("600", 3)
    pit.trades("6800", MES)
    return pit


def test_a_gateway_goes_on_where_it_was_stopped() -> None:
    """One is stopped, its state goes through JSON, and it hears and says the same as one that never stopped."""
    one, other = busy(), busy()
    state, accounts = msgspec.json.encode(one.room.state()), msgspec.json.encode(one.ledgers.state())
    fresh = Pit(now=one.now)
    fresh.market.quotes = one.market.quotes
    fresh.room.restore(fresh.simulator.desk, msgspec.json.decode(state))
    fresh.ledgers.restore(msgspec.json.decode(accounts))
    assert msgspec.json.encode(fresh.room.state()) == state
    script: list[Any] = [ReqAllOpenOrders(), ReqCompletedOrders(api_only=True), ReqExecutions(1)]
    assert words(fresh.peer.ask(*script)) == words(other.peer.ask(*script))
    for price in ("600", "611", "598", "590"):
        assert words(fresh.quotes(price, price)) == words(other.quotes(price, price))
        assert words(fresh.trades(price)) == words(other.trades(price))
    assert words(fresh.trades("6811", MES)) == words(other.trades("6811", MES))
    assert words(fresh.peer.ask(ReqIds(), ReqGlobalCancel())) == words(other.peer.ask(ReqIds(), ReqGlobalCancel()))
    assert fresh.ledgers.accounts == other.ledgers.accounts


@pytest.mark.parametrize("state", [None, {}, {"orders": [{}]}, {"venue": {}, "orders": []}])
def test_what_is_no_state_is_said_to_be_none(state: object) -> None:
    pit = Pit()
    with pytest.raises(CorruptionError, match="cannot be read"):
        pit.room.restore(pit.simulator.desk, state)


def test_a_state_of_contracts_that_are_gone_is_refused() -> None:
    pit = Pit()
    pit.peer.ask(placing(1, "BUY", "LMT", 5, lmt_price=500.0))
    text = msgspec.json.encode(pit.room.state()).replace(str(SPY.con_id).encode(), b"424242")
    assert BOOK.listing(424242) is None
    with pytest.raises(CorruptionError, match="cannot be read"):
        Pit().room.restore(pit.simulator.desk, msgspec.json.decode(text))


def test_a_finished_order_is_finished() -> None:
    pit = Pit()
    pit.peer.ask(placing(1, "BUY", "MKT", 5))
    pit.trades("600")
    (worked,) = pit.room.orders.values()
    for phase in Phase:
        with pytest.raises(ValueError, match="cannot become"):
            worked.become(phase)
    assert all(FOLLOWS[phase] for phase in LIVE)


def test_the_same_requests_and_prices_give_the_same_bytes() -> None:
    def run() -> list[Any]:
        pit = busy()
        return [*pit.trades("611"), *pit.peer.ask(ReqAllOpenOrders(), ReqCompletedOrders(api_only=True))]

    first = run()
    assert first == run()
    assert any(isinstance(m, CompletedOrder) for m in first)
