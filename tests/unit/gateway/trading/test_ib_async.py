"""The real ib_async over TCP: it connects with its whole start-up, trades, and finds its orders again.

Time is the test's: it stands still until a test moves it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import ib_async
import pytest

from tests.unit.gateway.hand_market import BOOK, MES, SPY, quoted, trade
from tests.unit.gateway.trading.pit import PLENTY, Pit
from theo.domain.market_data import SECOND
from theo.gateway.accounts.room import AccountsRoom
from theo.gateway.contracts.room import ContractsRoom
from theo.gateway.desk import Room
from theo.gateway.server import GatewayServer
from theo.gateway.session.room import SessionRoom
from theo.gateway.simulator import Simulator

SOON = 10  # seconds of the machine, for what should come at once


class HandClock:
    """A clock that a test moves."""

    def __init__(self, at: int) -> None:
        self._at, self._moved = at, asyncio.Event()

    def now(self) -> int:
        return self._at

    def move(self, by: int) -> None:
        self._at += by
        self._moved.set()
        self._moved = asyncio.Event()

    async def sleep_until(self, at: int) -> None:
        while self._at < at:
            await self._moved.wait()


class Floor:
    """A gateway on a port, its clock, and the means to connect."""

    def __init__(self) -> None:
        pit = Pit()
        self.market, self.ledgers = pit.market, pit.ledgers
        rooms: list[Room] = [SessionRoom(pit.room.next_order_id), ContractsRoom(BOOK), pit.room, AccountsRoom(pit.ledgers)]
        simulator = Simulator(pit.settings, BOOK, pit.market, rooms, pit.now)
        self.clock = HandClock(pit.now)
        self.server = GatewayServer(simulator, self.clock, port=0)

    async def connect(self, client_id: int = 1) -> ib_async.IB:
        ib = ib_async.IB()
        await ib.connectAsync("127.0.0.1", self.server.port, clientId=client_id, timeout=SOON, raiseSyncErrors=True)
        return ib

    def trades(self, price: float) -> None:
        """A second passes; SPY is quoted 0.10 around a price, and trades there."""
        at = self.clock.now() + SECOND
        self.market.add(*quoted(SPY, at, f"{price - 0.1:.2f}", f"{price + 0.1:.2f}", PLENTY), trade(SPY, at + 1, f"{price:.2f}"))
        self.wait()

    def wait(self) -> None:
        """Two seconds pass."""
        self.clock.move(2 * SECOND)
        self.server.act(lambda _simulator: None)


@pytest.fixture
async def floor() -> AsyncIterator[Floor]:
    made = Floor()
    await made.server.start()
    yield made
    await made.server.stop()


async def until(ib: ib_async.IB, holds: Callable[[], object]) -> None:
    """Let messages come until something holds."""
    async with asyncio.timeout(SOON):
        while not holds():
            await ib.updateEvent


SPY_CONTRACT: Any = ib_async.Stock("SPY", "SMART", "USD", conId=SPY.con_id)


async def test_a_session_of_orders(floor: Floor) -> None:
    ib = await floor.connect()
    limit = ib.placeOrder(SPY_CONTRACT, ib_async.LimitOrder("BUY", 10, 590.0, tif="DAY", orderRef="ref-1"))
    await until(ib, lambda: limit.orderStatus.status == "Submitted")
    limit.order.lmtPrice = 595.0
    ib.placeOrder(SPY_CONTRACT, limit.order)
    await until(ib, lambda: any(entry.message == "Modified" for entry in limit.log))
    market = ib.placeOrder(SPY_CONTRACT, ib_async.MarketOrder("BUY", 5, tif="DAY"))
    await until(ib, lambda: market.orderStatus.status == "Submitted")
    floor.trades(600)
    await until(ib, lambda: market.isDone() and market.fills and market.fills[0].commissionReport.commission)
    assert market.orderStatus.avgFillPrice == pytest.approx(600.1)
    assert market.fills[0].commissionReport.commission == 1.0
    await until(ib, lambda: [p for p in ib.positions() if p.position == 5])
    ib.cancelOrder(limit.order)
    await until(ib, lambda: limit.orderStatus.status == "Cancelled")
    assert {entry.errorCode for entry in limit.log} <= {0, 202}
    ib.disconnect()


async def test_a_bracket_and_a_group(floor: Floor) -> None:
    ib = await floor.connect()
    legs = [ib.placeOrder(SPY_CONTRACT, o) for o in ib.bracketOrder("BUY", 5, 600.0, 610.0, 590.0, tif="GTC")]
    await until(ib, lambda: [t.orderStatus.status for t in legs] == ["Submitted", "PreSubmitted", "PreSubmitted"])
    floor.trades(599.5)
    await until(ib, lambda: [t.orderStatus.status for t in legs] == ["Filled", "Submitted", "PreSubmitted"])
    floor.trades(600)
    floor.trades(611)
    await until(ib, lambda: [t.orderStatus.status for t in legs] == ["Filled", "Filled", "Cancelled"])
    either = [ib_async.LimitOrder("BUY", 5, 500.0, tif="GTC"), ib_async.StopOrder("BUY", 5, 620.0, tif="GTC")]
    group = [ib.placeOrder(SPY_CONTRACT, order) for order in ib.oneCancelsAll(either, "group", 1)]
    await until(ib, lambda: [t.orderStatus.status for t in group] == ["Submitted", "PreSubmitted"])
    floor.trades(620)
    await until(ib, lambda: [t.orderStatus.status for t in group] == ["Cancelled", "Filled"])
    ib.disconnect()


async def test_margins_accounts_and_profit_are_known(floor: Floor) -> None:
    ib = await floor.connect()
    (mes,) = await ib.qualifyContractsAsync(ib_async.Future("MES", "202612", "CME"))
    assert isinstance(mes, ib_async.Contract)
    state = await ib.whatIfOrderAsync(mes, ib_async.LimitOrder("BUY", 2, 6800.0, tif="DAY"))
    assert isinstance(state, ib_async.OrderState)
    assert float(state.initMarginChange) == 4_620.0
    assert state.commission == 1.24
    pnl = ib.reqPnL("DU1")
    trade_of = ib.placeOrder(mes, ib_async.MarketOrder("BUY", 2, tif="DAY"))
    floor.market.add(trade(MES, floor.clock.now() + SECOND, "6800"))
    await until(ib, lambda: trade_of.orderStatus.status == "Submitted")
    floor.wait()
    await until(ib, lambda: pnl.dailyPnL == pytest.approx(-2 * 0.25 * 5 - 1.24))
    values = {(v.tag, v.currency): v.value for v in await ib.accountSummaryAsync()}
    assert values["InitMarginReq", "USD"] == "4620.00"
    await until(ib, lambda: [item for item in ib.portfolio() if item.position == 2])
    assert ib.portfolio()[0].averageCost == pytest.approx(34_001.25 + 0.62)
    ib.disconnect()


async def test_it_finds_its_orders_and_executions_again(floor: Floor) -> None:
    ib = await floor.connect()
    resting = ib.placeOrder(SPY_CONTRACT, ib_async.LimitOrder("BUY", 10, 590.0, tif="GTC", orderRef="rests"))
    done = ib.placeOrder(SPY_CONTRACT, ib_async.MarketOrder("BUY", 5, tif="DAY", orderRef="done"))
    await until(ib, lambda: done.orderStatus.status == resting.orderStatus.status == "Submitted")
    floor.trades(600)
    await until(ib, done.isDone)
    ib.disconnect()
    again = await floor.connect()
    (found,) = again.openTrades()
    assert (found.order.orderRef, found.order.permId, found.orderStatus.status) == ("rests", resting.order.permId, "Submitted")
    (fill,) = again.fills()
    assert (fill.execution.orderRef, fill.execution.permId) == ("done", done.order.permId)
    assert fill.commissionReport.commission == 1.0
    assert again.client.getReqId() > done.order.orderId
    again.cancelOrder(found.order)
    await until(again, lambda: found.orderStatus.status == "Cancelled")
    again.disconnect()


@pytest.mark.parametrize(
    ("order", "code"),
    [
        (ib_async.LimitOrder("BUY", 1, 600.001, tif="DAY"), 110),
        (ib_async.MarketOrder("BUY", 1_000_000, tif="DAY"), 201),
        (ib_async.Order(action="BUY", totalQuantity=1, orderType="PEG MKT", tif="DAY"), 387),
    ],
)
async def test_a_refused_order_is_told_of(floor: Floor, order: ib_async.Order, code: int) -> None:
    ib = await floor.connect()
    errors: list[tuple[int, int]] = []
    ib.errorEvent.connect(lambda order_id, number, *_rest: errors.append((order_id, number)))
    refused = ib.placeOrder(SPY_CONTRACT, order)
    await until(ib, lambda: (refused.order.orderId, code) in errors)
    await until(ib, refused.isDone)
    ib.disconnect()
