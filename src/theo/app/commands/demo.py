"""`theo demo`: real days as an accelerated market, traded on the simulated exchange, ending in the deals report."""

import asyncio
import json as json_module
from contextlib import closing
from datetime import timedelta
from importlib.resources import files
from pathlib import Path

from theo.app.build import BUILD
from theo.app.home.instruments import known_instruments
from theo.app.home.layout import Home, open_home
from theo.app.home.removal import remove_run
from theo.app.runs.composition import Virtual, journal_id, open_virtual, plan_for
from theo.app.runs.sample import SampleMarket, sample_days
from theo.app.runs.starting import refuse_impossible_limits
from theo.app.stored.building import Building, built_while_played
from theo.app.terminal.demo_screen import DemoScreen
from theo.app.terminal.interrupts import on_interrupt
from theo.domain.inputs import Started
from theo.domain.instrument import MICROS
from theo.domain.keys import Key, Mode
from theo.drive.assembly import Plan
from theo.ports.store import JournalStore
from theo.runtime.run import one_by_one
from theo.strategy.loading import load_ruleset

CASH = 100_000 * MICROS
TRADED, WATCHED = "SIM-MES", "VIX"
EXIT_INTERRUPTED = 130


def run(path: Path, *, days: int, seed: int, speed: float, fresh: bool, plain: bool, json: bool) -> int:
    """Run, or go on with, the demo; returns the exit code."""
    home = open_home(path)
    asked = {"days": days, "seed": seed}
    real = sample_days(days)
    known = known_instruments(home)
    listed = {symbol: known[symbol] for symbol in (TRADED, WATCHED)}  # only their sessions are built
    key = Key(account="SIM", mode=Mode.VIRTUAL, run=f"demo-{seed}-{days}")
    first, last = real[0].day - timedelta(days=7), real[-1].day + timedelta(days=14)
    plan = plan_for(home, listed, key, journal_id(home.demo, "d"), CASH, first, last)
    text = files("theo.strategy").joinpath("rulesets/demo.toml").read_text(encoding="utf-8")
    plan.rulesets = [(load_ruleset(text, "demo.toml"), text)]
    plan.from_ticks = True
    refuse_impossible_limits(home, plan, {listed[TRADED].instrument.id: min(day.low for day in real)})
    _prepare(home, asked, fresh=fresh)
    screen = DemoScreen(plan, len(real), live=not plain and not json)
    virtual = open_virtual(home, home.demo, plan, screen.watch)
    try:
        traded, watched = listed[TRADED].instrument, listed[WATCHED].instrument
        consumed = virtual.booted.recovered.consumed
        market = SampleMarket(real, traded, watched, plan.tables[traded.calendar], seed, consumed, speed)
        with closing(built_while_played(home, home.demo, plan, virtual.notifier)) as building:
            finished = asyncio.run(_play(virtual, plan, market, screen, building))
        if finished:
            (home.demo / FINISHED).write_text(json_module.dumps(asked), encoding="utf-8")
        _report(virtual.store, home, finished=finished, json=json)
        if not json:
            print(f"\n{building.summary}")
    finally:
        virtual.close()
    return 0 if finished else EXIT_INTERRUPTED


FINISHED, ASKED = "finished.json", "asked.json"


def _prepare(home: Home, asked: dict[str, int], *, fresh: bool) -> None:
    """An unfinished run of the same days and seed goes on; a finished one, or another one, starts anew."""
    folder = home.demo
    begun = folder / ASKED
    same = begun.exists() and json_module.loads(begun.read_text(encoding="utf-8")) == asked
    if folder.exists() and (fresh or not same or (folder / FINISHED).exists()):
        remove_run(home, folder)  # refused while another process plays it
    folder.mkdir(parents=True, exist_ok=True)
    begun.write_text(json_module.dumps(asked), encoding="utf-8")


async def _play(virtual: Virtual, plan: Plan, market: SampleMarket, screen: DemoScreen, building: Building) -> bool:
    """Until the days end (True) or a signal stops the run (False)."""
    on_interrupt(virtual.run.stop)
    core = virtual.booted.core
    with screen.showing(core, virtual.notifier):
        started = Started(at=max(core.at, market.begins), key=plan.key, build=BUILD, cash=plan.cash, world=plan.record())
        await virtual.run.begin(started)

        def refresh() -> None:
            screen.newest_level = building.newest
            screen.refresh(market.done)

        async with building.beside(hurried=market.hurried):
            finished = await virtual.run.take(one_by_one(market.ticks()), refresh)
            await virtual.run.end()
    return finished


def _report(store: JournalStore, home: Home, *, finished: bool, json: bool) -> None:
    from theo.app.commands.deals import summarise

    summarise(home, store, home.demo, finished=finished, json=json)
