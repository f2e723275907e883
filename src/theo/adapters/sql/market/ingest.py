"""Ticks on their way into a market store. Whoever offers them never waits for the database.

They wait in memory, within a bound; while the database is slow or away they go to the disk (spill.py) and are stored from there,
oldest first, when it is back. Stored means committed to the disk of the database. A tick that came twice is stored once.
"""

from collections import deque
from collections.abc import Sequence
from threading import Lock
from typing import Final

import msgspec

from theo.adapters.sql.market.spill import Spill, Tell
from theo.adapters.sql.market.store import SqlMarketStore
from theo.domain.errors import CorruptionError, HaltRequiredError, OutcomeUnknownError
from theo.domain.market_data import Tick

BATCH_TICKS_MAX: Final = 10_000  # one transaction: some tens of milliseconds
HELD_TICKS_MAX: Final = 100_000  # in memory, about 20 MB: past it the oldest go to the disk


class Round(msgspec.Struct, frozen=True):
    """What one round did. ``failed``: the database took nothing, wait before the next; ``more``: there is more to do at once."""

    stored: int = 0
    failed: bool = False
    more: bool = False


class TickIngest:
    """``offer`` from one thread, ``work`` from another, both for as long as it lives."""

    def __init__(self, store: SqlMarketStore, spill: Spill, tell: Tell, held_max: int = HELD_TICKS_MAX) -> None:
        self._store, self._spill, self._tell, self._held_max = store, spill, tell, held_max
        self._held: deque[Tick] = deque()
        self._holding, self._spilling = Lock(), Lock()
        self._away = self._full = False  # what a person was told
        self.kept = 0  # ticks that were offered and are durable: in the database or on the disk

    def offer(self, ticks: Sequence[Tick]) -> None:
        """Take ticks. Raises HaltRequiredError when neither memory nor disk has room: nothing is dropped silently."""
        with self._holding:
            self._held.extend(ticks)
            crowded = len(self._held) > self._held_max
        if crowded:
            self._set_aside(self._take(self._held_max))

    def work(self) -> Round:
        """One transaction's worth of what waits, from the disk before from memory."""
        with self._spilling:
            block = self._spill.first()
        batch = self._take(BATCH_TICKS_MAX) if block is None else block
        if not batch:
            self._back()
            return Round()
        try:
            self._store.keep_ticks(batch)
        except (HaltRequiredError, OutcomeUnknownError, CorruptionError) as error:
            self._failed(error, batch if block is None else [])
            return Round(failed=True)
        except BaseException:
            if block is None:
                self._give_back(batch)
            raise
        if block is None:
            self.kept += len(batch)
        else:
            with self._spilling:
                self._spill.stored()
        self._back()
        return Round(len(batch), more=bool(self._held) or block is not None)

    def _take(self, count: int) -> list[Tick]:
        with self._holding:
            return [self._held.popleft() for _ in range(min(count, len(self._held)))]

    def _give_back(self, ticks: Sequence[Tick]) -> None:
        with self._holding:
            self._held.extendleft(reversed(ticks))

    def _set_aside(self, ticks: Sequence[Tick]) -> None:
        """To the disk; back to memory when that has no room either."""
        done = 0
        try:
            with self._spilling:
                while part := ticks[done : done + BATCH_TICKS_MAX]:
                    self._spill.append(part)
                    done += len(part)
        except HaltRequiredError:
            self._give_back(ticks[done:])
            raise
        finally:
            self.kept += done

    def _failed(self, error: Exception, batch: Sequence[Tick]) -> None:
        """Everything that waits goes to the disk: the process may end before the database is back."""
        if not self._away:
            self._away = True
            self._tell("page", "ticks_wait", f"the market database takes no ticks: {error}; they are kept on the disk meanwhile")
        try:
            self._set_aside([*batch, *self._take(self._held_max)])
        except HaltRequiredError as full:
            if not self._full:
                self._full = True
                self._tell("page", "spill_full", f"{full}. Ticks stay in memory, and are lost should the process end")

    def _back(self) -> None:
        if self._away and not self._spill.waiting:
            self._away = self._full = False
            self._tell("info", "ticks_stored", "the market database has taken all ticks that waited")

    def close(self) -> None:
        """Store what waits; what the database does not take stays on the disk for the next process. The store stays open."""
        while self.work().more:
            pass
        self._spill.close()
