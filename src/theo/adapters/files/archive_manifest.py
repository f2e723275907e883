"""The list of an archive's files: one line of JSON a file, each with the hash of the line before, only ever added to.

A line that was cut short by a crash names a file that nobody counts on: it is overwritten by the next.
"""

import hashlib
import os
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from theo.domain.errors import CorruptionError

NAME: Final = "manifest.jsonl"
VERIFIED: Final = "verified.json"
NO_LINE: Final = ""


class ArchivedFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file: ``path`` in the archive, its ticks (``digest``: SHA-256 over them), its bytes and their SHA-256.

    ``first`` and ``last`` are timestamps in microseconds UTC, as ``written_at``; prices are in 10 ** -``price_decimals``.
    ``home`` is whose the ticks are, "" is everyone's. ``previous`` is the SHA-256 of the line before.
    """

    path: str
    symbol: str
    instrument: int
    price_decimals: int
    first: int
    last: int
    rows: int
    sources: dict[str, int]
    digest: str
    bytes: int
    sha256: str
    written_at: int
    home: str = ""
    previous: str = NO_LINE


class Verified(msgspec.Struct, frozen=True):
    """When every file was last read and found to be as its line says (microseconds UTC, 0 never), and how many there were."""

    at: int = 0
    files: int = 0


class Manifest:
    """The list of one archive's folder. Whoever adds to it is alone in doing so."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self._known: list[ArchivedFile] = []
        self._length, self._last = 0, NO_LINE  # bytes of whole lines that are known, and the hash of the last

    def files(self) -> list[ArchivedFile]:
        """Every file, in the order in which they came. Raises CorruptionError when a line was changed or taken out."""
        if self.path.exists():
            with self.path.open("rb") as text:
                text.seek(self._length)
                while (line := text.readline()).endswith(b"\n"):
                    self._take(line)
        return list(self._known)

    def _take(self, line: bytes) -> None:
        try:
            file = msgspec.json.decode(line, type=ArchivedFile)
        except msgspec.DecodeError as error:
            raise self._changed() from error
        if file.previous != self._last:
            raise self._changed()
        self._known.append(file)
        self._length, self._last = self._length + len(line), hashlib.sha256(line).hexdigest()

    def add(self, file: ArchivedFile) -> None:
        """Add a line; it is on the disk when this returns."""
        self.files()
        line = msgspec.json.encode(msgspec.structs.replace(file, previous=self._last)) + b"\n"
        with self.path.open("ab") as out:
            out.truncate(self._length)
            out.write(line)
            out.flush()
            os.fsync(out.fileno())
        sync_folder(self.path.parent)
        self._take(line)

    def verified(self) -> Verified:
        """The last time that everything was read without a fault; never, where the note of it cannot be read."""
        try:
            return msgspec.json.decode((self.path.parent / VERIFIED).read_bytes(), type=Verified)
        except (OSError, msgspec.DecodeError):
            return Verified()

    def note_verified(self, at: int, files: int) -> None:
        """Everything was read without a fault. An archive that may only be read has no such note."""
        with suppress(OSError):
            beside = self.path.parent / f"{VERIFIED}.new"
            beside.write_bytes(msgspec.json.encode(Verified(at, files)))
            beside.replace(self.path.parent / VERIFIED)

    def _changed(self) -> CorruptionError:
        number = len(self._known) + 1
        return CorruptionError(
            f"line {number} was changed, or the one before it", where=str(self.path), remedy="Restore it from a backup"
        )


def sync_folder(folder: Path) -> None:
    """A name in it is on the disk, too."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
