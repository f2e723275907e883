"""The layer contract of .importlinter, tried on a small package with one bad import."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tidy.tree import ROOT

LAYERS = (
    *("app", "api", "runtime", "adapters", "research", "gateway", "ports", "drive", "engine"),
    *("strategy", "risk", "report", "venue", "market", "domain"),
)
SQL = (
    *("erase", "moving", "file_backup", "projection", "journal", "market", "server", "inbox", "settings"),
    *("schema", "tables", "database"),
)
APP = (
    *("cli", "commands", "checks", "api", "runs", "gateway", "inbox", "broker", "recorded", "rulesets", "stored"),
    *("home", "configuration", "terminal", "build", "collecting", "exit_codes", "times"),
)


def lint(folder: Path, changes: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Check a package `theo` of empty layers and stores, with these files written over them."""
    rooms = (".", *LAYERS, "adapters/sql", *(f"adapters/sql/{room}" for room in SQL), *(f"app/{room}" for room in APP))
    files = {f"{room}/__init__.py": "" for room in rooms} | changes
    for path, text in files.items():
        place = folder / "theo" / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--config", str(ROOT / ".importlinter")]
    environ = os.environ | {"PYTHONPATH": str(folder)}
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)


def test_imports_that_go_down_are_kept(tmp_path: Path) -> None:
    done = lint(
        tmp_path, {"engine/core.py": "import theo.risk\nimport theo.domain\n", "adapters/sql/__init__.py": "import sqlite3\n"}
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"market/bars.py": "import theo.engine\n"}, id="upwards"),
        pytest.param({"gateway/server.py": "import theo.risk\n"}, id="a gateway that knows the trader"),
        pytest.param({"risk/rule.py": "import theo.venue\n"}, id="sideways"),
        pytest.param({"engine/core.py": "def f():\n    import theo.ports\n"}, id="upwards inside a function"),
        pytest.param({"adapters/sql/tables/__init__.py": "import theo.adapters.sql.market\n"}, id="upwards within the stores"),
        pytest.param({"app/recorded/standing.py": "import theo.app.commands\n"}, id="a command that another room knows"),
        pytest.param({"app/home/layout.py": "import theo.app.recorded\n"}, id="upwards within the application"),
        pytest.param({"app/helpful/__init__.py": ""}, id="a room of the application that nobody declared"),
        pytest.param({"helpful/__init__.py": ""}, id="a layer that nobody declared"),
        pytest.param({"market/bars.py": "def f():\n    import numpy\n"}, id="a heavy library below the shell"),
        pytest.param(
            {"adapters/a/__init__.py": "import theo.adapters.b\n", "adapters/b/__init__.py": ""},
            id="one adapter that knows another",
        ),
    ],
)
def test_a_bad_import_breaks_the_contract(changes: dict[str, str], tmp_path: Path) -> None:
    done = lint(tmp_path, changes)
    assert done.returncode != 0
    assert "BROKEN" in done.stdout or "helpful" in done.stdout, done.stdout
