"""What goes wrong in the field, by its name there, and what the whole platform makes of it."""

from collections.abc import Awaitable, Callable

from tests.gateway.conftest import START
from tests.live.incident_world import MES, IncidentWorld
from theo.adapters.system.latch import StopFile
from theo.domain.asked import ChangeAsked
from theo.domain.facts import Differed, Filled, Reconciled, TradeClosed, TradeIntended
from theo.domain.market_data import MINUTE, SECOND, Tick, TimeSource
from theo.domain.orders import OrderRole
from theo.engine.state import State
from theo.ports.feed import FeedState

LOGIN_ENDS = START + 5 * MINUTE
Play = Callable[[IncidentWorld], Awaitable[float]]


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
    before = len(world.of(TradeIntended))
    await world.passes(160)
    assert len(world.of(TradeIntended)) == before  # neither the bar that it cut short is traded, nor those that nobody saw
    assert "10197" in world.refusals()[-1]  # by its first cause, however often it was asked for again since
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
    await world.passes((LOGIN_ENDS - world.clock.now()) / SECOND)
    world.play("weekly-2fa")
    begun = world.clock.now()
    await world.alarmed("login_lapsed")
    await world.until(lambda state: bool(state.halted))
    assert world.clock.now() - begun < MINUTE
    await world.passes(120)
    assert world.moved("rejected") == 0  # nothing is sent into it
    world.over("weekly-2fa")
    return await resumed_by_a_person(world)


async def resumed_by_a_person(world: IncidentWorld) -> float:
    """Halted with its stop at rest; market seconds until all is well but that."""
    took = await world.recovered(lambda state: held(state) and bool(state.halted))
    StopFile(world.folder).clear()
    world.command("resume")
    await world.until(lambda state: not state.halted)
    return took


async def advisory_codes(world: IncidentWorld) -> float:
    world.play("advisory-codes")
    await world.begin()
    await world.until(lambda _state: world.flows() and world.standing("VIX").state is FeedState.DELAYED)
    took = (world.clock.now() - world.over_at) / SECOND
    await world.until(lambda _state: any("VIX 1min is DELAYED" in each for each in world.refusals()))
    await world.passes(90)
    assert world.standing("VIX").resumed == 0  # the stream that the notice is about was kept
    assert not world.of(TradeIntended)
    return took


async def not_subscribed(world: IncidentWorld) -> float:
    world.play("not-subscribed")
    await world.begin()
    await world.alarmed("feed_refused")
    await world.passes(90)
    assert not world.of(TradeIntended)
    world.over("not-subscribed")
    return await world.recovered(held)


async def index_has_no_quotes(world: IncidentWorld) -> float:
    await world.begin()
    world.over_at = world.clock.now()
    took = await world.recovered(held)  # it waits for bars of both
    assert (world.standing("MES").source, world.standing("VIX").source) == ("ib:tbt", "ib:sampled")
    assert not {"feed_refused", "feed_source"} & set(world.told.codes())  # nothing was asked for that is not to be had
    return took


async def sampled_ticks(world: IncidentWorld) -> float:
    await world.begin()
    world.over_at = world.clock.now()
    took = await world.recovered(held)
    index = world.standing("VIX").instrument
    ticks = [item for item in world.taken() if isinstance(item, Tick)]
    assert {tick.source for tick in ticks if tick.instrument == MES} <= {"ib:tbt", "ib:history"}
    sampled = [tick for tick in ticks if tick.source == "ib:sampled"]
    assert {tick.instrument for tick in sampled} == {index}  # and nothing but the index, of which there is no better stream
    assert {tick.time_source for tick in sampled} == {TimeSource.ARRIVAL}
    return took


async def time_zone_shift(world: IncidentWorld) -> float:
    world.play("time-zone-shift")
    await world.holding()
    world.fill(OrderRole.TARGET)
    await world.until(flat)
    world.over_at = world.clock.now()
    took = await world.recovered()
    fills = [fact for fact in world.facts if isinstance(fact, Filled)]
    assert len(fills) > 1
    assert all(abs(fill.at - fill.timestamp) < MINUTE for fill in fills)  # five hours would be a defect
    stamps = [item for item in world.taken() if isinstance(item, Tick)]
    assert all(abs(tick.at - tick.timestamp) < 10 * MINUTE for tick in stamps)
    return took


async def too_many_lines(world: IncidentWorld) -> float:
    world.play("too-many-lines")
    await world.begin()
    await world.alarmed("feed_refused")
    await world.until(lambda _state: world.standing("MES").state is FeedState.LIVE)  # ticks one by one take no line
    await world.passes(90)
    assert "VIX" in next(text for _, code, text in world.told.messages if code == "feed_refused")
    assert not world.of(TradeIntended)  # what is decided on needs both
    world.over("too-many-lines")
    return await world.recovered(held)


async def pacing(world: IncidentWorld) -> float:
    """A hole comes while history answers nothing."""
    await world.holding()
    world.play("pacing")
    world.play("server-lost-data-lost", 5.0)
    lost_at = world.clock.now()
    await world.until(lambda _state: world.live is not None and not world.live.link.up)
    await world.until(lambda _state: world.live is not None and world.live.link.up)
    await world.alarmed("backfill_late")
    await world.passes(65)
    assert not [at for at in world.trusted_at if at > lost_at]
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
    await world.alarmed("clock_skew", "clock_wrong")
    await world.until(lambda state: bool(state.halted))
    world.over("clock-skew")
    return await resumed_by_a_person(world)


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
    """A person moves the stop, and two stops live; what becomes of the position when it is hit is what matters."""
    await world.holding()
    stop, (trade,) = world.live_order(OrderRole.STOP), world.state().open_trades
    world.doubled = True
    world.play("two-permids")
    world.command("modify_order", ChangeAsked(id=trade, stop="0.4%"))
    await world.alarmed("two_orders")
    world.over_at = world.clock.now()
    took = await world.recovered(held)
    twins = [order for order in world.books().orders if order.ref == stop.ref]
    assert [(order.perm_id == stop.perm_id, order.ended) for order in twins] == [(True, False), (False, True)]
    world.fill(OrderRole.STOP)
    await world.recovered(lambda _state: bool(world.of(TradeClosed)))
    sold = [each for each in world.books().executions if each.ref == stop.ref]
    assert {each.perm_id for each in sold} == {stop.perm_id}
    assert sum(each.quantity for each in sold) == 2  # and the position was not turned round
    return took


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
