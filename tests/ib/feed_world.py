"""A feed on a whole gateway, and the gateway market's own ticks to compare with."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from tests.ib.conftest import WAIT_SECONDS, Told, running, until
from theo.adapters.ib.contracts import Contracts
from theo.adapters.ib.feed import IbFeed
from theo.adapters.ib.link import Link
from theo.adapters.ib.streams import SNAPSHOT
from theo.domain.instrument import Instrument, SecurityType
from theo.domain.market_data import SECOND, SessionScope, Tick, TickFlag, TickKind
from theo.gateway.building import Gateway
from theo.gateway.contracts.book import Contracts as Book
from theo.gateway.server import GatewayServer
from theo.market.sessions import Hours
from theo.ports.feed import FeedState, Standing, Wish

TRADES = {TickKind.TRADE, TickKind.INDEX}
Row = tuple[int, int, int]  # second, price, size


class FeedWorld:
    """``ticks`` is everything that the feed handed over, in that order; ``heard`` what it said, each after how many ticks."""

    def __init__(
        self, gateway: Gateway, server: GatewayServer, book: Book, link: Link, instruments: dict[str, Instrument], told: Told
    ) -> None:
        self.gateway, self.server, self.link, self.instruments, self.told = gateway, server, link, instruments, told
        self._book = book
        self.contracts = Contracts(link)
        self.ticks: list[Tick] = []
        self.heard: list[tuple[int, Standing]] = []

    def wish(self, symbol: str, **more: Any) -> Wish:  # noqa: ANN401 - fields of Wish
        instrument = self.instruments[symbol]
        kind = "STK" if instrument.security_type is SecurityType.ETF else instrument.security_type.value
        sought = (symbol, kind)
        listing = next(each for each in self._book.listings() if (each.contract.symbol, each.contract.sec_type) == sought)
        return Wish(instrument=instrument, hours=Hours(listing.hours.table, SessionScope.ALL), **more)

    @contextlib.asynccontextmanager
    async def feeding(self, *wishes: Wish, delayed: bool = False) -> AsyncIterator[IbFeed]:
        """A feed of these on a link that is up."""
        feed = IbFeed(self.link, self.contracts, delayed=delayed)
        feed.subscribe(wishes, self.ticks.append, lambda standing: self.heard.append((len(self.ticks), standing)))
        run = asyncio.create_task(feed.run())
        try:
            async with running(self.link):
                yield feed
                if run.done():
                    run.result()
        finally:
            run.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await run

    async def filled(self, feed: IbFeed) -> None:
        """Until no subscription has a hole, and each has had ticks after it."""
        await until(lambda: all(not each.hole_since for each in feed.standings()))
        for each in feed.standings():
            await self.more(each.symbol, 3)

    def second(self) -> int:
        """Now, in seconds since the epoch."""
        return self.link.clock.now() // SECOND

    def play(self, name: str, lasts: float | None = None, **args: Any) -> None:  # noqa: ANN401 - of an incident
        self.server.act(lambda simulator: self.gateway.incidents.play(simulator.desk, name, lasts, args))

    def end(self, name: str) -> None:
        self.server.act(lambda simulator: self.gateway.incidents.end(simulator.desk, name))

    async def lives(self, feed: IbFeed, *symbols: str) -> None:
        """Until these have ticks."""
        await until(lambda: all(s.state in {FeedState.LIVE, FeedState.DELAYED} for s in feed.standings() if s.symbol in symbols))

    async def more(self, symbol: str, count: int = 20, seconds: float = WAIT_SECONDS) -> None:
        """Until so many more ticks of a symbol were handed over."""
        wanted = len(self.of(symbol)) + count
        await until(lambda: len(self.of(symbol)) >= wanted, seconds)

    async def pass_time(self, seconds: float) -> None:
        """Until so much market time has passed."""
        await self.link.clock.sleep_until(self.link.clock.now() + round(seconds * SECOND))

    def of(self, symbol: str) -> list[Tick]:
        instrument = self.instruments[symbol].id
        return [tick for tick in self.ticks if tick.instrument == instrument and tick.kind in TRADES]

    def handed(self, symbol: str, first: int, last: int) -> Counter[Row]:
        """Handed-over trades by second, of seconds first to last; prices that were polled are not prints."""
        prints = [tick for tick in self.of(symbol) if tick.source != SNAPSHOT]
        rows = [(tick.timestamp // SECOND, tick.price, tick.volume) for tick in prints]
        return Counter(row for row in rows if first <= row[0] <= last)

    def own(self, symbol: str, first: int, last: int) -> Counter[Row]:
        """The market's own trades in the same seconds, in our price units."""
        return Counter(self.own_rows(symbol, first, last))

    def own_rows(self, symbol: str, first: int, last: int) -> list[Row]:
        instrument = self.instruments[symbol]
        con_id = self.contracts.contract(instrument.id).conId
        listing = self._book.listing(con_id)
        assert listing is not None
        scale = 10 ** (instrument.price_decimals - listing.instrument.price_decimals)
        ticks = self.gateway.simulator.desk.market.ticks(con_id, first * SECOND, (last + 1) * SECOND)
        return [
            (tick.timestamp // SECOND, round(tick.price * scale), tick.volume)
            for tick in ticks
            if tick.kind in TRADES and not tick.flags & TickFlag.NOT_LAST
        ]

    def span(self, symbol: str) -> tuple[int, int]:
        """The seconds that must be whole: between the first and the last that anything came in."""
        seconds = [tick.timestamp // SECOND for tick in self.of(symbol)]
        return min(seconds) + 1, max(seconds) - 1

    def complete(self, symbol: str, last: int | None = None) -> None:
        """What was handed over is what was traded, no more and no less; up to a second, or to the newest whole one."""
        first, newest = self.span(symbol)
        last = newest if last is None else min(last, newest)
        assert last > first
        handed, own = self.handed(symbol, first, last), self.own(symbol, first, last)
        twice, missed = sorted((handed - own).items()), sorted((own - handed).items())
        assert twice == [], f"handed over and never traded, or twice: {twice[:10]} from {first} to {last}"
        assert missed == [], f"traded and never handed over: {missed[:10]} from {first} to {last}"


@pytest.fixture
def world(
    gateway: Gateway, server: GatewayServer, contracts: Book, idle_link: Link, instruments: dict[str, Instrument], told: Told
) -> FeedWorld:
    return FeedWorld(gateway, server, contracts, idle_link, instruments, told)


def standing(feed: IbFeed, symbol: str) -> Standing:
    """How a symbol stands."""
    return next(each for each in feed.standings() if each.symbol == symbol)


def ordered(ticks: Sequence[Tick]) -> bool:
    """Whether keys rise: timestamp, then place."""
    keys = [(tick.timestamp, tick.seq) for tick in ticks]
    return keys == sorted(keys)
