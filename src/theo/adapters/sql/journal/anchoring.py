"""Anchors of what a table holds."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Engine, Select

from theo.adapters.sql.database.transactions import reading
from theo.adapters.sql.journal.anchors import MARKS_MAX, Anchor, mark_of
from theo.domain.errors import CorruptionError


def anchors_after(engine: Engine, hashes: Select[Any], stream: str, seq: int, where: str) -> Iterator[Anchor]:
    """Of the records behind ``seq``; ``hashes`` selects numbers and hashes, in order, behind its parameter ``after``.

    Raises CorruptionError where numbers are missing.
    """
    while True:
        with reading(engine) as connection:
            page = connection.execute(hashes.limit(MARKS_MAX), {"after": seq}).all()
        if page:
            if page[-1].seq != seq + len(page):
                raise CorruptionError(f"records after {seq} are missing", where=where, remedy="Run `theo audit verify`")
            seq = page[-1].seq
            yield Anchor(stream, seq, page[-1].hash, b"".join(mark_of(row.hash) for row in page))
        if len(page) < MARKS_MAX:
            return
