"""Old ticks to the archive and back: which days go, what is checked before they leave the database, and what was found.

A day leaves the database only after its file was read back, listed and is on the disk; and only if the ticks are still the same.
"""

from collections.abc import Callable, Iterator
from itertools import groupby
from operator import itemgetter

import msgspec

from theo.adapters.files.archive import ParquetArchive, Step, no_step, part_of
from theo.adapters.files.archive_manifest import ArchivedFile
from theo.adapters.sql.market.store import SqlMarketStore
from theo.domain.instrument import Instrument
from theo.domain.market_data import DAY
from theo.ports.market_store import ArchivedPart, TickRange

Tell = Callable[[ArchivedFile], None]


class Fault(msgspec.Struct, frozen=True):
    """A file of the archive that is not as it should be."""

    file: str
    what: str


def run(
    store: SqlMarketStore, archive: ParquetArchive, before: int, now: int, symbol: str, tell: Tell, step: Step = no_step
) -> Iterator[ArchivedFile]:
    """Archive whole days before a time (microseconds UTC), the oldest first: of one symbol, or "" of all. What was archived."""
    instruments = {each.id: each for each in store.instruments() if symbol in {"", each.symbol}}
    found = sorted(each for each in store.archivable(before) if each[1] in instruments)
    with archive.writing():
        for start, of_day in groupby(found, key=itemgetter(0)):
            files = [_keep(store, archive, instruments[number], home, start, now, step) for _, number, home in of_day]
            step("dropping")
            store.drop_archived([part_of(file) for file in files], start)
            step("dropped")
            for file in files:
                tell(file)
            yield from files


def _keep(
    store: SqlMarketStore, archive: ParquetArchive, instrument: Instrument, home: str, start: int, now: int, step: Step
) -> ArchivedFile:
    ticks = store.stored_ticks(TickRange(instrument=instrument.id, start=start, end=start + DAY), home)
    return archive.keep(instrument, home, start, ticks, now, step)


def restore(
    store: SqlMarketStore, archive: ParquetArchive, symbol: str, span: tuple[int, int], *, unknown: bool
) -> Iterator[ArchivedPart]:
    """Put whole days back that a span touches, of one symbol or "" of all. What was put back.

    ``unknown``: files too that this database does not count on, as after its loss: what it holds already stays.
    """
    names = {each.symbol: each.id for each in store.instruments()}
    parts = list(store.archived())
    if unknown:
        there = {part.file for part in parts}
        parts += [part_of(file) for file in archive.manifest.files() if file.path not in there]
    for part in parts:
        if (symbol and part.instrument != names.get(symbol)) or part.first >= span[1] or part.last < span[0]:
            continue
        store.restore(part, archive.read(part, TickRange(instrument=part.instrument)))
        yield part


def faults(store: SqlMarketStore, archive: ParquetArchive, tell: Tell) -> Iterator[Fault]:
    """Read everything: each file against its line, and what the database counts on against the list. Raises CorruptionError."""
    listed = {file.path: file for file in archive.manifest.files()}
    for file in listed.values():
        tell(file)
        if what := archive.faults(file, wholly=True):
            yield Fault(file.path, what)
    for part in store.archived():
        if part.file not in listed:
            yield Fault(part.file, "is not in the manifest, and the database counts on it")
        elif listed[part.file].digest != part.digest:
            yield Fault(part.file, "is another than the one that the database counts on")
