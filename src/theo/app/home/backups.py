"""A backup of a home: its files as they were, its server's database as a dump, and a manifest to check both against.

What is made first never knows more than what is made later: anchors and tables before the journal that they are of, the simulated
exchange's books after it. Restored, the tables catch up, and the books are those of a broker who knows more than we do.
"""

import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

import msgspec

from theo.adapters.postgres.dump import Dumped, beside, dump, programs, restore, server_major
from theo.adapters.sql.file_backup import copy_database, damage
from theo.adapters.sql.journal.store import JOURNAL, SqlJournalStore
from theo.adapters.sql.market.store import SqlMarketStore
from theo.adapters.sql.projection.rebuild import rebuild
from theo.adapters.system.clock import WallClock
from theo.app.build import BUILD
from theo.app.home.auditing import TRAIL, AuditedStore, audited_journals, contradictions, lost_rules, walked
from theo.app.home.journals import journal_folders, run_name
from theo.app.home.layout import Home
from theo.app.home.projecting import decoders, projected
from theo.domain.errors import CorruptionError, HaltRequiredError, UserError

MANIFEST: Final = "manifest.json"
FILES: Final = "home"
DUMP: Final = "database.dump"
FORM: Final = 1
DATABASES: Final = ("inbox", "settings", "market", TRAIL, JOURNAL)  # in the order in which they are copied
LEFT_OUT: Final = frozenset({"locks", "sessions", "postgres"})  # held by processes, made again, or a server's own
UNKEPT: Final = (".db", ".db-wal", ".db-shm", ".db-journal", ".new")  # copied otherwise, or half written
NAMED_MAX: Final = 3


class FileKept(msgspec.Struct, frozen=True):
    """A file of a backup."""

    bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup holds. ``at`` microseconds UTC.

    ``streams``: where the journals ended when it was begun, by run: stream -> (number, hash). It may hold more, never less.
    """

    form: int
    build: str
    at: int
    files: Mapping[str, FileKept]
    streams: Mapping[str, Mapping[str, tuple[int, str]]]
    database: Dumped | None


def make_backup(home: Home, folder: Path, programs_at: Path | None) -> Manifest:
    """Fill a new folder. Raises UserError when it is there already, HaltRequiredError when something cannot be copied."""
    streams = {name: _ends(store) for name, store in audited_journals(home)}
    try:
        (folder / FILES).mkdir(parents=True)
        _copy_home(home.path, folder / FILES)
        url, dumped = database_of(home), None
        if url:
            dumped = dump(url, folder / DUMP, programs(programs_at, server_major(url)))
        at = WallClock().now()
        manifest = Manifest(form=FORM, build=BUILD, at=at, files=_kept(folder), streams=streams, database=dumped)
        with (folder / MANIFEST).open("xb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(manifest)))
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError as error:
        raise UserError("is there already", where=str(folder), remedy="Name a new folder") from error
    except OSError as error:
        raise _failed(folder, error) from error
    return manifest


def _copy_home(home: Path, to: Path) -> None:
    """Every folder with databases by itself; then what is left. A file that is gone before it is copied was not to be kept."""
    inside = [home, *(path for path in sorted(home.rglob("*")) if path.is_dir() and not _left_out(path.relative_to(home)))]
    for folder in inside:
        target = to / folder.relative_to(home)
        target.mkdir(exist_ok=True)
        files = [file for file in sorted(folder.iterdir()) if file.is_file() and not file.is_symlink()]
        databases = {file.stem: file for file in files if file.suffix == ".db"}
        others = [file for file in files if not file.name.endswith(UNKEPT)]
        first = [file for file in others if file.suffix == ".anchors"]
        for file in first:
            _copy_file(file, target)
        for name in sorted(databases, key=lambda each: DATABASES.index(each) if each in DATABASES else -1):
            copy_database(databases[name], target / databases[name].name)
        for file in others:
            if file not in first:
                _copy_file(file, target)


def _copy_file(file: Path, to: Path) -> None:
    with suppress(FileNotFoundError):
        shutil.copy2(file, to / file.name)


def _left_out(path: Path) -> bool:
    return bool(LEFT_OUT.intersection(path.parts))


def read_manifest(folder: Path) -> Manifest:
    """Raises UserError when the folder holds no backup, CorruptionError when a file is not the one that was kept."""
    path = folder / MANIFEST
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
        found = _kept(folder)
    except (OSError, msgspec.DecodeError) as error:
        raise UserError(
            "is no backup", where=str(path), why=str(error), remedy="Name a folder that `theo db backup` made"
        ) from error
    differing = sorted(name for name in {*found, *manifest.files} if found.get(name) != manifest.files.get(name))
    if differing:
        raise CorruptionError(
            f"{len(differing)} files are not those that were kept: {', '.join(differing[:NAMED_MAX])}",
            where=str(folder),
            remedy="Use another backup",
        )
    return manifest


def _kept(folder: Path) -> dict[str, FileKept]:
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / MANIFEST)
    return {path.relative_to(folder).as_posix(): _file_kept(path) for path in files}


def _file_kept(path: Path) -> FileKept:
    with path.open("rb") as file:
        return FileKept(path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())


def restore_backup(folder: Path, to: Home, programs_at: Path | None) -> list[str]:
    """Fill a home that does not exist yet, and a database that does not exist yet when the backup has one; what is wrong with it.

    Raises UserError when either is there already, CorruptionError when the backup is not whole.
    """
    manifest = read_manifest(folder)
    if to.path.exists() and (not to.path.is_dir() or any(to.path.iterdir())):
        raise UserError(
            "is not empty", where=str(to.path), remedy="Name a new folder: nothing is ever restored over another home"
        )
    url = database_of(to)
    if bool(url) != (manifest.database is not None):
        what, how = (
            ("of a server's database", "Name a new one with --database") if not url else ("of files", "Leave --database away")
        )
        raise UserError(f"the backup is {what}", where=str(folder), remedy=how)
    if manifest.database is not None:
        restore(url, folder / DUMP, programs(programs_at, server_major(beside(url))), manifest.database)
    try:
        shutil.copytree(folder / FILES, to.path, dirs_exist_ok=True)
    except OSError as error:
        raise _failed(to.path, error) from error
    return problems_of(to, manifest)


def problems_of(home: Home, manifest: Manifest) -> list[str]:
    """What of a restored home is not what was backed up: damaged files, chains, lost records, tables that say otherwise."""
    found = [f"{file.name}: {what}" for file in sorted(home.path.rglob("*.db")) if (what := damage(file))]
    if found:
        return found
    missing = set(manifest.streams)
    for name, store in audited_journals(home):
        missing.discard(name)
        found += [f"{name}: {what}" for what in _wrong_in(store, manifest.streams.get(name, {}))]
    found += [f"{name}: has no journal" for name in sorted(missing)]
    return found or [problem for folder in journal_folders(home) for problem in _tables_otherwise(home, folder)]


def _wrong_in(store: AuditedStore, ends: Mapping[str, tuple[int, str]]) -> Iterator[str]:
    for each in walked(store, store.anchors.all()):
        if each.fault is not None:
            yield f"{each.fault.stream} record {each.fault.seq} {each.fault.what}"
    for stream, (seq, digest) in ends.items():
        if next((record.hash.hex() for record in store.read(stream, seq, seq)), "") != digest:
            yield f"{stream} record {seq} is not the one that was backed up"
    yield from (f"the rule {rule} is gone" for rule in lost_rules(store))
    yield from contradictions(store)


def _tables_otherwise(home: Home, folder: Path) -> Iterator[str]:
    """The tables, caught up, against those that the journal makes anew."""
    with projected(home, folder):
        pass
    place = home.place(folder)
    with closing(SqlJournalStore(place)) as journal, closing(SqlMarketStore(place)) as market:
        for table in rebuild(journal, market, folder, decoders(journal)).tables:
            if not table.equal:
                yield f"{run_name(home, folder)}: {table.table}: {table.first_difference}"


def _ends(store: AuditedStore) -> dict[str, tuple[int, str]]:
    return {stream: (head.seq, head.hash.hex()) for stream in store.streams() if (head := store.head(stream)) is not None}


def database_of(home: Home) -> str:
    """The address of the server's database as PostgreSQL's programs take it, "" without a server. Holds the password."""
    server = home.server
    return "" if server is None else server.set(drivername="postgresql").render_as_string(hide_password=False)


def _failed(path: Path, error: OSError) -> HaltRequiredError:
    return HaltRequiredError(
        "cannot be copied", where=str(error.filename or path), why=str(error.strerror), remedy="Check disk and permissions"
    )
