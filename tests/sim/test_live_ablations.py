"""Each safeguard of the live platform is taken away once: the world beside the gateway must find the damage."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.sim.live_world.safeguards import SAFEGUARDS
from tests.sim.order_path.check import Violation

SEEDS_MAX = 200


def _found(name: str, seeds: Iterable[int], folder: Path, patch: pytest.MonkeyPatch) -> str:
    """What the first of the seeds says that finds the damage; "" when none does."""
    safeguard, sessions = SAFEGUARDS[name], folder / "sessions"
    sessions.mkdir()
    for seed in seeds:
        own = folder / str(seed)
        own.mkdir()
        with patch.context() as without:
            safeguard.removed(without)
            try:
                safeguard.world(seed, own, sessions).run()
            except Violation as violation:
                return str(violation)
    return ""


@pytest.mark.parametrize("name", SAFEGUARDS)
def test_a_missing_safeguard_is_found_by_its_seed(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _found(name, (SAFEGUARDS[name].seed,), tmp_path, monkeypatch)


@pytest.mark.parametrize("name", SAFEGUARDS)
def test_with_the_safeguard_the_same_seed_holds(name: str, tmp_path: Path) -> None:
    """So that it is the damage that is found."""
    (tmp_path / "sessions").mkdir()
    (tmp_path / "world").mkdir()
    SAFEGUARDS[name].world(SAFEGUARDS[name].seed, tmp_path / "world", tmp_path / "sessions").run()


@pytest.mark.slow
@pytest.mark.parametrize("name", SAFEGUARDS)
def test_a_missing_safeguard_is_found_among_the_seeds(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _found(name, range(1, SEEDS_MAX + 1), tmp_path, monkeypatch), f"{SEEDS_MAX} seeds without it found nothing"
