"""Clocks: the wall's, paced and leaping ones for played markets, and one that a test puts forward by hand."""

import asyncio
import time
from collections.abc import Callable

NANOSECONDS = 1_000
LOOK_SECONDS = 0.02


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


class LeapingClock(PacedClock):
    """True pace, except that a wait is leapt over while ``may_leap`` says so: as fast as whoever listens can take it.

    A wait that may not be leapt over is looked at again after ``LOOK_SECONDS``.
    """

    def __init__(self, start: int, may_leap: Callable[[], bool]) -> None:
        super().__init__(start, 1.0)
        self._may_leap = may_leap

    async def sleep_until(self, at: int) -> None:
        """Return when market time is ``at``, or sooner when that is to be looked at again."""
        if self._may_leap():
            await asyncio.sleep(0)
            self.skip_to(max(at, self.now()))
        else:
            await asyncio.sleep(min(max(0.0, (at - self.now()) / 1_000_000), LOOK_SECONDS))


class HandClock:
    """Time that stands still until it is put forward: a test in simulated time does so between two things that it asks."""

    def __init__(self, start: int) -> None:
        self._at, self._moved = start, asyncio.Event()

    def now(self) -> int:
        """Market time, microseconds since the UTC epoch."""
        return self._at

    def forward(self, microseconds: int) -> None:
        """Let so much time pass at once."""
        self._at += microseconds
        self._moved.set()
        self._moved = asyncio.Event()

    async def sleep_until(self, at: int) -> None:
        """Return once the time has been put forward to ``at``."""
        while self._at < at:
            await self._moved.wait()
