"""Which run is meant by a command that names none: never one that runs beside another."""

import os
from pathlib import Path

import pytest

from theo.adapters.sql.journal.store import SqlJournalStore
from theo.app.home.journals import find_run, usual_folder
from theo.app.home.layout import Home, open_home


def made(home: Home, *names: str) -> None:
    """Journals of these runs, the last one written last."""
    for age, name in enumerate(reversed(names)):
        SqlJournalStore(home.runs / name).close()
        for file in (home.runs / name).glob("journal.db*"):
            os.utime(file, (1_000_000 - age, 1_000_000 - age))


@pytest.mark.parametrize(
    ("names", "meant"),
    [
        (("paper-DU1", "paper-DU1-virtual"), "paper-DU1"),
        (("paper-DU1", "live-U1", "paper-DU1-virtual", "live-U1-virtual"), "live-U1"),
        (("mes-vix-0a1b-virtual",), "mes-vix-0a1b-virtual"),  # a paper run, whose name ends like that too
        (("paper-DU1", "mes-vix-0a1b-virtual"), "mes-vix-0a1b-virtual"),
    ],
)
def test_a_run_beside_another_is_meant_by_its_name_alone(tmp_path: Path, names: tuple[str, ...], meant: str) -> None:
    home = open_home(tmp_path)
    made(home, *names)
    assert usual_folder(home).name == meant
    assert find_run(home, "last").name == meant
    for name in names:
        assert usual_folder(home, name).name == name
