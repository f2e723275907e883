"""What the two databases have in common: values, the marking of transactions that write, and what an error means."""

from enum import Enum, auto
from typing import Any, Final

WRITES: Final = "theo_writes"  # execution option: the transaction takes the write lock when it begins
WRITER: Final = {WRITES: True}

RawRow = tuple[Any, ...]
Value = int | float | str | bytes | bool | None


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
