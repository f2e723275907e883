"""Clocks: the wall's, and one that follows the market data it is shown (replay and the accelerated demo)."""

import asyncio
import time

NANOSECONDS = 1_000


class WallClock:
    """Real time."""

    def now(self) -> int:
        """Microseconds since the UTC epoch."""
        return time.time_ns() // NANOSECONDS

    async def sleep_until(self, at: int) -> None:
        """Return at ``at``, or at once when it has passed."""
        wait = at - self.now()
        await asyncio.sleep(max(0.0, wait / 1_000_000))


class PacedClock:
    """Market time at ``speed`` times the wall's pace, beginning at ``start``; speed 0 means as fast as it goes.

    Only the source of market data waits on it, so that the order of events never depends on the speed.
    """

    def __init__(self, start: int, speed: float) -> None:
        self._start, self._speed = start, speed
        self._began = time.monotonic_ns() // NANOSECONDS

    def now(self) -> int:
        """Market time, microseconds since the UTC epoch."""
        passed = time.monotonic_ns() // NANOSECONDS - self._began
        return self._start + int(passed * self._speed)

    def skip_to(self, at: int) -> None:
        """Jump over a closed market: market time is ``at`` now."""
        self._start = at
        self._began = time.monotonic_ns() // NANOSECONDS

    async def sleep_until(self, at: int) -> None:
        """Return when market time reaches ``at``; the loop gets a turn in any case."""
        wait = (at - self.now()) / self._speed if self._speed else 0.0
        await asyncio.sleep(max(0.0, wait / 1_000_000))
