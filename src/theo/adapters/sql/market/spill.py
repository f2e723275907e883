"""Ticks that wait on the disk for their database: files of blocks, each with its length and checksum, read oldest first.

A block is durable when ``append`` returns. What is read stays until it is said to be stored: a reader that was killed reads it
again, so that whoever stores it must bear to see a tick twice. One process at a time owns the folder: the run's writer.
"""

import os
import shutil
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from io import FileIO
from pathlib import Path
from struct import Struct
from typing import Final

import msgspec

from theo.domain.errors import HaltRequiredError
from theo.domain.market_data import Tick

SEGMENT_BYTES: Final = 16 * 1024 * 1024  # of one file; stored files are removed whole
WARN_SHARE: Final = 0.8  # of the bound: a person is told before nothing more can be taken
HEAD: Final = Struct("<III")  # the payload's length in bytes, its CRC-32, and the CRC-32 of both
MAGIC: Final = b"theo spilled ticks 1\n"
SUFFIX: Final = ".ticks"
DAMAGED: Final = ".damaged"
Tell = Callable[[str, str, str], None]  # severity, code, text


class SpillBounds(msgspec.Struct, frozen=True, kw_only=True):
    """``bytes_max`` of all files together; ``free_min`` bytes of the disk are left to others, the journal before all."""

    bytes_max: int = 4 * 1024**3
    free_min: int = 512 * 1024**2


def waiting_in(folder: Path) -> int:
    """Bytes that wait in a folder; its process may be at work on it."""
    found = 0
    for file in folder.glob(f"*{SUFFIX}"):
        with suppress(FileNotFoundError):
            found += file.stat().st_size
    return found


class Spill:
    """One folder of waiting blocks. Its calls are not for several threads at once."""

    def __init__(self, folder: Path, tell: Tell, bounds: SpillBounds | None = None) -> None:
        self._folder, self._tell, self._bounds = folder, tell, bounds or SpillBounds()
        self._files = sorted(folder.glob(f"*{SUFFIX}")) if folder.exists() else []
        self._number = int(self._files[-1].stem) if self._files else 0
        self._out: FileIO | None = None  # never a file of an earlier process: its end may be torn
        self._in: FileIO | None = None
        self._faulty = False  # of the file that is being read
        self._bytes = sum(file.stat().st_size for file in self._files)
        self._warned = False

    @property
    def waiting(self) -> int:
        """Bytes that wait to be stored."""
        return self._bytes if self._files else 0

    def append(self, ticks: Sequence[Tick]) -> None:
        """Keep a block; it is on the disk when this returns. Raises HaltRequiredError, nothing kept, when there is no room."""
        payload = msgspec.msgpack.encode(ticks)
        block = _head(payload) + payload
        try:
            self._refuse_too_much(len(block))
            self._write(block)
        except OSError as error:
            raise self._full(str(error.strerror)) from error
        self._bytes += len(block)

    def _refuse_too_much(self, more: int) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        bounds, free = self._bounds, shutil.disk_usage(self._folder).free
        if self._bytes + more > bounds.bytes_max:
            raise self._full(f"{bounds.bytes_max:,} bytes are the most that may wait")
        if free - more < bounds.free_min:
            raise self._full(f"{free:,} bytes are free, and {bounds.free_min:,} are left to the journal")
        then = self._bytes + more
        room = min(bounds.bytes_max - then, free - more - bounds.free_min)
        if not self._warned and then > WARN_SHARE * (then + room):
            self._warned = True
            self._tell("page", "spill_fills", f"{then:,} bytes of ticks wait in {self._folder}; room for {room:,} is left")

    def _write(self, block: bytes) -> None:
        """At the end of this process's own file. A write that fails leaves the file as it was, or behind."""
        if self._out is None or self._out.tell() >= SEGMENT_BYTES:
            self._begin_file()
        out = self._out
        assert out is not None
        before = out.tell()
        try:
            view = memoryview(block if before else MAGIC + block)
            while view:
                view = view[out.write(view) :]
            os.fsync(out.fileno())
        except OSError:
            self._out = None
            out.truncate(before)
            out.close()
            raise

    def _begin_file(self) -> None:
        self._close_written()
        self._number += 1
        path = self._folder / f"{self._number:08d}{SUFFIX}"
        self._out = FileIO(path, "xb")
        self._files.append(path)
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def first(self) -> list[Tick] | None:
        """The oldest block that waits; the same again until ``stored``. None when nothing waits."""
        while self._files:
            path = self._files[0]
            if self._in is None:
                self._in = FileIO(path, "rb")
                self._faulty = not MAGIC.startswith(self._in.read(len(MAGIC)))  # one that was never acknowledged may be shorter
            began = self._in.tell()
            payload = self._next_payload(self._in, path)
            self._in.seek(began)
            if payload is not None:
                return msgspec.msgpack.decode(payload, type=list[Tick])
            self._finish(path)
        return None

    def _next_payload(self, file: FileIO, path: Path) -> bytes | None:
        """The next whole block, read past. One cut short was never acknowledged; a damaged one is passed over, and told."""
        while len(head := file.read(HEAD.size)) == HEAD.size:
            size, checksum, own = HEAD.unpack(head)
            if zlib.crc32(head[:-4]) != own:
                self._faulty = True
                break
            if size > path.stat().st_size - file.tell():
                break
            payload = file.read(size)
            if zlib.crc32(payload) == checksum:
                return payload
            self._faulty = True
        return None

    def stored(self) -> None:
        """The block that ``first`` gave is in the database."""
        assert self._in is not None
        self._next_payload(self._in, self._files[0])

    def _finish(self, path: Path) -> None:
        """All whole blocks of a file are stored: it goes, or is set aside when it is damaged."""
        assert self._in is not None
        self._in.close()
        self._in = None
        if self._out is not None and path == self._files[-1]:
            self._close_written()
        self._files.pop(0)
        self._bytes = sum(file.stat().st_size for file in self._files)
        if self._faulty:
            aside = path.rename(path.with_suffix(DAMAGED))
            self._tell("page", "spill_damaged", f"{aside} holds ticks that cannot be read; what could be was stored")
        else:
            path.unlink()
        self._warned = self._warned and bool(self._files)

    def _close_written(self) -> None:
        if self._out is not None:
            self._out.close()
            self._out = None

    def _full(self, why: str) -> HaltRequiredError:
        remedy = "Free the disk, and see that the database takes ticks again"
        return HaltRequiredError("no more ticks can be kept aside", where=str(self._folder), why=why, remedy=remedy)

    def close(self) -> None:
        """Release the files; what waits is read by the next process."""
        self._close_written()
        if self._in is not None:
            self._in.close()
            self._in = None


def _head(payload: bytes) -> bytes:
    sizes = HEAD.pack(len(payload), zlib.crc32(payload), 0)[:-4]
    return sizes + zlib.crc32(sizes).to_bytes(4, "little")
