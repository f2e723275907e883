"""What the streams' hashes were, in files outside the database: a chain alone shows neither a cut end nor a whole rewrite.

A line is ``stream seq hash marks``: the newest record's whole hash, and the first bytes of the hash of each record since the line
before, so that a rewritten record is named even where every later hash was made again. Lines are appended and synced, never
rewritten. The first file lies in the home; a second one, in a folder of the user's choice, follows it: out of reach for whoever
may write the database and the home.
"""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from theo.domain.errors import CorruptionError, HaltRequiredError

MARK_BYTES: Final = 4  # of each record's hash: enough to say which one it is, the whole hash of a line says that there is one
MARKS_MAX: Final = 4_096  # records of one line
NOTHING: Final = bytes(32)  # the hash of no record
SET_BACK: Final = "set-back"  # in place of marks: the stream was taken back to this record, by a restored backup
CUT: Final = b" cut\n"  # ends a line that a crash left unfinished


class Anchor(msgspec.Struct, frozen=True):
    """The hash that record ``seq`` of a stream had; ``marks`` are the first bytes of those of the records up to it.

    ``set_back``: later anchors of the stream count no longer, it was taken back to this record.
    """

    stream: str
    seq: int
    hash: bytes
    marks: bytes = b""
    set_back: bool = False

    @property
    def first(self) -> int:
        """The first record that has a mark."""
        return self.seq - len(self.marks) // MARK_BYTES + 1


def mark_of(digest: bytes) -> bytes:
    """The part of a hash that a line holds of each record."""
    return digest[:MARK_BYTES]


class Anchors:
    """The anchors of one journal: ``first`` is its file in the home, ``second`` the one elsewhere, if there is one.

    ``tell`` gets a sentence when the second cannot follow: what is written goes on, and the second catches up when it can.
    """

    def __init__(self, first: Path, second: Path | None = None) -> None:
        self.first, self.second = first, second
        self.tell: Callable[[str], None] = lambda _text: None
        self._newest: dict[str, Anchor] = {}
        self._known_bytes = -1  # of the first file, of which _newest tells
        self._followed_bytes = -1  # of the second file, compared with the first

    def add(self, anchors: Sequence[Anchor]) -> None:
        """Append those that the newest do not cover. Raises HaltRequiredError when the first file cannot be written."""
        newest = self.newest()
        fresh = [a for a in anchors if a.set_back or a.stream not in newest or a.seq > newest[a.stream].seq]
        if not fresh:
            return
        self._bring_back(cut_too=any(anchor.set_back for anchor in fresh))
        try:
            with _locked(self.first) as file:
                before = file.tell()
                unfinished = before and _last_byte(self.first) != b"\n"
                file.write((CUT if unfinished else b"") + "".join(map(_line, fresh)).encode("ascii"))
                file.flush()
                os.fsync(file.fileno())
                if before == self._known_bytes:
                    self._newest.update({anchor.stream: anchor for anchor in fresh})
                    self._known_bytes = file.tell()
        except OSError as error:
            raise HaltRequiredError(
                "cannot be written",
                where=str(self.first),
                why=str(error.strerror),
                remedy="Free the disk and check the permissions",
            ) from error
        self.follow()

    def give_up(self) -> None:
        """The journal is about to be thrown away: none of its anchors counts any longer, here or elsewhere."""
        self.add([Anchor(stream, 0, NOTHING, set_back=True) for stream, newest in self.newest().items() if newest.seq])

    def _bring_back(self, *, cut_too: bool) -> None:
        """A first file that is gone, with a home that was thrown away or lost, is made again from the second.

        ``cut_too``: also one that is only the second's beginning, as after a restored backup.
        """
        if self.second is None or not self.second.exists():
            return
        if self.first.exists() and not (cut_too and self.second.read_bytes().startswith(self.first.read_bytes())):
            return
        made = self.first.with_suffix(".made")
        try:
            shutil.copyfile(self.second, made)
            made.replace(self.first)
        except OSError as error:
            raise HaltRequiredError(
                "cannot be made", where=str(self.first), why=str(error.strerror), remedy="Check the permissions and the disk"
            ) from error

    def follow(self) -> None:
        """Bring the second file up to the first; what keeps it from that is told."""
        if self.second is None:
            return
        try:
            self.second.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with _locked(self.second) as file:
                done = file.tell()
                fault = "" if done == self._followed_bytes else self._contradiction()
                if fault:
                    self.tell(fault)
                    return
                with self.first.open("rb") as first:
                    first.seek(done)
                    file.write(first.read())
                file.flush()
                os.fsync(file.fileno())
                self._followed_bytes = file.tell()
        except OSError as error:
            self.tell(f"{self.second} cannot be written: {error.strerror}; anchors are in {self.first} alone")

    def _contradiction(self) -> str:
        """Why the second file is no beginning of the first; "" when it is one. Only a file's last line may be unfinished."""
        assert self.second is not None
        with self.first.open("rb") as first, self.second.open("rb") as second:
            number = 1
            while (theirs := second.readline()) == (ours := first.readline()) != b"":
                number += 1
        if ours.startswith(theirs) and not theirs.endswith(b"\n"):
            return ""
        if theirs.startswith(ours) and not ours.endswith(b"\n"):
            return f"{self.first} ends before line {number} of {self.second}: it was cut"
        return f"{self.second} line {number} is another than in {self.first}: one of the two was changed"

    def fault(self) -> str:
        """In which way the two files contradict each other; "" when they do not, or there is only one."""
        if self.second is None or not self.second.exists():
            return ""
        if not self.first.exists():
            return f"{self.first} is gone; {self.second} holds anchors"
        return self._contradiction()

    def behind(self) -> int:
        """Bytes that the second file lacks; 0 when there is none to follow."""
        if self.second is None or not self.first.exists():
            return 0
        return self.first.stat().st_size - (self.second.stat().st_size if self.second.exists() else 0)

    def all(self) -> tuple[Anchor, ...]:
        """Every anchor that counts, oldest first: the second file's where both have a line, then the first's.

        A line that a crash cut off is left out. Raises CorruptionError for any other that is no anchor.
        """
        found: list[Anchor] = []
        for anchor in self._lines():
            if anchor.set_back:
                found = [a for a in found if a.stream != anchor.stream or a.seq <= anchor.seq]
            found.append(anchor)
        return tuple(found)

    def times_set_back(self) -> int:
        """How often a stream was taken back."""
        return sum(anchor.set_back for anchor in self._lines())

    def newest(self) -> dict[str, Anchor]:
        """The newest anchor of each stream. Read again when the file has grown."""
        size = self.first.stat().st_size if self.first.exists() else 0
        if size != self._known_bytes:
            self._newest = {anchor.stream: anchor for anchor in self.all()}
            self._known_bytes = size
        return dict(self._newest)

    def _lines(self) -> Iterator[Anchor]:
        known = 0
        if self.second is not None and self.second.exists():
            for known, line in _numbered(self.second):
                yield from _anchor(self.second, known, line)
        if self.first.exists():
            for number, line in _numbered(self.first):
                if number > known:
                    yield from _anchor(self.first, number, line)


def _line(anchor: Anchor) -> str:
    last = SET_BACK if anchor.set_back else anchor.marks.hex()
    return f"{anchor.stream} {anchor.seq} {anchor.hash.hex()} {last}".rstrip() + "\n"


def _numbered(path: Path) -> Iterator[tuple[int, bytes]]:
    """The whole lines, from 1; a last one without an end is still being written, or was cut off. Raises HaltRequiredError."""
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if line.endswith(b"\n"):
                    yield number, line
    except OSError as error:
        raise HaltRequiredError(
            "cannot be read", where=str(path), why=str(error.strerror), remedy="Check its permissions and the disk"
        ) from error


def _anchor(path: Path, number: int, line: bytes) -> Iterator[Anchor]:
    """The anchor of a line; none of one that was cut off."""
    if line.endswith(CUT):
        return
    try:
        stream, seq, digest, *rest = line.decode("ascii").split()
        (last,) = rest or [""]
        set_back = last == SET_BACK
        yield Anchor(stream, int(seq), bytes.fromhex(digest), b"" if set_back else bytes.fromhex(last), set_back)
    except ValueError as error:
        raise CorruptionError("is no anchor", where=f"{path} line {number}", remedy="Restore the file from a backup") from error


def _last_byte(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read()


@contextmanager
def _locked(path: Path) -> Iterator[BinaryIO]:
    """The file, open for appending, nobody else's meanwhile."""
    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file
