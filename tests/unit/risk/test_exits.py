"""Exits close and change in one direction only."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from theo.domain.approval import Approved
from theo.domain.orders import Amendment, OcaType, Order, OrderRole, OrderType, Side, Ticket, TimeInForce
from theo.risk.approve import approve_amendment, approve_reduction


def an_exit(**changed: object) -> Order:
    order = Order(
        id="j-2-0",
        account="SIM",
        instrument=1,
        side=Side.SELL,
        type=OrderType.MARKET,
        quantity=5,
        tif=TimeInForce.GTC,
        role=OrderRole.CLOSE,
        trade="j-t1",
    )
    return msgspec.structs.replace(order, **changed)


GROUPED = {"oca_group": "g", "oca_type": OcaType.REDUCE_NON_BLOCK}
STOP = an_exit(type=OrderType.STOP, role=OrderRole.STOP, stop=64_000, **GROUPED)


@pytest.mark.parametrize(
    ("orders", "position", "working", "approved"),
    [
        ([an_exit()], 5, [], True),
        ([an_exit()], 4, [], False),  # would reverse
        ([an_exit()], 0, [], False),  # would open
        ([an_exit()], -5, [], False),  # would add
        ([an_exit(side=Side.BUY)], -5, [], True),
        ([an_exit(quantity=0)], 5, [], False),
        ([an_exit(role=OrderRole.ENTRY)], 5, [], False),
        ([an_exit(), an_exit(id="b")], 5, [], False),  # two that do not know each other
        ([an_exit(quantity=2), an_exit(id="b", quantity=3)], 5, [], True),
        ([an_exit(**GROUPED), an_exit(id="b", **GROUPED)], 5, [], True),  # a fill of one reduces the other
        ([an_exit(oca_group="g"), an_exit(id="b", oca_group="g")], 5, [], False),  # a group in name only
        ([an_exit(**GROUPED)], 5, [STOP], True),
        ([an_exit()], 5, [STOP], False),
        ([an_exit(quantity=2)], 5, [an_exit(id="b", quantity=3)], True),
        ([an_exit(tif=TimeInForce.FOK)], 5, [], False),
        ([an_exit(tif=TimeInForce.IOC)], 5, [], True),
        ([msgspec.structs.replace(STOP, tif=TimeInForce.IOC)], 5, [], False),
    ],
)
def test_closing_orders_never_open_or_reverse(
    orders: list[Order],
    position: int,
    working: list[Order],
    approved: bool,  # noqa: FBT001 - a column of the table
) -> None:
    assert isinstance(approve_reduction(Ticket(tuple(orders)), position, working), Approved) is approved


@given(st.data())
def test_whatever_is_filled_of_approved_exits_the_position_does_not_turn(data: st.DataObject) -> None:
    position = data.draw(st.integers(-9, 9))
    draw_exit = st.builds(
        an_exit,
        side=st.sampled_from(Side),
        quantity=st.integers(1, 9),
        oca_group=st.sampled_from(["", "g", "h"]),
        oca_type=st.sampled_from([OcaType.NONE, OcaType.REDUCE_NON_BLOCK]),
    )
    working, orders = data.draw(st.lists(draw_exit, max_size=2)), data.draw(st.lists(draw_exit, min_size=1, max_size=3))
    if not isinstance(approve_reduction(Ticket(tuple(orders)), position, working), Approved):
        return
    every = [*working, *orders]
    left = [order.quantity for order in every]
    for place in data.draw(st.permutations(range(len(every)))):  # fill each as far as its group still lets it
        order, filled = every[place], left[place]
        position += order.side.sign * filled
        left[place] = 0
        for other in range(len(every)):
            if _reduce_each_other(order, every[other]):
                left[other] -= min(left[other], filled)
        assert position * order.side.sign <= 0


def _reduce_each_other(one: Order, other: Order) -> bool:
    return bool(one.oca_group) and one.oca_group == other.oca_group and OcaType.NONE not in {one.oca_type, other.oca_type}


TARGET = an_exit(type=OrderType.LIMIT, role=OrderRole.TARGET, limit=66_000, **GROUPED)
TRAIL = an_exit(type=OrderType.TRAILING_STOP, role=OrderRole.STOP, stop=64_000, trail=500, **GROUPED)
SHORT_STOP = msgspec.structs.replace(STOP, side=Side.BUY)


@pytest.mark.parametrize(
    ("order", "change", "approved"),
    [
        (STOP, {"stop": 64_100}, True),
        (STOP, {"stop": 63_900}, False),  # loosened
        (SHORT_STOP, {"stop": 63_900}, True),
        (SHORT_STOP, {"stop": 64_100}, False),
        (STOP, {"stop": None}, False),  # dropped
        (STOP, {"limit": 64_000}, False),  # made a stop-limit
        (STOP, {"quantity": 4}, True),
        (STOP, {"quantity": 7}, True),  # follows what is open
        (STOP, {"quantity": 8}, False),
        (STOP, {"quantity": 0}, False),
        (STOP, {"order": "j-9-0"}, False),
        (TARGET, {"limit": 65_000}, True),
        (TARGET, {"limit": None}, False),
        (TRAIL, {"trail": 400}, True),
        (TRAIL, {"trail": 600}, False),
        (TRAIL, {"trail": 0}, False),
        (an_exit(role=OrderRole.ENTRY), {"quantity": 1}, False),
    ],
)
def test_a_change_only_ever_lowers_risk(order: Order, change: dict[str, Any], approved: bool) -> None:  # noqa: FBT001 - as above
    same = Amendment(order=order.id, quantity=order.quantity, limit=order.limit, stop=order.stop, trail=order.trail)
    amendment = msgspec.structs.replace(same, **change)
    assert isinstance(approve_amendment(amendment, order, 7), Approved) is approved
