"""Clocks: the wall's, a steady one that no step of it moves, paced and leaping ones for played markets, and one moved by hand."""

import asyncio
import sys
import time
from collections.abc import Callable

NANOSECONDS = 1_000
FOLLOWED_MAX = 1_000_000  # microseconds from look to look: a time service corrects so much without a step
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


def wall_time() -> int:
    """What the machine's clock shows, microseconds since the UTC epoch."""
    return time.time_ns() // NANOSECONDS


def time_passed() -> int:
    """Microseconds since some moment, whatever the machine's clock shows; a machine's sleep counts where the system tells it."""
    if sys.platform == "linux":
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // NANOSECONDS
    return time.monotonic_ns() // NANOSECONDS


class SteadyClock(WallClock):
    """The wall's time at the beginning, and what has passed since: a step of the machine's clock does not move it.

    ``wall`` and ``passed`` are in microseconds. ``look`` from time to time: little by little it goes with the machine's clock.
    """

    def __init__(self, wall: Callable[[], int] = wall_time, passed: Callable[[], int] = time_passed) -> None:
        self._wall, self._passed = wall, passed
        self._begins = wall() - passed()
        self._apart = 0  # microseconds by which the machine's clock was put forward since the beginning

    def now(self) -> int:
        """Microseconds since the UTC epoch."""
        return self._begins + self._passed()

    def look(self) -> int:
        """By how many microseconds the machine's clock was put forward since the last look; 0 when it was not, less for back."""
        gained = self._wall() - self.now() - self._apart
        if abs(gained) <= FOLLOWED_MAX:
            self._begins += gained
            return 0
        self._apart += gained
        return gained


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
