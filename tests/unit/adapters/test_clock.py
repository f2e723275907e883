"""The steady clock: steps of the machine's clock are told and not followed, what a time service corrects is."""

import asyncio
import time

from theo.adapters.system.clock import SteadyClock, time_passed, wall_time
from theo.domain.market_data import HOUR, MINUTE, SECOND


class Machine:
    """Two clocks that are set by hand."""

    def __init__(self) -> None:
        self.wall, self.up = 1_800_000_000 * SECOND, 7 * HOUR

    def passes(self, microseconds: int, gains: int = 0) -> None:
        self.wall += microseconds + gains
        self.up += microseconds


def test_a_step_is_told_once_and_not_followed() -> None:
    machine = Machine()
    clock, begins = SteadyClock(lambda: machine.wall, lambda: machine.up), machine.wall
    found = []
    for step in (0, HOUR, 0, -HOUR, -10 * MINUTE, 0):
        machine.passes(10 * SECOND, step)
        found.append(clock.look())
    assert found == [0, HOUR, 0, -HOUR, -10 * MINUTE, 0]
    assert clock.now() == begins + 60 * SECOND


def test_what_is_gained_little_by_little_is_followed_also_after_a_step() -> None:
    machine = Machine()
    clock = SteadyClock(lambda: machine.wall, lambda: machine.up)
    for _ in range(100):
        machine.passes(10 * SECOND, SECOND // 100)
        assert clock.look() == 0
    assert clock.now() == machine.wall
    machine.passes(SECOND, HOUR)
    assert clock.look() == HOUR
    machine.passes(SECOND, -SECOND // 2)
    assert clock.look() == 0
    assert machine.wall - clock.now() == HOUR


def test_it_goes_at_the_pace_of_true_time() -> None:
    async def wait() -> int:
        clock = SteadyClock()
        begins, began = clock.now(), time.monotonic_ns()
        assert abs(begins - wall_time()) < SECOND
        await clock.sleep_until(begins + SECOND // 50)
        return clock.now() - begins - (time.monotonic_ns() - began) // 1000

    assert abs(asyncio.run(wait())) < SECOND // 10
    assert time_passed() > 0
