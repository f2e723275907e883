"""The last hashes of the streams in a file outside the database: what a chain alone cannot show is a cut end."""

import os
from collections.abc import Sequence
from pathlib import Path

from theo.domain.errors import CorruptionError, HaltRequiredError
from theo.ports.store import StreamHead


class Anchors:
    """``journal.anchors`` in the home: one line a head, appended and synced, never rewritten."""

    def __init__(self, home: Path) -> None:
        self._path = home / "journal.anchors"

    def add(self, heads: Sequence[StreamHead]) -> None:
        """Append those that are new. Raises HaltRequiredError when the file cannot be written."""
        known = set(self.all())
        lines = "".join(f"{h.stream} {h.seq} {h.hash.hex()}\n" for h in heads if h not in known)
        if not lines:
            return
        try:
            with self._path.open("a", encoding="ascii") as file:
                file.write(lines)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise HaltRequiredError(
                "cannot be written",
                where=str(self._path),
                why=str(error.strerror),
                remedy="Free the disk and check the permissions",
            ) from error

    def all(self) -> tuple[StreamHead, ...]:
        """Every anchor, oldest first; a last line that a crash cut off is left out. Raises CorruptionError for any other."""
        text = self._path.read_text(encoding="ascii", errors="replace") if self._path.exists() else ""
        found: list[StreamHead] = []
        for number, line in enumerate(text.splitlines(keepends=True), start=1):
            if not line.endswith("\n"):
                break
            try:
                stream, seq, digest = line.split()
                found.append(StreamHead(stream, int(seq), bytes.fromhex(digest)))
            except ValueError as error:
                raise CorruptionError(
                    "is no anchor", where=f"{self._path} line {number}", remedy="Restore the file from a backup"
                ) from error
        return tuple(found)
