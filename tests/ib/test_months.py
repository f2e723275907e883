"""Two listed months of one future: each order goes to the one that it names, and the books tell them apart."""

import pytest

from tests.ib.conftest import TODAY, running
from tests.ib.trading import Desk, Told, make_desk
from theo.adapters.ib.contracts import Contracts
from theo.adapters.ib.link import Link
from theo.adapters.ib.margins import Margin, Refusal
from theo.adapters.ib.settings import IbSettings
from theo.adapters.system.clock import PacedClock
from theo.domain.instrument import Instrument
from theo.domain.orders import Order, OrderRole, OrderType, Side
from theo.domain.reports import ActionRejected, OrderAccepted, OrderAmended, OrderCancelled, OrderFilled, OrderRejected
from theo.gateway.building import Gateway
from theo.gateway.server import GatewayServer
from theo.gateway.trading.working import Phase

FRONT, NEXT = "MESZ6", "MESH7"


def month_at(desk: Desk, order: Order) -> str:
    """In which contract the gateway works an order of ours."""
    (worked,) = desk.worked(order)
    return worked.listing.contract.local_symbol


@pytest.mark.parametrize("name", [FRONT, NEXT])
async def test_an_order_works_is_changed_and_is_cancelled_in_the_contract_that_it_names(desk: Desk, name: str) -> None:
    order = desk.order("MES", Side.BUY, 2, OrderType.LIMIT, limit=desk.half("MES"), contract=name)
    await desk.place(order)
    await desk.hear(OrderAccepted, order)
    assert month_at(desk, order) == name
    limit = desk.half("MES") - 100  # the market moves between two looks
    await desk.amend(order, limit=limit)
    await desk.hear(OrderAmended, order)
    (worked,) = desk.worked(order)
    assert (month_at(desk, order), worked.terms.limit) == (name, limit)
    entry = next(each for each in (await desk.book()).orders if each.order.id == order.id)
    assert entry.order.contract == name
    await desk.broker.cancel(order.id)
    await desk.hear(OrderCancelled, order)
    assert desk.worked(order)[0].phase is Phase.CANCELLED


async def test_the_books_tell_the_months_apart(desk: Desk) -> None:
    left = desk.order("MES", Side.BUY, 3, contract=FRONT)
    opened = desk.order("MES", Side.SELL, 1, contract=NEXT)
    for order in (left, opened):
        await desk.place(order)
        await desk.hear(OrderFilled, order)
    book = await desk.book()
    mes = desk.instruments["MES"].id
    assert book.months == {mes: {FRONT: 3, NEXT: -1}}
    assert {fill.order for fill in book.executions} == {left.id, opened.id}
    assert "other_contract" not in desk.told.codes()


async def test_a_process_that_begins_between_two_contracts_reads_both_and_closes_what_it_means(
    desk: Desk, gateway: Gateway, server: GatewayServer, clock: PacedClock, instruments: dict[str, Instrument]
) -> None:
    """It has sent nothing itself: all that it knows of the months is what the gateway tells."""
    bought = [desk.order("MES", Side.BUY, 2, contract=name) for name in (FRONT, NEXT)]
    resting = desk.order("MES", Side.SELL, 2, OrderType.STOP, stop=desk.half("MES"), contract=NEXT, role=OrderRole.STOP)
    for order in (*bought, resting):
        await desk.place(order)
        await desk.hear(OrderAccepted, order)
    for order in bought:
        await desk.hear(OrderFilled, order)
    await desk.broker.close()
    await desk.broker._link.close()
    link = Link(IbSettings(port=server.port), clock, Told())
    again = make_desk(link, gateway, server, instruments, Told())
    again._numbers = desk._numbers
    await again.broker.connect(again.heard.append)
    async with running(link):
        book = await again.book()
        mes = instruments["MES"].id
        assert book.months == {mes: {FRONT: 2, NEXT: 2}}
        assert [e.order.contract for e in book.orders if e.order.id == resting.id] == [NEXT]
        await again.amend(resting, stop=desk.half("MES") - 100)
        await again.hear(OrderAmended, resting)
        assert month_at(again, resting) == NEXT
        close = again.order("MES", Side.SELL, 2, contract=FRONT, role=OrderRole.CLOSE)
        await again.place(close)
        await again.hear(OrderFilled, close)
        assert (await again.book()).months == {mes: {NEXT: 2}}
        assert not again.of(ActionRejected)
        await again.broker.close()


async def test_a_contract_that_is_not_listed_is_refused_and_nothing_leaves(desk: Desk) -> None:
    order = desk.order("MES", Side.BUY, 1, contract="MESM1")
    await desk.place(order)
    told = await desk.hear(OrderRejected, order)
    assert "MESM1" in told.reason
    assert not desk.worked(order)


async def test_margin_is_asked_of_the_contract_that_is_named(desk: Desk) -> None:
    told = await desk.broker.what_if(desk.order("MES", Side.BUY, 1, contract=NEXT))
    assert isinstance(told, Margin)
    refused = await desk.broker.what_if(desk.order("MES", Side.BUY, 1, contract="MESM1"))
    assert isinstance(refused, Refusal)
    assert "MESM1" in refused.reason


async def test_a_month_that_has_ended_trades_until_the_roll_leaves_it(
    resolved: Contracts, instruments: dict[str, Instrument]
) -> None:
    """A process that was away over its end still knows what it holds; a name that IB does not know changes nothing."""
    mes = instruments["MES"]
    assert [month.name for month in resolved.months(mes.id)][:2] == [FRONT, NEXT]
    await resolved.trade_on(mes, "MESU6")
    await resolved.resolve([mes], TODAY)
    assert resolved.contract(mes.id).localSymbol == "MESU6"
    assert [month.name for month in resolved.months(mes.id)][:3] == ["MESU6", FRONT, NEXT]
    resolved.trade(mes.id, NEXT)
    assert resolved.contract(mes.id).localSymbol == resolved.month(mes.id, "").localSymbol == NEXT
    await resolved.trade_on(mes, "MESZ9")
    assert resolved.contract(mes.id).localSymbol == NEXT
