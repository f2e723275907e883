"""A run with limits that can never pass does not begin, and what was there before stays."""

from pathlib import Path

import pytest

from tests.unit.app.conftest import Theo

RULESET = """
name = "hold"
strategy = "buy_and_hold"
timeframe = "15min"
sides = "long"
target = "none"

[symbols]
primary = "SPY"

[stop]
times = 3.0
of = "atr(14)"

[size]
quantity = 1
"""
DAYS, QUARTERS = (7, 8, 9), range(20)
ROW = "2019-01-{day:02}T{hour}:{minute:02}:00Z,{open},{high},{low},{close},9\n"
BARS = "start,open,high,low,close,volume\n" + "".join(
    ROW.format(day=day, hour=15 + n // 4, minute=n % 4 * 15, open=100 + n, high=104 + n, low=98 + n, close=101 + n)
    for day in DAYS
    for n in QUARTERS
)


@pytest.fixture
def home(theo: Theo, tmp_path: Path) -> Path:
    """A home with 60 bars of SPY between 98 and 123 USD, and a rule set."""
    (tmp_path / "bars.csv").write_text(BARS)
    (tmp_path / "hold.toml").write_text(RULESET)
    said = theo("--home", tmp_path, "import", "bars", tmp_path / "bars.csv", "--symbol", "SPY", "--timeframe", "15min")
    assert said.code == 0, said.err
    return tmp_path


@pytest.mark.parametrize("command", ["backtest", "paper"])
@pytest.mark.parametrize(("limit", "refused"), [("stock_position_cash_max = 99", True), ("stock_position_cash_max = 101", False)])
def test_a_limit_below_one_share_is_refused_before_anything_runs(
    theo: Theo,
    home: Path,
    command: str,
    limit: str,
    refused: bool,  # noqa: FBT001 - a parameter of pytest
) -> None:
    (home / "theo.toml").write_text(f"[limits]\n{limit}\n")
    said = theo("--home", home, command, home / "hold.toml")
    assert said.code == (2 if refused else 0), said.err
    assert ("stock_position_cash_max" in said.err) is refused
    assert (home / "runs").exists() is not refused


def test_an_account_too_small_for_its_leverage_is_a_warning(theo: Theo, home: Path) -> None:
    said = theo("--home", home, "backtest", home / "hold.toml", "--cash", 40)
    assert said.code == 0
    assert "warning: stock_leverage_max x equity is 80" in said.err


def test_a_demo_that_could_never_trade_is_refused_and_the_last_one_stays(theo: Theo, copied: Path) -> None:
    before = (copied / "demo" / "journal.db").read_bytes()
    (copied / "theo.toml").write_text("[limits]\nexposure_per_instrument_cash_max = 5_000\n")
    said = theo("--home", copied, "demo", "--days", 12, "--speed", 0, "--plain", "--fresh")
    assert (said.code, "exposure_per_instrument_cash_max" in said.err) == (2, True)
    assert (copied / "demo" / "journal.db").read_bytes() == before
