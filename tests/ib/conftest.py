"""The adapter for Interactive Brokers on a whole simulated gateway: one clock for both, over a real socket."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from tests.gateway.conftest import SPEED, START, contracts, gateway, server
from tests.ib.trading import TODAY, WAIT_SECONDS, Desk, Told, make_desk, until
from theo.adapters.ib.contracts import Contracts
from theo.adapters.ib.link import Link
from theo.adapters.ib.settings import IbSettings
from theo.adapters.instruments.catalogue import catalogue
from theo.adapters.system.clock import PacedClock
from theo.domain.instrument import Instrument
from theo.gateway.building import Gateway
from theo.gateway.server import GatewayServer

__all__ = ["SPEED", "START", "TODAY", "WAIT_SECONDS", "Told", "contracts", "gateway", "server", "until"]


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def clock(server: GatewayServer) -> PacedClock:
    """The gateway's own: the two agree on the time."""
    made = server._clock
    assert isinstance(made, PacedClock)
    return made


@pytest.fixture
def idle_link(server: GatewayServer, clock: PacedClock, told: Told) -> Link:
    """A link that nobody runs yet: listeners that must hear of the first connection are added to it."""
    return Link(IbSettings(port=server.port), clock, told)


@contextlib.asynccontextmanager
async def running(link: Link) -> AsyncIterator[Link]:
    """Run a link from its first UP to the end of the context; a run that ends before that fails the test."""
    run = asyncio.create_task(link.run())
    try:
        await until(lambda: link.up or run.done())
        yield link
        if run.done():
            run.result()
            pytest.fail("the link's run ended early")
    finally:
        await link.close()
        run.cancel()
        with contextlib.suppress(BaseException):
            await run


@pytest.fixture
async def desk(
    idle_link: Link, gateway: Gateway, server: GatewayServer, instruments: dict[str, Instrument], told: Told
) -> AsyncIterator[Desk]:
    """A broker on a link that is up, in the account of a fresh gateway."""
    made = make_desk(idle_link, gateway, server, instruments, told)
    await made.broker.connect(made.heard.append)
    async with running(idle_link):
        yield made
        await made.broker.close()


@pytest.fixture
async def link(idle_link: Link) -> AsyncIterator[Link]:
    """A link that is up."""
    async with running(idle_link):
        yield idle_link


@pytest.fixture(scope="session")
def instruments() -> dict[str, Instrument]:
    """The shipped instruments by symbol."""
    return {symbol: listed.instrument for symbol, listed in catalogue().items()}


@pytest.fixture
async def resolved(link: Link, instruments: dict[str, Instrument]) -> Contracts:
    """IB's contracts of MES, VIX and SPY, asked for on a link that is up."""
    made = Contracts(link)
    await made.resolve([instruments[symbol] for symbol in ("MES", "VIX", "SPY")], TODAY)
    return made
