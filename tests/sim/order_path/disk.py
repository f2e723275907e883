"""The journal's store with faults, around the real SQLite one: failing, unknown outcomes, crashes before and after."""

from collections.abc import Sequence
from pathlib import Path

from tests.sim.order_path.crash import CrashPoints
from tests.sim.order_path.draws import Draws
from theo.adapters.sql.journal_store import SqlJournalStore
from theo.domain.errors import HaltRequiredError, OutcomeUnknownError
from theo.domain.journal import Record


class FaultyStore(SqlJournalStore):
    """Implements ports.store.JournalStore; only what writes can go wrong."""

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
        self._points.pass_by("snapshot:before", chance=self._draws.disk.random() < self._draws.rates.crash)
        super().save_snapshot(seq, state_version, build, digest, payload)
        self._points.pass_by("snapshot:after", chance=self._draws.disk.random() < self._draws.rates.crash)
