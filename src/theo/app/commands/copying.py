"""`theo db copy`: a home's databases from files to a server, from there back, or from one server to another."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Final

import msgspec
from sqlalchemy import Engine

from theo.adapters.sql.database.place import Place
from theo.adapters.sql.database.traces import is_there, mark_of, set_mark
from theo.adapters.sql.journal.homes import arrive, leave
from theo.adapters.sql.journal.lease import Lease
from theo.adapters.sql.journal.server_lease import ServerLease
from theo.adapters.sql.journal.store import JOURNAL, SqlJournalStore
from theo.adapters.sql.journal.verify import verify_stream
from theo.adapters.sql.market.store import SqlMarketStore
from theo.adapters.sql.moving import Copied, copy_imports, copy_inbox, copy_journal, copy_settings
from theo.adapters.sql.schema.opening import Database, open_database
from theo.app.home.auditing import TRAIL
from theo.app.home.journals import journal_folders, run_name
from theo.app.home.layout import DATABASES, Home, open_home
from theo.app.home.projecting import projected
from theo.app.terminal.output import json_text
from theo.domain.errors import CorruptionError, UserError
from theo.domain.journal import TRADING
from theo.engine.journal import MARKET

FILES: Final = "files"


class Moved(msgspec.Struct, frozen=True):
    """What was copied of one folder, verified on both sides."""

    run: str
    copied: list[Copied]
    commands: int


def run_copy(path: Path, source: str, target: str, *, json: bool) -> int:
    """Copy and verify everything, then say that the home is there. Raises UserError before anything is copied."""
    home = open_home(path)
    ours, theirs = (Home(home.path, "" if each == FILES else each) for each in (source, target))
    if ours.server == theirs.server:
        raise UserError("source and target are the same", remedy='Each is "files", or the address of a server')
    folders = list(dict.fromkeys((home.store, *journal_folders(home))))
    with ExitStack() as held:
        for folder in folders:
            _hold(held, ours.place(folder))
        moved = [_move(home, folder, ours.place(folder), theirs.place_to_fill(folder)) for folder in folders]
        for folder in folders:
            _switch(folder, theirs.place_to_fill(folder))
        _tell_servers(ours.place_to_fill(home.store), theirs.place_to_fill(home.store))
        for folder in journal_folders(theirs):
            with projected(theirs, folder):
                pass  # what trading did is made anew from the journal
    if json:
        print(json_text(moved))
    else:
        print("\n".join(_lines(moved, target)))
    return 0


def _hold(held: ExitStack, place: Place) -> None:
    """Nobody writes it meanwhile. Raises HaltRequiredError while somebody does."""
    leases: list[Lease | ServerLease] = [Lease(place.folder), *([ServerLease(place)] if place.server else [])]
    for lease in leases:
        held.callback(lease.release)
        lease.take((TRADING, MARKET))


def _move(home: Home, folder: Path, source: Place, target: Place) -> Moved:
    copied: list[Copied] = []
    for name in (JOURNAL, TRAIL):
        if is_there(folder, name):
            copied += _journal(source, target, name)
    commands = 0
    names = source.name, target.name
    if is_there(folder, Database.INBOX):
        with _both(source, target, Database.INBOX) as engines:
            commands = copy_inbox(*engines, names)
    if is_there(folder, Database.SETTINGS):
        with _both(source, target, Database.SETTINGS) as engines:
            copied.append(copy_settings(*engines, names))
    if folder == home.store and is_there(folder, Database.MARKET):
        with closing(SqlMarketStore(source)) as one, closing(SqlMarketStore(target)) as other:
            copied += copy_imports(one, other)
    return Moved(run_name(home, folder), copied, commands)


@contextmanager
def _both(source: Place, target: Place, database: Database) -> Iterator[tuple[Engine, Engine]]:
    with ExitStack() as opened:
        engines = open_database(source, database), open_database(target, database)
        for engine in engines:
            opened.callback(engine.dispose)
        yield engines


def _journal(source: Place, target: Place, name: str) -> Iterator[Copied]:
    with closing(SqlJournalStore(source, name)) as one, closing(SqlJournalStore(target, name)) as other:
        yield from copy_journal(one, other, (source.name, target.name))
        anchors = one.anchors.all()
        for stream in one.streams():
            fault = verify_stream(stream, other.read(stream, first_seq=-(2**62)), anchors).fault
            if fault is not None:
                raise CorruptionError(
                    f"record {fault.seq} {fault.what}", where=stream, remedy="Run `theo journal verify` on the source"
                )


def _switch(folder: Path, target: Place) -> None:
    """From now on the folder's databases are there: the marks say so, and what the source holds is no longer looked at."""
    for database in DATABASES:
        if not is_there(folder, database):
            continue
        mark_of(folder, database).unlink(missing_ok=True)
        if target.server is not None:
            set_mark(folder, database, f"{target.name} on {target.shown}")


def _tell_servers(source: Place, target: Place) -> None:
    """Each server remembers whether it is this home's."""
    for place, told in ((target, arrive), (source, leave)):
        if place.server is not None:
            engine = open_database(place, Database.JOURNAL)
            try:
                told(engine, place)
            finally:
                engine.dispose()


def _lines(moved: list[Moved], target: str) -> list[str]:
    lines = []
    for one in moved:
        lines.append(f"{one.run}: {one.commands} commands")
        lines += [f"  {each.name}: {each.rows:,} rows, the same on both sides" for each in one.copied]
    todo = "take THEO_DATABASE_URL and [database] url away" if target == FILES else "set THEO_DATABASE_URL or [database] url"
    return [*lines, f"copied; now {todo}. What the source holds stays, and is no longer used"]
