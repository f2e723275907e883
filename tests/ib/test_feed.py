"""The feed on a whole gateway over TCP, against the gateway market's own ticks."""

from collections import Counter
from collections.abc import Iterable

import pytest

from tests.ib.conftest import until
from tests.ib.feed_world import FeedWorld, ordered, standing, world
from theo.adapters.ib.streams import ways
from theo.domain.instrument import Instrument
from theo.domain.market_data import SECOND, Tick, TickKind, TimeSource
from theo.ports.feed import FeedState

__all__ = ["world"]


async def test_trades_come_tick_by_tick_as_the_market_had_them(world: FeedWorld) -> None:
    async with world.feeding(world.wish("MES"), world.wish("SPY")) as feed:
        await world.lives(feed, "MES", "SPY")
        await world.pass_time(60)
        for symbol in ("MES", "SPY"):
            world.complete(symbol)
            ticks = world.of(symbol)
            assert ordered(ticks)
            assert {(tick.source, tick.kind, tick.time_source) for tick in ticks} == {
                ("ib:tbt", TickKind.TRADE, TimeSource.EXCHANGE)
            }
            assert standing(feed, symbol).posted == len(ticks)


async def test_index_has_no_quotes(world: FeedWorld) -> None:
    """VIX: last values alone, by our clock; it is never asked for in a way that its type does not have."""
    async with world.feeding(world.wish("VIX", quotes=True)) as feed:
        await world.lives(feed, "VIX")
        await world.more("VIX", 5)
        assert standing(feed, "VIX").source == "ib:sampled"
        ticks = world.of("VIX")
        assert {(tick.kind, tick.time_source, tick.volume) for tick in ticks} == {(TickKind.INDEX, TimeSource.ARRIVAL, 0)}
        own = world.own_rows("VIX", ticks[0].timestamp // SECOND - 60, ticks[-1].timestamp // SECOND)
        for tick in ticks:
            near = {price for second, price, _ in own if -60 <= second - tick.timestamp // SECOND <= 0}
            assert tick.price in near
    assert world.told.codes() == []


async def test_bars_of_five_seconds_where_no_more_ticks_are_granted(world: FeedWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """A login that may have one tick-by-tick stream: the second comes in real-time bars, of which the same bars are made."""
    monkeypatch.setattr("theo.gateway.streams.tick_by_tick.STREAMS_MAX", 1)
    async with world.feeding(world.wish("MES"), world.wish("SPY")) as feed:
        await until(lambda: sum(each.source == "ib:rtbar" for each in feed.standings()) == 1)
        (last,) = [each.symbol for each in feed.standings() if each.source == "ib:rtbar"]
        await world.lives(feed, last)
        await world.pass_time(60)
        ((_, code, text),) = world.told.messages
        why = "10190: Max number of tick-by-tick requests has been reached."
        assert (code, text) == ("feed_source", f"{last} ib:tbt is not granted ({why}): ib:rtbar is asked for")
        ticks = world.of(last)
        first, end = ticks[0].timestamp // SECOND // 5 * 5, ticks[-1].timestamp // SECOND // 5 * 5
        assert end - first >= 30
        assert five_seconds(world.handed(last, first, end - 1).elements()) == five_seconds(world.own_rows(last, first, end - 1))


def test_the_most_important_instruments_get_the_best_streams(instruments: dict[str, Instrument]) -> None:
    for place, sources in {0: ["ib:tbt", "ib:rtbar", "ib:sampled"], 5: ["ib:rtbar", "ib:sampled"], 25: ["ib:sampled"]}.items():
        assert [way.value for way in ways(instruments["MES"], place)] == sources
    assert [way.value for way in ways(instruments["VIX"], 0)] == ["ib:sampled"]


async def test_sampled_where_the_type_alone_allows_it(world: FeedWorld) -> None:
    """With neither ticks nor bars granted, trades are those that the line shows, each with the exchange's time."""
    async with world.feeding(world.wish("SPY", quotes=True)) as feed:
        await world.lives(feed, "SPY")
        (keeper,) = feed._keepers
        for code in (10_189, 420):
            keeper.refused(code, "not granted")
        await until(lambda: standing(feed, "SPY").source == "ib:sampled")
        begun = len(world.ticks)
        await world.lives(feed, "SPY")
        await until(lambda: len([tick for tick in world.ticks[begun:] if tick.kind == TickKind.TRADE]) > 30)
        ticks = [tick for tick in world.ticks[begun:] if tick.source == "ib:sampled"]
        first, last = ticks[0].timestamp // SECOND, ticks[-1].timestamp // SECOND
        trades = Counter((t.timestamp // SECOND, t.price, t.volume) for t in ticks if t.kind == TickKind.TRADE)
        assert trades - world.own("SPY", first - 1, last + 1) == Counter()
        assert {tick.kind for tick in ticks} == {TickKind.TRADE, TickKind.BID, TickKind.ASK}
        latency = standing(feed, "SPY").latency
        assert latency is not None
        # IB tells its clock in whole seconds, so the difference of the clocks is known to half a second
        assert -SECOND // 2 <= latency.p50 <= latency.p95 <= latency.p99 < 3 * SECOND
        assert latency.count >= 10


def five_seconds(rows: Iterable[tuple[int, int, int]]) -> dict[int, tuple[int, int, int]]:
    """High, low and volume by interval of five seconds."""
    found: dict[int, tuple[int, int, int]] = {}
    for second, price, size in rows:
        start = second // 5 * 5
        high, low, volume = found.get(start, (price, price, 0))
        found[start] = max(high, price), min(low, price), volume + size
    return found


async def test_two_months_come_side_by_side_until_one_is_dropped(world: FeedWorld) -> None:
    mes, later = world.instruments["MES"], list[Tick]()
    async with world.feeding(world.wish("MES", contract="MESZ6")) as feed:
        await world.lives(feed, "MES")
        feed.subscribe([world.wish("MES", contract="MESH7")], later.append)
        await until(lambda: len(later) > 5)
        feed.drop(mes.id, "MESZ6")
        count = len(world.ticks)
        streams = world.gateway.streams
        await until(lambda: [each.listing.contract.local_symbol for each in streams.subscriptions()] == ["MESH7"])
        await world.pass_time(60)
        assert len(world.ticks) == count
        assert [each.contract for each in feed.standings()] == ["MESH7"]
        world.contracts.trade(mes.id, "MESH7")
        world.ticks[:] = later
        world.complete("MES")


async def test_a_month_that_is_not_listed_is_refused_and_the_others_go_on(world: FeedWorld) -> None:
    async with world.feeding(world.wish("MES", contract="MESZ9"), world.wish("SPY")) as feed:
        await world.lives(feed, "SPY")
        await until(lambda: standing(feed, "MES").state is FeedState.REFUSED)
        assert standing(feed, "MES").why.startswith("IB does not list MESZ9")
