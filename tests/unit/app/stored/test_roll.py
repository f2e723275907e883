"""From files of two contracts to a backtest that rolls, by the command line."""

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.unit.app.conftest import Theo
from theo.adapters.files.roll_calendars import read_calendar, write_calendar
from theo.adapters.instruments.catalogue import catalogue
from theo.app.configuration.roll import live_rolls
from theo.domain.errors import ConfigError, DataError
from theo.market.rolls import Roll, RollRule

RULES = """
name = "holds"
strategy = "rules"
timeframe = "60min"
target = "none"
session = "ALL"
[symbols]
primary = "MES"
partners = []
[stop]
percent = 5.0
[size]
quantity = 1
[trading]
style = "positional"
from = "00:00"
to = "24:00"
days = "all"
outside_rth = true
[entry]
long = [{ left = "close", op = ">", right = 0 }]
"""
CONFIGURATION = """
[roll.MES]
rule = "volume"
method = "spread"
"""
FIRST = datetime(2026, 3, 2, 15, tzinfo=UTC)  # a Monday; MESH6 trades last on Friday 2026-03-20
CROSSES = datetime(2026, 3, 11, tzinfo=UTC)  # on this day more is traded of the next contract
UP = 42.25


@pytest.fixture
def home(theo: Theo, tmp_path: Path) -> Path:
    """Eight hours a day of two contracts, the next one always UP higher, imported from one file."""
    file = tmp_path / "mes.csv"
    with file.open("w", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(("start", "open", "high", "low", "close", "volume", "contract"))
        for day in range(14):
            for hour in range(5):
                start = FIRST + timedelta(days=day, hours=hour)
                if start.weekday() > 4:
                    continue
                for name, up, least in (("MESH6", 0.0, 100), ("MESM6", UP, 150 if start >= CROSSES else 10)):
                    price = 6_000 + up + day + hour * 0.25
                    rows.writerow((start.isoformat(), price, price + 1, price - 1, price, least, name))
    (tmp_path / "theo.toml").write_text(CONFIGURATION)
    (tmp_path / "holds.toml").write_text(RULES)
    call = ("--home", tmp_path, "import", "bars", file, "--symbol", "MES", "--timeframe", "60min", "--label", "start")
    said = theo(*call, "--source", "contracts")
    assert said.code == 0, said.err
    return tmp_path


def test_a_calendar_and_both_continuous_series_are_made_and_traded(theo: Theo, home: Path) -> None:
    said = theo("--home", home, "import", "roll", "MES", "--timeframe", "60min", "--json")
    assert said.code == 0, said.err
    (roll,) = json.loads(said.out)["rolls"]
    assert (roll["previous"], roll["contract"], roll["difference"]) == ("MESH6", "MESM6", 4_225)
    assert (home / "rolls" / "MES.csv").read_text().splitlines()[1] == (
        "MESH6,MESM6,2026-03-11T22:00:00+00:00,42.25,2026-03-11T20:00:00+00:00"  # the session that begins at 18:00 New York
    )
    held = {row["source"]: row["bars"] for row in json.loads(theo("--home", home, "import", "list", "--json").out)}
    assert held == {"contracts": 100, "continuous": 50, "back-adjusted": 50}
    again = theo("--home", home, "import", "roll", "MES", "--timeframe", "60min", "--source", "contracts")
    assert "50 bars of MES, 1 rolls" in again.out, again.err
    levels = json.loads(theo("--home", home, "levels", "verify", "--json").out)
    found = {(row["source"], row["contract"]): (row["compared"], row["waiting"], row["differing"]) for row in levels}
    assert found == {
        ("contracts", "MESH6"): (50, 0, 0),
        ("contracts", "MESM6"): (50, 0, 0),
        ("continuous", ""): (50, 0, 0),
        ("back-adjusted", ""): (50, 0, 0),
    }

    traded = theo("--home", home, "backtest", home / "holds.toml", "--source", "continuous", "--json")
    assert traded.code == 0, traded.err
    deals = json.loads(theo("--home", home, "deals", "--json").out)
    assert [deal["how"] for deal in deals] == ["Contract roll", ""], deals


def test_bars_without_a_calendar_are_not_traded_as_if_they_had_one(theo: Theo, home: Path) -> None:
    said = theo("--home", home, "backtest", home / "holds.toml", "--source", "contracts")
    assert said.code == 2
    assert "theo import roll MES" in said.err


def test_back_adjusted_bars_are_not_rolled_a_second_time(theo: Theo, home: Path) -> None:
    theo("--home", home, "import", "roll", "MES", "--timeframe", "60min")
    said = theo("--home", home, "backtest", home / "holds.toml", "--source", "back-adjusted")
    assert said.code == 2
    assert "no contract" in said.err


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[roll.MES]\nrule = 'moon'", "roll.MES.rule"),
        ("[roll.MES]\ndays = 0", "roll.MES.days"),
        ("[roll.MES]\nrule = 'calendar'", "[roll.MES]"),
        ("[roll.MES]\nwhen = 3", "unknown key roll.MES.when"),
        ("[roll.MES]\nmethod = 'leap'", "roll.MES.method"),
    ],
)
def test_a_roll_that_cannot_be_meant_is_refused(theo: Theo, tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "theo.toml").write_text(text)
    said = theo("--home", tmp_path, "doctor")
    assert said.code != 0
    assert says in said.out + said.err


def test_what_a_live_run_cannot_roll_is_refused() -> None:
    """Five trading days before the last trade what is open is closed: who rolls later would roll nothing."""
    known = {symbol: entry.instrument for symbol, entry in catalogue().items()}
    rule = RollRule(days=8)
    assert live_rolls({"MES": rule, "ES": RollRule(days=1)}, {s: known[s] for s in ("MES", "VIX")}) == {known["MES"].id: rule}
    with pytest.raises(ConfigError, match="too late for a live run"):
        live_rolls({"MES": RollRule(days=4)}, known)
    with pytest.raises(ConfigError, match="is of no future"):
        live_rolls({"SPY": rule}, known)


def test_a_calendar_is_read_as_it_was_written_and_a_damaged_one_named(tmp_path: Path) -> None:
    mes = catalogue()["MES"].instrument
    path = tmp_path / "rolls" / "MES.csv"
    rolls = (Roll(previous="A", contract="B", at=1_700_000_000_000_000, difference=-25, measured_at=1_699_999_000_000_000),)
    write_calendar(path, rolls, mes)
    assert read_calendar(path, mes) == rolls
    path.write_text(path.read_text() + "B,C,tomorrow,1,2\n")
    with pytest.raises(DataError, match=r"MES\.csv:3"):
        read_calendar(path, mes)
    path.write_text("a,b\n")
    with pytest.raises(DataError, match="first line"):
        read_calendar(path, mes)
