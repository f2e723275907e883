"""Quotes of a chosen option: both sides with sizes, asked for anew while they stand, and none that only looks fresh."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date

from tests.ib.conftest import TODAY, until
from tests.ib.feed_world import FeedWorld, standing, world
from theo.adapters.ib.chains import IbChains
from theo.adapters.ib.feed import IbFeed
from theo.adapters.ib.link import Up
from theo.adapters.instruments.catalogue import catalogue
from theo.domain.market_data import SECOND, SessionScope, Tick, TickKind
from theo.market.sessions import Hours
from theo.ports.feed import FeedState, Wish
from theo.strategy.option_front import option_front

__all__ = ["world"]

SPY = {symbol: listed.instrument for symbol, listed in catalogue().items()}["SPY"]
FRONT = option_front(SPY, "CALL", "ITM", "weekly").instrument


@asynccontextmanager
async def quoted(world: FeedWorld) -> AsyncIterator[IbFeed]:
    """A feed of one call, near the money, of the nearest series."""
    chains = IbChains(world.link, [world.contracts])
    name = ""

    async def choose(_up: Up) -> None:
        nonlocal name
        await world.contracts.resolve([SPY, FRONT], TODAY)
        series = next(each for each in await chains.chain(SPY) if each.exchange == "SMART")
        price = await chains.price(SPY)
        assert price is not None
        strike = min(series.strikes, key=lambda each: abs(price - each))
        name = await chains.listed(FRONT, "SPY", date.fromisoformat(series.expiries[1]), strike)

    world.link.on_up.append(choose)
    spy = world.wish("SPY")
    async with world.feeding() as feed:
        hours = Hours(spy.hours.table, SessionScope.RTH)
        feed.subscribe(
            [Wish(instrument=FRONT, hours=hours, quotes=True, contract=name)],
            world.ticks.append,
            lambda each: world.heard.append((len(world.ticks), each)),
        )
        yield feed


def sides(world: FeedWorld) -> dict[int, Tick]:
    return {tick.kind: tick for tick in world.ticks}


async def test_both_sides_come_with_their_sizes_and_nothing_else(world: FeedWorld) -> None:
    async with quoted(world) as feed:
        await until(lambda: set(sides(world)) == {TickKind.BID, TickKind.ASK})
        bid, ask = sides(world)[TickKind.BID], sides(world)[TickKind.ASK]
        assert 0 < bid.price <= ask.price
        assert min(bid.volume, ask.volume) > 0
        assert {tick.source for tick in world.ticks} == {"ib:sampled"}
        assert standing(feed, FRONT.symbol).state is FeedState.LIVE
        await world.pass_time(90)
        assert {tick.kind for tick in world.ticks} == {TickKind.BID, TickKind.ASK}
        assert not {"feed_silent", "feed_dead"} & set(world.told.codes())


async def test_a_line_that_says_nothing_is_asked_anew_and_told(world: FeedWorld) -> None:
    async with quoted(world) as feed:
        await until(lambda: set(sides(world)) == {TickKind.BID, TickKind.ASK})
        (keeper,) = feed._keepers
        count, asked = len(world.ticks), keeper._sub.asked_at
        line = world.gateway.streams.lines
        silenced, line.on_tick = line.on_tick, lambda *_args: None  # type: ignore[method-assign]  # a feed that is frozen
        await until(lambda: keeper._sub.asked_at > asked and len(world.ticks) > count)
        assert keeper._sub.asked_at - asked >= 20 * SECOND
        assert standing(feed, FRONT.symbol).state is FeedState.LIVE, "the answer says that the quote stands"
        line.on_tick = silenced  # type: ignore[method-assign]  # it comes again


async def test_a_frozen_line_has_no_quotes(world: FeedWorld) -> None:
    async with quoted(world) as feed:
        await until(lambda: set(sides(world)) == {TickKind.BID, TickKind.ASK})
        (request,) = feed._listeners
        feed._type(request, 2)
        count = len(world.ticks)
        feed._price(request, 1, 12.5, 3.0)
        assert len(world.ticks) == count
        feed._type(request, 1)
        feed._price(request, 1, 12.6, 3.0)
        assert (world.ticks[-1].price, world.ticks[-1].volume) == (1260, 3)


async def test_a_side_that_goes_is_told_as_none(world: FeedWorld) -> None:
    async with quoted(world) as feed:
        await until(lambda: set(sides(world)) == {TickKind.BID, TickKind.ASK})
        (request,) = feed._listeners
        feed._price(request, 2, -1.0, 0.0)
        assert (world.ticks[-1].kind, world.ticks[-1].price, world.ticks[-1].volume) == (TickKind.ASK, 0, 0)
