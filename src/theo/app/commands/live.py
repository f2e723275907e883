"""`theo live`: rule sets on the broker's paper account, or on real money where the configuration says so in words."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import msgspec

from theo.adapters.ib.probe import Probed, probe
from theo.adapters.system.clock import PacedClock, SteadyClock
from theo.adapters.system.log import LogNotifier, Nobody
from theo.app.build import BUILD
from theo.app.configuration.file import Configured, configured
from theo.app.exit_codes import EXIT_INTERRUPTED
from theo.app.home.layout import Home, open_home
from theo.app.runs.beside_making import Virtual
from theo.app.runs.live_making import open_live
from theo.app.runs.live_plans import beside_plan, live_plan, only_virtual, virtual_plan
from theo.app.runs.virtual_making import open_alone
from theo.app.stored.building import Building
from theo.app.stored.keeping import Keeping
from theo.app.terminal.event_lines import feed_line, line_of
from theo.app.terminal.interrupts import on_interrupt
from theo.domain.errors import ConfigError
from theo.domain.facts import Fact, SignalClosed
from theo.domain.inputs import Started
from theo.domain.instrument import MICROS
from theo.drive.assembly import Plan
from theo.ports.clock import Clock
from theo.runtime.shell import Watch


def run(path: Path, names: Sequence[str], broker_pace: float | None) -> int:
    """Trade until a signal stops it. Positions and their protective orders stay at the broker.

    ``broker_pace``: the time is a simulated gateway's, which goes so many times as fast as the true one; None for true time.
    """
    home = open_home(path)
    settings = configured(home.configuration)
    if only_virtual(home, names):
        return asyncio.run(_trade_virtually(home, settings, names, broker_pace))
    _refuse(home, settings, names, broker_clock=broker_pace is not None)
    return asyncio.run(_trade(home, settings, names, broker_pace))


def _refuse(home: Home, settings: Configured, names: Sequence[str], *, broker_clock: bool) -> None:
    where = str(home.configuration)
    if settings.mode == "virtual":
        raise ConfigError(
            'mode is "virtual": no order leaves this machine',
            where=where,
            remedy='Write mode = "paper", use `theo paper`, or name rule sets of [scan] mode = "virtual" alone',
        )
    if settings.ib.read_only:
        remedy = 'Set it to false to trade, or name rule sets of [scan] mode = "virtual" alone'
        raise ConfigError("[ib] read_only is true: there is no order path", where=where, remedy=remedy)
    if broker_clock and settings.mode == "live":
        raise ConfigError("--broker-clock is for simulated gateways, and the mode is live", where=where)
    if not names:
        raise ConfigError("no rule set is named", remedy="Name one or more: `theo live mes-vix`")


async def _trade(home: Home, settings: Configured, names: Sequence[str], broker_pace: float | None) -> int:
    notifier = LogNotifier()
    clock, probed = await _probed(settings, broker_pace, notifier)
    plan = live_plan(home, settings, names, probed, clock.now())
    beside = beside_plan(home, settings, names, plan, clock.now())
    virtual = None if beside is None else Virtual(beside, _lines(beside, f"{beside.key.mode}: "))
    folder = home.runs / plan.key.run
    building = Building(home.place(folder), plan, settings.levels, clock, notifier)
    keeping = Keeping(home.place(folder), plan.instruments.values(), clock, notifier, building)
    try:
        live = open_live(home, folder, plan, settings, clock, notifier, _lines(plan), keeping, virtual=virtual)
    except BaseException:
        keeping.close()
        raise
    try:
        on_interrupt(live.run.stop)
        cash = f"{probed.cash / MICROS:,.2f} {probed.currency}"
        print(f"{plan.key.mode} on {probed.account}, {cash}: {_names(plan)}; journal in {folder}", flush=True)
        if beside is not None:
            print(f"beside it on the simulated exchange: {_names(beside)}; run {beside.key.run}", flush=True)
        await live.run.run(Started(at=clock.now(), key=plan.key, build=BUILD, cash=plan.cash, world=plan.record()))
    except Exception as error:
        text = f"theo live has ended: {error}. Protective stops rest at the broker"
        notifier.tell(clock.now(), "page", "run_ended", text)
        raise
    finally:
        live.close()
        keeping.close()
        for standing in live.feed.standings():
            print(feed_line(standing), flush=True)
    return EXIT_INTERRUPTED


async def _trade_virtually(home: Home, settings: Configured, names: Sequence[str], broker_pace: float | None) -> int:
    """The same on the simulated exchange alone: the gateway is read, and nothing is sent."""
    notifier = LogNotifier()
    clock, probed = await _probed(settings, broker_pace, notifier)
    plan = virtual_plan(home, settings, names, probed, clock.now())
    alone = open_alone(home, Virtual(plan, _lines(plan), "Nothing was sent"), settings, clock, notifier, probed.account)
    try:
        on_interrupt(alone.stop)
        print(f"virtual, with the market data of {probed.account}: {_names(plan)}; run {plan.key.run}", flush=True)
        await alone.run()
    finally:
        alone.close()
        for standing in alone.market.feed.standings():
            print(feed_line(standing), flush=True)
    return EXIT_INTERRUPTED


async def _probed(settings: Configured, broker_pace: float | None, notifier: LogNotifier) -> tuple[Clock, Probed]:
    """The clock, and whose account it is."""
    clock: Clock = SteadyClock()
    if broker_pace is None:
        return clock, await probe(settings.ib, clock, notifier)
    clock = paced = PacedClock(clock.now(), broker_pace)
    probed = await probe(settings.ib, clock, Nobody())  # a clock that is off is no news where it is to be followed
    paced.skip_to(clock.now() + probed.clock_offset)
    return clock, msgspec.structs.replace(probed, clock_offset=0)


def _names(plan: Plan) -> str:
    return ", ".join(ruleset.name for ruleset, _ in plan.rulesets)


def _lines(plan: Plan, begins: str = "") -> Watch:
    """Prints what happens; of signals that one rule refuses in a row only the first, since bars are read in hundreds."""
    instruments = {i.id: i for i in plan.instruments.values()}
    refused_by = ""

    def watch(at: int, facts: list[Fact]) -> None:
        nonlocal refused_by
        for fact in facts:
            line = line_of(at, fact, instruments)
            rule = fact.refused.rule if isinstance(fact, SignalClosed) and fact.refused is not None else ""
            if line and (not rule or rule != refused_by):
                print(f"{begins}{line}", flush=True)
                refused_by = rule

    return watch
