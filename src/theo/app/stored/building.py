"""Bars and levels of a live run, while it goes on: on a thread of their own, behind the journal, never in the way of trading.

A swing high or low that becomes known is told when it does; of those that became known while nothing ran, how many.
"""

from typing import Final

from theo.adapters.sql.database.place import Place
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.adapters.sql.market.store import SqlMarketStore
from theo.adapters.system.blocking import OneThread
from theo.app.stored.built_bars import BuiltBars
from theo.app.times import clock as clock_text
from theo.domain.market_data import SECOND
from theo.drive.assembly import Plan
from theo.market.standard_levels import LevelSettings
from theo.ports.clock import Clock
from theo.ports.notifier import Notifier

ROUND_EVERY: Final = 5 * SECOND  # a bar has its levels so long after it closed
NEWS_AGE_MAX: Final = 5 * 60 * SECOND  # of what is told as new
WORDS: Final = {"SH": "swing high", "SL": "swing low"}


class Building:
    """``run`` is a service of the run, ``close`` ends it. What it does not reach the next start does."""

    def __init__(self, place: Place, plan: Plan, settings: LevelSettings, clock: Clock, notifier: Notifier) -> None:
        self._place, self._plan, self._settings = place, plan, settings
        self._clock, self._notifier = clock, notifier
        self._instruments = {one.id: one for one in plan.instruments.values()}
        self._thread = OneThread("levels")
        self._stores: tuple[SqlJournalStore, SqlMarketStore] | None = None
        self._built: BuiltBars | None = None

    async def run(self) -> None:
        """Until cancelled. A fault of ours ends the building, never the trading."""
        try:
            while True:
                await self._clock.sleep_until(self._clock.now() + ROUND_EVERY)
                while await self._thread.run(self._work):
                    pass
                self._announce()
        except Exception as error:  # noqa: BLE001 - every tick is in the journal, and positions are in the market
            text = f"{type(error).__name__}: {error}. Bars and levels follow with the next start, or `theo levels compute`"
            self._notifier.tell(self._clock.now(), "warning", "levels_left", text)

    def _work(self) -> bool:
        if self._built is None:
            self._stores = SqlJournalStore(self._place), SqlMarketStore(self._place)
            self._built = BuiltBars(*self._stores, self._plan, self._settings)
        return self._built.work()

    def _announce(self) -> None:
        """Each was stored as new for the first time, so that it is told once however often its bars come again."""
        assert self._built is not None
        announced, now, late = self._built.announced, self._clock.now(), 0
        for series, new in announced:
            if new.known_at < now - NEWS_AGE_MAX:
                late += 1
                continue
            instrument = self._instruments[series.instrument]
            what = f"{instrument.symbol} {series.timeframe}: new {WORDS[new.level]} {instrument.text(new.price)}"
            self._notifier.tell(now, "info", "new_level", f"{what} of {clock_text(new.at_start)} New York")
        announced.clear()
        if late:
            self._notifier.tell(
                now, "info", "new_levels", f"{late:,} swing highs and lows became known before: `theo levels new`"
            )

    def close(self) -> None:
        """Wait for the round that has begun."""
        self._thread.close()
        for store in self._stores or ():
            store.close()
