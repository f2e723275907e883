"""A hole in real bars: what is trusted, what is refused, and that every mode says the same. VIX loses an hour of 2019-01-22."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.golden.markets import SPY_VIX, import_pair
from tests.golden.records import facts_of
from tests.golden.test_modes_agree import records_of, run_backtest, run_paper, traded
from theo.app.commands import replay
from theo.domain.facts import Decided, Fact, SignalClosed, SignalRaised
from theo.domain.market_data import MINUTE

HOLE_FROM, HOLE_TO = "2019-01-22 15:00:00+00", "2019-01-22 16:00:00+00"  # 10:00 to 11:00 in New York
WHOLE_BARS = 50


@pytest.fixture(scope="session")
def holed(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pair's files, four bars of VIX missing."""
    import duckdb

    folder = tmp_path_factory.mktemp("holed")
    for name, keep in (("spy", "true"), ("vix", f"not (ts_start >= '{HOLE_FROM}' and ts_start < '{HOLE_TO}')")):
        file = f"{name}_15m_ohlcv_2019.parquet"
        with duckdb.connect() as connection:
            rows = f"select * from read_parquet('{real_data / file}') where {keep} order by ts_start"  # noqa: S608 - the test's own
            connection.execute(f"copy ({rows}) to '{folder / file}' (format parquet)")
    return folder


HomeWith = Callable[[str], tuple[Path, Path]]


@pytest.fixture
def home_with(tmp_path: Path, holed: Path) -> HomeWith:
    """A home with the holed pair and a configuration."""

    def made(configuration: str) -> tuple[Path, Path]:
        home = tmp_path / "home"
        ruleset = import_pair(home, holed, SPY_VIX)
        (home / "theo.toml").write_text(configuration)
        return home, ruleset

    return made


def refusals(facts: list[Fact], rule: str = "data_trust") -> dict[int, str]:
    """Texts of what a rule refused, by the bar end of the signal."""
    raised = {fact.id: fact.end for fact in facts if isinstance(fact, SignalRaised)}
    closed = [fact for fact in facts if isinstance(fact, SignalClosed) and fact.refused is not None]
    return {raised[c.id]: c.reason for c in closed if c.refused is not None and c.refused.rule == rule}


def test_signals_that_rest_on_a_hole_are_refused_until_it_lies_behind(home_with: HomeWith) -> None:
    home, ruleset = home_with('[data]\nhistory_gaps = "block"\n')
    facts = facts_of(records_of(run_backtest(home, ruleset)))
    refused = refusals(facts)
    assert refused, "choose another hole: no signal came after this one"
    assert set(refused.values()) == {"VIX 15min is GAPPED since 2019-01-22 15:00:00 UTC (4 bars are missing)"}
    ends = [fact.end for fact in facts if isinstance(fact, Decided)]
    resumed = ends.index(next(end for end in ends if end >= 1_548_172_800_000_000 + 15 * MINUTE))  # the bar from 11:00 on
    blocked = ends[resumed : resumed + WHOLE_BARS - 1]
    assert set(refused) <= set(blocked)
    raised = {fact.end for fact in facts if isinstance(fact, SignalRaised)}
    assert raised - set(blocked) - set(refused), "signals before and after the hole are not refused"
    assert set(refused) <= set(ends), "the look itself is recorded all the same"


def test_by_default_a_file_is_the_history(home_with: HomeWith) -> None:
    home, ruleset = home_with("")
    assert refusals(facts_of(records_of(run_backtest(home, ruleset)))) == {}


def test_backtest_paper_and_replay_refuse_the_same(home_with: HomeWith, capsys: pytest.CaptureFixture[str]) -> None:
    home, ruleset = home_with('[data]\nhistory_gaps = "block"\n')
    backtested, folder = facts_of(records_of(run_backtest(home, ruleset))), run_paper(home, ruleset)
    papered = facts_of(records_of(folder))
    assert traded(papered) == traded(backtested)
    assert refusals(papered) == refusals(backtested) != {}
    capsys.readouterr()
    assert replay.run(home, folder.name, speed=0, json=True) == 0


def test_a_gate_refuses_the_same_in_backtest_paper_and_replay(home_with: HomeWith, capsys: pytest.CaptureFixture[str]) -> None:
    """The hole is in imported bars, which are trusted: the rule set alone asks for less than four missing bars."""
    home, ruleset = home_with("")
    ruleset.write_text(ruleset.read_text() + "[gate]\nmissing_max = 3\noutlier_deviations = 1000\nbars_min = 0\n")
    backtested, folder = facts_of(records_of(run_backtest(home, ruleset))), run_paper(home, ruleset)
    papered = facts_of(records_of(folder))
    assert set(refusals(backtested, "gaps").values()) == {
        "4 bars are missing between the last 50 of VIX 15min, at most 3 may be"
    }, "choose another hole: no signal came after this one"
    assert traded(papered) == traded(backtested)
    capsys.readouterr()
    assert replay.run(home, folder.name, speed=0, json=True) == 0
