"""The unmodified ib_async over TCP: what a user's own program does with a gateway."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from ib_async import IB, Contract, Future, Index, LimitOrder, MarketOrder, Option, Stock

from theo.gateway.server import GatewayServer


@pytest.fixture
async def ib(server: GatewayServer) -> AsyncIterator[IB]:
    client = IB()
    await client.connectAsync("127.0.0.1", server.port, clientId=1, timeout=10, raiseSyncErrors=True)
    yield client
    client.disconnect()


async def qualified(ib: IB, contract: Contract) -> Contract:
    (found,) = await ib.qualifyContractsAsync(contract)
    assert isinstance(found, Contract)
    return found


async def until(ib: IB, holds: object, seconds: float = 10.0) -> None:
    """Wait for events until a condition holds."""
    assert callable(holds)
    async with asyncio.timeout(seconds):
        while not holds():
            await ib.updateEvent


async def test_the_start_up_synchronisation_is_whole(ib: IB) -> None:
    assert ib.isConnected()
    assert ib.managedAccounts() == ["DU1234567"]
    assert ib.client.serverVersion() == 178
    assert any(value.tag == "NetLiquidation" for value in ib.accountValues())


@pytest.mark.parametrize(
    "contract",
    [
        Stock("SPY", "SMART", "USD"),
        Index("VIX", "CBOE", "USD"),
        Future("MES", "202612", "CME"),
        Option("SPX", "20261218", 6000, "C", "CBOE"),
    ],
    ids=lambda c: c.symbol,
)
async def test_contracts_are_qualified(ib: IB, contract: Contract) -> None:
    found = await qualified(ib, contract)
    assert found.conId > 0
    assert found.localSymbol


async def test_an_ambiguous_contract_is_not_guessed(ib: IB) -> None:
    assert len(await ib.reqContractDetailsAsync(Future("MES", exchange="CME"))) >= 4


async def test_prices_stream(ib: IB) -> None:
    spy = await qualified(ib, Stock("SPY", "SMART", "USD"))
    ticker = ib.reqMktData(spy)
    await until(ib, lambda: ticker.bid > 0 and ticker.ask > ticker.bid and ticker.last > 0)
    bars = ib.reqRealTimeBars(spy, 5, "TRADES", useRTH=False)
    await until(ib, lambda: len(bars) >= 2)
    assert bars[0].low <= bars[0].close <= bars[0].high


async def test_an_index_has_last_prices_and_no_quotes(ib: IB) -> None:
    vix = await qualified(ib, Index("VIX", "CBOE", "USD"))
    ticker = ib.reqMktData(vix)
    await until(ib, lambda: ticker.last > 0)
    assert not ticker.bid > 0


@pytest.mark.parametrize(("size", "before"), [("1 min", 390), ("15 mins", 26), ("1 day", 1)])
async def test_history_of_yesterday_and_of_this_morning(ib: IB, size: str, before: int) -> None:
    spy = await qualified(ib, Stock("SPY", "SMART", "USD"))
    bars = await ib.reqHistoricalDataAsync(spy, "", "2 D", size, "TRADES", useRTH=True)
    days = [f"{bar.date:%Y%m%d}" for bar in bars]  # a date, or a time within it
    assert days.count("20261119") == before
    assert days.count("20261120") >= 1
    assert all(b.low <= min(b.open, b.close) and b.high >= max(b.open, b.close) for b in bars)


async def test_a_market_order_fills_is_paid_for_and_held(ib: IB) -> None:
    mes = await qualified(ib, Future("MES", "202612", "CME"))
    trade = ib.placeOrder(mes, MarketOrder("BUY", 2, orderRef="t-1"))
    await until(ib, lambda: trade.orderStatus.status == "Filled" and trade.fills and trade.fills[-1].commissionReport.execId)
    assert trade.filled() == 2
    assert trade.fills[0].execution.orderRef == "t-1"
    assert trade.order.permId > 0
    await until(ib, ib.positions)
    (position,) = ib.positions()
    assert (position.contract.symbol, position.position) == ("MES", 2)


async def test_a_limit_order_rests_is_modified_and_cancelled(ib: IB) -> None:
    spy = await qualified(ib, Stock("SPY", "SMART", "USD"))
    order = LimitOrder("BUY", 10, 100.0)
    trade = ib.placeOrder(spy, order)
    await until(ib, lambda: trade.orderStatus.status == "Submitted")
    order.lmtPrice = 101.0
    ib.placeOrder(spy, order)
    await until(ib, lambda: any(entry.message == "Modified" for entry in trade.log) or trade.order.lmtPrice == 101.0)
    ib.cancelOrder(order)
    await until(ib, lambda: trade.orderStatus.status == "Cancelled")


async def test_a_bracket_protects_and_its_legs_cancel_each_other(ib: IB) -> None:
    mes = await qualified(ib, Future("MES", "202612", "CME"))
    ticker = ib.reqMktData(mes)
    await until(ib, lambda: ticker.last > 0)
    last = round(ticker.last * 4) / 4
    parent, target, stop = ib.bracketOrder("BUY", 1, last + 20, last + 400, last - 400)
    trades = [ib.placeOrder(mes, each) for each in (parent, target, stop)]
    await until(ib, lambda: trades[0].orderStatus.status == "Filled")
    await until(ib, lambda: trades[1].orderStatus.status == "Submitted" and trades[2].orderStatus.status == "PreSubmitted")
    ib.cancelOrder(target)
    await until(ib, trades[1].isDone)


async def test_what_if_tells_the_margin_and_books_nothing(ib: IB) -> None:
    mes = await qualified(ib, Future("MES", "202612", "CME"))
    state = await asyncio.wait_for(ib.whatIfOrderAsync(mes, MarketOrder("BUY", 1)), 10)
    assert float(state.initMarginChange) > 0
    assert ib.positions() == []


async def test_orders_are_seen_again_after_a_reconnect(ib: IB, server: GatewayServer) -> None:
    spy = await qualified(ib, Stock("SPY", "SMART", "USD"))
    trade = ib.placeOrder(spy, LimitOrder("BUY", 10, 100.0, orderRef="again"))
    await until(ib, lambda: trade.orderStatus.status == "Submitted")
    ib.disconnect()
    other = IB()
    await other.connectAsync("127.0.0.1", server.port, clientId=1, timeout=10, raiseSyncErrors=True)
    try:
        (open_trade,) = other.openTrades()
        assert open_trade.order.orderRef == "again"
        assert open_trade.order.permId == trade.order.permId
    finally:
        other.disconnect()
