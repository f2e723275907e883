"""A task that does what is due, waits until more is, and is woken when something happens."""

import asyncio
from collections.abc import Awaitable, Callable

from theo.ports.clock import Clock

NEVER = 1 << 62


class Rounds:
    """``tend`` does what is due and returns when to look next (microseconds UTC; NEVER: when woken)."""

    __slots__ = ("_clock", "_tend", "_woken")

    def __init__(self, clock: Clock, tend: Callable[[], Awaitable[int]]) -> None:
        self._clock, self._tend = clock, tend
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Look now, or once more when it is being looked."""
        self._woken.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._woken.clear()
            try:
                due = await self._tend()
            except ConnectionError:
                due = NEVER  # the socket is gone, and the link is about to say so
            await (self._sleep(due) if due > self._clock.now() else asyncio.sleep(0))  # others have their turn in any case

    async def _sleep(self, due: int) -> None:
        if due >= NEVER:
            await self._woken.wait()
            return
        woken, passed = asyncio.ensure_future(self._woken.wait()), asyncio.ensure_future(self._clock.sleep_until(due))
        try:
            await asyncio.wait((woken, passed), return_when=asyncio.FIRST_COMPLETED)
        finally:
            woken.cancel()
            passed.cancel()
