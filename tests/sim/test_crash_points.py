"""Every crash point of one scenario: before and after each port call, one after the other."""

from pathlib import Path

import pytest

from tests.sim.order_path.world import World

TICKS = 150
EVERY = 7  # in the test run each seventh; the closing run takes them all


def points(folder: Path) -> int:
    """How many moments the scenario has."""
    folder.mkdir()
    world = World(0, folder, faults=False, ticks=TICKS)
    world.run()
    return world.points.count


@pytest.mark.parametrize("first", range(EVERY - 1, EVERY))
def test_a_crash_at_any_moment_is_survived(first: int, tmp_path: Path) -> None:
    count = points(tmp_path / "whole")
    assert count > 50
    for moment in range(1 + first, count + 1, EVERY):
        folder = tmp_path / str(moment)
        folder.mkdir()
        world = World(0, folder, faults=False, crash_at=moment, ticks=TICKS)
        world.run()
        assert world.crashes == 1
