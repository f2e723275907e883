"""Booting from a snapshot and booting from facts alone lead to the same core, and it goes on in the same way."""

import shutil
import sqlite3
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import msgspec
import pytest

from tests.closing.tick_market import booted, market_state, plan, ticks, write_journal
from theo.domain.facts import Fact, Filled
from theo.domain.market_data import Tick
from theo.drive.assembly import Plan
from theo.engine.snapshot import digest

DAYS, TICKS_A_DAY, TICKS_AFTER = 25, 8_000, 16_000
TICKS = DAYS * TICKS_A_DAY
SNAPSHOTS_AT = frozenset({60_000, 120_007, 150_001})  # two are kept; the tail after the newest holds trades


@pytest.fixture(scope="module")
def traded() -> Plan:
    return plan(DAYS + 2)


@pytest.fixture(scope="module")
def market(traded: Plan) -> list[Tick]:
    return list(ticks(traded, DAYS + 2, TICKS_A_DAY))


@pytest.fixture(scope="module")
def written(traded: Plan, market: list[Tick], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A journal of 200,000 ticks with two snapshots."""
    folder, fills = tmp_path_factory.mktemp("journal"), list[Filled]()

    def watch(_at: int, facts: list[Fact]) -> None:
        fills.extend(fact for fact in facts if isinstance(fact, Filled))

    assert write_journal(folder, traded, islice(market, TICKS), SNAPSHOTS_AT, watch) == TICKS == 200_000
    assert len(fills) > 20
    return folder


class Boots(msgspec.Struct):
    """What a boot led to, and the facts of the core as it goes on through the ticks that follow."""

    from_snapshot: bool
    state: str
    market: bytes
    at: int
    consumed: int
    later: bytes


def boots(folder: Path, of: Plan, following: Iterable[Tick]) -> Boots:
    with booted(folder, of) as (_, run):
        core, done = run.core, run.recovered
        before = digest(core.state), market_state(core), core.at, done.consumed
        later = [fact for tick in following for fact in core.step(tick)[0]]
        return Boots(done.from_snapshot, *before, msgspec.json.encode(later))


def copy_with(written: Path, folder: Path, change: str) -> Path:
    """A copy of the journal whose snapshots were changed by an SQL statement."""
    shutil.copytree(written, folder)
    connection = sqlite3.connect(folder / "journal.db")
    with connection:
        assert connection.execute(change).rowcount > 0
    connection.close()
    return folder


def test_with_all_snapshots_deleted_the_state_is_the_same(
    written: Path, traded: Plan, market: list[Tick], tmp_path: Path
) -> None:
    following = market[TICKS : TICKS + TICKS_AFTER]
    quick = boots(shutil.copytree(written, tmp_path / "whole"), traded, following)
    slow = boots(copy_with(written, tmp_path / "bare", "DELETE FROM snapshots"), traded, following)
    assert (quick.from_snapshot, slow.from_snapshot) == (True, False)
    assert quick.consumed == slow.consumed == TICKS
    assert (quick.state, quick.market, quick.at) == (slow.state, slow.market, slow.at)
    assert quick.later == slow.later
    assert b"decided" in quick.later


def test_a_damaged_snapshot_is_passed_over_for_the_one_before(written: Path, traded: Plan, tmp_path: Path) -> None:
    whole = boots(shutil.copytree(written, tmp_path / "whole"), traded, ())
    damage = "UPDATE snapshots SET payload = x'00' WHERE seq = (SELECT max(seq) FROM snapshots)"
    with booted(copy_with(written, tmp_path / "damaged", damage), traded) as (_, run):
        assert len(run.skipped) == 1
        assert run.recovered.from_snapshot
        assert (digest(run.core.state), market_state(run.core)) == (whole.state, whole.market)
