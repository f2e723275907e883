"""The process is gone between a bar and the signal that it leads to: afterwards the signal exists once, in journal and table."""

from functools import partial
from pathlib import Path

import pytest

from tests.sim.order_path import check
from tests.sim.order_path.crash import CrashPoints
from tests.sim.order_path.world import World
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.adapters.sql.market.store import SqlMarketStore
from theo.adapters.sql.projection.projecting import Projection
from theo.app.home.projecting import decoders
from theo.domain.facts import Fact, SignalRaised
from theo.runtime.shell import Shell

TICKS = 60
SIGNALS_TRIED = 2
Signals = list[tuple[str, str, int]]  # id, configuration, bar end


def signals(folder: Path) -> tuple[Signals, Signals]:
    """Those of the journal and those of the table, in order."""
    journal, market = SqlJournalStore(folder), SqlMarketStore(folder)
    try:
        told = [(f.id, f.key.config, f.end) for f in check.journalled(journal) if isinstance(f, SignalRaised)]
        for _ in range(2):  # whoever reads brings the table up to the journal's end, again and again
            Projection(market, decoders(journal)).catch_up(journal)
        rows = [(str(row["id"]), str(row["config"]), int(str(row["end_at"]))) for row in market.rows("signals")]
        return told, sorted(rows, key=lambda row: row[2])
    finally:
        journal.close()
        market.close()


def lived(folder: Path, points: CrashPoints, commits: set[int] | None = None) -> Signals:
    """One life beside a local exchange; ``commits`` is told which commits held a signal."""
    folder.mkdir()

    def watch(_at: int, facts: list[Fact]) -> None:
        if commits is not None and any(isinstance(fact, SignalRaised) for fact in facts):
            commits.add(points.met["append:after"])

    World(0, folder, points=points, faults=False, local=True, ticks=TICKS, make_shell=partial(Shell, watch=watch)).run()
    told, stored = signals(folder)
    assert told == stored
    assert len({(config, end) for _, config, end in told}) == len(told)
    return told


@pytest.mark.parametrize("side", ["before", "after"])
def test_a_signal_exists_once_when_the_process_goes_around_its_commit(side: str, tmp_path: Path) -> None:
    commits: set[int] = set()
    expected = lived(tmp_path / "whole", CrashPoints(), commits)
    assert len(commits) >= SIGNALS_TRIED
    for nth in sorted(commits)[:SIGNALS_TRIED]:
        points = CrashPoints(name=f"append:{side}", nth=nth)
        assert lived(tmp_path / f"append-{nth}", points) == expected, nth
        assert points.crashed
    for nth in range(1, SIGNALS_TRIED):
        points = CrashPoints(name=f"place:{side}", nth=nth)
        assert lived(tmp_path / f"place-{nth}", points) == expected, nth
        assert points.crashed
