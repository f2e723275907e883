"""The tables follow the journal while the interface is served."""

import asyncio
from contextlib import suppress
from typing import Final

from theo.api.blocking import BoundedThreads
from theo.api.sources import Sources
from theo.domain.errors import TheoError

EACH_S: Final = 1.0  # signals, decisions and trades are told at most so much later than they are recorded
REACHED_S_MAX: Final = 5.0  # that an answer waits for the tables: a long journal takes minutes at first


class Following:
    """Brings the tables up to the journal's end, once a second and when somebody waits for a record. One per interface."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._wanted = asyncio.Event()
        self._turned = asyncio.Condition()
        self._projected = 0

    async def follow(self) -> None:
        """Until it is cancelled, on a thread of its own. /health says how far it is."""
        thread = BoundedThreads(threads=1, waiting_max=1)
        try:
            while True:
                self._wanted.clear()
                with suppress(TheoError):  # told by /health until it works again
                    self._projected = await thread.run(self._keep_up)
                async with self._turned:
                    self._turned.notify_all()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wanted.wait(), EACH_S)
        finally:
            thread.close()

    def _keep_up(self) -> int:
        self._sources.upkeep.keep_up()
        return self._sources.upkeep.projected()

    async def reached(self, record: int) -> bool:
        """Whether a trading record is in the tables, waited for within a bound."""
        self._wanted.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(REACHED_S_MAX), self._turned:
                await self._turned.wait_for(lambda: self._projected >= record)
        return self._projected >= record
