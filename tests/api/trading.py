"""A trader that runs beside a server: a paper run over a home's bars in a thread, whose market the test plays bar by bar."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import Final

from theo.adapters.sql.database.place import Place
from theo.app.build import BUILD
from theo.app.home.layout import open_home
from theo.app.runs.composition import Virtual, open_virtual
from theo.app.runs.planning import plan_backtest, run_folder
from theo.domain.inputs import Command, Started
from theo.domain.keys import Mode
from theo.domain.market_data import Bar, ContractRolled
from theo.drive.assembly import Plan
from theo.drive.backtest import merged

WAIT_S: Final = 20.0
CASH: Final = 100_000.0
Item = Bar | ContractRolled | Command
Step = Callable[[], AsyncIterator[Item]]


class Trader:
    """The process: between the bars that a test plays it looks at its inbox, as a trader in a quiet market does."""

    def __init__(self, plan: Plan, items: Iterator[Item], place: Place) -> None:
        self.folder, self.place = place.folder, place
        self._plan, self._items = plan, items
        self._steps: asyncio.Queue[tuple[Step, Future[None]] | None] = asyncio.Queue()
        self._loop: Future[asyncio.AbstractEventLoop] = Future()
        self._ended = threading.Event()

    def play(self, bars: int) -> None:
        """So many bars more; returns when they are taken, and what came of them is on record."""

        async def played() -> AsyncIterator[Item]:
            for item in islice(self._items, bars):
                yield item

        self._put(played).result(WAIT_S)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Meanwhile it runs, and looks at nothing."""
        begun, over = threading.Event(), threading.Event()

        async def waits() -> AsyncIterator[Item]:
            begun.set()
            over.wait()
            for item in islice(self._items, 0):
                yield item

        step = self._put(waits)
        assert begun.wait(WAIT_S)
        try:
            yield
        finally:
            over.set()
            step.result(WAIT_S)

    def end(self) -> None:
        """In order, as a signal ends it."""
        if not self._ended.is_set():
            self._loop.result(WAIT_S).call_soon_threadsafe(self._steps.put_nowait, None)
        assert self._ended.wait(WAIT_S)

    def _put(self, step: Step) -> Future[None]:
        done: Future[None] = Future()
        self._loop.result(WAIT_S).call_soon_threadsafe(self._steps.put_nowait, (step, done))
        return done

    def run(self, make: Callable[[], Virtual]) -> None:
        """On a thread, until it is ended."""
        try:
            virtual = make()
            try:
                asyncio.run(self._live(virtual))
            finally:
                virtual.close()
        except BaseException as error:
            if not self._loop.done():
                self._loop.set_exception(error)
            raise
        finally:
            self._ended.set()

    async def _live(self, virtual: Virtual) -> None:
        plan, first = self._plan, next(self._items)
        started = Started(at=first.at, key=plan.key, build=BUILD, cash=plan.cash, world=plan.record())
        await virtual.run.begin(started)
        self._loop.set_result(asyncio.get_running_loop())
        await virtual.run.take(self._market(virtual, first))
        await virtual.run.end()

    async def _market(self, virtual: Virtual, first: Item) -> AsyncIterator[Item]:
        yield first
        while (asked := await self._steps.get()) is not None:
            step, done = asked
            async for item in step():
                yield item
            await virtual.shell.idle()
            done.set_result(None)


@contextmanager
def trader_on(home_folder: Path, ruleset: Path, mode: Mode = Mode.VIRTUAL) -> Iterator[Trader]:
    """A trader that has taken one bar; ended with the context unless the test has ended it. ``mode`` is what its records say."""
    home = open_home(home_folder)
    plan, stored, market = plan_backtest(home, str(ruleset), timerange="", cash=CASH, source="", mode=mode)
    folder = run_folder(home, plan)
    with closing(market):
        bars = [list(series.bars()) for series in stored]
    trader = Trader(plan, merged(bars), home.place(folder))
    thread = threading.Thread(target=trader.run, args=[lambda: open_virtual(home, folder, plan, None)], daemon=True)
    thread.start()
    try:
        yield trader
    finally:
        trader.end()
        thread.join(WAIT_S)
