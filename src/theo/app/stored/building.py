"""Bars and levels of a run, while it goes on: on a thread of their own, behind the journal, never in the way of trading.

A swing high or low that becomes known is told when it does; of those that became known while nothing ran, how many. Where time
is played nobody is told of each: they are counted.
"""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from theo.adapters.sql.database.place import Place
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.adapters.sql.market.store import SqlMarketStore
from theo.adapters.system.blocking import OneThread
from theo.adapters.system.clock import SteadyClock
from theo.app.home.layout import Home
from theo.app.stored.built_bars import BuiltBars
from theo.app.stored.taken_bars import TakenBars
from theo.app.times import clock as clock_text
from theo.domain.market_data import SECOND
from theo.drive.assembly import Plan
from theo.market.standard_levels import LevelSettings, NewLevel
from theo.ports.clock import Clock
from theo.ports.level_store import LevelSeries
from theo.ports.notifier import Notifier

ROUND_EVERY: Final = 5 * SECOND  # a bar has its levels so long after it closed
NEWS_AGE_MAX: Final = 5 * 60 * SECOND  # of what is told as new
WORDS: Final = {"SH": "swing high", "SL": "swing low"}


class Building:
    """``run`` is a service of the run, ``close`` ends it. What it does not reach the next start does.

    ``told_of`` are the instruments whose news are told; None: all. ``known`` counts what became known; ``newest`` did last.
    """

    def __init__(
        self,
        place: Place,
        plan: Plan,
        settings: LevelSettings,
        clock: Clock,
        notifier: Notifier,
        *,
        told_of: Collection[int] | None = None,
        round_every: int = ROUND_EVERY,
    ) -> None:
        self._place, self._plan, self._settings = place, plan, settings
        self._clock, self._notifier, self._round_every = clock, notifier, round_every
        self._instruments = {one.id: one for one in plan.instruments.values()}
        self._told_of = self._instruments.keys() if told_of is None else told_of
        self._thread = OneThread("levels")
        self._stores: tuple[SqlJournalStore, SqlMarketStore] | None = None
        self._bars: BuiltBars | TakenBars | None = None
        self.known, self.newest, self._name = 0, "", place.folder.name

    async def run(self) -> None:
        """Until cancelled. A fault of ours ends the building, never the trading."""
        try:
            while True:
                await self._clock.sleep_until(self._clock.now() + self._round_every)
                await self._round()
        except Exception as error:  # noqa: BLE001 - every tick is in the journal, and positions are in the market
            self._leave(error)

    @asynccontextmanager
    async def beside(self, *, hurried: bool) -> AsyncIterator[None]:
        """Runs while the context lasts, and then until nothing is left; what ends the context by an error is not waited for.

        ``hurried``: the market is played as fast as it goes. A thread beside it would hold it up, so that all comes after it.
        """
        running = asyncio.create_task(asyncio.Event().wait() if hurried else self.run())
        try:
            yield
        finally:
            left = running.done()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        if not left:
            try:
                await self._round()
            except Exception as error:  # noqa: BLE001 - as above
                self._leave(error)

    def _leave(self, error: Exception) -> None:
        text = f"{type(error).__name__}: {error}. Bars and levels follow with the next start, or `theo levels compute`"
        self._notifier.tell(self._clock.now(), "warning", "levels_left", text)

    async def _round(self) -> None:
        while await self._thread.run(self._work):
            pass
        self._announce()

    def _work(self) -> bool:
        if self._bars is None:
            self._stores = SqlJournalStore(self._place), SqlMarketStore(self._place)
            self._bars = (BuiltBars if self._plan.from_ticks else TakenBars)(*self._stores, self._plan, self._settings)
        return self._bars.work()

    def _announce(self) -> None:
        """Each was stored as new for the first time, so that it is told once however often its bars come again."""
        assert self._bars is not None
        announced, now, late = self._bars.announced, self._clock.now(), 0
        self.known += len(announced)
        if announced:
            self.newest = self._text(*max(announced, key=lambda each: each[1].known_at))
        for series, new in announced:
            if series.instrument not in self._told_of:
                continue
            if new.known_at < now - NEWS_AGE_MAX:
                late += 1
                continue
            self._notifier.tell(now, "info", "new_level", f"{self._text(series, new)} New York")
        announced.clear()
        if late:
            self._notifier.tell(
                now, "info", "new_levels", f"{late:,} swing highs and lows became known before: `theo levels new`"
            )

    def _text(self, series: LevelSeries, new: NewLevel) -> str:
        instrument = self._instruments[series.instrument]
        what = f"{instrument.symbol} {series.timeframe}: new {WORDS[new.level]} {instrument.text(new.price)}"
        return f"{what} of {clock_text(new.at_start)}"

    @property
    def summary(self) -> str:
        """How many became known, for the end of a run in which nobody was told of each."""
        return f"{self.known:,} swing highs and lows became known: `theo levels new --run {self._name}`"

    def close(self) -> None:
        """Wait for the round that has begun."""
        self._thread.close()
        for store in self._stores or ():
            store.close()


def built_while_played(home: Home, folder: Path, plan: Plan, notifier: Notifier) -> Building:
    """The building of a run in played time: nobody is told of each level, and a round comes each second."""
    from theo.app.configuration.file import configured  # pydantic costs as much to load as everything else here

    levels = configured(home.configuration).levels
    return Building(home.place(folder), plan, levels, SteadyClock(), notifier, told_of=(), round_every=SECOND)
