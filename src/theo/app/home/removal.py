"""Removing a run that was kept: its folder, and its rows on a server."""

import shutil
from contextlib import closing
from pathlib import Path

from theo.adapters.sql.journal.store import SqlJournalStore
from theo.app.home.auditing import note
from theo.app.home.journals import run_name
from theo.app.home.layout import Home
from theo.domain.journal import TRADING


def remove_run(home: Home, folder: Path) -> None:
    """Remove it whole. Raises HaltRequiredError while another process writes it, UserError where its rows cannot be reached."""
    place = home.place(folder)
    with closing(SqlJournalStore(place)) as store:
        store.claim(TRADING)
        note(home, "run removed", run_name(home, folder))
        if place.server is not None:
            from theo.adapters.sql.erase import erase

            erase(place)
        store.give_up()
    shutil.rmtree(folder)
