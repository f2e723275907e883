"""What people and the program did that no run's journal records: a journal of its own, ``audit``, with the same chain.

Several processes write it: each entry is one transaction that looks for the end and adds to it. Nothing is said twice: halts,
commands and orders are in the journals of the runs.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
from sqlalchemy import select

from theo.adapters.sql.database.dialect import insert_rows
from theo.adapters.sql.database.place import Place
from theo.adapters.sql.database.transactions import writing
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.adapters.sql.tables.journal import journal
from theo.domain.errors import CorruptionError
from theo.domain.journal import GENESIS, Record, chain_hash

NAME: Final = "audit"
STREAM: Final = "audit"
VERSION: Final = 1
NO_EPOCH: Final = 0  # there is no one writer


class AuditEntry(msgspec.Struct, frozen=True):
    """Who did what to what; ``detail`` in words or as a whole text. ``at`` microseconds UTC."""

    at: int
    actor: str
    action: str
    subject: str = ""
    detail: str = ""


class _Payload(msgspec.Struct, frozen=True):
    actor: str
    subject: str
    detail: str


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Payload).decode


class AuditTrail:
    """The audit trail of a home."""

    def __init__(self, home: Path | Place) -> None:
        self.store = SqlJournalStore(home, NAME)

    def record(self, entry: AuditEntry) -> Record:
        """Add an entry; durable and anchored when it returns. Raises what a store raises when it cannot be."""
        payload = _encode(_Payload(entry.actor, entry.subject, entry.detail))
        stored = self.store.stored_name(STREAM)
        newest = select(journal.c.seq, journal.c.hash).where(journal.c.stream == stored).order_by(journal.c.seq.desc())
        with writing(self.store.engine) as connection:
            row = connection.execute(newest.limit(1)).first()
            seq, previous = (1, GENESIS) if row is None else (row.seq + 1, row.hash)
            digest = chain_hash(STREAM, seq, NO_EPOCH, entry.at, entry.action, VERSION, payload, previous)
            record = Record(STREAM, seq, NO_EPOCH, entry.at, entry.action, VERSION, payload, previous, digest)
            insert_rows(connection, journal, [(stored, *msgspec.structs.astuple(record)[1:])])
        self.store.anchor()
        return record

    def entries(self) -> Iterator[AuditEntry]:
        """All, oldest first. Raises CorruptionError for one that cannot be read."""
        return map(entry_of, self.store.read(STREAM))

    def newest(self, action: str) -> AuditEntry | None:
        """The last entry of a kind."""
        found = None
        for record in self.store.read(STREAM):
            found = record if record.type == action else found
        return None if found is None else entry_of(found)

    def close(self) -> None:
        """Release the files."""
        self.store.close()


def entry_of(record: Record) -> AuditEntry:
    """The entry that a record holds. Raises CorruptionError."""
    try:
        payload = _decode(record.payload)
    except (msgspec.DecodeError, TypeError) as error:
        raise CorruptionError(str(error), where=f"{STREAM} {record.seq}", remedy="Run `theo audit verify`") from error
    return AuditEntry(record.recorded_at, payload.actor, record.type, payload.subject, payload.detail)
