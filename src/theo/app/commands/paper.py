"""`theo paper`: a rule set on the simulated exchange with the live shell, journal and recovery; stored bars play the market."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

from theo.adapters.system.clock import PacedClock
from theo.app.build import BUILD
from theo.app.commands.deals import summarise
from theo.app.home.layout import open_home
from theo.app.rulesets.unheeded import refuse_disabled, refuse_unheeded
from theo.app.runs.composition import Virtual, open_virtual
from theo.app.runs.planning import plan_backtest, run_folder
from theo.app.runs.rolling import rollings
from theo.app.stored.building import Building, built_while_played
from theo.app.terminal.interrupts import on_interrupt
from theo.domain.inputs import Command, Started
from theo.domain.keys import Mode
from theo.domain.market_data import SECOND, Bar, ContractRolled
from theo.drive.assembly import Plan
from theo.drive.backtest import merged
from theo.runtime.run import one_by_one

EXIT_INTERRUPTED = 130


def run(path: Path, name: str, *, source: str, timerange: str, speed: float, cash: float, json: bool) -> int:
    """Begin, or go on with, the paper run of this rule set version and range."""
    from theo.app.configuration.file import configured  # pydantic costs as much to load as everything else here

    home = open_home(path)
    refuse_disabled(home, [name])
    plan, stored, market = plan_backtest(home, name, timerange=timerange, cash=cash, source=source, mode=Mode.VIRTUAL)
    try:
        refuse_unheeded((ruleset for ruleset, _ in plan.rulesets), plan.instruments)
        folder = run_folder(home, plan)
        virtual = open_virtual(home, folder, plan, None)
        try:
            items = merged([s.bars() for s in stored], rollings(home, configured(home.configuration).rolls, stored))
            with closing(built_while_played(home, folder, plan, virtual.notifier)) as building:
                finished = asyncio.run(play(virtual, plan, items, speed, building))
            summarise(home, virtual.store, folder, finished=finished, json=json)
            if not json:
                print(f"\n{building.summary}")
        finally:
            virtual.close()
    finally:
        market.close()
    return 0 if finished else EXIT_INTERRUPTED


async def play(
    virtual: Virtual, plan: Plan, items: Iterator[Bar | ContractRolled | Command], speed: float, building: Building
) -> bool:
    """Until the bars end (True) or a signal stops the run (False). What an earlier process took is skipped."""
    on_interrupt(virtual.run.stop)
    todo = _not_taken(items, virtual.booted.recovered.consumed)
    first = next(todo, None)
    if first is None:
        return True
    core = virtual.booted.core
    begins = first.start if isinstance(first, Bar) else first.at
    await virtual.run.begin(Started(at=max(core.at, begins), key=plan.key, build=BUILD, cash=plan.cash, world=plan.record()))
    async with building.beside(hurried=not speed):
        finished = await virtual.run.take(one_by_one(_paced(first, todo, speed)))
        await virtual.run.end()
    return finished


def _not_taken(items: Iterator[Bar | ContractRolled | Command], consumed: int) -> Iterator[Bar | ContractRolled | Command]:
    """Bars and rolls are counted; what else follows the last bar taken comes again, and a repeat is known as one."""
    bars = 0
    for item in items:
        if not isinstance(item, Command):
            bars += 1
            if bars > consumed:
                yield item
        elif bars >= consumed:
            yield item


async def _paced(
    first: Bar | ContractRolled | Command, rest: Iterator[Bar | ContractRolled | Command], speed: float
) -> AsyncIterator[Bar | ContractRolled | Command]:
    clock = PacedClock(first.at, speed * 1.0)
    yield first
    for item in rest:
        if speed and item.at - clock.now() > LONGEST_WAIT * speed:
            clock.skip_to(item.at)  # a closed market is not waited for
        if speed:
            await clock.sleep_until(item.at)
        yield item


LONGEST_WAIT = 3_600 * SECOND
