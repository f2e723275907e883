"""A speed that no machine keeps up with: clients are served all the same, and how far behind the gateway is, is told."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from ib_async import IB, Stock

from tests.gateway.conftest import START
from theo.adapters.system.clock import HandClock, PacedClock
from theo.domain.market_data import MINUTE, SECOND
from theo.gateway.building import Gateway
from theo.gateway.overview import overview
from theo.gateway.server import GatewayServer

TOO_FAST = 1_000_000.0


@pytest.fixture
async def hasty(gateway: Gateway) -> AsyncIterator[GatewayServer]:
    made = GatewayServer(gateway.simulator, PacedClock(START, TOO_FAST), port=0)
    await made.start()
    yield made
    await made.stop()


async def test_clients_are_served_and_the_delay_is_told(hasty: GatewayServer, gateway: Gateway) -> None:
    client = IB()
    async with asyncio.timeout(30):
        await client.connectAsync("127.0.0.1", hasty.port, clientId=1, timeout=20)
        (spy,) = await client.qualifyContractsAsync(Stock("SPY", "SMART", "USD"))
        assert spy is not None
        told = await client.reqCurrentTimeAsync()
    client.disconnect()
    now = overview(gateway, hasty.behind)
    assert now.behind > 0
    assert told.timestamp() * SECOND <= now.now, "a client hears the time that the market has reached"


async def test_what_was_missed_is_made_up_for(gateway: Gateway) -> None:
    clock = HandClock(START)
    server = GatewayServer(gateway.simulator, clock, port=0)
    await server.start()
    client = IB()
    async with asyncio.timeout(30):
        await client.connectAsync("127.0.0.1", server.port, clientId=1, timeout=20)
        clock.forward(20 * MINUTE)
        await server.caught_up()
        told = await client.reqCurrentTimeAsync()
    assert server.behind == 0
    assert told.timestamp() * SECOND == clock.now()
    client.disconnect()
    await server.stop()
