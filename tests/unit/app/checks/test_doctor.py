import json
import tomllib
from pathlib import Path

import pytest

from tests.unit.app.conftest import Theo
from theo.app.checks import machine
from theo.app.checks.machine import PACKAGES
from theo.app.home.journals import journal_written_at

ROOT = Path(__file__).parents[4]


def levels(theo: Theo, home: Path) -> tuple[int, dict[str, tuple[str, str, str]]]:
    said = theo("--home", home, "doctor", "--json")
    return said.code, {c["name"]: (c["level"], c["text"], c["fix"]) for c in json.loads(said.out)}


def test_a_good_home_passes_and_each_line_says_what_was_looked_at(theo: Theo, played: Path) -> None:
    code, found = levels(theo, played)
    assert code == 0
    assert {level for level, _, _ in found.values()} <= {"OK", "WARN"}
    assert found["databases"] == ("OK", "3 open, each with this build's schema", "")
    assert found["run demo"] == ("OK", "not running", "")
    assert found["sessions"][0] == found["instruments"][0] == found["packages"][0] == "OK"
    assert found["limits"][1].startswith("each can pass at")


def test_every_required_package_is_looked_for() -> None:
    required = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    names = {text.partition(">")[0].partition("<")[0].partition("[")[0].replace("-", "_") for text in required}
    assert set(PACKAGES) == names


def test_a_missing_package_is_named(theo: Theo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "PACKAGES", ("msgspec", "not_there_at_all"))
    code, found = levels(theo, tmp_path)
    assert code == 1
    assert found["packages"][:2] == ("FAIL", "cannot be imported: not_there_at_all")


def test_what_is_broken_fails_and_names_the_fix(theo: Theo, copied: Path) -> None:
    (copied / "demo" / "journal.db").write_bytes(b"no database at all" * 1000)
    (copied / "instruments.toml").write_text("[X\n")
    (copied / "theo.toml").write_text("[limits]\nopen_trade_max = 1\n")
    (copied / "rulesets").mkdir()
    (copied / "rulesets" / "mine.toml").write_text('name = "mine"\nunknown_key = 1\n')
    code, found = levels(theo, copied)
    assert code == 1
    for name in ("databases", "run demo", "configuration", "instruments", "rule sets"):
        level, text, fix = found[name]
        assert level == "FAIL", (name, text)
        assert fix, name
    assert "mine.toml" in found["rule sets"][1]


def test_a_stop_file_is_a_warning(theo: Theo, copied: Path) -> None:
    (copied / "STOP").touch()
    code, found = levels(theo, copied)
    assert (code, found["STOP files"][0]) == (0, "WARN")
    shown = theo("--home", copied, "doctor").out
    assert "WARN  STOP files" in shown
    assert '-> theo resume --reason "..." lifts it' in shown


def test_a_clock_behind_the_newest_record_fails(theo: Theo, copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    behind = journal_written_at(copied / "demo") - 3600
    monkeypatch.setattr("theo.app.checks.machine.time.time", lambda: behind)
    code, found = levels(theo, copied)
    assert (code, found["clock"][0]) == (1, "FAIL")


def test_a_limit_that_can_never_pass_is_a_warning(theo: Theo, tmp_path: Path) -> None:
    own = '[DEAR]\nid = 1000\nsecurity_type = "STK"\nexchange = "SMART"\ncalendar = "NYSE"\n'
    (tmp_path / "instruments.toml").write_text(own)
    (tmp_path / "dear.csv").write_text("start,open,high,low,close\n2019-01-04T14:30:00Z,700000,700000,700000,700000\n")
    said = theo("--home", tmp_path, "import", "bars", tmp_path / "dear.csv", "--symbol", "DEAR", "--timeframe", "15min")
    assert said.code == 0, said.err
    _, found = levels(theo, tmp_path)
    assert found["limits"][0] == "WARN"
    assert "DEAR" in found["limits"][1]
