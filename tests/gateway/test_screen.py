"""What the gateway shows of itself while real clients are there: every number is one that the clients know too."""

import asyncio
from collections.abc import AsyncIterator
from io import StringIO
from typing import cast

import msgspec
import pytest
from ib_async import IB, Contract, Index, LimitOrder, Stock
from rich.console import Console, RenderableType

from theo.app.gateway.screen import ROWS_MAX, Serving, line, screen
from theo.gateway.building import Gateway
from theo.gateway.overview import ClientView, Overview, overview
from theo.gateway.server import GatewayServer

SERVING = Serving("127.0.0.1:7497", "seed 7", "20")


def text_of(picture: RenderableType) -> list[str]:
    """Lines as a terminal of 120 columns shows them."""
    console = Console(width=120, record=True, file=StringIO())
    console.print(picture)
    return [row.strip("│ ").rstrip() for row in console.export_text().splitlines()]


def row_of(rows: list[str], *begins: str) -> list[str]:
    """The cells of the one row that begins so."""
    (found,) = [row.split() for row in rows if row.split()[: len(begins)] == list(begins)]
    return found


def address(client: IB) -> str:
    """Where a client's own end of the connection is."""
    transport = client.client.conn.transport
    assert transport is not None
    host, port = transport.get_extra_info("sockname")
    return f"{host}:{port}"


@pytest.fixture
async def clients(server: GatewayServer) -> AsyncIterator[tuple[IB, IB]]:
    both = IB(), IB()
    for number, client in zip((1, 7), both, strict=True):
        await client.connectAsync("127.0.0.1", server.port, clientId=number, timeout=10)
    yield both
    for client in both:
        client.disconnect()


async def test_clients_subscriptions_and_orders_are_shown(
    clients: tuple[IB, IB], gateway: Gateway, server: GatewayServer
) -> None:
    one, other = clients
    found = await one.qualifyContractsAsync(Stock("SPY", "SMART", "USD"), Index("VIX", "CBOE", "USD"))
    spy, vix = cast("list[Contract]", found)
    before = overview(gateway, server.behind)
    tickers = [one.reqMktData(spy), other.reqMktData(spy), other.reqMktData(vix)]
    one.reqTickByTickData(spy, "BidAsk")
    kept = await other.reqHistoricalDataAsync(spy, "", "600 S", "1 min", "TRADES", useRTH=False, keepUpToDate=True)
    trade = one.placeOrder(spy, LimitOrder("BUY", 100, 1.25))
    async with asyncio.timeout(20):
        while not (all(ticker.last > 0 for ticker in tickers) and trade.orderStatus.status == "Submitted" and kept):
            await one.updateEvent
    now = overview(gateway, server.behind)
    rows = text_of(screen(SERVING, now, before, 2.0))
    views = {view.id: view for view in now.clients}
    assert row_of(rows, "1")[2] == str(one.client.serverVersion())
    assert (views[1].subscriptions, views[7].subscriptions) == (2, 3)
    assert row_of(rows, "1")[5] == "2"
    came = views[1].requests - next(view.requests for view in before.clients if view.id == 1)
    assert came == 3, "market data, tick by tick, an order"
    assert row_of(rows, "SPY") == ["SPY", "2", "1", "1"]
    assert row_of(rows, "VIX") == ["VIX", "1"]
    assert row_of(rows, f"1:{trade.order.orderId}") == [
        f"1:{trade.order.orderId}", "SPY", "BUY", "LMT", "Submitted", "0", "of", "100", "1.25",
    ]  # fmt: skip
    assert {view.address for view in now.clients} == {address(client) for client in clients}
    assert "clients 1, 7  subscriptions 5  working orders 1" in line(now)


async def test_incidents_that_last_are_shown_until_they_end(gateway: Gateway, server: GatewayServer) -> None:
    room = gateway.incidents
    server.act(lambda simulator: room.play(simulator.desk, "silent-streams"))
    assert "incidents now: silent-streams" in line(overview(gateway))
    server.act(lambda simulator: room.end(simulator.desk, "silent-streams"))
    assert "incidents now" not in line(overview(gateway))
    server.act(lambda simulator: room.play(simulator.desk, "oco-both-fill"))
    assert "incidents that wait for an order: oco-both-fill" in line(overview(gateway))


QUIET = Overview(now=0, when="now", behind=0, data_ended=False, clients=(), symbols=(), orders=(), lasting=(), played=())


def quiet(**more: object) -> Overview:
    return msgspec.structs.replace(QUIET, **more)


def test_what_a_person_should_know_is_said() -> None:
    assert "BEHIND by 1,234.5 s" in line(quiet(behind=1_234_500_000))
    assert "the data has ended" in line(quiet(data_ended=True))
    assert "no client is connected" in text_of(screen(SERVING, quiet(), quiet(), 1.0))


def test_a_crowd_fits_the_screen() -> None:
    many = tuple(ClientView(n, n, 178, "", 0, 0, 0, 0) for n in range(ROWS_MAX + 5))
    assert "and 5 more" in text_of(screen(SERVING, quiet(clients=many), quiet(), 1.0))


def test_rates_are_of_the_time_between() -> None:
    then, now = (ClientView(1, 1, 178, "", count, 10 * count, 0, 0) for count in (100, 150))
    rows = text_of(screen(SERVING, quiet(clients=(now,), now=60_000_000), quiet(clients=(then,)), 5.0))
    assert row_of(rows, "1") == ["1", "178", "10", "100", "0", "0"]
    assert any("now 12.0" in row for row in rows)
