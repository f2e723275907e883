"""The runs of a home, as the interface lists them: each by the ends of its journal."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from theo.adapters.sql.database.traces import is_there
from theo.adapters.sql.journal.lease import holder
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.api.sources import Run
from theo.app.home.journals import DEMO, OWN, journal_folders, journal_written_at, run_name
from theo.app.home.layout import Home
from theo.domain.errors import TheoError
from theo.domain.facts import RunStarted
from theo.domain.journal import TRADING
from theo.domain.market_data import SECOND
from theo.engine.codec import decode_facts


class HomeRuns:
    """Implements theo.api.sources.Runs. ``served`` is the folder of the run whose records are read."""

    def __init__(self, home: Home, served: Path) -> None:
        self._home, self._served = home, served

    def after(self, name: str, count: int) -> Sequence[Run]:
        """See theo.api.sources.Runs."""
        named = sorted((_order(run_name(self._home, folder)), folder) for folder in journal_folders(self._home))
        wanted = [folder for order, folder in named if not name or order > _order(name)]
        return [self._run(folder) for folder in wanted[:count]]

    def _run(self, folder: Path) -> Run:
        found = Run(
            name=run_name(self._home, folder),
            served=folder == self._served,
            takes_commands=is_there(folder, "inbox"),
            written_at=round(journal_written_at(folder) * SECOND),
        )
        try:
            found.running = holder(folder, TRADING) is not None
            with closing(SqlJournalStore(self._home.place(folder))) as journal:
                head = journal.head(TRADING)
                if head is None:
                    return found
                first, newest = (next(journal.read(TRADING, seq, seq)) for seq in (1, head.seq))
            started = next((fact for fact in decode_facts(first) if isinstance(fact, RunStarted)), None)
            found.records, found.newest_at = head.seq, newest.recorded_at
            if started is not None:
                found.mode, found.account, found.began_at = str(started.key.mode), started.key.account, started.at
        except TheoError as error:
            found.problem = str(error)
        return found


def _order(name: str) -> tuple[int, str]:
    """The home's own, the demo's, then the others by name."""
    return (0 if name == OWN else 1 if name == DEMO else 2), name
