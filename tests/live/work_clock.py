"""A clock for a platform and a gateway in one process: market time goes as fast as the process works.

Many times the true pace leaves an answer milliseconds of this machine. When others take its processors, the true time runs
on and nothing is done in it; the work of this process stands still too, and with it the market, the deadlines and the waits.
"""

import asyncio
import time

from theo.adapters.system.clock import NANOSECONDS


class WorkClock:
    """Market time at ``speed`` times the processor time of this process, beginning at ``start`` (microseconds UTC)."""

    def __init__(self, start: int, speed: float) -> None:
        self.speed = speed
        self._start, self._began = start, time.process_time_ns()

    def now(self) -> int:
        """Market time, microseconds since the UTC epoch."""
        return self._start + int((time.process_time_ns() - self._began) / NANOSECONDS * self.speed)

    async def sleep_until(self, at: int) -> None:
        """Return when market time reaches ``at``: to wait is work too, or time would stand still; the loop gets its turns."""
        await asyncio.sleep(0)
        while self.now() < at:  # noqa: ASYNC110 - time has no event
            await asyncio.sleep(0)
