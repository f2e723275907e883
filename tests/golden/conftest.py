"""Homes with real markets in them, imported once for all golden tests; a test that writes runs copies one."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.golden.markets import HomeOf, Pair, import_pair
from tests.golden.pair_runs import PairRun, RunOf, run_pair


@pytest.fixture(scope="session")
def _imported(tmp_path_factory: pytest.TempPathFactory, real_data: Path) -> Callable[[Pair], Path]:
    """The home of a pair, to be read only."""
    homes: dict[str, Path] = {}

    def home(pair: Pair) -> Path:
        if pair.name not in homes:
            homes[pair.name] = tmp_path_factory.mktemp(pair.name)
            import_pair(homes[pair.name], real_data, pair)
        return homes[pair.name]

    return home


@pytest.fixture
def home_of(tmp_path: Path, _imported: Callable[[Pair], Path]) -> HomeOf:
    """A fresh home that holds a pair's bars, and the path of its rule set."""

    def fresh(pair: Pair) -> tuple[Path, Path]:
        home = tmp_path / "home" / pair.name
        shutil.copytree(_imported(pair), home)
        return home, home / f"{pair.name}.toml"

    return fresh


@pytest.fixture(scope="session")
def run_of(_imported: Callable[[Pair], Path]) -> RunOf:
    """A pair's backtest, run once."""
    done: dict[str, PairRun] = {}

    def run(pair: Pair) -> PairRun:
        if pair.name not in done:
            home = _imported(pair)
            done[pair.name] = run_pair(home, home / f"{pair.name}.toml")
        return done[pair.name]

    return run
