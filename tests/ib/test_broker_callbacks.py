"""Callbacks that this gateway does not send by itself, spoken into a running connection: codes, late reasons, revivals."""

import pytest
from ib_async.objects import CommissionReport

from tests.ib.trading import Desk
from theo.domain.orders import Order, OrderType, Side
from theo.domain.reports import (
    ActionRejected,
    ChargesReported,
    OrderAccepted,
    OrderAmended,
    OrderCancelled,
    OrderFilled,
    OrderRejected,
)
from theo.gateway.trading.working import Phase

ENDS = (OrderRejected, OrderCancelled)


async def resting(desk: Desk) -> Order:
    """A limit buy far below the market, accepted."""
    order = desk.order("MES", Side.BUY, 2, OrderType.LIMIT, limit=desk.last("MES") - 4_000)
    await desk.place(order)
    await desk.hear(OrderAccepted, order)
    return order


def error(desk: Desk, order: Order, code: int, text: str) -> None:
    """IB says this of the order."""
    desk.broker._link.callbacks.error(desk.worked(order)[0].order_id, code, text, "")


def status(desk: Desk, order: Order, word: str, filled: float = 0.0) -> None:
    """IB gives this status of the order."""
    worked = desk.worked(order)[0]
    left = worked.terms.quantity - filled
    desk.broker._link.callbacks.orderStatus(worked.order_id, word, filled, left, 0.0, worked.perm_id, 0, 0.0, 1, "", 0.0)


def ends(desk: Desk, order: Order) -> list[object]:
    """What was told of its end."""
    return [each for kind in ENDS for each in desk.of(kind, order)]


@pytest.mark.parametrize("code", [399, 404, 492, 2109, 2137, 10349, 99_999])
async def test_a_notice_or_an_unknown_code_ends_nothing(desk: Desk, code: int) -> None:
    order = await resting(desk)
    error(desk, order, code, "Order Message: something")
    await desk.time(15)
    assert ends(desk, order) == []
    assert ("info", "order_notice") in [message[:2] for message in desk.told.messages]


async def test_a_precaution_that_a_person_lets_go_leaves_the_order_alive(desk: Desk) -> None:
    order = await resting(desk)
    error(desk, order, 10329, "held by a precaution")
    status(desk, order, "Inactive")
    status(desk, order, "Submitted")
    await desk.time(15)
    assert ends(desk, order) == []
    assert desk.worked(order)[0].phase is Phase.WORKING


async def test_a_precaution_that_nobody_lets_go_is_ended_at_ib(desk: Desk) -> None:
    order = await resting(desk)
    error(desk, order, 10329, "held by a precaution")
    rejected = await desk.hear(OrderRejected, order)
    assert rejected.code == 10329
    await desk.until(lambda: desk.worked(order)[0].phase is Phase.CANCELLED)
    assert len(ends(desk, order)) == 1


async def test_the_reason_may_come_after_the_end(desk: Desk) -> None:
    order = await resting(desk)
    status(desk, order, "Cancelled")
    status(desk, order, "Cancelled")
    error(desk, order, 201, "Order rejected - reason:The exchange is closed.")
    rejected = await desk.hear(OrderRejected, order)
    assert (rejected.code, rejected.reason) == (201, "The exchange is closed.")
    await desk.time(5)
    assert len(ends(desk, order)) == 1


async def test_an_end_without_a_reason_is_told_after_the_bound(desk: Desk) -> None:
    order = await resting(desk)
    status(desk, order, "ApiCancelled")
    await desk.hear(OrderCancelled, order)
    status(desk, order, "Submitted")  # late
    assert len(ends(desk, order)) == 1


@pytest.mark.parametrize("code", [135, 136, 161, 10147, 10148])
async def test_a_refused_cancel_leaves_the_order_as_it_is(desk: Desk, code: int) -> None:
    order = await resting(desk)
    error(desk, order, code, "of no cancel of ours")
    assert desk.of(ActionRejected) == []
    desk.broker._names.of(order.id).cancelling = True  # type: ignore[union-attr]  # it was placed
    error(desk, order, code, "refused")
    assert (await desk.hear(ActionRejected, order)).action == "cancel"
    assert ends(desk, order) == []


@pytest.mark.parametrize("code", [104, 105, 110, 201, 329, 2102])
async def test_a_refused_change_leaves_the_order_as_it_is(desk: Desk, code: int) -> None:
    order = await resting(desk)
    desk.play("late-answers", seconds=20.0)
    await desk.amend(order, quantity=1)
    error(desk, order, code, "refused")
    assert (await desk.hear(ActionRejected, order)).action == "amend"
    assert ends(desk, order) == desk.of(OrderAmended) == []


async def test_charges_of_others_change_nothing(desk: Desk) -> None:
    desk.broker._link.callbacks.commissionReport(CommissionReport("somebody's", 1.0, "USD"))
    assert desk.of(ChargesReported) == []


async def test_charges_in_another_currency_are_estimated_and_told(desk: Desk) -> None:
    desk.play("missing-commissions")
    order = desk.order("MES", Side.BUY, 1)
    await desk.place(order)
    fill = await desk.hear(OrderFilled, order)
    desk.broker._link.callbacks.commissionReport(CommissionReport(fill.execution, 0.55, "EUR"))
    assert desk.of(ChargesReported) == []
    assert "charges_currency" in desk.told.codes()


async def test_a_fill_is_never_overtaken_by_the_end_of_its_order(desk: Desk) -> None:
    """While it waits for its charges, what comes next goes after it."""
    desk.play("missing-commissions")
    order = desk.order("MES", Side.BUY, 200, OrderType.LIMIT, limit=desk.last("MES") + 100)
    await desk.place(order)
    await desk.hear(OrderFilled, order)
    await desk.broker.cancel(order.id)
    await desk.until(lambda: bool(ends(desk, order) or sum(f.quantity for f in desk.fills(order)) == 200))
    places = [n for n, each in enumerate(desk.heard) if isinstance(each, OrderFilled)]
    last = [n for n, each in enumerate(desk.heard) if isinstance(each, OrderCancelled)]
    assert all(place < end for place in places for end in last)
    assert desk.told_sums()[order.id][:2] == desk.true_sums()[order.id][:2]
