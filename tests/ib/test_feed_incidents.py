"""What goes wrong with market data in the field, by its name there: told, mended, nothing lost, nothing twice."""

import pytest

from tests.ib.conftest import until
from tests.ib.feed_world import FeedWorld, standing, world
from theo.adapters.ib import history
from theo.adapters.ib.budget import Limits
from theo.domain.market_data import SECOND, Tick, TimeSource
from theo.gateway.register import Register, Subscription
from theo.ports.feed import FeedState, HoleEnd

__all__ = ["world"]

LOST = 30.0  # seconds of market time


async def warm(world: FeedWorld) -> None:
    """A rhythm is known, so that silence is."""
    for symbol in ("MES", "SPY"):
        await world.more(symbol, 12)


def whole(world: FeedWorld, *symbols: str) -> None:
    for symbol in symbols or ("MES", "SPY"):
        world.complete(symbol)


@pytest.mark.parametrize("name", ["server-lost", "server-lost-data-lost"])
async def test_server_lost(world: FeedWorld, name: str) -> None:
    """1100, then 1102 with living subscriptions or 1101 with none: what was traded meanwhile comes from history."""
    async with world.feeding(world.wish("MES"), world.wish("SPY")) as feed:
        await warm(world)
        begun = world.second()
        world.play(name)
        await world.pass_time(LOST)
        world.end(name)
        await until(lambda: all(each.filled for each in feed.standings()))
        await world.filled(feed)
        whole(world)
        assert world.span("MES")[1] > begun + LOST
        for symbol in ("MES", "SPY"):
            hole_is_told(world, symbol, begun)


def hole_is_told(world: FeedWorld, symbol: str, begun: int) -> None:
    """Before any later tick, and its end just before the ticks that fill it."""
    said = [(after, each) for after, each in world.heard if each.symbol == symbol]
    missing = next((after, each) for after, each in said if each.hole_since)
    over = next((after, each) for after, each in said if each.hole is not None)
    since, hole = missing[1].hole_since, over[1].hole
    assert hole is not None
    assert (hole.since, hole.end, over[1].hole_since) == (since, HoleEnd.FILLED, 0)
    assert begun - 10 <= since // SECOND <= begun + 2 < begun + LOST - 1 <= hole.until // SECOND
    before = [tick for tick in world.ticks[: over[0]] if tick.instrument == missing[1].instrument]
    assert all(tick.timestamp // SECOND <= since // SECOND for tick in before), "no tick of after the hole before its end is told"
    after = [tick for tick in world.ticks[over[0] :] if tick.instrument == missing[1].instrument]
    assert after[0].source == "ib:history"


async def test_blind_after_1102(world: FeedWorld) -> None:
    """1102 says that subscriptions stand, and they are dead: each is taken back and asked for anew within its own bound."""
    async with world.feeding(world.wish("MES"), world.wish("SPY")) as feed:
        await warm(world)
        world.play("blind-after-1102")
        await world.pass_time(LOST)
        world.end("blind-after-1102")
        told_at = world.second()
        await until(lambda: all(each.filled for each in feed.standings()))
        assert world.second() - told_at < 60
        await world.filled(feed)
        whole(world)
        assert {each.resumed for each in feed.standings()} == {1}
        assert len(world.gateway.streams.subscriptions()) == 2


async def test_farm_blip(world: FeedWorld) -> None:
    """2103, then 2104, and the streams are dead without any other word."""
    async with world.feeding(world.wish("MES"), world.wish("VIX")) as feed:
        await world.more("MES", 12)
        await world.more("VIX", 3)
        world.play("farm-blip")
        await until(lambda: all(each.resumed == 1 for each in feed.standings()))
        await world.lives(feed, "MES", "VIX")
        await world.filled(feed)
        whole(world, "MES")
        assert len(world.gateway.streams.subscriptions()) == 2
        assert [code for code in world.told.codes() if code == "feed_silent"] == ["feed_silent"] * 2


async def test_silent_streams(world: FeedWorld) -> None:
    """No word at all: noticed by the rhythm that the subscription itself had."""
    async with world.feeding(world.wish("MES"), world.wish("SPY")) as feed:
        await warm(world)
        bounds = {each.symbol: each.bound for each in feed.standings()}
        assert all(10 * SECOND <= bound <= 60 * SECOND for bound in bounds.values())
        world.play("silent-streams")
        begun = world.second()
        await until(lambda: all(each.resumed for each in feed.standings()))
        assert world.second() - begun < max(bounds.values()) // SECOND + 20
        await until(lambda: all(each.filled for each in feed.standings()))
        await world.filled(feed)
        whole(world)


async def test_nightly_restart(world: FeedWorld) -> None:
    """A new socket: everything is asked for again, without taking back what it never had."""
    async with world.feeding(world.wish("MES"), world.wish("SPY")) as feed:
        await warm(world)
        world.play("nightly-restart", 60.0)
        await until(lambda: not world.link.up)
        await until(lambda: world.link.up)
        await until(lambda: all(each.filled for each in feed.standings()))
        await world.filled(feed)
        whole(world)
        assert len(world.gateway.streams.subscriptions()) == 2


async def test_streams_never_wait_for_history(world: FeedWorld) -> None:
    """A hole whose question must wait for its turn, and then the nightly restart: what streams is asked for again at once."""
    world.link.budget.limits = Limits(history_in_ten_minutes=1)
    async with world.feeding(world.wish("MES"), world.wish("SPY")) as feed:
        await warm(world)
        world.play("server-lost-data-lost", 5.0)
        await until(lambda: not world.link.up)
        await until(lambda: world.link.up)
        await until(lambda: world.link.budget.waiting > 0)
        world.play("nightly-restart", 5.0)
        await until(lambda: not world.link.up)
        await until(lambda: world.link.up)
        begun = world.second()
        await world.lives(feed, "MES", "SPY")
        assert world.second() - begun < 60


async def test_competing_session(world: FeedWorld) -> None:
    """10197: told once with its cause, tried again until it lives, and the hole is filled."""
    async with world.feeding(world.wish("MES"), world.wish("VIX")) as feed:
        await world.more("MES", 12)
        await world.more("VIX", 3)
        world.play("competing-session")
        await until(lambda: all(each.state is FeedState.REFUSED for each in feed.standings()))
        await world.pass_time(120)
        assert world.told.codes() == ["feed_competing"] * 2
        assert {severity for severity, _, _ in world.told.messages} == {"page"}
        assert "another session" in standing(feed, "MES").why
        assert "Log the other session out" in standing(feed, "MES").remedy
        world.end("competing-session")
        await world.lives(feed, "MES", "VIX")
        await until(lambda: standing(feed, "MES").filled > 0)
        await world.filled(feed)
        whole(world, "MES")


async def test_a_hole_is_not_given_up_while_nothing_comes(world: FeedWorld) -> None:
    """A restart, and at once another session that takes the data, history too: for longer than a hole is tried otherwise."""
    async with world.feeding(world.wish("MES")) as feed:
        await world.more("MES", 12)
        world.play("nightly-restart", 60.0)
        await until(lambda: not world.link.up)
        await until(lambda: world.link.up)
        await until(lambda: standing(feed, "MES").state is FeedState.LIVE)
        world.play("competing-session")
        await world.pass_time(15 * 60)
        assert standing(feed, "MES").hole_since
        world.end("competing-session")
        await world.lives(feed, "MES")
        await world.filled(feed)
        hole = standing(feed, "MES").hole
        assert hole is not None
        assert hole.end is not HoleEnd.KEPT
        assert "backfill_failed" not in world.told.codes()
        whole(world, "MES")


@pytest.mark.parametrize(
    ("code", "why"),
    [(354, "354: Requested market data is not subscribed"), (10_168, "10168:"), (10_089, "10089:")],
)
async def test_not_subscribed(world: FeedWorld, code: int, why: str) -> None:
    """Told apart and named, with what to do; asked for again, so that a new subscription is noticed."""
    world.play("not-subscribed", code=code)
    async with world.feeding(world.wish("VIX"), world.wish("SPY")) as feed:
        await until(lambda: all(each.state is FeedState.REFUSED for each in feed.standings()))
        for symbol in ("VIX", "SPY"):
            assert why in standing(feed, symbol).why
            assert "Subscribe to the exchange's data" in standing(feed, symbol).remedy
        assert world.ticks == []
        world.end("not-subscribed")
        await world.lives(feed, "VIX", "SPY")


async def test_advisory_codes(world: FeedWorld) -> None:
    """10167: no refusal. Delayed values follow, with the time at which they were, and a source that says so."""
    world.play("advisory-codes", code=10_167)
    async with world.feeding(world.wish("VIX"), delayed=True) as feed:
        await world.lives(feed, "VIX")
        await world.more("VIX", 3)
        found = standing(feed, "VIX")
        assert (found.state, found.source) == (FeedState.DELAYED, "ib:delayed")
        assert {tick.source for tick in world.ticks} == {"ib:delayed"}
        assert all(10 * 60 * SECOND < tick.at - tick.timestamp < 20 * 60 * SECOND for tick in world.ticks)
        assert world.told.codes() == ["feed_delayed"]


async def test_advisory_codes_10090(world: FeedWorld) -> None:
    """Part of the data is not subscribed: the rest follows, and is live."""
    world.play("advisory-codes", code=10_090)
    async with world.feeding(world.wish("VIX")) as feed:
        await world.lives(feed, "VIX")
        assert standing(feed, "VIX").source == "ib:sampled"
        assert world.told.codes() == []


async def test_too_many_lines(world: FeedWorld) -> None:
    """IB's 101 when other applications took the lines; which series has none is shown."""
    world.play("too-many-lines")
    async with world.feeding(world.wish("VIX"), world.wish("SPY")) as feed:
        await until(lambda: standing(feed, "VIX").state is FeedState.REFUSED)
        assert "101: Max number of tickers has been reached" in standing(feed, "VIX").why
        await world.lives(feed, "SPY")  # tick-by-tick needs none
        world.end("too-many-lines")
        await world.lives(feed, "VIX")


async def test_own_lines_are_refused_before_ib_does_it(world: FeedWorld) -> None:
    world.link.budget.limits = type(world.link.budget.limits)(lines=1)
    async with world.feeding(world.wish("VIX"), world.wish("SPX")) as feed:
        await world.lives(feed, "VIX")
        await until(lambda: standing(feed, "SPX").state is FeedState.REFUSED)
        assert "no market data line is left" in standing(feed, "SPX").why
        assert "Watch fewer symbols" in standing(feed, "SPX").remedy


async def test_duplicate_and_late_ticks(world: FeedWorld) -> None:
    """What comes out of its time is left to history: in the end every trade is there once.

    The incident's two parts, later than usual: at twenty times the pace a busy machine is late by a second itself.
    """
    async with world.feeding(world.wish("MES"), world.wish("SPY")) as feed:
        await warm(world)
        world.play("late-ticks", every=3, seconds=12, count=15)
        world.play("duplicate-ticks", seconds=8, count=30)
        await until(lambda: not world.gateway.incidents.lasting)
        ended = world.second() + 10
        await until(lambda: all(not keeper._sub.line.dirty() and keeper._sub.line.newest > ended for keeper in feed._keepers))
        for symbol in ("MES", "SPY"):
            world.complete(symbol, ended)


async def test_prints_that_come_minutes_late(world: FeedWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a market so quick that history tells whole minutes by bars: what is known of them is not counted again."""
    monkeypatch.setattr(history, "PAGES_MAX", 0)
    async with world.feeding(world.wish("MES")) as feed:
        await world.more("MES", 12)
        world.play("late-ticks", every=3, seconds=200, count=5)
        await until(lambda: not world.gateway.incidents.lasting, 60)
        ended = world.second() + 10
        await until(lambda: all(not keeper._sub.line.dirty() and keeper._sub.line.newest > ended for keeper in feed._keepers), 60)
        world.complete("MES", ended)


async def test_pacing(world: FeedWorld) -> None:
    """History refuses everything: live ticks go on, it is told, and the hole is filled when history answers again."""
    async with world.feeding(world.wish("MES")) as feed:
        await world.more("MES", 12)
        world.play("pacing", messages=40)
        world.play("server-lost-data-lost")
        await world.pass_time(LOST)
        world.end("server-lost-data-lost")
        await until(lambda: standing(feed, "MES").state is FeedState.LIVE)
        await world.pass_time(60)
        world.end("pacing")
        ended = world.second()
        await until(lambda: not any(keeper._sub.line.dirty() or keeper._sub.line.hole_since for keeper in feed._keepers), 40)
        await until(lambda: world.span("MES")[1] > ended)
        world.complete("MES")


async def test_no_stream_but_prices(world: FeedWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Streams are granted and deliver nothing: prices are asked for, and said to be that; nothing is doubled."""
    add = Register.add

    def silent(register: Register[Subscription], subscription: Subscription) -> None:
        subscription.silent = not getattr(subscription, "snapshot", False)
        add(register, subscription)

    async with world.feeding(world.wish("MES"), world.wish("SPY")) as feed:
        await warm(world)
        monkeypatch.setattr(Register, "add", silent)
        world.play("silent-streams", 3_600.0)
        await until(lambda: all(each.state is FeedState.POLLED for each in feed.standings()), 40)
        assert all(each.hole_since for each in feed.standings()), "what is traded between two prices is missing"
        assert {each.source for each in feed.standings()} == {"ib:snapshot"}
        polled = {symbol: len(snapshots(world, symbol)) for symbol in ("MES", "SPY")}
        await until(lambda: all(len(snapshots(world, symbol)) >= count + 2 for symbol, count in polled.items()))
        assert world.told.codes().count("feed_polled") == 2
        monkeypatch.setattr(Register, "add", add)
        world.end("silent-streams")
        await world.lives(feed, "MES", "SPY")
        await until(lambda: all(not each.hole_since for each in feed.standings()))
        for symbol in ("MES", "SPY"):
            hole = standing(feed, symbol).hole
            assert hole is not None
            told = snapshots(world, symbol)
            assert {tick.volume for tick in told} == {0}
            assert {tick.time_source for tick in told} == {TimeSource.EXCHANGE}
            first, last = told[0].timestamp // SECOND, told[-1].timestamp // SECOND
            traded = {(second, price) for second, price, _ in world.own_rows(symbol, first, last)}
            assert {(tick.timestamp // SECOND, tick.price) for tick in told} <= traded
            world.ticks[:] = [tick for tick in world.ticks if tick not in told]
            world.complete(symbol, hole.until // SECOND - 1)
        assert "feed_lives" in world.told.codes()


def snapshots(world: FeedWorld, symbol: str) -> list[Tick]:
    return [tick for tick in world.of(symbol) if tick.source == "ib:snapshot"]
