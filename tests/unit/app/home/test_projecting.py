"""What of a run's journal becomes rows of its own market.db."""

from pathlib import Path

import pytest

from tests.unit.app.conftest import Theo
from tests.unit.app.rulesets.test_own_class import home
from theo.adapters.sql.market.store import SqlMarketStore

__all__ = ["home"]


@pytest.mark.parametrize(("mode", "stored_again"), [("backtest", 0), ("virtual", 26)])
def test_bars_of_a_backtest_are_where_they_came_from(theo: Theo, home: Path, mode: str, stored_again: int) -> None:
    (run,) = (folder for folder in (home / "runs").iterdir() if mode in folder.name)
    assert theo("--home", home, "why", "SPY", "2019-01-04T09:45", "--run", run.name).code == 0
    market = SqlMarketStore(run)
    assert sum(series.rows for series in market.series()) == stored_again
    assert len(list(market.rows("decisions"))) == 26
    market.close()
    assert theo("--home", home, "journal", "rebuild", "--run", run.name).code == 0
