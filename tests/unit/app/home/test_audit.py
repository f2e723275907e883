"""`theo audit`: what is wrong is found and said, who did what is listed, and what is exported can be checked without theo."""

import csv
import json
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.tidy.tree import ROOT
from tests.unit.app.conftest import Theo
from tests.unit.app.home.test_journal_commands import change

SCRIPT = re.compile(r"```python\n(.*?)```", re.DOTALL)


@pytest.fixture
def checker(tmp_path: Path) -> Path:
    """The script that the page gives to whoever checks an export."""
    (text,) = SCRIPT.findall((ROOT / "docs" / "operations" / "audit.md").read_text())
    assert len(text.splitlines()) <= 16
    file = tmp_path / "check.py"
    file.write_text(text)
    return file


def checked(checker: Path, export: Path) -> "subprocess.CompletedProcess[str]":
    with export.open() as source:
        return subprocess.run([sys.executable, "-I", checker], stdin=source, capture_output=True, text=True, check=False)


def test_a_sound_home_is_verified_with_its_anchors(theo: Theo, copied: Path) -> None:
    theo("--home", copied, "audit", "export", copied / "all.jsonl")
    said = theo("--home", copied, "audit", "verify", "--json")
    assert said.code == 0, said.out
    demo, trail = json.loads(said.out)
    assert (demo["run"], trail["run"], demo["problems"], trail["problems"]) == ("demo", "audit", [], [])
    assert {stream["stream"] for stream in demo["streams"]} == {"trading", "ticks:market"}
    assert demo["anchors"] > 0


def test_what_is_wrong_is_named(theo: Theo, copied: Path) -> None:
    change(copied / "demo" / "journal.db", "UPDATE journal SET epoch = 9 WHERE stream = 'trading' AND seq = 7")
    said = theo("--home", copied, "audit", "verify")
    assert said.code == 1
    assert "trading record 7 was changed" in said.out
    assert "no longer refuses changes: journal_no_update" in said.out


def test_a_home_that_was_forged_whole_shows_against_the_second_place(
    theo: Theo, copied: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THEO_ANCHORS", str(tmp_path / "elsewhere"))
    assert theo("--home", copied, "demo", "--days", "1", "--speed", "0", "--plain", "--fresh").code == 0
    assert theo("--home", copied, "audit", "verify").code == 0
    for file in (copied / "demo").glob("journal.anchors"):
        lines = file.read_text().splitlines(keepends=True)
        file.write_text("".join(lines[:-1]))
    said = theo("--home", copied, "audit", "verify")
    assert (said.code, "it was cut" in said.out) == (1, True), said.out


def test_a_second_place_that_is_not_there_is_told_while_trading_goes_on(
    theo: Theo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mount").write_text("no folder")
    monkeypatch.setenv("THEO_ANCHORS", str(tmp_path / "mount"))
    played = theo("--home", tmp_path / "home", "demo", "--days", "1", "--speed", "0", "--plain")
    assert (played.code, "anchors_behind" in played.out + played.err) == (0, True), played.err
    said = theo("--home", tmp_path / "home", "audit", "verify")
    assert (said.code, "or is not there" in said.out) == (1, True), said.out


def test_an_export_is_checked_without_theo(theo: Theo, copied: Path, checker: Path, tmp_path: Path) -> None:
    export = tmp_path / "records.jsonl"
    assert theo("--home", copied, "audit", "export", export).code == 0
    done = checked(checker, export)
    assert done.returncode == 0, done.stderr
    assert f"{len(export.read_text().splitlines())} records" in done.stdout
    lines = export.read_text().splitlines(keepends=True)
    for kind, changed in {
        "changed": [*lines[:4], lines[4].replace('"version":1', '"version":2', 1), *lines[5:]],
        "missing": [*lines[:4], *lines[5:]],
        "moved": [*lines[:4], lines[5], lines[4], *lines[6:]],
    }.items():
        export.write_text("".join(changed))
        done = checked(checker, export)
        assert (done.returncode, "line 5" in done.stderr) == (1, True), (kind, done.stderr)


def test_an_export_of_some_time_holds_just_that(theo: Theo, copied: Path, checker: Path, tmp_path: Path) -> None:
    with sqlite3.connect(copied / "demo" / "journal.db") as raw:
        times = [row[0] for row in raw.execute("SELECT recorded_at FROM journal WHERE stream = 'trading' ORDER BY seq")]
    raw.close()
    middle = times[len(times) // 2] // 60_000_000 * 60_000_000
    from theo.app.times import iso

    for name, options in {"early": ("--to", iso(middle)), "late": ("--from", iso(middle))}.items():
        assert theo("--home", copied, "audit", "export", tmp_path / name, "--run", "demo", *options).code == 0
        assert checked(checker, tmp_path / name).returncode == 0
    early, late = ([json.loads(line) for line in (tmp_path / name).read_text().splitlines()] for name in ("early", "late"))
    trading = [[r["recorded_at"] for r in part if r["stream"] == "trading"] for part in (early, late)]
    assert trading[0] + trading[1] == times
    assert max(trading[0]) < middle <= min(trading[1])


def test_an_export_as_csv_has_the_same_records(theo: Theo, copied: Path, tmp_path: Path) -> None:
    theo("--home", copied, "audit", "export", tmp_path / "a.jsonl", "--run", "demo")
    theo("--home", copied, "audit", "export", tmp_path / "a.csv", "--run", "demo", "--csv")
    whole = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    with (tmp_path / "a.csv").open(newline="") as file:
        assert [row["hash"] for row in csv.DictReader(file)] == [row["hash"] for row in whole]
    assert theo("--home", copied, "audit", "export", tmp_path / "a.csv").code == 2  # never over a file


def test_an_export_of_a_broken_journal_stops_where_it_is_broken(theo: Theo, copied: Path, tmp_path: Path) -> None:
    change(copied / "demo" / "journal.db", "UPDATE journal SET payload = x'20' WHERE stream = 'trading' AND seq = 9")
    said = theo("--home", copied, "audit", "export", tmp_path / "a.jsonl")
    assert (said.code, "record 9 was changed" in said.err) == (1, True), said.err


def test_who_did_what_is_listed_by_time(theo: Theo, copied: Path) -> None:
    theo("--home", copied, "stop", "--reason", "a look around")
    theo("--home", copied, "audit", "export", copied / "x.jsonl")
    theo("--home", copied, "demo", "--days", "2", "--speed", "0", "--plain")
    said = theo("--home", copied, "audit", "list", "--json")
    rows = [json.loads(line) for line in said.out.splitlines()]
    assert [row["at"] for row in rows] == sorted(row["at"] for row in rows)
    assert {"run started", "export"} <= {row["action"] for row in rows}
    assert any("(command line)" in row["actor"] for row in rows if row["action"] == "export")
    alone = theo("--home", copied, "audit", "list", "--run", "audit")
    assert (alone.code, "export" in alone.out, "run started" in alone.out) == (0, True, False)


def test_a_restored_journal_goes_on_only_after_a_person_says_so(theo: Theo, copied: Path) -> None:
    demo = copied / "demo"
    older = shutil.copy(demo / "journal.db", copied / "older.db")
    change(Path(older), "DELETE FROM journal WHERE stream = 'trading' AND seq > 20")
    change(Path(older), "DELETE FROM journal WHERE stream = 'ticks:market' AND seq > 5")
    for file in demo.glob("journal.db*"):
        file.unlink()
    shutil.copy(older, demo / "journal.db")
    refused = theo("--home", copied, "demo", "--days", "3", "--speed", "0", "--plain")
    assert (refused.code, "theo audit set-back" in refused.err) == (1, True), refused.err
    assert theo("--home", copied, "audit", "verify").code == 1
    assert theo("--home", copied, "audit", "set-back", "demo", "--reason", " ").code == 2
    said = theo("--home", copied, "audit", "set-back", "demo", "--reason", "yesterday's backup")
    assert (said.code, "trading from" in said.out) == (0, True), said.err
    listed = theo("--home", copied, "audit", "list", "--run", "audit")
    assert "yesterday's backup" in listed.out
    verified = theo("--home", copied, "audit", "verify")
    assert "set back 2 times" in verified.out
    assert "is missing" not in verified.out
    assert theo("--home", copied, "audit", "set-back", "demo", "--reason", "again").code == 2


def test_a_configuration_is_recorded_when_a_run_begins_with_another_and_without_its_secrets(theo: Theo, copied: Path) -> None:
    word = "word-of-mine"
    address = f"postgresql://me:{word}@nowhere/x"
    for percent in (3.0, 3.0, 2.5):
        text = f"# {address}\n[limits]\ndaily_loss_percent_max = {percent}\n"
        (copied / "theo.toml").write_text(text)
        assert theo("--home", copied, "demo", "--days", "1", "--speed", "0", "--plain", "--fresh").code == 0
    rows = [json.loads(line) for line in theo("--home", copied, "audit", "list", "--run", "audit", "--json").out.splitlines()]
    assert [row["action"] for row in rows] == ["run removed", "configuration", "run removed", "run removed", "configuration"]
    with closing(sqlite3.connect(copied / "audit.db")) as raw:
        stored = b"".join(row[0] for row in raw.execute("SELECT payload FROM journal ORDER BY seq"))
    assert b"daily_loss_percent_max = 2.5" in stored
    assert word.encode() not in stored


def test_a_stop_without_any_run_is_recorded_too(theo: Theo, tmp_path: Path) -> None:
    assert theo("--home", tmp_path, "stop", "--reason", "not today").code == 0
    assert theo("--home", tmp_path, "resume", "--reason", "now").code == 0
    assert theo("--home", tmp_path, "resume", "--reason", "again").code == 0
    rows = [json.loads(line) for line in theo("--home", tmp_path, "audit", "list", "--json").out.splitlines()]
    assert [(row["action"], row["text"]) for row in rows] == [("halt", "not today"), ("resume", "now")]


def test_scans_are_looked_at_with_their_history(theo: Theo, tmp_path: Path, checker: Path) -> None:
    home = tmp_path / "home"
    assert theo("--home", home, "scan", "init").code == 0
    assert theo("--home", home, "scan", "disable", "classic", "--reason", "holiday").code == 0
    said = theo("--home", home, "audit", "verify", "--run", "scans", "--json")
    (found,) = json.loads(said.out)
    assert (said.code, found["run"], found["problems"], found["anchors"]) == (0, "scans", [], 2)
    assert [(each["stream"], each["records"]) for each in found["streams"]] == [("scans", 2)]
    assert theo("--home", home, "audit", "export", tmp_path / "scans.jsonl", "--run", "scans").code == 0
    assert checked(checker, tmp_path / "scans.jsonl").returncode == 0

    change(home / "settings.db", "UPDATE signal_configs SET is_active = 1")
    said = theo("--home", home, "audit", "verify")
    assert (said.code, "scan 1 (classic) is not what its change 2 left: is_active" in said.out) == (1, True), said.out
    kept = theo("--home", home, "db", "backup", tmp_path / "kept")
    assert (kept.code, "is not what its change 2 left" in kept.err) == (1, True), kept.out
    change(home / "settings.db", "UPDATE signal_configs SET is_active = 0")
    assert "is not what" not in theo("--home", home, "audit", "verify").out

    change(home / "settings.db", "DELETE FROM signal_config_changes WHERE number = 2")
    change(home / "settings.db", "UPDATE signal_configs SET is_active = 1, number = 1, updated_at = created_at")
    said = theo("--home", home, "audit", "verify")
    assert (said.code, "scans record 2 is missing: an anchor knows record 2" in said.out) == (1, True), said.out
    assert "no longer refuses changes: signal_config_changes_no_update" in said.out
    assert theo("--home", home, "audit", "set-back", "scans", "--reason", "an older backup").code == 0
    said = theo("--home", home, "audit", "verify", "--run", "scans")
    assert ("is missing" in said.out, "set back 1 times" in said.out) == (False, True), said.out
