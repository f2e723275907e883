"""A whole gateway on a port whose time a test moves, and the real ib_async as its client.

After ``passes`` everything that was due has happened and every client that the stand has connected has heard of it: requests are
answered in their order, so the answer to the last one comes after all that was told before.
"""

import asyncio

from ib_async import IB, Contract

from tests.unit.gateway.hand_market import BOOK, SPY, HandMarket, quoted, trade
from tests.unit.gateway.tables import at
from theo.adapters.system.clock import HandClock
from theo.domain.market_data import SECOND, Tick
from theo.gateway.building import build
from theo.gateway.desk import GatewaySettings, Listing, SimulatedMarket
from theo.gateway.market.synthetic import SyntheticMarket
from theo.gateway.server import GatewayServer

OPEN = at("2026-11-24 10:00")  # a Tuesday, two days before Thanksgiving
WAIT_SECONDS = 20.0  # of the machine, for what comes at once
PLENTY = (1_000_000, 1_000_000)


class Stand:
    """``market`` is what the gateway plays, ``now`` when its time begins."""

    def __init__(self, market: SimulatedMarket, now: int = OPEN, settings: GatewaySettings | None = None) -> None:
        self.gateway = build(settings or GatewaySettings(), BOOK, market, now)
        self.clock = HandClock(now)
        self.server = GatewayServer(self.gateway.simulator, self.clock, port=0)
        self.clients: list[IB] = []

    async def start(self) -> None:
        await self.server.start()

    async def stop(self) -> None:
        for ib in self.clients:
            ib.disconnect()
        await self.server.stop()

    async def connect(self, client_id: int = 1) -> IB:
        """A client after its whole start-up; a part of it that is not answered is an error."""
        ib = IB()
        await ib.connectAsync("127.0.0.1", self.server.port, clientId=client_id, timeout=WAIT_SECONDS, raiseSyncErrors=True)
        self.clients.append(ib)
        return ib

    async def passes(self, seconds: float = 0.0) -> None:
        """Let time pass, and all clients hear what happened."""
        await self.heard()
        self.clock.forward(round(seconds * SECOND))
        await self.server.caught_up()
        await self.heard()

    async def heard(self) -> None:
        """All that clients have sent is worked off, and they know what came of it."""
        for ib in self.clients:
            if ib.isConnected():
                await asyncio.wait_for(ib.reqCurrentTimeAsync(), WAIT_SECONDS)


class HandStand(Stand):
    """Prices by hand too: a second passes with each of them."""

    def __init__(self, *ticks: Tick, now: int = OPEN) -> None:
        self.market = HandMarket(ticks)
        super().__init__(self.market, now)

    async def quotes(self, bid: str, ask: str, listing: Listing = SPY, sizes: tuple[int, int] = PLENTY) -> None:
        """A bid and an ask."""
        self.market.add(*quoted(listing, self.clock.now() + SECOND, bid, ask, sizes))
        await self.passes(1)

    async def trades(self, price: str, listing: Listing = SPY, size: int = 1_000_000) -> None:
        """A trade."""
        self.market.add(trade(listing, self.clock.now() + SECOND, price, size))
        await self.passes(1)


def drawn(seed: int = 7) -> Stand:
    """A stand with prices drawn from a seed."""
    return Stand(SyntheticMarket(seed, BOOK.listings(), OPEN))


async def qualified(ib: IB, contract: Contract) -> Contract:
    """The one contract of a description."""
    (found,) = await ib.qualifyContractsAsync(contract)
    assert isinstance(found, Contract)
    return found
