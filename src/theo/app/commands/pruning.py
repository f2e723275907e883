"""`theo db prune`: old decisions out of their tables; the journal keeps them, and `theo why` reads them there."""

from contextlib import closing
from pathlib import Path

import msgspec

from theo.adapters.sql.market.store import SqlMarketStore
from theo.adapters.sql.projection.pruning import prune_decisions
from theo.adapters.system.clock import WallClock
from theo.app.configuration.file import configured
from theo.app.home.auditing import note
from theo.app.home.journals import chosen_folders, run_name
from theo.app.home.layout import open_home
from theo.app.home.projecting import projected
from theo.app.terminal.output import json_text
from theo.app.times import iso
from theo.domain.market_data import DAY


class Pruned(msgspec.Struct, frozen=True):
    """How many decisions left the table of a run."""

    run: str
    decisions: int


def run_prune(path: Path, older_than: int | None, run_id: str, *, json: bool) -> int:
    """Run by run. Without a number of days, and with keep_days = 0, nothing is pruned."""
    home, now = open_home(path), WallClock().now()
    days = older_than if older_than is not None else configured(home.configuration).decisions_keep_days
    if not days:
        print("[]" if json else "[decisions] keep_days is 0: every decision is kept; --older-than DAYS prunes")
        return 0
    before = (now - days * DAY) // DAY * DAY
    note(home, "db prune", run_id or "every run", f"decisions before {iso(before)}")
    pruned = []
    for folder in chosen_folders(home, run_id):
        with projected(home, folder):  # what the journal holds beyond: else it would come into the table later
            pass
        with closing(SqlMarketStore(home.place(folder))) as store:
            pruned.append(Pruned(run_name(home, folder), prune_decisions(store, before)))
    if json:
        print(json_text(pruned))
    else:
        for one in pruned:
            print(f"{one.run}: {one.decisions:,} decisions of before {iso(before)[:10]} (UTC) are in the journal alone now")
    return 0
