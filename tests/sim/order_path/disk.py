"""The journal's store and the halt latch with faults, around the real ones: failing, unknown outcomes, crashes."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.sim.order_path.crash import CrashPoints
from tests.sim.order_path.draws import Draws
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.adapters.system.latch import StopFile
from theo.domain.errors import HaltRequiredError, OutcomeUnknownError
from theo.domain.journal import Record
from theo.ports.store import StoredSnapshot, StreamHead


class FaultyStore(SqlJournalStore):
    """Implements ports.store.JournalStore. Writes can fail or leave their outcome open; each call may be the last one."""

    def __init__(self, folder: Path, draws: Draws, points: CrashPoints) -> None:
        super().__init__(folder)
        self._draws, self._points = draws, points

    def append(self, records: Sequence[Record]) -> None:
        """Stored, not stored, or nobody knows; before and after, the process may be gone."""
        draw, rates = self._draws.disk, self._draws.rates
        self._points.pass_by("append:before", chance=draw.random() < rates.crash)
        if draw.random() < rates.append_fails:
            raise HaltRequiredError("the disk is full")
        unknown = draw.random() < rates.outcome_unknown
        if unknown and draw.random() < 0.5:
            raise OutcomeUnknownError("the commit did not answer")
        super().append(records)
        self._points.pass_by("append:after", chance=draw.random() < rates.crash)
        if unknown:
            raise OutcomeUnknownError("the commit did not answer")

    def save_snapshot(self, seq: int, state_version: int, build: str, digest: str, payload: bytes) -> None:
        """A crash before leaves the older snapshots, after it the new one."""
        self._points.pass_by("save_snapshot:before", chance=self._draws.disk.random() < self._draws.rates.crash)
        super().save_snapshot(seq, state_version, build, digest, payload)
        self._points.pass_by("save_snapshot:after", chance=self._draws.disk.random() < self._draws.rates.crash)

    def claim(self, *streams: str) -> int:
        """A crash after it leaves a claim that nobody holds."""
        self._points.pass_by("claim:before")
        epoch = super().claim(*streams)
        self._points.pass_by("claim:after")
        return epoch

    def head(self, stream: str) -> StreamHead | None:
        """Asked at boot, and when an append left its outcome open."""
        self._points.pass_by("head:before")
        head = super().head(stream)
        self._points.pass_by("head:after")
        return head

    def read(self, stream: str, first_seq: int = 1, last_seq: int | None = None) -> Iterator[Record]:
        """Read at boot."""
        self._points.pass_by("read:before")
        yield from super().read(stream, first_seq, last_seq)
        self._points.pass_by("read:after")

    def newest_snapshots(self) -> tuple[StoredSnapshot, ...]:
        """Read at boot."""
        self._points.pass_by("newest_snapshots:before")
        kept = super().newest_snapshots()
        self._points.pass_by("newest_snapshots:after")
        return kept


class FaultyLatch(StopFile):
    """Implements ports.latch.HaltLatch."""

    def __init__(self, folder: Path, points: CrashPoints) -> None:
        super().__init__(folder)
        self._points = points

    def set(self, reason: str) -> None:
        """A crash before leaves the halt to the journal, after it to both."""
        self._points.pass_by("set:before")
        super().set(reason)
        self._points.pass_by("set:after")

    def reason(self) -> str:
        """Looked at when a process begins, and before a resume."""
        self._points.pass_by("reason:before")
        reason = super().reason()
        self._points.pass_by("reason:after")
        return reason

    def clear(self) -> None:
        """A crash after it leaves a halt that only the journal knows."""
        self._points.pass_by("clear:before")
        super().clear()
        self._points.pass_by("clear:after")
