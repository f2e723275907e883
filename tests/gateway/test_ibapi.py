"""The official client of 2020 (ibapi 9.81, server version 157) over TCP, in a thread of its own as its users run it.

What that client cannot do, and so is not asked here: sizes that are no whole numbers (from 163), time zones in what it is told
(from 174), a cancel with a time of its own (from 169), what completed orders were filled with. Its orders bear eTradeOnly and
firmQuoteOnly unless that is switched off, which TWS refuses by now with 10268. Prices and time are by hand: SPY is quoted
599.90 / 600.10, MES 6799.75 / 6800.25.
"""

import asyncio
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from ibapi.client import EClient
from ibapi.contract import Contract
from ibapi.execution import ExecutionFilter
from ibapi.order import Order
from ibapi.wrapper import EWrapper

from tests.gateway.stand import WAIT_SECONDS, HandStand
from tests.unit.gateway.hand_market import MES, SPY

Heard = tuple[str, tuple[Any, ...]]
CALLBACKS = frozenset(name for name in vars(EWrapper) if not name.startswith("_") and name != "logAnswer")
ACCOUNT = "DU1234567"


class App(EWrapper, EClient):  # type: ignore[misc]  # the library has no types
    """Keeps every callback by its name."""

    def __init__(self) -> None:
        EClient.__init__(self, self)
        self.heard: queue.Queue[Heard] = queue.Queue()

    def __getattribute__(self, name: str) -> Any:  # noqa: ANN401 - whatever the library calls
        if name in CALLBACKS:
            return lambda *args, **named: self.heard.put((name, (*args, *named.values())))
        return super().__getattribute__(name)

    def until(self, name: str) -> list[Heard]:
        """Everything up to the first callback of a name."""
        found: list[Heard] = []
        while not found or found[-1][0] != name:
            found.append(self.heard.get(timeout=WAIT_SECONDS))
        return found


class Talk:
    """A client, and the stand's time from its thread."""

    def __init__(self, app: App, stand: HandStand, loop: asyncio.AbstractEventLoop) -> None:
        self.app, self.stand, self._loop = app, stand, loop
        self.start = app.until("nextValidId")
        self.next_id = int(self.start[-1][1][0])

    def so_far(self, *names: str) -> list[Heard]:
        """What came of all that was asked, by the names of callbacks: the time is asked for last."""
        self.app.reqCurrentTime()
        return [heard for heard in self.app.until("currentTime") if not names or heard[0] in names]

    def _passes(self, made: Any, *names: str) -> list[Heard]:  # noqa: ANN401 - a coroutine
        before = self.so_far(*names)
        asyncio.run_coroutine_threadsafe(made, self._loop).result(WAIT_SECONDS)
        return before + self.so_far(*names)

    def passes(self, seconds: float, *names: str) -> list[Heard]:
        return self._passes(self.stand.passes(seconds), *names)

    def quotes(self, bid: str, ask: str, *names: str, listing: Any = SPY, sizes: tuple[int, int] = (10**6, 10**6)) -> list[Heard]:  # noqa: ANN401 - a Listing
        return self._passes(self.stand.quotes(bid, ask, listing, sizes), *names)

    def trades(self, price: str, *names: str, listing: Any = SPY) -> list[Heard]:  # noqa: ANN401 - a Listing
        return self._passes(self.stand.trades(price, listing), *names)

    def place(self, asked: Contract, kind: str, side: str, quantity: int, **fields: object) -> int:
        """Place an order; its number."""
        order = Order()
        order.orderType, order.action, order.totalQuantity, order.tif = kind, side, quantity, "DAY"
        order.eTradeOnly = order.firmQuoteOnly = False
        for name, value in fields.items():
            setattr(order, name, value)
        self.next_id += 1
        self.app.placeOrder(self.next_id - 1, asked, order)
        return self.next_id - 1


@contextmanager
def connected(stand: HandStand, loop: asyncio.AbstractEventLoop, client_id: int = 5) -> Iterator[Talk]:
    app = App()
    app.connect("127.0.0.1", stand.server.port, client_id)
    thread = threading.Thread(target=app.run, daemon=True)
    thread.start()
    try:
        yield Talk(app, stand, loop)
    finally:
        app.disconnect()
        thread.join(WAIT_SECONDS)


async def run(stand: HandStand, program: Callable[[Talk], None]) -> None:
    """A user's program, in a thread, while the gateway serves."""
    loop = asyncio.get_running_loop()

    def talk() -> None:
        with connected(stand, loop) as made:
            program(made)

    await asyncio.to_thread(talk)


def contract(symbol: str, kind: str, exchange: str, **more: object) -> Contract:
    made = Contract()
    made.symbol, made.secType, made.exchange, made.currency = symbol, kind, exchange, "USD"
    for name, value in more.items():
        setattr(made, name, value)
    return made


SPY_STOCK = contract("SPY", "STK", "SMART")
MES_FUTURE = contract("MES", "FUT", "CME", lastTradeDateOrContractMonth="202612")


def last_status(heard: list[Heard]) -> dict[int, str]:
    """The newest status of each order."""
    return {args[0]: args[1] for name, args in heard if name == "orderStatus"}


async def test_it_starts_and_resolves_contracts(stand: HandStand) -> None:
    def program(talk: Talk) -> None:
        assert talk.app.serverVersion() == 157
        assert ("managedAccounts", (ACCOUNT,)) in talk.start
        asked = {
            1: MES_FUTURE,
            2: contract("VIX", "IND", "CBOE"),
            3: SPY_STOCK,
            4: contract(
                "SPX", "OPT", "SMART", lastTradeDateOrContractMonth="20261217", strike=6000.0, right="C", tradingClass="SPX"
            ),
        }
        for number, each in asked.items():
            talk.app.reqContractDetails(number, each)
        found = {args[0]: args[1].contract.localSymbol for _, args in talk.so_far("contractDetails")}
        assert found == {1: "MESZ6", 2: "VIX", 3: "SPY", 4: "SPX   261218C06000000"}

    await run(stand, program)


async def test_it_streams_ticks_bars_and_a_book(stand: HandStand) -> None:
    def program(talk: Talk) -> None:
        app = talk.app
        app.reqMktData(1, SPY_STOCK, "", False, False, [])
        app.reqRealTimeBars(2, SPY_STOCK, 5, "TRADES", False, [])
        app.reqMktDepth(3, SPY_STOCK, 5, True, [])
        app.reqTickByTickData(4, SPY_STOCK, "AllLast", 0, False)
        heard = talk.trades("600.5") + talk.trades("600.2") + talk.quotes("600.1", "600.3") + talk.passes(10)
        prices = {args[1]: args[2] for name, args in heard if name == "tickPrice"}
        assert (prices[1], prices[2], prices[4]) == (600.1, 600.3, 600.2)  # bid, ask, last
        bars = [args for name, args in heard if name == "realtimeBar"]
        assert bars[0][2:6] == (600.5, 600.5, 600.2, 600.2)
        assert [args[3] for name, args in heard if name == "tickByTickAllLast"][-2:] == [600.5, 600.2]
        best = {args[4]: args[5] for name, args in heard if name == "updateMktDepthL2" and args[1] == 0}
        assert best == {0: 600.3, 1: 600.1}

    await run(stand, program)


async def test_it_reads_history_and_what_is_added_to_it(stand: HandStand) -> None:
    def program(talk: Talk) -> None:
        talk.trades("601")
        talk.app.reqHistoricalData(1, SPY_STOCK, "", "1800 S", "1 min", "TRADES", 0, 1, True, [])
        told = talk.so_far("historicalData", "historicalDataEnd")
        assert told[-1][0] == "historicalDataEnd"
        newest = told[-2][1][1]
        assert (newest.open, newest.close, newest.volume) == (601.0, 601.0, 1_000_000)
        talk.trades("602")
        update = talk.passes(10, "historicalDataUpdate")[-1][1][1]
        assert (update.high, update.close) == (602.0, 602.0)

    await run(stand, program)


async def test_orders_live_as_they_are_asked_to(stand: HandStand) -> None:
    def program(talk: Talk) -> None:
        limit = talk.place(SPY_STOCK, "LMT", "BUY", 100, lmtPrice=598.0)
        stop = talk.place(SPY_STOCK, "STP", "BUY", 5, auxPrice=610.0)
        trail = talk.place(SPY_STOCK, "TRAIL", "SELL", 5, auxPrice=30.0)
        market = talk.place(MES_FUTURE, "MKT", "BUY", 2)
        heard = talk.trades("6800", listing=MES)
        assert last_status(heard) == {limit: "Submitted", stop: "PreSubmitted", trail: "PreSubmitted", market: "Filled"}
        (deal,) = [args for name, args in heard if name == "execDetails"]
        (charge,) = [args[0] for name, args in heard if name == "commissionReport"]
        assert (deal[2].shares, deal[2].price, deal[2].side) == (2, 6800.25, "BOT")
        assert (charge.execId, charge.commission) == (deal[2].execId, 1.24)
        order = Order()
        order.orderType, order.action, order.totalQuantity, order.tif, order.lmtPrice = "LMT", "BUY", 100, "DAY", 599.0
        order.eTradeOnly = order.firmQuoteOnly = False
        talk.app.placeOrder(limit, SPY_STOCK, order)  # changed
        parts = talk.quotes("598.5", "598.9", sizes=(10, 40)) + talk.quotes("598.5", "598.8")
        sizes = [args[2].shares for name, args in parts if name == "execDetails"]
        assert len(sizes) > 1
        assert sum(sizes) == 100
        assert {args[2].price for name, args in parts if name == "execDetails"} == {599.0}
        talk.app.cancelOrder(stop)
        ended = talk.so_far("orderStatus", "error")
        assert last_status(ended)[stop] == "Cancelled"
        assert (stop, 202) in [args[:2] for name, args in ended if name == "error"]

    await run(stand, program)


async def test_brackets_and_groups(stand: HandStand) -> None:
    def program(talk: Talk) -> None:
        parent = talk.place(SPY_STOCK, "LMT", "BUY", 10, lmtPrice=600.2, transmit=False)
        target = talk.place(SPY_STOCK, "LMT", "SELL", 10, lmtPrice=605.0, parentId=parent, transmit=False)
        stop = talk.place(SPY_STOCK, "STP", "SELL", 10, auxPrice=595.0, parentId=parent)
        assert last_status(talk.quotes("599.9", "600.1")) == {parent: "Filled", target: "Submitted", stop: "PreSubmitted"}
        assert last_status(talk.quotes("605.5", "605.7")) == {target: "Filled", stop: "Cancelled"}
        either = [
            talk.place(SPY_STOCK, "LMT", "BUY", 10, lmtPrice=price, ocaGroup="either", ocaType=1) for price in (590.0, 589.0)
        ]
        assert last_status(talk.quotes("589.4", "589.5")) == {either[0]: "Filled", either[1]: "Cancelled"}

    await run(stand, program)


async def test_account_positions_and_profit(stand: HandStand) -> None:
    def program(talk: Talk) -> None:
        what_if = talk.place(MES_FUTURE, "MKT", "BUY", 2, whatIf=True)
        (answer,) = [args for name, args in talk.so_far("openOrder") if args[0] == what_if]
        assert answer[3].commission == 1.24
        assert float(answer[3].initMarginChange) > 0
        talk.place(MES_FUTURE, "MKT", "BUY", 2)
        talk.trades("6800", listing=MES)
        talk.app.reqPositions()
        talk.app.reqPnL(7, ACCOUNT, "")
        talk.app.reqAccountSummary(8, "All", "NetLiquidation,InitMarginReq")
        heard = talk.quotes("6810", "6810.5", listing=MES) + talk.passes(2)
        assert [(args[1].symbol, args[2], args[3]) for name, args in heard if name == "position"] == [("MES", 2, 34001.87)]
        values = {args[2]: float(args[3]) for name, args in heard if name == "accountSummary"}
        assert values["InitMarginReq"] == 2 * 2310.0
        assert values["NetLiquidation"] == pytest.approx(1_000_000 - 2 * 0.25 * 5 - 1.24)
        assert [args[2] for name, args in heard if name == "pnl"][-1] == pytest.approx(2 * 9.75 * 5 - 1.24)

    await run(stand, program)


async def test_it_finds_orders_and_executions_again(stand: HandStand) -> None:
    placed: dict[str, int] = {}

    def first(talk: Talk) -> None:
        placed["rests"] = talk.place(SPY_STOCK, "LMT", "BUY", 10, lmtPrice=590.0, orderRef="rests")
        talk.place(SPY_STOCK, "MKT", "BUY", 5, orderRef="done")
        talk.trades("600")

    def again(talk: Talk) -> None:
        assert talk.next_id > placed["rests"] + 1
        talk.app.reqOpenOrders()
        found = {args[0]: (args[2].orderRef, args[3].status) for name, args in talk.so_far("openOrder")}
        assert found == {placed["rests"]: ("rests", "Submitted")}
        talk.app.reqExecutions(9, ExecutionFilter())
        assert [args[2].orderRef for _, args in talk.so_far("execDetails")] == ["done"]
        talk.app.reqPositions()
        assert [(args[1].symbol, args[2]) for _, args in talk.so_far("position")] == [("SPY", 5)]

    await stand.connect(99)  # somebody else, who is served meanwhile
    await run(stand, first)
    async with asyncio.timeout(WAIT_SECONDS):
        while len(stand.gateway.simulator.clients) > 1:  # until its going is noticed its client id is in use
            await stand.heard()
    await run(stand, again)


async def test_what_cannot_be_is_refused(stand: HandStand) -> None:
    def program(talk: Talk) -> None:
        wrong = {
            talk.place(SPY_STOCK, "LMT", "BUY", 1, lmtPrice=600.001): 110,
            talk.place(contract("SPY", "STK", ""), "MKT", "BUY", 1): 321,
            talk.place(SPY_STOCK, "MKT", "BUY", 1, eTradeOnly=True): 10268,
            talk.place(contract("NOSUCH", "STK", "SMART"), "MKT", "BUY", 1): 200,
        }
        assert {args[0]: args[1] for _, args in talk.so_far("error") if args[0] > 0} == wrong

    await run(stand, program)
