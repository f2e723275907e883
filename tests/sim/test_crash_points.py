"""The process is gone before or after a call of any port: what follows still agrees with the exchange."""

from pathlib import Path
from random import Random

import pytest

from tests.sim.order_path.check import journalled
from tests.sim.order_path.crash import CrashPoints
from tests.sim.order_path.world import World
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.report.orders_hash import fill_lines, order_lines

SEEDS = range(20)
TICKS = 150
NTH_MAX = {
    "append": 80,
    "place": 12,
    "tell": 12,
    "head": 4,
    "read": 4,
    "amend": 1,
}  # how often these are made; others once or twice
CALLS: tuple[str, ...] = ("append", "save_snapshot", "claim", "head", "read", "newest_snapshots")
CALLS += ("connect", "place", "amend", "cancel", "ask_book", "tell", "set", "reason", "clear")


@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize("call", CALLS)
def test_a_crash_at_a_call_of_a_port_is_survived(call: str, side: str, tmp_path: Path) -> None:
    met = 0
    for seed in SEEDS:
        folder = tmp_path / str(seed)
        folder.mkdir()
        nth = 1 + Random(f"{call}:{side}:{seed}").randrange(NTH_MAX.get(call, 2))  # noqa: S311 - seeded, no secret
        points = CrashPoints(name=f"{call}:{side}", nth=nth)
        World(seed, folder, points=points, ticks=TICKS).run()
        met += points.crashed
    assert met, "no world made this call"


def traded(folder: Path) -> tuple[list[str], list[str]]:
    """Orders and fills of a journal, as canonical lines."""
    store = SqlJournalStore(folder)
    facts = journalled(store)
    store.close()
    return order_lines(facts, {1: "SIM"}), fill_lines(facts, {1: "SIM"})


def test_beside_a_local_exchange_a_crash_changes_no_order(tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    whole = World(0, tmp_path / "whole", faults=False, local=True, ticks=TICKS)
    whole.run()
    expected = traded(tmp_path / "whole")
    assert len(expected[0]) > 20
    for name in ("append:before", "append:after", "place:before", "place:after", "cancel:before", "cancel:after"):
        for nth in range(1, 1 + min(whole.points.met[name], 8)):
            folder = tmp_path / f"{name}-{nth}"
            folder.mkdir()
            world = World(0, folder, faults=False, local=True, points=CrashPoints(name=name, nth=nth), ticks=TICKS)
            world.run()
            assert world.crashes == 1
            assert traded(folder) == expected, (name, nth)
