"""What goes wrong with orders, row by row, as a client of the whole gateway sees it."""

from typing import Any

import pytest

from tests.unit.gateway.hand_market import MES, trade
from tests.unit.gateway.incidents.field import Field, told
from tests.unit.gateway.trading.pit import Peer, cancelling, codes, fills, placing, statuses, words
from theo.domain.errors import ConfigError
from theo.domain.market_data import SECOND
from theo.gateway.incidents.scenario import Step
from theo.gateway.wire.messages.account import Position, ReqPositions
from theo.gateway.wire.messages.orders import (
    CommissionReport,
    ExecDetails,
    OpenOrder,
    OrderStatus,
    ReqAllOpenOrders,
    ReqAutoOpenOrders,
    ReqExecutions,
    ReqOpenOrders,
)
from theo.gateway.wire.messages.session import NextValidId, ReqIds

AWAY = 500.0  # where nothing trades


def position(peer: Peer) -> int:
    """Of SPY or MES, whichever there is."""
    return sum(int(m.position) for m in peer.ask(ReqPositions()) if isinstance(m, Position))


def open_orders(peer: Peer) -> list[tuple[int, int]]:
    """(order id, permId) of everybody's live orders."""
    return [(m.order.order_id, m.order.perm_id) for m in peer.ask(ReqAllOpenOrders()) if isinstance(m, OpenOrder)]


def executions(peer: Peer) -> list[tuple[str, int]]:
    """(execution id, quantity) of all of today."""
    heard = peer.ask(ReqExecutions(3))
    return [(m.execution.exec_id, int(m.execution.shares)) for m in heard if isinstance(m, ExecDetails)]


def bracket(field: Field, quantity: int, kind: str = "LMT") -> list[Any]:
    price: dict[str, Any] = {"lmt_price": 599.0} if kind == "LMT" else {}
    return field.peer.ask(
        placing(1, "BUY", kind, quantity, transmit=False, **price),
        placing(2, "SELL", "LMT", quantity, lmt_price=610.0, parent_id=1, transmit=False),
        placing(3, "SELL", "STP", quantity, aux_price=590.0, parent_id=1),
    )


def test_sent_no_answer() -> None:
    """No callback ever; the order lives and fills, and only who asks learns of it."""
    field = Field()
    field.play("sent-no-answer")
    assert field.peer.ask(placing(1, "BUY", "MKT", 5)) == []
    assert field.trades("600") == []
    assert field.wait(24 * 3600) == []
    assert position(field.peer) == 5
    assert statuses(field.peer.ask(placing(2, "BUY", "LMT", 5, lmt_price=AWAY)), 2) != []  # only one was swallowed


def test_sent_no_answer_until_long_after_the_timeout() -> None:
    field = Field()
    field.play("sent-no-answer", seconds=90)
    field.peer.ask(placing(1, "BUY", "MKT", 5), placing(2, "BUY", "LMT", 5, lmt_price=AWAY))
    field.peer.hear()
    heard = field.trades("600") + field.wait(80)
    assert [m for m in heard if "1" in words([m])] == []
    late = field.wait(10)
    assert words(late) == ["open 1 Filled", "status 1 Filled 5/0", "fill 1 BOT 5 @ 600.1", "commission"]
    assert field.wait(3600) == []
    assert len(executions(field.peer)) == 1


def test_orders_lost_in_the_moment_of_a_restart() -> None:
    """Written to a socket that is about to die: IB never saw them, and gives their numbers to the next orders."""
    lose = Step(incident="lost-orders", at="10:00:05", lasts=5, args={"count": 100})
    field = Field(lose, Step(incident="nightly-restart", at="10:00:06", args={"ids": 0}))
    field.peer.ask(placing(1, "BUY", "LMT", 1, lmt_price=AWAY))
    field.wait(5)
    assert field.peer.ask(*[placing(n, "BUY", "MKT", 1) for n in (2, 3, 4)]) == []
    field.wait(1)
    field.part()
    field.simulator.advance(field.now + 60 * SECOND)
    assert [m.order_id for m in field.reconnect() if isinstance(m, NextValidId)] == [2]
    assert [order_id for order_id, _ in open_orders(field.peer)] == [1]
    assert statuses([*field.peer.ask(placing(2, "BUY", "MKT", 1)), *field.trades("600")], 2)[-1] == "Filled"
    assert position(field.peer) == 1


def test_fills_during_1100() -> None:
    """A fill in the outage is never told; executions that are asked for have it, once, and the position is right."""
    field = Field()
    field.peer.ask(placing(1, "BUY", "LMT", 5, lmt_price=AWAY), placing(2, "BUY", "LMT", 7, lmt_price=AWAY), ReqPositions())
    assert told(field.play("fills-during-1100", 30.0)) == [1100]
    assert field.peer.ask(cancelling(1)) == []
    back = field.wait(30)
    assert words(back) == ["error -1 1102"]
    assert fills(field.peer.ask(ReqExecutions(3))) == [(2, 7, AWAY)]
    assert open_orders(field.peer) == []
    assert position(field.peer) == 7


def test_two_permids() -> None:
    """Two live stops with one order id; both sell, and the position that they protected is turned round."""
    field = Field()
    field.peer.ask(placing(1, "BUY", "MKT", 5))
    field.trades("600")
    field.peer.ask(placing(2, "SELL", "STP", 5, aux_price=590.0))
    field.play("two-permids")
    field.peer.ask(placing(2, "SELL", "STP", 5, aux_price=595.0))
    alive = open_orders(field.peer)
    assert [order_id for order_id, _ in alive] == [2, 2]
    assert len(dict.fromkeys(perm_id for _, perm_id in alive)) == 2
    field.quotes("589.9", "590.1")
    field.trades("590")
    assert open_orders(field.peer) == []
    assert position(field.peer) == -5


def test_partial_restart() -> None:
    """Half is filled, the gateway restarts, the rest fills meanwhile: asked for afterwards, each execution is there once."""
    field = Field(Step(incident="partial-restart", at=10, args={"ids": 1}))
    field.peer.ask(placing(1, "SELL", "LMT", 4, MES, lmt_price=6900.0))
    heard = field.wait(10)
    assert fills(heard) == [(1, 2, 6900.0)]
    assert field.peer.client.closes
    field.part()
    field.market.add(trade(MES, field.now + 30 * SECOND, "6901"))
    field.simulator.advance(field.now + 60 * SECOND)
    greeting = field.reconnect()
    assert [m.order_id for m in greeting if isinstance(m, NextValidId)] == [1]  # handed out again
    assert fills(greeting) == []
    found = executions(field.peer)
    assert [quantity for _, quantity in found] == [2, 2]
    assert len(dict(found)) == 2
    assert position(field.peer) == -4


def test_partial_restart_waits_for_an_order_of_which_a_part_can_fill() -> None:
    field = Field()
    field.play("partial-restart")
    field.peer.ask(placing(1, "BUY", "LMT", 1, lmt_price=AWAY))
    field.wait(10)
    assert (field.waiting, field.incidents.played) == (["partial-restart"], [])
    field.peer.ask(placing(2, "BUY", "LMT", 3, lmt_price=AWAY))
    assert fills(field.wait(1)) == [(2, 1, AWAY)]
    assert field.peer.client.closes


def test_partial_bracket() -> None:
    """Half of the parent is filled, and its stop and target work for the whole: protection of the wrong size."""
    field = Field()
    field.play("partial-bracket")
    bracket(field, 10)
    heard = field.wait(1)
    assert fills(heard) == [(1, 5, 599.0)]
    states = {m.order_id: (m.status, int(m.filled), int(m.remaining)) for m in heard if isinstance(m, OrderStatus)}
    assert states == {1: ("Submitted", 5, 5), 2: ("Submitted", 0, 10), 3: ("PreSubmitted", 0, 10)}
    assert statuses(field.peer.ask(cancelling(1)), 1)[-1] == "Cancelled"
    field.quotes("589.9", "590.1")
    field.trades("590")
    assert position(field.peer) == -5  # ten were sold of five


def test_oco_both_fill() -> None:
    """Both children of a bracket fill in a race: what was bought once is sold twice."""
    field = Field()
    bracket(field, 5, "MKT")
    field.trades("600")
    assert [each[:2] for each in fills(field.play("oco-both-fill"))] == [(2, 5), (3, 5)]
    assert [quantity for _, quantity in executions(field.peer)] == [5, 5, 5]
    assert position(field.peer) == -5
    assert open_orders(field.peer) == []


def test_oco_both_fill_of_a_group() -> None:
    field = Field()
    field.play("oco-both-fill")
    group: dict[str, Any] = {"oca_group": "g", "oca_type": 1}
    field.peer.ask(placing(1, "SELL", "LMT", 5, lmt_price=610.0, **group), placing(2, "SELL", "STP", 5, aux_price=590.0, **group))
    field.wait(1)
    assert position(field.peer) == -10


def test_tws_order() -> None:
    """Its order id is 0 and it has no orderRef; client 0 alone can make it its own."""
    field = Field()
    zero = field.another(0)
    zero.ask(ReqAutoOpenOrders(auto_bind=False))
    field.play("tws-order", side="SELL", quantity=3, limit=650)
    (mine,) = [m for m in field.peer.ask(ReqAllOpenOrders()) if isinstance(m, OpenOrder)]
    assert (mine.order.order_id, mine.order.order_ref, mine.order.client_id) == (0, "", 0)
    assert (mine.order.action, int(mine.order.total_quantity), mine.order.lmt_price) == ("SELL", 3, 650.0)
    assert words(field.peer.ask(ReqOpenOrders())) == []
    assert {m.order.order_id for m in zero.hear() if isinstance(m, OpenOrder)} == {0}
    (bound,) = [m.order.order_id for m in zero.ask(ReqOpenOrders()) if isinstance(m, OpenOrder)]
    assert bound != 0
    field.play("tws-order")
    field.trades("600")
    assert position(field.peer) == 1


@pytest.mark.parametrize(
    ("args", "said"),
    [({"symbol": "NONE"}, "0 contracts fit"), ({"limit": "much"}, "limit is"), ({"quantity": -1}, "quantity is")],
)
def test_a_tws_order_that_cannot_be_is_said_to_be_none(args: dict[str, Any], said: str) -> None:
    field = Field()
    with pytest.raises(ConfigError, match=said):
        field.play("tws-order", **args)
    assert open_orders(field.peer) == []


def test_duplicate_id() -> None:
    """After a restart the gateway names an id that was used: 103, and the order is not there."""
    field = Field()
    field.peer.ask(placing(1, "BUY", "MKT", 1), placing(2, "BUY", "LMT", 1, lmt_price=AWAY), cancelling(2))
    field.trades("600")
    field.play("duplicate-id", ids=2)
    assert [m.order_id for m in field.reconnect() if isinstance(m, NextValidId)] == [1]
    for order_id in (1, 2):
        assert words(field.peer.ask(placing(order_id, "BUY", "MKT", 1))) == [f"error {order_id} 103"]
    assert statuses(field.peer.ask(placing(3, "BUY", "LMT", 1, lmt_price=AWAY)), 3)[-1] == "Submitted"  # the true next one
    field.end("duplicate-id")
    assert field.peer.ask(ReqIds()) == [NextValidId(4)]


def test_duplicate_callbacks() -> None:
    """Statuses twice and out of order, an execution twice and corrected, commissions late and never; the truth is unchanged."""
    field = Field()
    field.play("duplicate-callbacks")
    heard = [*field.peer.ask(placing(1, "BUY", "MKT", 5), placing(2, "BUY", "MKT", 7)), *field.trades("600"), *field.wait(1)]
    late = field.wait(120)
    ids = [m.execution.exec_id for m in heard if isinstance(m, ExecDetails)]
    assert len(ids) > len(set(ids))  # some of them twice
    assert {each[-2:] for each in ids} == {"01", "02"}
    assert len(statuses(heard, 1)) > len(set(statuses(heard, 1)))
    commissions = [[m.exec_id for m in each if isinstance(m, CommissionReport)] for each in (heard, late)]
    assert commissions[0] == []
    assert 0 < len(commissions[1]) < len({*ids})  # late, and not all of them
    field.end("duplicate-callbacks")
    assert position(field.peer) == 12
    assert len({each.rpartition(".")[0] for each, _ in executions(field.peer)}) == 2


@pytest.mark.parametrize("name", ["repeated-callbacks", "reordered-callbacks", "missing-statuses"])
def test_statuses_may_be_repeated_reordered_or_missing(name: str) -> None:
    plain, field = Field(), Field()
    field.play(name)
    wanted = words([*plain.peer.ask(placing(1, "BUY", "MKT", 5)), *plain.trades("600")])
    heard = words([*field.peer.ask(placing(1, "BUY", "MKT", 5)), *field.trades("600")])
    heard += words(field.end(name))
    if name == "reordered-callbacks":
        assert sorted(heard) == sorted(wanted)
        assert heard != wanted
    elif name == "missing-statuses":
        assert heard == [each for each in wanted if not each.startswith("status")]
    else:
        assert len(heard) == 2 * len(wanted) - wanted.count("commission")


def test_commissions_may_be_late_or_missing() -> None:
    for name, later in [("late-commissions", 1), ("missing-commissions", 0)]:
        field = Field()
        field.play(name)
        assert "commission" not in words([*field.peer.ask(placing(1, "BUY", "MKT", 5)), *field.trades("600")])
        assert words(field.wait(60)).count("commission") == later
        assert words(field.peer.ask(ReqExecutions(3))).count("commission") == 0
        field.end(name)
        assert words(field.peer.ask(ReqExecutions(4)))[-1] == "commission"


def test_corrected_execution() -> None:
    field = Field()
    field.play("corrected-execution")
    field.peer.ask(placing(1, "BUY", "MKT", 5))
    heard = [*field.trades("600"), *field.wait(1)]
    first, second = [m.execution for m in heard if isinstance(m, ExecDetails)]
    assert (first.exec_id[:-1], first.exec_id[-1], second.exec_id[-1]) == (second.exec_id[:-1], "1", "2")
    assert first.price != second.price
    assert position(field.peer) == 5


def test_reject_201() -> None:
    """A named refusal, at once, of so many orders; the next is taken."""
    field = Field()
    field.play("reject-201", count=2, reason="The price is too far from the market")
    for order_id in (1, 2):
        heard = field.peer.ask(placing(order_id, "BUY", "LMT", 5, lmt_price=AWAY))
        assert statuses(heard, order_id) == ["Inactive"]
        assert (heard[-1].code, heard[-1].text) == (201, "Order rejected - reason:The price is too far from the market")
    assert statuses(field.peer.ask(placing(3, "BUY", "LMT", 5, lmt_price=AWAY)), 3)[-1] == "Submitted"
    assert field.lasting == []


def test_inactive() -> None:
    field = Field()
    field.play("inactive")
    assert words(field.peer.ask(placing(1, "BUY", "MKT", 5))) == ["open 1 Inactive", "status 1 Inactive 0/5"]
    assert codes(field.wait(4)) == []
    assert codes(field.wait(2)) == [201]


def test_cancel_races_fill() -> None:
    """The cancel comes too late: the fill counts."""
    field = Field()
    field.peer.ask(placing(1, "BUY", "LMT", 5, lmt_price=AWAY))
    field.play("cancel-races-fill")
    heard = field.peer.ask(cancelling(1))
    assert codes(heard) == [10148]
    assert (fills(heard), statuses(heard, 1)) == ([(1, 5, AWAY)], ["Filled"])
    assert position(field.peer) == 5


def test_a_child_that_is_cancelled_loses_to_no_fill() -> None:
    """It waits for its parent, nothing can fill it; the next cancel of an order at the exchange is the one that loses."""
    field = Field()
    bracket(field, 5)
    field.play("cancel-races-fill")
    assert statuses(field.peer.ask(cancelling(2)), 2)[-1] == "Cancelled"
    assert codes(field.peer.ask(cancelling(1))) == [10148]
    with pytest.raises(ConfigError, match="no live order"):
        field.room.fill_now(field.simulator.desk, 1)
