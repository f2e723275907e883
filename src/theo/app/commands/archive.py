"""`theo archive run|list|verify|restore`: old ticks out of the database, and back."""

import sys
from contextlib import closing
from pathlib import Path

import msgspec

from theo.adapters.files.archive import ParquetArchive
from theo.adapters.files.archive_manifest import ArchivedFile
from theo.adapters.sql.market.store import SqlMarketStore
from theo.adapters.system.clock import WallClock
from theo.app.configuration.file import configured
from theo.app.exit_codes import EXIT_PROBLEM
from theo.app.home.auditing import note
from theo.app.home.layout import Home, open_home
from theo.app.stored import archiving
from theo.app.stored.bars import parse_timerange
from theo.app.terminal.output import json_text
from theo.app.terminal.wide_table import wide_table
from theo.app.times import iso
from theo.domain.errors import UserError
from theo.domain.market_data import DAY


class Listed(msgspec.Struct, frozen=True):
    """A file as it is shown. ``first`` and ``last`` are times of ticks; ``counted``: its ticks are in the database no more."""

    file: str
    symbol: str
    first: str
    last: str
    rows: int
    bytes: int
    sha256: str
    counted: bool


def run_run(path: Path, older_than: int | None, symbol: str, *, json: bool) -> int:
    """Archive; a line a file as it goes."""
    home, now = open_home(path), WallClock().now()
    days = configured(home.configuration).archive_keep_days if older_than is None else older_than
    before = (now - days * DAY) // DAY * DAY
    with closing(_store(home)) as store:
        _refuse_unknown(store, symbol)
        note(home, "archive run", symbol or "every symbol", f"ticks before {iso(before)}")
        files = list(archiving.run(store, _archive(home), before, now, symbol, _tell))
    listed = [_listed(file, counted=True) for file in files]
    if json:
        print(json_text(listed))
    else:
        ticks = sum(file.rows for file in files)
        print(f"{ticks:,} ticks of before {iso(before)[:10]} (UTC) went to {_files(len(files))} in {home.archive}")
    return 0


def run_list(path: Path, symbol: str, *, json: bool) -> int:
    """The manifest."""
    home = open_home(path)
    with closing(_store(home)) as store:
        counted = {part.file for part in store.archived()}
    files = [file for file in _archive(home).manifest.files() if symbol in {"", file.symbol}]
    listed = [_listed(file, counted=file.path in counted) for file in files]
    if json:
        print(json_text(listed))
    elif listed:
        rows = [
            (e.symbol, e.first[:10], f"{e.rows:,}", f"{e.bytes:,}", "archive" if e.counted else "database", e.file)
            for e in listed
        ]
        wide_table(("symbol", "day (UTC)", "ticks", "bytes", "read from", "file"), rows, right={"ticks", "bytes"})
    else:
        print("nothing is archived: theo archive run")
    return 0


def run_verify(path: Path, *, json: bool) -> int:
    """Read everything."""
    home = open_home(path)
    archive = _archive(home)
    with closing(_store(home)) as store:
        faults = list(archiving.faults(store, archive, _tell))
    count = len(archive.manifest.files())
    if count and not faults:
        archive.manifest.note_verified(WallClock().now(), count)
    if json:
        print(json_text({"files": count, "faults": faults}))
    else:
        for fault in faults:
            print(f"{fault.file}: {fault.what}")
        print(f"{_files(count)}, {len(faults) or 'no'} fault{'s' * (len(faults) > 1)}")
    return EXIT_PROBLEM if faults else 0


def run_restore(path: Path, symbol: str, timerange: str, *, unknown: bool, json: bool) -> int:
    """Put back."""
    home, span = open_home(path), parse_timerange(timerange)
    with closing(_store(home)) as store:
        _refuse_unknown(store, symbol)
        note(home, "archive restore", symbol or "every symbol", timerange or "all")
        parts = list(archiving.restore(store, _archive(home), symbol, span, unknown=unknown))
    if json:
        print(json_text(parts))
    else:
        print(f"{sum(part.rows for part in parts):,} ticks of {_files(len(parts))} are in the database again")
    return 0


def _store(home: Home) -> SqlMarketStore:
    return SqlMarketStore(home.place(home.store))


def _archive(home: Home) -> ParquetArchive:
    return ParquetArchive(home.archive)


def _refuse_unknown(store: SqlMarketStore, symbol: str) -> None:
    known = [each.symbol for each in store.instruments()]
    if symbol and symbol not in known:
        raise UserError(f"the store holds nothing of {symbol}", remedy=f"It holds {', '.join(sorted(known)) or 'nothing'}")


def _files(count: int) -> str:
    return f"{count} file{'s' * (count != 1)}"


def _listed(file: ArchivedFile, *, counted: bool) -> Listed:
    return Listed(file.path, file.symbol, iso(file.first), iso(file.last), file.rows, file.bytes, file.sha256, counted)


def _tell(file: ArchivedFile) -> None:
    """Where a person looks."""
    if sys.stderr.isatty():
        print(f"{file.path}: {file.rows:,} ticks", file=sys.stderr)
