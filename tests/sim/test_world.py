"""The order path under faults: seeds, every crash point of one scenario, determinism."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sim.order_path.world import World

SEEDS = (*range(20), 113)  # the last once asked for ever for an exit that had become too large


def test_without_faults_it_trades_and_settles(tmp_path: Path) -> None:
    world = World(0, tmp_path, faults=False)
    world.run()
    assert world.crashes == 0
    assert len(world.venue.books.executions) > 20


@pytest.mark.parametrize("seed", SEEDS)
def test_the_invariants_hold(seed: int, tmp_path: Path) -> None:
    World(seed, tmp_path).run()


def test_a_seed_leads_to_the_same_journal_in_a_fresh_process(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    here = World(3, tmp_path / "a").run()
    code = (
        "import sys; from pathlib import Path; from tests.sim.order_path.world import World; "
        "print(World(3, Path(sys.argv[1])).run())"
    )
    (tmp_path / "b").mkdir()
    environment = {**os.environ, "PYTHONHASHSEED": "77"}
    there = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "b")],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
        timeout=120,
    )
    assert there.stdout.strip() == here
