"""The journals of a home: its own, the demo's, and one per kept run; and which one a command that names none means."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from theo.adapters.sql.database.traces import is_there, written_at
from theo.adapters.sql.journal.lease import holder
from theo.app.home.layout import Home
from theo.domain.errors import UserError
from theo.domain.journal import TRADING, Record
from theo.engine.journal import Append

OWN, DEMO = "own", "demo"
BESIDE = "-virtual"  # how the name of a run ends that runs beside the one of the name before it
ALONE = "virtual-"  # how the name of a run begins that has the live feed, and the simulated exchange alone
HOW_TO_BEGIN = "`theo demo` or `theo backtest RULESET` makes one"
GATHERED_BYTES = 4 * 1024 * 1024  # of payloads


@contextmanager
def gathered(append: Append) -> Iterator[Append]:
    """Append many records in one transaction, the last when the context ends: for a backtest, which a crash ends as a whole.

    Its exchange is in the same process, so no order waits for a record to be durable. The records are those of any run.
    """
    held: list[Record] = []
    size = 0

    def take(records: Sequence[Record]) -> None:
        nonlocal size
        held.extend(records)
        size += sum(len(record.payload) for record in records)
        if size >= GATHERED_BYTES:
            write()

    def write() -> None:
        nonlocal held, size
        records, held, size = held, [], 0
        append(records)

    try:
        yield take
    finally:
        if held:
            write()


def has_journal(folder: Path) -> bool:
    """Whether a run has ever been recorded in this folder."""
    return is_there(folder, "journal")


def journal_folders(home: Home) -> list[Path]:
    """Folders with a journal: the home's own, the demo's, then kept runs by name."""
    return [folder for folder in (home.store, home.demo, *sorted(home.runs.glob("*"))) if has_journal(folder)]


def commanded_folders(home: Home) -> list[Path]:
    """Folders of runs that take commands; a backtest's takes none."""
    return [folder for folder in journal_folders(home) if is_there(folder, "inbox")]


def commanded_by(folder: Path) -> int | None:
    """The process that takes the commands of a run; None where nobody does."""
    return holder(folder, TRADING) if is_there(folder, "inbox") else None


def run_name(home: Home, folder: Path) -> str:
    """What people call the run of a folder, and what ``--run`` takes."""
    return OWN if folder == home.store else DEMO if folder == home.demo else folder.name


def chosen_folders(home: Home, run_id: str) -> list[Path]:
    """The folder of a run by its name, or every one for "". Raises UserError naming those that exist."""
    folders = journal_folders(home)
    if not folders:
        raise UserError("no run is recorded yet", where=str(home.path), remedy=HOW_TO_BEGIN)
    if not run_id:
        return folders
    found = [folder for folder in folders if run_name(home, folder) == run_id]
    if not found:
        raise UserError(f"no run {run_id!r}", remedy=f"There are {', '.join(run_name(home, f) for f in folders)}")
    return found


def usual_folder(home: Home, run_id: str = "") -> Path:
    """The run that is meant: the named one; else the home's own; else the one that was written last. Raises UserError.

    A run beside another one is meant by its name alone.
    """
    folders = chosen_folders(home, run_id)
    return folders[0] if run_id or folders[0] == home.store else _newest(folders)


def _newest(folders: Sequence[Path]) -> Path:
    """The one that was written last, of those that run beside no other one."""
    names = {folder.name for folder in folders}
    alone = [each for each in folders if not each.name.endswith(BESIDE) or each.name.removesuffix(BESIDE) not in names]
    return max(alone, key=journal_written_at)


def journal_written_at(folder: Path) -> float:
    """When the journal was last written from this machine, seconds since the epoch."""
    return written_at(folder, "journal")


def find_run(home: Home, run_id: str) -> Path:
    """The folder of a run by its name; "last" is the one that was written last. Raises UserError naming those that exist."""
    return _newest(chosen_folders(home, "")) if run_id == "last" else chosen_folders(home, run_id)[0]
