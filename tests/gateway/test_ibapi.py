"""The official client of 2020 (9.81, server version 157) over TCP, in a thread of its own as its users run it."""

import asyncio
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from ibapi.client import EClient
from ibapi.contract import Contract
from ibapi.order import Order
from ibapi.wrapper import EWrapper

from theo.gateway.server import GatewayServer

Heard = tuple[str, tuple[Any, ...]]
WAIT_SECONDS = 10.0


class App(EWrapper, EClient):  # type: ignore[misc]  # the library has no types
    """Keeps every callback by its name."""

    def __init__(self) -> None:
        EClient.__init__(self, self)
        self.heard: queue.Queue[Heard] = queue.Queue()

    def __getattribute__(self, name: str) -> Any:  # noqa: ANN401 - whatever the library calls
        if name in CALLBACKS:
            return lambda *args, **_kwargs: self.heard.put((name, args))
        return super().__getattribute__(name)

    def until(self, name: str) -> list[Heard]:
        """Everything up to the first callback of a name."""
        found: list[Heard] = []
        while not found or found[-1][0] != name:
            found.append(self.heard.get(timeout=WAIT_SECONDS))
        return found


CALLBACKS = frozenset({
    "contractDetails",
    "contractDetailsEnd",
    "error",
    "execDetails",
    "historicalData",
    "historicalDataEnd",
    "managedAccounts",
    "nextValidId",
    "openOrder",
    "orderStatus",
    "position",
    "positionEnd",
    "tickPrice",
})  # fmt: skip


@contextmanager
def connected(port: int) -> Iterator[App]:
    app = App()
    app.connect("127.0.0.1", port, 5)
    thread = threading.Thread(target=app.run, daemon=True)
    thread.start()
    try:
        yield app
    finally:
        app.disconnect()
        thread.join(WAIT_SECONDS)


def contract(symbol: str, kind: str, exchange: str, **more: str) -> Contract:
    made = Contract()
    made.symbol, made.secType, made.exchange, made.currency = symbol, kind, exchange, "USD"
    for name, value in more.items():
        setattr(made, name, value)
    return made


def talk(port: int) -> dict[str, Any]:
    """What a program does, one after the other; what it heard."""
    with connected(port) as app:
        found: dict[str, Any] = {"start": [name for name, _ in app.until("nextValidId")], "version": app.serverVersion()}
        app.reqContractDetails(1, contract("MES", "FUT", "CME", lastTradeDateOrContractMonth="202612"))
        found["details"] = app.until("contractDetailsEnd")
        app.reqMktData(2, contract("SPY", "STK", "SMART"), "", False, False, [])
        found["tick"] = app.until("tickPrice")[-1]
        app.reqHistoricalData(3, contract("SPY", "STK", "SMART"), "", "2 D", "1 day", "TRADES", 1, 1, False, [])
        found["bars"] = [heard for heard in app.until("historicalDataEnd") if heard[0] == "historicalData"]
        order = Order()
        order.action, order.totalQuantity, order.orderType, order.tif = "BUY", 1, "MKT", "DAY"
        order.eTradeOnly = order.firmQuoteOnly = False
        app.placeOrder(1, contract("MES", "FUT", "CME", lastTradeDateOrContractMonth="202612"), order)
        found["fill"] = app.until("execDetails")[-1]
        app.reqPositions()
        found["positions"] = [heard for heard in app.until("positionEnd") if heard[0] == "position"]
        return found


@pytest.mark.slow
async def test_the_official_client_sees_a_market_and_trades(server: GatewayServer) -> None:
    found = await asyncio.to_thread(talk, server.port)
    assert found["version"] == 157
    assert "managedAccounts" in found["start"]
    assert len([name for name, _ in found["details"] if name == "contractDetails"]) == 1
    assert found["tick"][1][2] > 0
    assert len(found["bars"]) >= 1
    assert found["fill"][1][2].shares == 1
    assert [(args[1].symbol, args[2]) for _, args in found["positions"]] == [("MES", 1)]
