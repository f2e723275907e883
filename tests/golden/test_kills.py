"""kill -9 and start again goes on where it was. tests/closing/kills.py does the same with more kills."""

from pathlib import Path
from random import Random

import pytest

from tests.closing.kills import bars_of_signals, finish, killed, times_within
from theo.report.orders_hash import lines_hash

DAYS, KILLS = 12, 2
PINNED = "fa1651981477a324840562ee8817507b2909d93a3d2c8256445b322b5c0e7385"


@pytest.mark.slow
def test_a_killed_demo_ends_as_an_undisturbed_one(tmp_path: Path) -> None:
    whole = finish(tmp_path / "whole", DAYS)
    assert whole.fault() == ""
    assert len(whole.deals) >= 2
    assert lines_hash(whole.orders) == PINNED

    moments = sorted(times_within(whole, KILLS, Random(3)) + bars_of_signals(whole)[1:2])  # noqa: S311 - repeatable, no secret
    other, _ = killed(tmp_path / "killed", DAYS, moments)
    assert 1 <= other.restarts <= KILLS + 1
    assert other.fault() == ""
    assert (other.orders, other.fills, other.deals) == (whole.orders, whole.fills, whole.deals)
    assert other.signals == whole.signals
