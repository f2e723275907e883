"""Importing a file: a first pass checks every row, a second stores them, and one step makes them visible.

Interrupted before that step, nothing is visible; the same import again goes on where it stopped.
"""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, Protocol, TypeVar

import msgspec

from theo.adapters.files.bar_checks import BarReader
from theo.adapters.files.settings import BarSettings, FileSettings, TickSettings
from theo.adapters.files.tables import open_table
from theo.adapters.files.tick_checks import TickReader
from theo.domain.errors import DataError
from theo.domain.market_data import Bar, Tick
from theo.ports.market_store import MarketStore, StagedImport

HASH_BYTES: Final = 1 << 20
Item = TypeVar("Item", Bar, Tick)


class ImportProgress(msgspec.Struct, frozen=True):
    """``phase`` is "checking" or "storing"; ``rows`` so far; ``done`` of ``total`` in the file's own measure."""

    phase: str
    rows: int
    done: int
    total: int


class ImportReport(msgspec.Struct, frozen=True, kw_only=True):
    """What an import did. ``first`` and ``last`` are microseconds UTC: starts of bars, times of ticks.

    ``flagged`` ticks are stored and left out of bars.
    """

    source: str
    rows: int
    replaced: int
    skipped: int
    widened: int
    flagged: int
    first: int
    last: int


Watch = Callable[[ImportProgress], None]


class Reader(Protocol[Item]):
    """One pass over a file; the counts are of what it has read so far."""

    skipped: int
    widened: int
    flagged: int

    def progress(self) -> Iterator[tuple[tuple[int, int], list[Item]]]:
        """Batches of checked items, each with done and total."""


def _unwatched(_progress: ImportProgress) -> None:
    """Nobody looks."""


def import_bars(store: MarketStore, path: Path, settings: BarSettings, watch: Watch = _unwatched) -> ImportReport:
    """Import a file of bars, wholly or not at all. Raises DataError that names the file, the row and the remedy."""
    table = open_table(path)
    return _import(store, path, settings, lambda: BarReader(table, settings), store.stage_bars, watch)


def import_ticks(store: MarketStore, path: Path, settings: TickSettings, watch: Watch = _unwatched) -> ImportReport:
    """Import a file of ticks, wholly or not at all. Raises DataError that names the file, the row and the remedy."""
    table = open_table(path)
    return _import(store, path, settings, lambda: TickReader(table, settings), store.stage_ticks, watch)


def _import(
    store: MarketStore,
    path: Path,
    settings: FileSettings,
    begin_pass: Callable[[], Reader[Item]],
    stage: Callable[[StagedImport, list[Item]], None],
    watch: Watch,
) -> ImportReport:
    checked = begin_pass()
    rows = first = last = 0
    for (done, total), items in checked.progress():
        if items:
            first, last = first if rows else _time(items[0]), _time(items[-1])
        rows += len(items)
        watch(ImportProgress("checking", rows, done, total))
    if not rows:
        raise DataError("holds no rows to import", where=str(path), remedy="Check the file and its columns")
    source = settings.source or f"import:{path.name}"
    staged = store.begin_import(source, fingerprint(path, settings))
    stored = 0
    for (done, total), items in begin_pass().progress():
        fresh = items[max(0, staged.rows - stored) :]
        if fresh:
            stage(staged, fresh)
        stored += len(items)
        watch(ImportProgress("storing", stored, done, total))
    if stored != rows:
        store.discard(staged)
        raise DataError("was changed while it was imported", where=str(path), remedy="Import it again when nobody writes it")
    published = store.publish(staged)
    return ImportReport(
        source=source,
        rows=published.rows,
        replaced=published.replaced,
        skipped=checked.skipped,
        widened=checked.widened,
        flagged=checked.flagged,
        first=first,
        last=last,
    )


def _time(item: Bar | Tick) -> int:
    return item.start if isinstance(item, Bar) else item.timestamp


def fingerprint(path: Path, settings: FileSettings) -> str:
    """SHA-256 of the file and the settings: what an interrupted import must have in common with one that goes on."""
    digest = hashlib.sha256(msgspec.json.encode(settings, order="deterministic"))
    try:
        with path.open("rb") as file:
            while chunk := file.read(HASH_BYTES):
                digest.update(chunk)
    except OSError as error:
        raise DataError("cannot be read", where=str(path), why=str(error.strerror), remedy="Check its permissions") from error
    return digest.hexdigest()
