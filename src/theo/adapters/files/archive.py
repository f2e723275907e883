"""Ticks in Parquet files, one or more for each symbol and day: written beside, read back, and only then moved into place.

The columns are those of a tick, so that any tool reads them: times as TIMESTAMP in UTC, prices as whole numbers of the unit that
the manifest names (archive_manifest.py). A file in place is never changed.
"""

import csv
import fcntl
import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from theo.adapters.files.archive_manifest import ArchivedFile, Manifest, sync_folder
from theo.adapters.files.parquet_table import DUCKDB_CONFIG
from theo.domain.errors import CorruptionError, HaltRequiredError
from theo.domain.instrument import Instrument
from theo.domain.market_data import Tick
from theo.domain.tick_digest import TickDigest
from theo.ports.market_store import ArchivedPart, TickRange

if TYPE_CHECKING:
    import duckdb

LOCK: Final = ".lock"
PAGE_TICKS: Final = 10_000
HASH_BYTES: Final = 1 << 20
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# Column -> its type in the text on the way, and how the file's is made of it.
COLUMNS: Final = {
    "timestamp": ("BIGINT", "make_timestamp(timestamp)"),
    "source": ("VARCHAR", "source"),
    "seq": ("BIGINT", "seq"),
    "received_at": ("BIGINT", "make_timestamp(received_at)"),
    "kind": ("INTEGER", "kind"),
    "price": ("BIGINT", "price"),
    "volume": ("BIGINT", "volume"),
    "flags": ("INTEGER", "flags"),
    "time_source": ("INTEGER", "time_source"),
}
SELECTED: Final = "epoch_us(received_at), epoch_us(timestamp), seq, kind, price, volume, flags, time_source, coalesce(source, '')"
Step = Callable[[str], None]


def no_step(_name: str) -> None:
    """Nobody looks."""


class ParquetArchive:
    """Implements ports.market_store.TickArchive on one folder. One process at a time writes to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manifest = Manifest(folder)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Be the one process that writes. Raises HaltRequiredError while another is."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.folder / LOCK).open("w", encoding="utf-8") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise HaltRequiredError(
                    "another process writes to the archive", where=str(self.folder), remedy="Wait until it has ended"
                ) from error
            yield

    def keep(
        self, instrument: Instrument, owner: str, start: int, ticks: Iterator[Tick], now: int, step: Step = no_step
    ) -> ArchivedFile:
        """Write a day's ticks of a home (from ``start``, microseconds UTC) to a file and the manifest, read back and on the disk.

        The same ticks again give the file that is there. Raises HaltRequiredError when it cannot be written or reads otherwise.
        """
        day = f"{EPOCH + timedelta(microseconds=start):%Y-%m-%d}"
        under = Path(f"symbol={quote(instrument.symbol, safe='')}") / f"day={day}"
        try:
            (self.folder / under).mkdir(mode=0o700, parents=True, exist_ok=True)
            return self._keep(instrument, owner, under, ticks, now, step)
        except OSError as error:
            raise HaltRequiredError(
                "the archive cannot be written",
                where=str(self.folder),
                why=str(error.strerror),
                remedy="Check the folder and the disk",
            ) from error

    def _keep(self, instrument: Instrument, owner: str, under: Path, ticks: Iterator[Tick], now: int, step: Step) -> ArchivedFile:
        text, whole = self.folder / under / "ticks.csv.partial", self.folder / under / "ticks.parquet.partial"
        try:
            step("writing")
            digest, sources, ends = self._write_text(ticks, text)
            there = [file for file in self.manifest.files() if Path(file.path).parent == under]
            for file in there:
                if (file.digest, file.home) == (digest.text, owner) and not self.faults(file):
                    return file  # written before, by a process that did not come to drop the ticks
            self._to_parquet(text, whole, instrument.price_decimals)
            step("written")
            self._read_back(whole, instrument.id, digest)
            step("read back")
            path = under / f"{len(there) + 1}.parquet"
            size, checksum = _checksum(whole)
            whole.replace(self.folder / path)
            for each in (path.parent, path.parent.parent, Path()):
                sync_folder(self.folder / each)
            step("moved")
        finally:
            text.unlink(missing_ok=True)
            whole.unlink(missing_ok=True)
        file = ArchivedFile(
            path=str(path),
            symbol=instrument.symbol,
            instrument=instrument.id,
            price_decimals=instrument.price_decimals,
            first=ends[0],
            last=ends[1],
            rows=digest.rows,
            sources=dict(sources),
            digest=digest.text,
            bytes=size,
            sha256=checksum,
            written_at=now,
            home=owner,
        )
        self.manifest.add(file)
        step("listed")
        return file

    @staticmethod
    def _write_text(ticks: Iterator[Tick], path: Path) -> tuple[TickDigest, Counter[str], tuple[int, int]]:
        """As CSV, which holds memory to a page; what was written, the count by source, and the first and last time."""
        digest, sources, first, last = TickDigest(), Counter[str](), 0, 0
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            while page := list(islice(ticks, PAGE_TICKS)):
                first = first if digest.rows else page[0].timestamp
                last = page[-1].timestamp
                digest.add(page)
                sources.update(tick.source for tick in page)
                writer.writerows(
                    (t.timestamp, t.source, t.seq, t.at, t.kind, t.price, t.volume, t.flags, t.time_source) for t in page
                )
        return digest, sources, (first, last)

    @staticmethod
    def _to_parquet(text: Path, whole: Path, decimals: int) -> None:
        types = ", ".join(f"'{name}': '{kind}'" for name, (kind, _) in COLUMNS.items())
        made = ", ".join(f"{how} AS {name}" for name, (_, how) in COLUMNS.items())
        query = (
            f"COPY (SELECT {made} FROM read_csv(?, header=true, columns={{{types}}})) "  # noqa: S608 - the names are ours
            f"TO '{str(whole).replace(chr(39), chr(39) * 2)}' "
            f"(FORMAT parquet, COMPRESSION zstd, KV_METADATA {{price_decimals: '{decimals}'}})"
        )
        with _duckdb() as connection:
            import duckdb

            try:
                connection.execute(query, [str(text)])
            except duckdb.Error as error:
                raise HaltRequiredError(
                    "cannot be written", where=str(whole), why=str(error).splitlines()[0], remedy="Check the disk"
                ) from error
        with whole.open("rb") as file:
            os.fsync(file.fileno())

    def _read_back(self, path: Path, instrument: int, written: TickDigest) -> None:
        """Raises HaltRequiredError unless the file holds what was written."""
        if self._digest(path, instrument).text != written.text:
            raise HaltRequiredError(
                "reads otherwise than it was written", where=str(path), remedy="Check the disk; the ticks stay in the database"
            )

    @staticmethod
    def _digest(path: Path, instrument: int) -> TickDigest:
        digest = TickDigest()
        ticks = _read(path, TickRange(instrument=instrument))
        while page := list(islice(ticks, PAGE_TICKS)):
            digest.add(page)
        return digest

    def read(self, part: ArchivedPart, wanted: TickRange) -> Iterator[Tick]:
        """See the port."""
        return _read(self.folder / part.file, wanted)

    def faults(self, file: ArchivedFile, *, wholly: bool = False) -> str:
        """In which way a file is not what its line says; "" when it is. ``wholly`` reads its ticks, too."""
        path = self.folder / file.path
        if not path.exists():
            return "is missing"
        if _checksum(path) != (file.bytes, file.sha256):
            return "was changed"
        if wholly:
            try:
                digest = self._digest(path, file.instrument)
            except CorruptionError as error:
                return error.what
            if (digest.text, digest.rows) != (file.digest, file.rows):
                return "does not hold the ticks that were archived"
        return ""


def part_of(file: ArchivedFile) -> ArchivedPart:
    """What the store notes of a file."""
    return ArchivedPart(
        file=file.path,
        instrument=file.instrument,
        first=file.first,
        last=file.last,
        rows=file.rows,
        digest=file.digest,
        sources=tuple(sorted(file.sources)),
        home=file.home,
    )


def _duckdb() -> "duckdb.DuckDBPyConnection":
    import duckdb

    return duckdb.connect(":memory:", config=DUCKDB_CONFIG)


def _checksum(path: Path) -> tuple[int, str]:
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(HASH_BYTES):
            digest.update(chunk)
            size += len(chunk)
    return size, digest.hexdigest()


def _read(path: Path, wanted: TickRange) -> Iterator[Tick]:
    """Page by page, in the file's order."""
    import duckdb

    conditions, values = [], [str(path)]
    for sign, bound in ((">=", wanted.start), ("<", wanted.end)):
        if abs(bound) < 2**62:
            conditions.append(f"epoch_us(timestamp) {sign} {bound}")
    if wanted.source:
        conditions.append("source = ?")
        values.append(wanted.source)
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    query = f"SELECT {SELECTED} FROM read_parquet(?) {where}"  # noqa: S608 - numbers, and names of ours
    with _duckdb() as connection:
        try:
            found = connection.execute(query, values)
            while page := found.fetchmany(PAGE_TICKS):
                for row in page:
                    yield Tick(wanted.instrument, *row)
        except duckdb.Error as error:
            raise CorruptionError(
                "cannot be read", where=str(path), why=str(error).splitlines()[0], remedy="Restore the file from a backup"
            ) from error
