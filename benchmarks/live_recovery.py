"""How soon the data of a hundred symbols come again after a loss.

Run: python -m benchmarks.live_recovery
The adapter is the real one, on a simulated gateway in the same process over TCP, at IB's limits of messages a second. Times of
the market are at TIMES the true pace.
"""

import asyncio
import contextlib
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from benchmarks.gateway_server import START, SYMBOLS, contracts, shares
from theo.adapters.ib.budget import Limits
from theo.adapters.ib.contracts import Contracts
from theo.adapters.ib.feed import IbFeed
from theo.adapters.ib.link import Link, Up
from theo.adapters.ib.settings import IbSettings
from theo.adapters.system.clock import PacedClock
from theo.adapters.system.log import Nobody
from theo.domain.market_data import SECOND, SessionScope
from theo.gateway.building import Gateway, build
from theo.gateway.contracts.book import Contracts as Book
from theo.gateway.desk import GatewaySettings
from theo.gateway.market.synthetic import SyntheticMarket
from theo.gateway.server import GatewayServer
from theo.market.sessions import Hours
from theo.ports.feed import FeedState, Wish

TIMES = 5.0
LOSSES = ("server-lost-data-lost", "nightly-restart")
LOST_SECONDS = 5.0
WAIT_SECONDS = 300.0


class Bench:
    """A gateway that lists a hundred made-up shares, and a link to it."""

    def __init__(self, folder: Path, pace: float) -> None:
        self.book = contracts(folder)
        self.listings = shares(self.book)
        settings = GatewaySettings(lines_max=2 * SYMBOLS)
        self.gateway = _gateway(self.book, settings)
        self.clock = PacedClock(START, pace)
        self.server = GatewayServer(self.gateway.simulator, self.clock, port=0)
        self.instruments = [
            msgspec.structs.replace(each.instrument, id=2_000 + place) for place, each in enumerate(self.listings)
        ]

    @contextlib.asynccontextmanager
    async def link(self) -> AsyncIterator[tuple[Link, Contracts]]:
        """Made, with its contracts asked for on each connection; whoever takes it runs it."""
        await self.server.start()
        link = Link(IbSettings(port=self.server.port, limits=Limits(lines=2 * SYMBOLS)), self.clock, Nobody())
        known = Contracts(link)

        async def resolve(_up: Up) -> None:
            await known.resolve(self.instruments, f"{datetime.fromtimestamp(START / SECOND, UTC):%Y%m%d}")

        link.on_up.append(resolve)
        try:
            yield link, known
        finally:
            await link.close()
            await self.server.stop()

    def now(self) -> float:
        """Market seconds."""
        return self.clock.now() / SECOND


def _gateway(book: Book, settings: GatewaySettings) -> Gateway:
    return build(settings, book, SyntheticMarket(7, shares(book), START, ticks_a_second=1.0), START)


async def until(holds: Callable[[], bool]) -> None:
    """Look again at each turn of the loop. Raises TimeoutError."""
    async with asyncio.timeout(WAIT_SECONDS):
        while not holds():  # noqa: ASYNC110 - what arrives has no event of its own
            await asyncio.sleep(0.001)


@contextlib.asynccontextmanager
async def running(*services: Callable[[], Coroutine[object, object, None]]) -> AsyncIterator[None]:
    """Services until the end of the context."""
    tasks = [asyncio.ensure_future(service()) for service in services]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def hundred_symbols(folder: Path) -> None:
    """First subscription, and again after one loss and another: until every stream lives.

    The holes of the first loss still wait at IB's pace of history when the second comes.
    """
    bench = Bench(folder, TIMES)
    async with bench.link() as (link, known):
        feed = IbFeed(link, known)
        hours = {each.contract.symbol: Hours(each.hours.table, SessionScope.ALL) for each in bench.listings}
        feed.subscribe([Wish(instrument=each, hours=hours[each.symbol]) for each in bench.instruments], lambda _tick: None)
        begun = bench.now()
        async with running(link.run, feed.run):
            await until(lambda: all(each.state is FeedState.LIVE for each in feed.standings()))
            told(f"{SYMBOLS} symbols, first ticks of all", bench.now() - begun)
            for name in LOSSES:
                await _lose(bench, link, feed, name)


async def _lose(bench: Bench, link: Link, feed: IbFeed, name: str) -> None:
    """Lose the data, and measure from the moment at which the link is up again."""
    streams = bench.gateway.streams
    _play(bench, name, LOST_SECONDS)
    await until(lambda: not link.up)
    await until(lambda: link.up)
    begun = bench.now()
    await until(lambda: len(streams.subscriptions()) >= SYMBOLS)
    told(f"{name}: {SYMBOLS} symbols asked for again", bench.now() - begun)
    lives: dict[str, float] = {}
    whole: dict[str, float] = {}

    def look() -> bool:
        for each in feed.standings():
            if each.state is FeedState.LIVE:
                lives.setdefault(each.symbol, bench.now() - begun)
                if not each.hole_since:
                    whole.setdefault(each.symbol, bench.now() - begun)
        return len(lives) == SYMBOLS

    await until(look)
    told(f"{name}: ticks again, median", statistics.median(lives.values()))
    told(f"{name}: ticks again, worst", max(lives.values()))
    if whole:  # the gap of a nightly restart is filled later
        told(f"{name}: first of {len(whole)} that are whole again by then", min(whole.values()))


def _play(bench: Bench, name: str, lasts: float) -> None:
    incidents = bench.gateway.incidents
    bench.server.act(lambda simulator: incidents.play(simulator.desk, name, lasts, {}))


def told(what: str, seconds: float) -> None:
    """One line of the answer."""
    sys.stdout.write(f"{what}: {seconds:.1f} s of the market\n")
    sys.stdout.flush()


def main() -> None:
    """All of it."""
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(hundred_symbols(Path(folder)))


if __name__ == "__main__":
    main()
