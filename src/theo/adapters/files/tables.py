"""A file as a table: named columns, read in batches of bounded size. The readers are beside it, one a format."""

from collections.abc import Callable, Iterator
from enum import Enum, auto
from pathlib import Path
from typing import Final, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from theo.domain.errors import DataError

BATCH_ROWS: Final = 50_000  # some 10 MB of columns
MISSING_TIME: Final = -(2**62)

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


class ColumnKind(Enum):
    """What a raw column holds."""

    INSTANT = auto()  # int64 microseconds UTC
    WALL = auto()  # int64 microseconds of a clock without a zone
    DAY = auto()  # int64 days since the epoch
    NUMBER = auto()  # float64, NaN where missing
    TEXT = auto()  # str, "" where missing


class RawColumn(msgspec.Struct, frozen=True):
    """One column of a batch; ``numbers`` or ``texts`` is used, by the kind."""

    kind: ColumnKind
    numbers: "Ints | Floats | None" = None
    texts: list[str] = []


class RawBatch(msgspec.Struct, frozen=True):
    """Consecutive rows: ``row`` numbers the first, from 1 (a heading does not count). ``done`` of ``total`` is the progress."""

    row: int
    rows: int
    columns: dict[str, RawColumn]
    done: int
    total: int


class Table(Protocol):
    """An opened file. ``names`` are the file's own."""

    @property
    def path(self) -> Path:
        """Where the file is."""

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names."""

    def batches(self, wanted: tuple[str, ...]) -> Iterator[RawBatch]:
        """The wanted columns, batch by batch. Raises DataError for a file that ends too early or holds other things."""


def open_table(path: Path) -> Table:
    """The reader for a file's ending: .csv (also .gz), .parquet, .dbn (also .zst). Raises DataError."""
    from theo.adapters.files.csv_table import CsvTable
    from theo.adapters.files.dbn_table import DbnTable
    from theo.adapters.files.parquet_table import ParquetTable

    readers: dict[str, Callable[[Path], Table]] = {
        ".csv": CsvTable,
        ".csv.gz": CsvTable,
        ".txt": CsvTable,
        ".parquet": ParquetTable,
        ".dbn": DbnTable,
        ".dbn.zst": DbnTable,
    }
    if not path.is_file():
        raise DataError("does not exist", where=str(path), remedy="Check the path")
    for ending, reader in readers.items():
        if path.name.lower().endswith(ending):
            return reader(path)
    raise DataError("is of an unknown format", where=str(path), remedy=f"Give a file that ends with {', '.join(readers)}")
