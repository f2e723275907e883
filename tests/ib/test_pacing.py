"""Two hundred symbols are subscribed while history is read: the gateway's own counters see no limit exceeded."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from itertools import islice

import pytest
from ib_async.contract import Contract, ContractDetails

from tests.gateway.conftest import START
from tests.ib.conftest import TODAY, Told, running, until
from theo.adapters.ib.budget import Limits
from theo.adapters.ib.contracts import Contracts
from theo.adapters.ib.feed import IbFeed
from theo.adapters.ib.history import History
from theo.adapters.ib.link import Link
from theo.adapters.ib.settings import IbSettings
from theo.adapters.system.clock import PacedClock
from theo.domain.instrument import Instrument, SecurityType
from theo.domain.market_data import DAY, MINUTE, SECOND, SessionScope, Tick
from theo.domain.timeframe import timeframe
from theo.gateway.building import Gateway, build
from theo.gateway.contracts.book import Contracts as Book
from theo.gateway.desk import GatewaySettings
from theo.gateway.market.synthetic import SyntheticMarket
from theo.gateway.server import GatewayServer
from theo.market.sessions import Hours
from theo.ports.feed import FeedState, Wish

SYMBOLS = 200
DAYS = 30


@pytest.fixture
def wide(contracts: Book) -> Gateway:
    settings = GatewaySettings(lines_max=300)
    return build(settings, contracts, SyntheticMarket(7, contracts.listings(), START), START)


@pytest.fixture
async def wide_server(wide: Gateway) -> AsyncIterator[GatewayServer]:
    """At life's pace: at a higher one the machine's own pauses would look like bursts."""
    made = GatewayServer(wide.simulator, PacedClock(START, 1.0), port=0)
    await made.start()
    yield made
    await made.stop()


def known(book: Book, contracts: Contracts) -> list[Wish]:
    """Everything that is listed, futures and shares first, then options: as many as are wanted."""
    listed = sorted(book.listings(), key=lambda each: each.instrument.security_type is SecurityType.OPT)
    alive = (each for each in listed if not each.instrument.expiry or each.instrument.expiry >= TODAY)
    found = []
    for listing in islice((e for e in alive if e.instrument.security_type is not SecurityType.CASH), SYMBOLS):
        instrument: Instrument = listing.instrument
        asked = Contract(conId=listing.con_id, exchange=listing.contract.exchange, secType=listing.contract.sec_type)
        contracts._keep(instrument, (ContractDetails(contract=asked),))
        found.append(Wish(instrument=instrument, hours=Hours(listing.hours.table, SessionScope.ALL)))
    return found


@pytest.mark.slow
async def test_no_limit_is_exceeded_with_two_hundred_symbols_and_a_back_fill(
    wide: Gateway, wide_server: GatewayServer, contracts: Book, told: Told
) -> None:
    clock = wide_server._clock
    link = Link(IbSettings(port=wide_server.port, limits=Limits(lines=300)), clock, told)
    errors: list[tuple[int, str]] = []
    link.callbacks.on("error", lambda _request, code, text, _more: errors.append((code, text)))
    book = Contracts(link)
    wishes = known(contracts, book)
    assert len(wishes) == SYMBOLS
    ticks: list[Tick] = []
    feed = IbFeed(link, book)
    feed.subscribe(wishes, ticks.append)
    history = History(link, book)
    fed = asyncio.create_task(feed.run())
    async with running(link):
        begun = clock.now()
        busy = asyncio.create_task(back_fill(history, wishes[:3]))
        await until(lambda: all(each.state is not FeedState.WANTED for each in feed.standings()), 60)
        subscribed = clock.now() - begun
        bars = await busy
        (client,) = wide.simulator.clients.values()
        pacing = wide.simulator._pacing[client.number]
    fed.cancel()
    await asyncio.gather(fed, return_exceptions=True)
    sources = Counter(each.source for each in feed.standings())
    assert subscribed < 20 * SECOND
    assert pacing._breaches == 0
    assert [error for error in errors if error[0] in {100, 101, 162, 420, 10_190} or "pacing" in error[1]] == []
    assert (sources["ib:tbt"], sources["ib:rtbar"]) == (5, 20)
    assert bars > 0


async def back_fill(history: History, wishes: list[Wish]) -> int:
    """A month of minutes of some, and an hour of bars of five seconds of each, which IB paces."""
    count = 0
    for wish in wishes:
        for name, span in (("1min", (START - DAYS * DAY, START)), ("5s", (START - 60 * MINUTE, START))):
            async for piece in history.bars(wish.instrument, timeframe(name), wish.hours, span, lambda _done: None):
                count += len(piece)
    return count
