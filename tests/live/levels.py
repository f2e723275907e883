"""What a run that built bars of its ticks must have stored beside them."""

import io
import json
import sqlite3
import sys
from contextlib import closing, redirect_stdout
from pathlib import Path
from unittest.mock import patch

import pytest

from theo.app.cli import main


def levels_in(folder: Path) -> int:
    """How many bars of a run have levels now."""
    if not (folder / "market.db").exists():
        return 0
    with closing(sqlite3.connect(folder / "market.db")) as raw:
        made = raw.execute("SELECT count(*) FROM sqlite_master WHERE name = 'levels'").fetchone()[0]
        return int(made and raw.execute("SELECT count(*) FROM levels").fetchone()[0])


def levels_of_every_bar(home: Path, run: str) -> None:
    """Its stored levels are there by themselves, and those that computing them anew gives."""
    out = io.StringIO()
    argv = ["theo", "--home", str(home), "levels", "verify", "--run", run, "--json"]
    with patch.object(sys, "argv", argv), redirect_stdout(out), pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code, out.getvalue()
    verified = json.loads(out.getvalue())
    assert verified != []
    assert all(one["compared"] > 0 == one["differing"] for one in verified), verified
