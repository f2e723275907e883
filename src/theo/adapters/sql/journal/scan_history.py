"""The changes of scan configurations, read as a journal: one stream, whose records are the rows; and its anchors.

They are written by settings/scans.py, each with the change itself in one transaction.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Row, bindparam, select

from theo.adapters.sql.database.place import Place, place_of
from theo.adapters.sql.database.transactions import reading, repeated
from theo.adapters.sql.journal.anchoring import anchors_after
from theo.adapters.sql.journal.anchors import Anchors
from theo.adapters.sql.journal.append_only import SCAN_CHANGES, Rules
from theo.adapters.sql.schema.opening import Database, open_database
from theo.adapters.sql.tables.scan_records import STREAM, record_of
from theo.adapters.sql.tables.settings import signal_config_changes, signal_configs
from theo.domain.journal import Record
from theo.ports.store import StreamHead

NAME: Final = "scans"
STREAMS: Final = frozenset({STREAM})
PAGE_ROWS: Final = 256
_CHANGES: Final = signal_config_changes


class ScanHistory:
    """A home's history of scans."""

    rules: Final[Rules] = SCAN_CHANGES

    def __init__(self, home: Path | Place) -> None:
        place = place_of(home)
        self.engine = open_database(place, Database.SETTINGS)
        self.anchors = Anchors(place.folder / f"{NAME}.anchors", place.second_anchors(NAME))
        self._ours = _CHANGES.c.home == place.name
        self.home = place.name

    def streams(self) -> tuple[str, ...]:
        """The one, once there was a change."""
        return (STREAM,) if self.head(STREAM) is not None else ()

    def head(self, stream: str) -> StreamHead | None:
        """The newest change."""
        newest = select(_CHANGES.c.seq, _CHANGES.c.hash).where(self._ours).order_by(_CHANGES.c.seq.desc()).limit(1)

        def asked() -> StreamHead | None:
            with reading(self.engine) as connection:
                row = connection.execute(newest).first()
            return None if row is None else StreamHead(stream, row.seq, row.hash)

        return repeated(self.engine, asked)

    def read(self, stream: str, first_seq: int = 1, last_seq: int | None = None) -> Iterator[Record]:
        """Each change as a record, in the order in which they were made."""
        if stream != STREAM:
            return
        wanted = select(_CHANGES).where(self._ours, _CHANGES.c.seq >= bindparam("first")).order_by(_CHANGES.c.seq)
        if last_seq is not None:
            wanted = wanted.where(_CHANGES.c.seq <= last_seq)
        following = first_seq
        while True:
            with reading(self.engine) as connection:
                page: Sequence[Row[Any]] = connection.execute(wanted.limit(PAGE_ROWS), {"first": following}).all()
            yield from map(record_of, page)
            if len(page) < PAGE_ROWS:
                return
            following = page[-1].seq + 1

    def anchor(self) -> None:
        """Write the hashes of the changes since the last time outside the database. Raises HaltRequiredError where it cannot."""
        known = self.anchors.newest().get(STREAM)
        hashes = select(_CHANGES.c.seq, _CHANGES.c.hash).where(self._ours, _CHANGES.c.seq > bindparam("after"))
        self.anchors.add(
            list(anchors_after(self.engine, hashes.order_by(_CHANGES.c.seq), STREAM, known.seq if known else 0, STREAM))
        )

    def contradictions(self) -> tuple[str, ...]:
        """In which way what is traded by is not what the last change of each scan left: a sentence each."""
        history = select(_CHANGES).where(self._ours).order_by(_CHANGES.c.config_id, _CHANGES.c.number)
        with reading(self.engine) as connection:
            stored = connection.execute(select(signal_configs).where(signal_configs.c.home == self.home)).all()
            changes = connection.execute(history).all()
        there = {row.id: row for row in stored}
        left = {number: _left_by(list(rows)) for number, rows in groupby(changes, key=lambda row: row.config_id)}
        found = []
        for number in sorted({*there, *left}):
            row, wanted = there.get(number), left.get(number)
            said = None if row is None else {name: getattr(row, name) for name in _COMPARED}
            if said != wanted:
                found.append(f"scan {number} {_what(said, wanted)}")
        return tuple(found)

    def close(self) -> None:
        """Release the database."""
        self.engine.dispose()


_COMPARED: Final = ("name", "document", "number", "is_active", "created_at", "updated_at", "user_name")


def _left_by(changes: list[Row[Any]]) -> dict[str, Any] | None:
    """What a scan is after its changes; None for one that was deleted."""
    last = changes[-1]
    if last.action == "delete":
        return None
    switched = [change.action for change in changes if change.action in {"create", "enable", "disable"}]
    created = changes[0].at
    return {
        "name": last.name,
        "document": last.after,
        "number": last.number,
        "is_active": bool(switched) and switched[-1] != "disable",
        "created_at": created,
        "updated_at": max(last.at, created),
        "user_name": last.user_name,
    }


def _what(said: dict[str, Any] | None, wanted: dict[str, Any] | None) -> str:
    if said is None:
        return "is gone, and no change deleted it"
    if wanted is None:
        return f"({said['name']}) is there, and no change made it or the last one deleted it"
    differing = [name for name in _COMPARED if said[name] != wanted[name]]
    return f"({wanted['name']}) is not what its change {wanted['number']} left: {', '.join(differing)}"
