"""`theo journal verify` and `theo journal rebuild`: is the record what was written, and do the tables say what it says."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from rich.progress import Progress

from theo.adapters.sql.journal.lease import holder
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.adapters.sql.journal.verify import FIRST, Verified, verify_stream
from theo.adapters.sql.market.store import SqlMarketStore
from theo.adapters.sql.projection.rebuild import Rebuilt, rebuild
from theo.app.exit_codes import EXIT_PROBLEM
from theo.app.home.auditing import note
from theo.app.home.journals import chosen_folders, run_name
from theo.app.home.layout import Home, open_home
from theo.app.home.projecting import decoders
from theo.app.recorded.run import decide_again
from theo.app.terminal.output import json_text
from theo.app.terminal.progress import progress_bar
from theo.domain.errors import CorruptionError, TheoError, UserError
from theo.domain.journal import TRADING, Record
from theo.ports.store import StreamHead

INDENT = "  "


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """One journal: its streams, and what deciding it again gave (None: not asked for). ``problem`` "" when all is well."""

    run: str
    streams: list[Verified]
    steps: int | None = None
    facts: int | None = None
    problem: str = ""


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """One journal's tables against its records; ``differences`` in words, by table."""

    run: str
    records: int
    rows: int
    differences: dict[str, str]
    replaced: bool


def run_verify(path: Path, *, run_id: str, decide_again: bool, json: bool) -> int:
    """Walk every stream; exit code 1 at the first contradiction or different decision."""
    home = open_home(path)
    checked = [_check(home, folder, decide_again=decide_again) for folder in chosen_folders(home, run_id)]
    if json:
        print(json_text(checked))
    else:
        for one in checked:
            print("\n".join(_checked_lines(one)))
    return EXIT_PROBLEM if any(one.problem for one in checked) else 0


def run_rebuild(path: Path, *, run_id: str, replace: bool, json: bool) -> int:
    """Project anew and compare; exit code 1 when a table differs and is not replaced."""
    home = open_home(path)
    compared = [_rebuild(home, folder, replace=replace) for folder in chosen_folders(home, run_id)]
    if json:
        print(json_text(compared))
    else:
        for one in compared:
            print("\n".join(_compared_lines(one)))
    return EXIT_PROBLEM if any(one.differences and not one.replaced for one in compared) else 0


def _check(home: Home, folder: Path, *, decide_again: bool) -> Checked:
    name = run_name(home, folder)
    streams: list[Verified] = []
    try:
        store = SqlJournalStore(home.place(folder))
        try:
            streams = _walk(store, name)
            fault = next((s.fault for s in streams if s.fault is not None), None)
            if fault is not None:
                return Checked(run=name, streams=streams, problem=f"{fault.stream} record {fault.seq} {fault.what}")
            return _decided_again(home, folder, store, streams) if decide_again else Checked(run=name, streams=streams)
        finally:
            store.close()
    except TheoError as error:
        return Checked(run=name, streams=streams, problem=str(error))


def _walk(store: SqlJournalStore, name: str) -> list[Verified]:
    anchors = store.anchors.all()
    try:
        stored = store.streams()
    except CorruptionError:
        stored = (TRADING,)  # so damaged that not even the names can be read: its walk says where
    found = []
    for stream in sorted({*stored, *(anchor.stream for anchor in anchors)}):
        head = _head(store, stream)
        with _progress(f"{name} {stream}", None if head is None else head.seq) as walked:
            found.append(verify_stream(stream, walked(store.read(stream, first_seq=FIRST)), anchors))
    return found


def _head(store: SqlJournalStore, stream: str) -> StreamHead | None:
    """Where the progress bar ends; a journal that is too damaged to say is walked all the same."""
    try:
        return store.head(stream)
    except CorruptionError:
        return None


def _decided_again(home: Home, folder: Path, store: SqlJournalStore, streams: list[Verified]) -> Checked:
    head = store.head(TRADING)
    with _progress(f"{run_name(home, folder)} deciding again", None if head is None else head.seq) as walked:
        done = decide_again(home, folder, store, walked=walked)
    problem = "" if done.first_difference is None else f"this build decides otherwise: {done.first_difference}"
    return Checked(run=run_name(home, folder), streams=streams, steps=done.steps, facts=done.facts, problem=problem)


def _rebuild(home: Home, folder: Path, *, replace: bool) -> Compared:
    name = run_name(home, folder)
    process = holder(folder, TRADING)
    if process is not None:
        raise UserError(f"run {name} is running, process {process}", remedy="Stop it first: its newer rows would be differences")
    place = home.place(folder)
    journal = SqlJournalStore(place)
    market = SqlMarketStore(place)
    try:
        with progress_bar() as progress:
            task = progress.add_task(f"{name} projecting", total=_records(journal))
            done = rebuild(
                journal, market, folder, decoders(journal), replace=replace, progress=lambda n: progress.update(task, completed=n)
            )
    finally:
        market.close()
        journal.close()
    compared = _comparison(name, done, replaced=replace)
    if compared.replaced:
        note(home, "tables replaced", name, ", ".join(compared.differences))
    return compared


def _records(journal: SqlJournalStore) -> int:
    return sum(head.seq for stream in journal.streams() if (head := journal.head(stream)) is not None)


def _comparison(name: str, done: Rebuilt, *, replaced: bool) -> Compared:
    differing = {table.table: table.first_difference for table in done.tables if not table.equal}
    rows = sum(table.rebuilt_rows for table in done.tables)
    return Compared(run=name, records=done.records, rows=rows, differences=differing, replaced=replaced and bool(differing))


@contextmanager
def _progress(text: str, total: int | None) -> Iterator["_Walked"]:
    """A bar on standard error that follows the records that are read."""
    with progress_bar() as progress:
        yield _Walked(progress, text, total)


class _Walked:
    """Records as they are, each counted by the bar."""

    def __init__(self, progress: Progress, text: str, total: int | None) -> None:
        self._progress, self._task = progress, progress.add_task(text, total=total)

    def __call__(self, records: Iterator[Record]) -> Iterator[Record]:
        for record in records:
            yield record
            self._progress.advance(self._task)


def _checked_lines(one: Checked) -> list[str]:
    lines = [f"{one.run}: {one.problem or 'sound'}"]
    for stream in one.streams:
        state = "records, each follows the one before" if stream.fault is None else "records before the fault"
        lines.append(f"{INDENT}{stream.stream}: {stream.records:,} {state}")
    if one.steps is not None:
        lines.append(f"{INDENT}{one.steps:,} steps decided again, {one.facts:,} facts equal the record")
    return lines


def _compared_lines(one: Compared) -> list[str]:
    if not one.differences:
        return [f"{one.run}: {one.rows:,} rows from {one.records:,} records, the tables are what the journal says"]
    done = "replaced" if one.replaced else "not replaced: --replace does it"
    lines = [f"{one.run}: {len(one.differences)} tables differ from the journal ({done})"]
    return lines + [f"{INDENT}{table}: {difference}" for table, difference in one.differences.items()]
