"""Orders whose handle IB has forgotten, and orders that were never transmitted, judged by the gateway's books."""

from tests.ib.test_broker_incidents import resting
from tests.ib.trading import Desk
from theo.domain.inputs import LinkChanged
from theo.domain.orders import TimeInForce
from theo.domain.reports import ActionRejected, OrderAccepted, OrderCancelled, OrderFilled
from theo.gateway.desk import Desk as GatewayDesk
from theo.gateway.trading.working import Phase
from theo.gateway.wire.messages.orders import PlaceOrder
from theo.gateway.wire.schema import Message


async def back_again(desk: Desk) -> None:
    ups = len([each for each in desk.of(LinkChanged) if each.up])
    await desk.until(lambda: len([each for each in desk.of(LinkChanged) if each.up]) > ups)


async def test_an_order_whose_handle_is_forgotten_goes_with_everything(desk: Desk) -> None:
    order = resting(desk, tif=TimeInForce.GTC)
    await desk.place(order)
    await desk.hear(OrderAccepted, order)
    desk.play("nightly-restart", 5.0, ids=5)
    await back_again(desk)
    await desk.broker.cancel(order.id)
    refused = await desk.hear(ActionRejected, order)
    assert refused.reason.startswith("10147")
    assert [(entry.order.id, entry.status) for entry in (await desk.book()).orders] == [(order.id, "working")]
    await desk.broker.cancel_everything()
    assert (await desk.hear(OrderCancelled, order)).reason == "by us"
    assert not desk.gateway.trading.unfinished


async def test_orders_of_other_accounts_are_counted_in_the_books(desk: Desk) -> None:
    order = resting(desk)
    await desk.place(order)
    await desk.hear(OrderAccepted, order)
    (worked,) = desk.worked(order)
    assert (await desk.book()).elsewhere == 0
    worked.shares = {"DU7654321": 1}
    assert (await desk.book()).elsewhere == 1


async def test_a_bracket_that_broke_off_is_cleared_away(desk: Desk) -> None:
    """The socket closes after the second of three: two drafts stay in TWS, which lists them nowhere."""
    last = desk.last("MES")
    before, placed = desk.gateway.simulator._before, list[PlaceOrder]()

    def close_after_the_second(at: GatewayDesk, request: Message) -> None:
        placed.extend([request] if isinstance(request, PlaceOrder) else [])
        if len(placed) == 2 and placed[-1] is request:
            for client in at.clients.values():
                client.closes = True
        if before is not None:
            before(at, request)

    parent, stop, target = desk.bracket("MES", 1, last - 4_000, last - 8_000, last + 8_000)
    other = desk.order("MES", parent.side, 1)
    await desk.place(other)
    await desk.hear(OrderFilled, other)
    desk.gateway.simulator._before = close_after_the_second
    await desk.place(parent, stop, target)
    await desk.until(lambda: desk.of(LinkChanged)[-1].up is False)
    left = [each for order in (parent, stop, target) for each in desk.worked(order)]
    assert left
    assert {each.phase for each in left} == {Phase.DRAFT}
    await back_again(desk)
    await desk.until(lambda: not desk.gateway.trading.unfinished)
    await desk.until(lambda: desk.told.codes().count("draft_cancelled") == len(left))
    assert [entry.order.id for entry in (await desk.book()).orders if entry.status == "working"] == []
    assert desk.told_sums() == desk.true_sums()
