"""The unmodified ib_async over TCP: it connects with its whole start-up, shares the gateway, and comes back."""

import asyncio
from datetime import UTC, datetime

from ib_async import IB, LimitOrder, MarketOrder, Stock

from tests.gateway.stand import OPEN, WAIT_SECONDS, HandStand, Stand, qualified


async def test_the_start_up_synchronisation_is_whole(stand: HandStand) -> None:
    ib = await stand.connect()
    assert ib.client.serverVersion() == 178
    assert ib.managedAccounts() == ["DU1234567"]
    assert {value.value for value in ib.accountValues() if value.tag == "NetLiquidation"} == {"1000000.00"}
    assert (ib.positions(), ib.openTrades(), ib.fills(), ib.portfolio()) == ([], [], [], [])
    assert ib.client.getReqId() >= 1


async def test_the_time_is_the_gateways(stand: HandStand) -> None:
    ib = await stand.connect()
    assert await ib.reqCurrentTimeAsync() == datetime.fromtimestamp(OPEN / 1e6, UTC)
    await stand.passes(90)
    assert (await ib.reqCurrentTimeAsync()).timestamp() == OPEN / 1e6 + 90


async def test_a_client_id_in_use_is_refused_with_326_and_its_owner_goes_on(stand: HandStand) -> None:
    owner, late = await stand.connect(7), IB()
    codes: asyncio.Queue[int] = asyncio.Queue()
    late.errorEvent.connect(lambda _id, code, *_rest: codes.put_nowait(code))
    connecting = asyncio.ensure_future(late.connectAsync("127.0.0.1", stand.server.port, clientId=7))
    assert await asyncio.wait_for(codes.get(), WAIT_SECONDS) == 326
    connecting.cancel()  # the library would wait until its own time is up
    await asyncio.wait([connecting])
    await stand.passes(1)
    assert owner.isConnected()
    assert not late.isConnected()


async def test_orders_and_executions_are_seen_again_after_a_reconnect(stand: HandStand) -> None:
    ib = await stand.connect()
    spy = await qualified(ib, Stock("SPY", "SMART", "USD"))
    rests = ib.placeOrder(spy, LimitOrder("BUY", 10, 590.0, tif="GTC", orderRef="rests"))
    done = ib.placeOrder(spy, MarketOrder("BUY", 5, orderRef="done"))
    await stand.passes()
    await stand.trades("600")
    assert done.isDone()
    ib.disconnect()
    again = await stand.connect()
    (found,) = again.openTrades()
    assert (found.order.orderRef, found.order.permId, found.order.orderId) == ("rests", rests.order.permId, rests.order.orderId)
    assert found.orderStatus.status == "Submitted"
    (fill,) = again.fills()
    assert (fill.execution.orderRef, fill.execution.permId, fill.execution.shares) == ("done", done.order.permId, 5)
    assert fill.commissionReport.commission == 1.0
    assert again.client.getReqId() > done.order.orderId
    again.cancelOrder(found.order)
    await stand.passes()
    assert found.orderStatus.status == "Cancelled"


async def test_a_fill_while_nobody_was_connected_is_found(stand: HandStand) -> None:
    ib = await stand.connect()
    placed = ib.placeOrder(await qualified(ib, Stock("SPY", "SMART", "USD")), LimitOrder("BUY", 10, 595.0, orderRef="alone"))
    await stand.passes()
    ib.disconnect()
    await stand.quotes("594.8", "594.9")
    again = await stand.connect()
    assert again.openTrades() == []
    (fill,) = again.fills()
    assert (fill.execution.permId, fill.execution.price) == (placed.order.permId, 595.0)  # it rested: its own price
    assert [p.position for p in again.positions()] == [10]


async def test_another_client_sees_the_order_only_when_it_asks(stand: HandStand) -> None:
    one, two = await stand.connect(1), await stand.connect(2)
    trade = one.placeOrder(await qualified(one, Stock("SPY", "SMART", "USD")), LimitOrder("BUY", 10, 590.0))
    await stand.passes()
    assert two.openTrades() == []
    (seen,) = await two.reqAllOpenOrdersAsync()
    assert (seen.order.permId, seen.order.clientId) == (trade.order.permId, 1)


async def test_what_a_seeded_market_tells_is_whole_too(seeded: Stand) -> None:
    ib = await seeded.connect()
    details = await ib.reqContractDetailsAsync(Stock("SPY", "SMART", "USD"))
    assert [each.contract.conId for each in details if each.contract] == [756733]
