"""Bids and offers beside every trade: the market's own quotes with their sizes, within the streams that IB grants."""

from pathlib import Path

import msgspec

from tests.ib.conftest import until
from tests.ib.feed_world import FeedWorld, standing, world
from theo.adapters.ib.streams import has_quotes, ways
from theo.app.configuration.file import configured
from theo.domain.instrument import Instrument
from theo.domain.market_data import SECOND, Tick, TickKind, TimeSource

__all__ = ["world"]

QUOTES = {TickKind.BID, TickKind.ASK}


def quoted(world: FeedWorld) -> list[Tick]:
    return [tick for tick in world.ticks if tick.source == "ib:bidask"]


def own(world: FeedWorld, first: int, last: int) -> set[tuple[int, int, int, int]]:
    """Second, side, price and size of each quote of the gateway's own market, in our price units."""
    instrument = world.instruments["SPY"]
    con_id = world.contracts.contract(instrument.id).conId
    listing = world.gateway.simulator.desk.contracts.listing(con_id)
    assert listing is not None
    scale = 10 ** (instrument.price_decimals - listing.instrument.price_decimals)
    ticks = world.gateway.simulator.desk.market.ticks(con_id, first * SECOND, (last + 1) * SECOND)
    return {(t.timestamp // SECOND, t.kind, round(t.price * scale), t.volume) for t in ticks if t.kind in QUOTES}


async def test_quotes_are_the_market_s_own(world: FeedWorld) -> None:
    async with world.feeding(world.wish("SPY", quotes=True)) as feed:
        await world.lives(feed, "SPY")
        await until(lambda: {tick.kind for tick in quoted(world)} == QUOTES and len(quoted(world)) > 20)
        ticks = quoted(world)
        assert standing(feed, "SPY").source == "ib:tbt"
        seconds = ticks[0].timestamp // SECOND, ticks[-1].timestamp // SECOND
        assert {(t.timestamp // SECOND, t.kind, t.price, t.volume) for t in ticks[2:]} <= own(world, seconds[0] - 1, seconds[1])
        assert len({(t.timestamp, t.seq) for t in ticks}) == len(ticks)
        assert {t.time_source for t in ticks} == {TimeSource.EXCHANGE}


async def test_without_the_wish_none_are_asked_for(world: FeedWorld) -> None:
    async with world.feeding(world.wish("SPY")) as feed:
        await world.lives(feed, "SPY")
        await world.more("SPY", 20)
        assert {tick.kind for tick in world.ticks} == {TickKind.TRADE}


async def test_what_is_not_granted_is_told_once_and_trades_go_on(world: FeedWorld) -> None:
    async with world.feeding(world.wish("SPY", quotes=True)) as feed:
        await world.lives(feed, "SPY")
        await until(lambda: len(quoted(world)) > 2)
        (quoting,) = feed._quoting.values()
        for _ in range(2):
            quoting.refused(10_190, "Max number of tick-by-tick requests has been reached.")
        assert [code for code in world.told.codes() if code == "feed_quotes"] == ["feed_quotes"]
        count = len(quoted(world))
        await world.more("SPY", 20)
        assert len(quoted(world)) == count


async def test_they_come_again_with_a_new_stream_of_trades(world: FeedWorld) -> None:
    async with world.feeding(world.wish("SPY", quotes=True)) as feed:
        await world.lives(feed, "SPY")
        await until(lambda: len(quoted(world)) > 2)
        before = set(feed._quoting)
        world.play("server-lost-data-lost", 2.0)
        await until(lambda: bool(feed._quoting) and not before & set(feed._quoting))
        count = len(quoted(world))
        await until(lambda: len(quoted(world)) > count + 2)
        streams = [s for s in world.gateway.streams.ticks.register if s.tick_type == "BidAsk"]
        assert len(streams) == 1, "what stood before was taken back"


async def test_a_dropped_subscription_takes_its_quotes_along(world: FeedWorld) -> None:
    async with world.feeding(world.wish("SPY", quotes=True)) as feed:
        await world.lives(feed, "SPY")
        await until(lambda: len(quoted(world)) > 2)
        feed.drop(world.instruments["SPY"].id, "")
        count = len(quoted(world))
        await until(lambda: not list(world.gateway.streams.ticks.register))
        assert (len(quoted(world)), feed._quoting) == (count, {})


def test_quotes_take_streams_of_those_that_are_granted(instruments: dict[str, Instrument]) -> None:
    """Five tick-by-tick streams: two instruments with both, a third with its trades alone."""
    mes = instruments["MES"]
    assert [has_quotes(mes, place) for place in range(4)] == [True, True, False, False]
    assert [ways(mes, place, quotes=True)[0].value for place in range(4)] == ["ib:tbt", "ib:tbt", "ib:tbt", "ib:rtbar"]
    assert not has_quotes(instruments["VIX"], 0)


async def test_the_configuration_asks_for_them(world: FeedWorld, tmp_path: Path) -> None:
    """`quotes = true` in `[ib]`: every instrument that a run listens to has them, whoever wished for its trades."""
    (tmp_path / "theo.toml").write_text('mode = "paper"\n[ib]\nport = 4002\nquotes = true\n', encoding="utf-8")
    assert not world.link.settings.quotes
    world.link.settings = msgspec.structs.replace(world.link.settings, quotes=configured(tmp_path / "theo.toml").ib.quotes)
    async with world.feeding(world.wish("SPY")) as feed:
        await world.lives(feed, "SPY")
        await until(lambda: {tick.kind for tick in quoted(world)} == QUOTES)
