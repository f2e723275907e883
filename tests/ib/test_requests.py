"""Questions without an id: an answer that comes too late is not taken for the answer to the next one."""

import pytest

from tests.ib.trading import Desk
from theo.adapters.ib.requests import NoAnswerError
from theo.domain.orders import Side
from theo.domain.reports import OrderFilled
from theo.gateway.incidents.interference import Disturbance

POSITIONS = ("Position", "PositionEnd")


async def test_a_late_answer_is_not_the_next_ones(desk: Desk) -> None:
    """Asked while flat, answered after a fill and after the second question: the second answer has the position."""
    link = desk.broker._link
    desk.play("late-answers", count=1, seconds=30.0)
    with pytest.raises(NoAnswerError):
        await link.requests.by_name("position", link.client.reqPositions, 0.1)
    order = desk.order("MES", Side.BUY, 2)
    await desk.place(order)
    await desk.hear(OrderFilled, order)
    desk.play("late-answers", seconds=40.0)
    rows = await link.requests.by_name("position", link.client.reqPositions, 10.0)
    assert {quantity for _, _, quantity, _ in rows} == {2.0}


async def test_an_answer_that_never_comes_is_not_waited_for_again(desk: Desk) -> None:
    link = desk.broker._link
    desk.gateway.incidents.interference.add(Disturbance("drop", 1, POSITIONS, owner="test"))
    with pytest.raises(NoAnswerError):
        await link.requests.by_name("position", link.client.reqPositions, 0.1)
    for _ in range(3):
        assert await link.requests.by_name("position", link.client.reqPositions, 10.0) == []
