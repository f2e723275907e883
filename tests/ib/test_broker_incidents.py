"""What goes wrong with orders in the field, by its name, against the gateway's own books."""

import asyncio

import pytest

from tests.ib.conftest import running
from tests.ib.trading import Desk, Told, make_desk
from theo.adapters.ib.link import Link
from theo.adapters.ib.settings import IbSettings
from theo.domain.inputs import LinkChanged
from theo.domain.instrument import Instrument
from theo.domain.orders import Order, OrderType, Side, TimeInForce
from theo.domain.reports import (
    ActionRejected,
    BookReported,
    ChargesReported,
    FillCorrected,
    OrderAccepted,
    OrderAmended,
    OrderCancelled,
    OrderFilled,
    OrderRejected,
    SendUnknown,
)
from theo.gateway.building import Gateway
from theo.gateway.incidents.interference import Disturbance
from theo.gateway.server import GatewayServer
from theo.gateway.trading.working import Phase


def resting(desk: Desk, quantity: int = 1, **fields: object) -> Order:
    """A limit buy far below the market."""
    return desk.order("MES", Side.BUY, quantity, OrderType.LIMIT, limit=desk.last("MES") - 4_000, **fields)


def book_sums(book: BookReported) -> dict[str, tuple[int, int, int]]:
    """By order: quantity, price x quantity, charges."""
    sums: dict[str, tuple[int, int, int]] = {}
    for fill in book.executions:
        quantity, turnover, cost = sums.get(fill.order, (0, 0, 0))
        sums[fill.order] = (quantity + fill.quantity, turnover + fill.quantity * fill.price, cost + fill.charges)
    return sums


async def test_sent_no_answer(desk: Desk) -> None:
    """No callback ever: the books have it all the same."""
    desk.play("sent-no-answer")
    silent, loud = desk.order("MES", Side.BUY, 2), desk.order("MES", Side.BUY, 1)
    await desk.place(silent)
    await desk.place(loud)
    await desk.hear(OrderFilled, loud)
    assert [each for each in desk.heard if getattr(each, "order", "") == silent.id] == []
    book = await desk.book()
    assert book_sums(book) == desk.true_sums()
    assert {entry.order.id: entry.status for entry in book.orders} == {silent.id: "filled", loud.id: "filled"}
    assert book.positions == {silent.instrument: 3}


async def test_fills_during_1100(desk: Desk) -> None:
    order = resting(desk, 2)
    await desk.place(order)
    await desk.hear(OrderAccepted, order)
    desk.play("fills-during-1100")
    await desk.until(lambda: desk.of(LinkChanged)[-1].up is False)
    desk.end("fills-during-1100")
    await desk.until(lambda: desk.of(LinkChanged)[-1].up)
    assert desk.fills() == []
    book = await desk.book()
    assert book_sums(book) == desk.true_sums() != {}
    assert book.positions == {order.instrument: 2}


async def test_an_order_in_the_moment_of_1100_is_unknown(desk: Desk) -> None:
    order = resting(desk)
    desk.play("server-lost")
    await desk.place(order)  # the notice has not been read yet
    await desk.hear(SendUnknown, order)
    desk.end("server-lost")
    await desk.until(lambda: desk.of(LinkChanged)[-1].up)
    book = await desk.book()
    assert [(entry.order.id, entry.status) for entry in book.orders] == [(order.id, "working")]


async def test_two_permids(desk: Desk) -> None:
    """A change becomes a second live order: one of the two is cancelled, and a person is told."""
    order = resting(desk)
    await desk.place(order)
    await desk.hear(OrderAccepted, order)
    desk.play("two-permids")
    await desk.amend(order, limit=order.limit - 25 if order.limit else 0)
    refused = await desk.hear(ActionRejected, order)
    assert refused.action == "amend"
    await desk.until(lambda: [each.phase for each in desk.worked(order)] == [Phase.WORKING, Phase.CANCELLED])
    assert ("page", "two_orders") in [message[:2] for message in desk.told.messages]
    assert desk.of(OrderCancelled, order) == []
    (entry,) = (await desk.book()).orders
    assert (entry.status, entry.order.limit) == ("working", order.limit)


async def test_cancel_races_fill(desk: Desk) -> None:
    order = resting(desk)
    await desk.place(order)
    await desk.hear(OrderAccepted, order)
    desk.play("cancel-races-fill")
    await desk.broker.cancel(order.id)
    refused = await desk.hear(ActionRejected, order)
    assert refused.reason.startswith("10148:")
    await desk.hear(OrderFilled, order)
    assert desk.told_sums() == desk.true_sums()
    assert desk.of(OrderCancelled) == []


async def test_reject_201(desk: Desk) -> None:
    desk.play("reject-201", reason="no permission")
    parent, stop, target = desk.bracket("MES", 1, desk.last("MES") - 4_000, desk.last("MES") - 8_000, desk.last("MES") + 8_000)
    await desk.place(parent, stop, target)
    rejected = await desk.hear(OrderRejected, parent)
    assert (rejected.code, rejected.reason) == (201, "no permission")
    await desk.until(lambda: all(desk.of(OrderCancelled, each) or desk.of(OrderRejected, each) for each in (stop, target)))
    assert not desk.gateway.trading.unfinished


async def test_inactive(desk: Desk) -> None:
    """Inactive first, 201 five seconds later: told once, with the reason."""
    desk.play("inactive")
    order = desk.order("MES", Side.BUY, 1)
    await desk.place(order)
    rejected = await desk.hear(OrderRejected, order)
    assert rejected.code == 201
    assert "unable to accept" in rejected.reason
    assert len(desk.of(OrderRejected, order)) == 1


async def test_inactive_without_a_reason(desk: Desk) -> None:
    """It must not come back to life later: it is cancelled at IB, and told as rejected."""
    desk.gateway.incidents.interference.add(Disturbance("drop", 100, ("ErrorMessage",), owner="test"))
    desk.play("inactive")
    order = desk.order("MES", Side.BUY, 1)
    await desk.place(order)
    rejected = await desk.hear(OrderRejected, order)
    assert rejected.code == 0
    assert "Inactive" in rejected.reason
    assert not desk.gateway.trading.unfinished


async def test_missing_statuses(desk: Desk) -> None:
    desk.play("missing-statuses")
    bought, waits = desk.order("MES", Side.BUY, 2), resting(desk)
    await desk.place(bought)
    await desk.place(waits)
    await desk.hear(OrderFilled, bought)
    await desk.hear(OrderAccepted, waits)
    await desk.broker.cancel(waits.id)
    await desk.hear(OrderCancelled, waits)
    assert desk.told_sums() == desk.true_sums()


async def test_missing_executions(desk: Desk) -> None:
    """A status tells of a fill whose execution never comes: the order is unknown, and the books have it."""
    desk.gateway.incidents.interference.add(Disturbance("drop", 100, ("ExecDetails",), owner="test"))
    order = desk.order("MES", Side.BUY, 2)
    await desk.place(order)
    assert "executions of 0" in (await desk.hear(SendUnknown, order)).reason
    desk.gateway.incidents.interference.calm("test")
    book = await desk.book()
    assert book_sums(book) == desk.true_sums() != {}
    await desk.time(5)
    assert len(desk.of(SendUnknown, order)) == 1


async def test_repeated_and_reordered_callbacks(desk: Desk) -> None:
    desk.play("duplicate-callbacks")
    orders = [desk.order("MES", side, 2) for side in (Side.BUY, Side.SELL, Side.BUY)]
    for order in orders:
        await desk.place(order)
        await desk.hear(OrderFilled, order)
    await desk.hear(FillCorrected)
    desk.end("duplicate-callbacks")
    for order in orders:
        assert len(desk.of(OrderAccepted, order)) == 1
    executions = [fill.execution for fill in desk.fills()]
    assert len(executions) == len(set(executions))
    true = desk.true_sums()
    assert {name: sums[:2] for name, sums in desk.told_sums().items()} == {name: sums[:2] for name, sums in true.items()}
    assert book_sums(await desk.book()) == true


async def test_late_commissions(desk: Desk) -> None:
    """An estimate goes out at once, the truth when it comes, once."""
    desk.play("late-commissions", seconds=5.0)
    order = desk.order("SPY", Side.BUY, 150)
    await desk.place(order)
    fill = await desk.hear(OrderFilled, order)
    assert not fill.final
    assert fill.charges > 0
    await desk.until(lambda: sum(each.quantity for each in desk.fills(order)) == order.quantity)  # it may fill in parts
    await desk.hear(ChargesReported, order, len(desk.fills(order)))
    assert desk.told_sums() == desk.true_sums()
    assert len(desk.of(ChargesReported, order)) == len(desk.fills(order))


async def test_missing_commissions(desk: Desk) -> None:
    desk.play("missing-commissions")
    order = desk.order("MES", Side.BUY, 2)
    await desk.place(order)
    fill = await desk.hear(OrderFilled, order)
    assert not fill.final
    desk.end("missing-commissions")
    book = await desk.book()
    assert book_sums(book) == desk.true_sums()
    assert all(each.final for each in book.executions)


async def test_corrected_execution(desk: Desk) -> None:
    """The book gives the newest version alone; what was told before it counts no more."""
    order = desk.order("MES", Side.BUY, 2)
    await desk.place(order)
    first = await desk.hear(OrderFilled, order)
    desk.play("corrected-execution")
    corrected = await desk.hear(FillCorrected, order)
    assert corrected.replaces == (first.execution,)
    assert corrected.price == first.price + desk.instruments["MES"].tick
    assert desk.told_sums() == desk.true_sums()
    (listed,) = (await desk.book()).executions
    assert listed.execution == corrected.execution


async def test_duplicate_id(desk: Desk) -> None:
    """Used ids are handed out: ours begin beyond every id that was ever used, so that none is met."""
    old = desk.order("MES", Side.BUY, 1)
    await desk.place(old)
    await desk.hear(OrderFilled, old)
    desk.play("duplicate-id", ids=5)
    desk.play("nightly-restart", 5.0)
    await desk.until(lambda: desk.of(LinkChanged)[-1].up is False)
    await desk.until(lambda: desk.of(LinkChanged)[-1].up)
    last = desk.last("MES")
    parent, stop, target = desk.bracket("MES", 1, last - 4_000, last - 8_000, last + 8_000)
    await desk.place(parent, stop, target)
    await desk.hear(OrderAccepted, target)
    assert [each[0].phase for each in map(desk.worked, (parent, stop, target))] == [Phase.WORKING, Phase.CHILD, Phase.CHILD]
    assert desk.of(OrderRejected) == []


async def test_nightly_restart_finds_the_orders_again(desk: Desk) -> None:
    """Handles of before mean nothing afterwards: a new order under a reissued id is another order."""
    order = resting(desk, tif=TimeInForce.GTC)
    await desk.place(order)
    await desk.hear(OrderAccepted, order)
    desk.play("nightly-restart", 30.0, ids=1)
    await desk.until(lambda: len([each for each in desk.of(LinkChanged) if each.up]) == 2)
    other = resting(desk)
    await desk.place(other)
    await desk.hear(OrderAccepted, other)
    assert len({desk.worked(each)[0].perm_id for each in (order, other)}) == 2
    book = await desk.book()
    assert sorted((entry.order.id, entry.status) for entry in book.orders) == [(order.id, "working"), (other.id, "working")]


async def test_partial_restart(desk: Desk) -> None:
    order = resting(desk, 4, tif=TimeInForce.GTC)
    await desk.place(order)
    await desk.hear(OrderAccepted, order)
    desk.play("partial-restart", 10.0)
    await desk.until(lambda: len([each for each in desk.of(LinkChanged) if each.up]) == 2)
    book = await desk.book()
    assert book_sums(book) == desk.true_sums()
    assert book.positions == {order.instrument: 2}


async def test_tws_order(desk: Desk) -> None:
    """Typed into TWS: in the books by its permId, and not ours to cancel."""
    desk.play("tws-order", symbol="SPY", limit=100.0, quantity=7)
    (worked,) = desk.gateway.trading.unfinished
    (entry,) = (await desk.book()).orders
    assert entry.order.id == f"permId {worked.perm_id}"
    assert (entry.status, entry.order.quantity) == ("working", 7)
    await desk.broker.cancel(entry.order.id)
    assert "TWS" in (await desk.hear(ActionRejected, entry.order)).reason


async def test_a_position_of_a_tws_order_is_in_the_book(desk: Desk) -> None:
    desk.play("tws-order", symbol="SPY", quantity=7)
    await desk.until(lambda: not desk.gateway.trading.unfinished)
    assert (await desk.book()).positions == {desk.instruments["SPY"].id: 7}


async def test_a_socket_lost_between_the_orders_of_a_bracket(desk: Desk) -> None:
    """The gateway restarts when the second of three arrives: nobody knows, so all three are unknown; none of them lives."""
    last = desk.last("MES")
    parent, stop, target = desk.bracket("MES", 1, last - 4_000, last - 8_000, last + 8_000)
    answered = desk.gateway.simulator._before
    seen: list[str] = []

    def restart_at_the_second(simulated: object, request: object) -> None:
        seen.append(type(request).__name__)
        if seen.count("PlaceOrder") == 2 and seen[-1] == "PlaceOrder":
            desk.gateway.incidents.play(desk.gateway.simulator.desk, "nightly-restart", 5.0)
        assert answered is not None
        answered(simulated, request)  # type: ignore[arg-type]  # as it was given

    desk.gateway.simulator._before = restart_at_the_second
    await desk.place(parent, stop, target)
    for order in (parent, stop, target):
        await desk.hear(SendUnknown, order)
    await desk.until(lambda: desk.of(LinkChanged)[-1].up)
    assert (await desk.book()).orders == ()
    assert not desk.gateway.trading.unfinished


async def test_a_new_process_with_the_same_client_id_has_its_orders_again(
    desk: Desk, gateway: Gateway, server: GatewayServer, instruments: dict[str, Instrument]
) -> None:
    """What an earlier process left is ours to change and to cancel."""
    order = resting(desk, 2, tif=TimeInForce.GTC)
    await desk.place(order)
    await desk.hear(OrderAccepted, order)
    desk.broker._link.settings = IbSettings(port=1)  # the first process is gone, and does not come back
    await desk.broker._link.close()
    told = Told()
    link = Link(IbSettings(port=server.port), desk.broker._link.clock, told)
    later = make_desk(link, gateway, server, instruments, told)
    await later.broker.connect(later.heard.append)
    async with running(link):
        assert [entry.order.id for entry in (await later.book()).orders] == [order.id]
        await later.amend(order, quantity=1, limit=order.limit or 0)
        await later.until(lambda: desk.worked(order)[0].terms.quantity == 1)
        await later.broker.cancel(order.id)
        await later.hear(OrderCancelled, order)
        await later.broker.close()


async def test_a_child_can_be_changed_after_a_new_connection(desk: Desk) -> None:
    last = desk.last("MES")
    parent, stop, target = desk.bracket("MES", 2, last - 4_000, last - 8_000, last + 8_000)
    await desk.place(parent, stop, target)
    await desk.hear(OrderAccepted, target)
    desk.fill(parent)
    await desk.hear(OrderFilled, parent)
    desk.play("nightly-restart", 5.0, ids=0)
    await desk.until(lambda: len([each for each in desk.of(LinkChanged) if each.up]) == 2)
    await desk.amend(stop, stop=last - 7_000)
    assert (await desk.hear(OrderAmended, stop)).stop == last - 7_000
    assert desk.worked(stop)[0].terms.stop == last - 7_000


async def test_an_order_of_another_client_id_is_not_ours_to_touch(
    desk: Desk, gateway: Gateway, server: GatewayServer, instruments: dict[str, Instrument]
) -> None:
    told = Told()
    link = Link(IbSettings(port=server.port, client_id=2), desk.broker._link.clock, told)
    other = make_desk(link, gateway, server, instruments, told)
    await other.broker.connect(other.heard.append)
    async with running(link):
        order = resting(desk, trade="t9")
        await desk.place(order)
        await desk.hear(OrderAccepted, order)
        (entry,) = (await other.book()).orders
        assert entry.order.id == order.id
        await other.broker.cancel(order.id)
        assert "client id 1" in (await other.hear(ActionRejected, order)).reason
        assert desk.worked(order)[0].phase is Phase.WORKING
        await other.broker.close()


async def test_only_the_last_of_many_asks_is_answered(desk: Desk) -> None:
    order = desk.order("MES", Side.BUY, 1)
    await desk.place(order)
    await desk.hear(OrderFilled, order)
    await asyncio.gather(*(desk.broker.ask_book() for _ in range(5)))
    book = await desk.hear(BookReported)
    await desk.time(10)
    assert len(desk.of(BookReported)) == 1
    assert book.positions == {order.instrument: 1}


async def test_a_book_of_which_a_part_is_missing_is_none(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of the positions never comes: told, asked again, and whole in the end."""
    import theo.adapters.ib.requests as questions

    monkeypatch.setattr(questions.Requests.by_name, "__defaults__", (0.5,))
    desk.gateway.incidents.interference.add(Disturbance("drop", 1, ("PositionEnd",), owner="test"))
    book = await desk.book()
    assert book.positions == {}
    assert "book_incomplete" in desk.told.codes()
