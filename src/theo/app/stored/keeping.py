"""Ticks of a live run to the market database beside it, within a second or two, while trading waits for none of it.

What is handed over is in the journal already. Should neither memory nor disk take more, a person is told, and the rest of the
run's ticks comes from the journal when it is next read.
"""

from collections.abc import Callable, Coroutine, Iterable
from typing import Final

from theo.adapters.sql.database.place import Place
from theo.adapters.sql.market.ingest import TickIngest
from theo.adapters.sql.market.spill import Spill
from theo.adapters.sql.market.store import SqlMarketStore
from theo.adapters.system.blocking import OneThread
from theo.app.stored.building import Building
from theo.domain.errors import HaltRequiredError
from theo.domain.instrument import Instrument
from theo.domain.market_data import SECOND, Tick
from theo.ports.clock import Clock
from theo.ports.notifier import Notifier

ROUND_EVERY: Final = SECOND  # ticks are gathered for so long before they are written
WAIT_MAX: Final = 30 * SECOND  # between two tries while the database takes nothing
SPILL_FOLDER: Final = "spill"


class Keeping:
    """``take`` is told ticks, ``services`` are of the run, ``close`` ends what is left to do.

    ``building`` makes bars and levels of them.
    """

    def __init__(
        self,
        place: Place,
        instruments: Iterable[Instrument],
        clock: Clock,
        notifier: Notifier,
        building: Building | None = None,
    ) -> None:
        self._clock, self._notifier, self._building = clock, notifier, building
        self._store = SqlMarketStore(place, durable=True)
        self._store.put_instruments(list(instruments))
        self._ingest = TickIngest(self._store, Spill(place.folder / SPILL_FOLDER, self._tell), self._tell)
        self._thread = OneThread("ticks")
        self._left = False

    def take(self, ticks: list[Tick]) -> None:
        """Never waits for the database, never raises."""
        if self._left:
            return
        try:
            self._ingest.offer(ticks)
        except HaltRequiredError as error:
            self._leave(str(error))

    @property
    def services(self) -> list[Callable[[], Coroutine[object, object, None]]]:
        """What runs beside the trading."""
        return [self._run] if self._building is None else [self._run, self._building.run]

    async def _run(self) -> None:
        """Until cancelled. A fault of ours ends the keeping, never the trading."""
        try:
            await self._rounds()
        except Exception as error:  # noqa: BLE001 - every tick is in the journal, and positions are in the market
            self._leave(f"{type(error).__name__}: {error}")

    async def _rounds(self) -> None:
        wait = ROUND_EVERY
        while True:
            await self._clock.sleep_until(self._clock.now() + wait)
            done = await self._thread.run(self._ingest.work)
            while done.more:
                done = await self._thread.run(self._ingest.work)
            wait = min(2 * wait, WAIT_MAX) if done.failed else ROUND_EVERY

    def _leave(self, why: str) -> None:
        self._left = True
        self._tell("page", "ticks_left", f"{why}. Ticks are in the journal, and go to the database when it is next read")

    def _tell(self, severity: str, code: str, text: str) -> None:
        self._notifier.tell(self._clock.now(), severity, code, text)

    def close(self) -> None:
        """What the database does not take now stays on the disk for the next start."""
        if self._building is not None:
            self._building.close()
        self._thread.close()
        self._ingest.close()
        self._store.close()
