"""What goes wrong in the field, by its name there, and what the whole platform makes of it."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec

from tests.gateway.conftest import START
from tests.ib.conftest import Told
from tests.live.incident_world import MES, IncidentWorld, ended
from theo.adapters.system.clock import PacedClock
from theo.domain.facts import Differed, Filled, Reconciled, TradeClosed, TradeIntended
from theo.domain.market_data import MINUTE, SECOND
from theo.domain.orders import OrderRole
from theo.engine.state import State
from theo.gateway.building import Gateway
from theo.gateway.server import GatewayServer

Play = Callable[[IncidentWorld], Awaitable[float]]


class Case(msgspec.Struct, frozen=True):
    """``does``: what the platform does. ``alarms``: codes that a person is told. ``play`` gives the market seconds to recover.

    ``restart``: the time of the nightly restart in the configuration. ``speed``: times the true pace.
    """

    name: str
    does: str
    alarms: tuple[str, ...]
    play: Play
    restart: str = ""
    speed: float = 20.0


def flat(state: State) -> bool:
    """Whether nothing is held."""
    return not state.positions.get(MES)


def held(state: State) -> bool:
    """Whether the trade is open in its whole size."""
    return state.positions.get(MES) == 2


# Session and feed


async def nightly_restart(world: IncidentWorld) -> float:
    await world.holding()
    await world.until(lambda _state: not world.live_gate().open)
    closed_at = world.clock.now()
    await world.passes(150)
    world.play("nightly-restart", 60.0)
    await world.until(lambda _state: world.live is not None and not world.live.link.up)
    await world.until(lambda _state: world.live is not None and world.live.link.up)
    world.over_at = world.clock.now()
    await world.until(lambda _state: world.live_gate().open)
    reopened_at = world.clock.now()
    took = await world.recovered(held)
    intended = [fact.at for fact in world.facts if isinstance(fact, TradeIntended)]
    assert not [at for at in intended if closed_at < at < reopened_at]
    assert reopened_at - closed_at >= 7 * MINUTE - 10 * SECOND
    return took


async def blind(world: IncidentWorld) -> float:
    await world.holding()
    world.play("blind-after-1102")
    await world.passes(20)
    world.over("blind-after-1102")
    return await world.recovered(lambda state: held(state) and resumed(world))


async def farm_blip(world: IncidentWorld) -> float:
    await world.holding()
    world.play("farm-blip")
    await world.passes(3)  # then it has ended by itself
    world.over_at = world.clock.now()
    return await world.recovered(lambda state: held(state) and resumed(world))


async def silent_streams(world: IncidentWorld) -> float:
    await world.holding()
    world.play("silent-streams")
    await world.alarmed("feed_silent")
    world.over("silent-streams")
    return await world.recovered(lambda state: held(state) and resumed(world))


def resumed(world: IncidentWorld) -> bool:
    """Whether every subscription was asked for anew."""
    assert world.live is not None
    return all(each.resumed for each in world.live.feed.standings())


async def competing_session(world: IncidentWorld) -> float:
    await world.holding()
    world.play("competing-session")
    await world.alarmed("feed_competing")
    world.fill(OrderRole.TARGET)
    await world.until(flat)
    await world.passes(70)  # the bar that the incident cut short is over
    before = len(world.of(TradeIntended))
    await world.passes(90)
    assert len(world.of(TradeIntended)) == before  # bars that nobody saw are not traded
    world.over("competing-session")
    return await world.recovered()


async def reset_window(world: IncidentWorld) -> float:
    await world.holding()
    world.play("reset-window-1100")
    await world.alarmed("session_closed")
    before = world.moved("rejected")
    await world.passes(60)
    assert world.moved("rejected") == before == 0  # nothing is sent into it
    world.over("reset-window-1100")
    return await world.recovered(held)


async def weekly_2fa(world: IncidentWorld) -> float:
    await world.holding()
    world.play("weekly-2fa")
    await world.until(lambda _state: world.live is not None and not world.live.link.up)
    await world.alarmed("session_closed")
    world.over("weekly-2fa")
    return await world.recovered(held)


async def advisory_codes(world: IncidentWorld) -> float:
    world.play("advisory-codes")
    await world.begin()
    await world.until(lambda _state: world.flows())
    assert world.live is not None
    (standing,) = world.live.feed.standings()
    assert standing.resumed == 0  # the stream that the notice is about was kept
    return (world.clock.now() - world.over_at) / SECOND


async def not_subscribed(world: IncidentWorld) -> float:
    world.play("not-subscribed")
    await world.begin()
    await world.alarmed("feed_refused")
    await world.passes(90)
    assert not world.of(TradeIntended)
    world.over("not-subscribed")
    return await world.recovered(held)


async def too_many_lines(world: IncidentWorld) -> float:
    world.play("too-many-lines")
    await world.holding()  # a future's ticks come one by one, which takes no line
    world.over("too-many-lines")
    return await world.recovered(held)


async def pacing(world: IncidentWorld) -> float:
    await world.holding()
    world.play("pacing")
    await world.passes(60)
    world.over("pacing")
    return await world.recovered(held)


async def duplicate_ticks(world: IncidentWorld) -> float:
    await world.holding()
    world.play("duplicate-and-late-ticks")
    await world.passes(150)
    world.over("duplicate-and-late-ticks")
    return await world.recovered(held)


async def half_open(world: IncidentWorld) -> float:
    await world.holding()
    world.play("half-open")
    await world.until(lambda _state: world.live is not None and not world.live.link.up)
    took = await world.recovered(held)  # a new socket is served while the old one is not
    world.over("half-open")
    return took


async def clock_skew(world: IncidentWorld) -> float:
    await world.holding()
    world.play("clock-skew")
    await world.alarmed("clock_skew")
    world.over("clock-skew")
    return await world.recovered(held)


# Orders


def entry_meets(name: str, holds: Callable[[State], bool] = held, **arguments: float) -> Play:
    """The first entry meets it."""

    async def play(world: IncidentWorld) -> float:
        world.play(name, **arguments)
        await world.begin()
        await world.until(lambda _state: bool(world.of(TradeIntended)))
        world.over_at = world.clock.now()
        return await world.recovered(holds)

    return play


async def refused(world: IncidentWorld, name: str) -> float:
    world.play(name)
    await world.begin()
    await world.alarmed("order_rejected")
    world.over_at = world.clock.now()
    took = await world.recovered(held)
    first, *_ = [fact for fact in world.of(TradeClosed) if isinstance(fact, TradeClosed)]
    assert (first.how, first.quantity) == ("rejected", 0)
    assert len(world.of(TradeIntended)) == 2  # the refused one, and one of a later bar: no storm
    return took


async def fills_during_1100(world: IncidentWorld) -> float:
    await world.holding()
    world.play("fills-during-1100")
    await world.until(lambda _state: world.live is not None and not world.live.link.up)
    await world.passes(20)
    assert world.fills_of(OrderRole.TARGET) + world.fills_of(OrderRole.STOP) == 0  # nobody has told us yet
    world.over("fills-during-1100")
    took = await world.recovered(lambda _state: bool(world.of(TradeClosed)))
    assert any(isinstance(fact, Differed) and fact.kind == "execution_missed" for fact in world.facts)
    return took


async def partial_bracket(world: IncidentWorld) -> float:
    world.play("partial-bracket")
    world.play("sent-no-answer", count=0)
    await world.begin()
    await world.until(lambda _state: bool(world.of(TradeIntended)))
    return await world.recovered(held)


async def partial_restart(world: IncidentWorld) -> float:
    await world.holding()
    world.play("partial-restart", 30.0)
    await world.until(lambda _state: world.live is not None and not world.live.link.up)
    await world.until(lambda _state: world.live is not None and world.live.link.up)
    world.over_at = world.clock.now()
    took = await world.recovered(lambda state: state.positions.get(MES) == 1)
    assert world.fills_of(OrderRole.TARGET) + world.fills_of(OrderRole.STOP) == 1
    return took


async def two_permids(world: IncidentWorld) -> float:
    """A part of the target fills by force, its brother must shrink: that change makes two orders of one."""
    await world.holding()
    world.play("two-permids")
    world.command("flatten")
    return await world.recovered(lambda _state: bool(world.of(TradeClosed)))


async def oco_both_fill(world: IncidentWorld) -> float:
    await world.holding()
    world.play("oco-both-fill")
    await world.alarmed("excess_fill")
    return await world.recovered(lambda _state: bool(world.of(TradeClosed)))


async def tws_order(world: IncidentWorld) -> float:
    await world.holding()
    world.play("tws-order", symbol="SPY", quantity=1)
    world.command("reconcile")
    await world.alarmed("foreign_order")
    return await world.recovered(held, foreign=True)


async def duplicate_callbacks(world: IncidentWorld) -> float:
    world.play("duplicate-callbacks")
    await world.holding()
    world.fill(OrderRole.TARGET, 1)
    await world.until(lambda state: state.positions.get(MES) == 1)
    world.over("duplicate-callbacks")
    return await world.recovered()


async def corrected_execution(world: IncidentWorld) -> float:
    await world.holding()
    world.play("corrected-execution")
    return await world.recovered(held)


async def cancel_races_fill(world: IncidentWorld) -> float:
    await world.holding()
    world.play("cancel-races-fill")
    world.command("flatten")
    await world.until(lambda _state: any(isinstance(fact, Filled) and fact.role is not OrderRole.ENTRY for fact in world.facts))
    world.over_at = world.clock.now()
    return await world.recovered(lambda state: flat(state) and bool(world.of(TradeClosed)))


async def restarted_within(world: IncidentWorld) -> float:
    """The platform itself is ended and begun again while its stop fills."""
    await world.holding()
    await world.end()
    world.fill(OrderRole.STOP)
    world.over_at = world.clock.now()
    await world.begin()
    took = await world.recovered(lambda _state: bool(world.of(TradeClosed)))
    assert any(isinstance(fact, Reconciled) for fact in world.facts)
    return took


BOOKS_FIRST = "sends nothing; asks for orders, executions and positions, compares, fills the hole in its data, then goes on"
CASES = (
    Case(
        "nightly-restart",
        f"closes the gate two minutes before and opens it five after; {BOOKS_FIRST}",
        (),
        nightly_restart,
        "10:15",
        40.0,
    ),
    Case(
        "blind-after-1102",
        "notices each silent stream by its own rhythm, asks for it anew, fills the hole",
        ("feed_silent",),
        blind,
    ),
    Case("farm-blip", "the same", ("feed_silent",), farm_blip),
    Case("silent-streams", "the same", ("feed_silent",), silent_streams),
    Case(
        "competing-session",
        "says who took the data, trades no bar after the one that was cut short, tries again until data come",
        ("feed_competing",),
        competing_session,
    ),
    Case(
        "reset-window-1100", "sends nothing; pages after 15 minutes, and each hour", ("session_closed",), reset_window, speed=80.0
    ),
    Case("weekly-2fa", "sends nothing; pages after 15 minutes, and each hour", ("session_closed",), weekly_2fa, speed=80.0),
    Case("advisory-codes", "keeps the stream, and marks it", (), advisory_codes),
    Case(
        "not-subscribed",
        "names what is missing and what to do; trades nothing; asks again now and then",
        ("feed_refused",),
        not_subscribed,
    ),
    Case("too-many-lines", "goes on: the ticks of what is traded come one by one, which takes no line", (), too_many_lines),
    Case("pacing", "waits for its budget; nothing is lost", (), pacing),
    Case("duplicate-and-late-ticks", "counts each tick once, and late ones from history", (), duplicate_ticks),
    Case(
        "half-open",
        f"asks for the time each half minute; without an answer it takes a new socket; {BOOKS_FIRST}",
        (),
        half_open,
        speed=4.0,
    ),
    Case("clock-skew", "says how far the clocks are apart", ("clock_skew",), clock_skew),
    Case(
        "sent-no-answer", "asks for the books and finds the order there; sends nothing twice", (), entry_meets("sent-no-answer")
    ),
    Case(
        "lost-orders",
        "asks for the books and, when they lack the order, sends it again under its own name",
        (),
        entry_meets("lost-orders", count=3),
    ),
    Case(
        "fills-during-1100",
        "finds the executions when it asks for them, and counts them by the exchange's time",
        (),
        fills_during_1100,
    ),
    Case("two-permids", "keeps one of the two orders and cancels the other", (), two_permids),
    Case("partial-restart", "counts the part once; stop and target are of what is left", (), partial_restart),
    Case("partial-bracket", "makes stop and target as large as what is held", (), partial_bracket),
    Case("oco-both-fill", "sells back what was closed in excess, and pages", ("excess_fill",), oco_both_fill),
    Case("tws-order", "reports it, and leaves it alone", ("foreign_order",), tws_order),
    Case("duplicate-id", "begins its own numbers beyond all that were ever used", (), entry_meets("duplicate-id")),
    Case("duplicate-callbacks", "counts each execution once; a correction wins; late charges count", (), duplicate_callbacks),
    Case("corrected-execution", "the correction takes the place of the execution", (), corrected_execution),
    Case(
        "reject-201",
        "closes the trade with the reason; the next bar may try again",
        ("order_rejected",),
        lambda world: refused(world, "reject-201"),
    ),
    Case("inactive", "the same", ("order_rejected",), lambda world: refused(world, "inactive")),
    Case("cancel-races-fill", "the fill counts, and nothing is closed twice", (), cancel_races_fill),
    Case("crash-anywhere", "goes on from its journal, and learns what filled meanwhile", (), restarted_within),
)


async def outcome(case: Case, home: Path, gateway: Gateway) -> tuple[float, list[tuple[str, str, str]]]:
    """Market seconds to recover, and what a person was told."""
    clock, told = PacedClock(START, case.speed), Told()
    server = GatewayServer(gateway.simulator, clock, port=0)
    await server.start()
    try:
        world = IncidentWorld(home, server, gateway, clock, told, restart=case.restart)
        try:
            took = await case.play(world)
        finally:
            await ended(world)
    finally:
        await server.stop()
    return took, told.messages
