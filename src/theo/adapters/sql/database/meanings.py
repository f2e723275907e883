"""What the two databases have in common: values, the marking of transactions that write, and what an error means."""

from collections.abc import Mapping, Sequence
from enum import Enum, auto
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import Table

WRITES: Final = "theo_writes"  # execution option: the transaction takes the write lock when it begins
WRITER: Final = {WRITES: True}

BY_MONTH: Final = "theo_by_month"  # of a table: the place of the column by which a plain server keeps its rows by month

RawRow = tuple[Any, ...]
Value = int | float | str | bytes | bool | None
Fixed = Mapping[str, Value]  # column -> what it holds in every row
NONE_FIXED: Final[Fixed] = MappingProxyType({})


def whole_rows(table: Table, rows: Sequence[tuple[Value, ...]], fixed: Fixed) -> Sequence[tuple[Value, ...]]:
    """Rows with the fixed columns in their places."""
    if not fixed:
        return rows
    places = [(at, fixed[column.name]) for at, column in enumerate(table.columns) if column.name in fixed]
    whole = []
    for row in rows:
        values = list(row)
        for at, value in places:
            values.insert(at, value)
        whole.append(tuple(values))
    return whole


class Failure(Enum):
    """What a database error means to us."""

    BUSY = auto()  # another process held the lock for too long, or the server is full: nothing was written
    FULL = auto()  # no space: nothing was written
    READ_ONLY = auto()
    CORRUPT = auto()
    NOT_OURS = auto()  # the file is no database
    CONSTRAINT = auto()
    CLASHED = auto()  # with another transaction, and was rolled back: try again
    LOST = auto()  # the connection to the server, or it cannot be had: in a commit nobody knows what was written
    IO = auto()  # the disk failed: in a commit nobody knows what was written
