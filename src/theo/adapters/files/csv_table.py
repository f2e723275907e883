"""Reading CSV: a heading, then rows. Everything is text until conversion.py makes it something else."""

import csv
import gzip
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Final, TextIO

from theo.adapters.files.tables import BATCH_ROWS, ColumnKind, RawBatch, RawColumn
from theo.domain.errors import DataError

DELIMITERS: Final = ",;\t|"


class CsvTable:
    """Implements tables.Table."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._open() as file:
            heading = file.readline()
        self._delimiter = max(DELIMITERS, key=heading.count)
        self.names = tuple(name.strip() for name in next(csv.reader([heading], delimiter=self._delimiter), []))
        if not any(self.names):
            raise DataError("is empty", where=str(path), remedy="Give a file with a heading and rows")
        if len(set(self.names)) < len(self.names):
            raise DataError("has two columns of one name", where=str(path), why=", ".join(self.names), remedy="Rename one")

    def _open(self) -> TextIO:
        raw = gzip.open(self.path, "rb") if self.path.suffix == ".gz" else self.path.open("rb")  # noqa: SIM115 - closed by the wrapper
        return io.TextIOWrapper(raw, encoding="utf-8-sig", newline="")

    def batches(self, wanted: tuple[str, ...]) -> Iterator[RawBatch]:
        """See Table."""
        places = [self.names.index(name) for name in wanted]
        total, row = self.path.stat().st_size, 1
        try:
            with self._open() as file:
                reader = csv.reader(file, delimiter=self._delimiter, strict=True)
                next(reader)
                rows: list[list[str]] = []
                for cells in reader:
                    if not cells:
                        continue
                    if len(cells) != len(self.names):
                        raise self._ragged(row + len(rows), len(cells))
                    rows.append(cells)
                    if len(rows) == BATCH_ROWS:
                        yield _batch(row, rows, wanted, places, min(_position(file), total), total)
                        row, rows = row + len(rows), []
                if rows:
                    yield _batch(row, rows, wanted, places, total, total)
        except (UnicodeDecodeError, csv.Error, EOFError, OSError) as error:
            raise DataError(
                f"cannot be read after row {row - 1}: {error}", where=str(self.path), remedy="Get the file again"
            ) from error

    def _ragged(self, row: int, cells: int) -> DataError:
        return DataError(
            f"row {row} has {cells} cells, the heading has {len(self.names)}",
            where=str(self.path),
            why="the file was cut, or a value holds the delimiter",
            remedy="Get the file again, or quote the value",
        )


def _position(file: TextIO) -> int:
    """Bytes read so far; of a compressed file the compressed ones."""
    raw = file.buffer
    inner = getattr(raw, "fileobj", None)
    return int((raw if inner is None else inner).tell())


def _batch(row: int, rows: list[list[str]], wanted: tuple[str, ...], places: list[int], done: int, total: int) -> RawBatch:
    columns = {
        name: RawColumn(ColumnKind.TEXT, texts=[cells[place].strip() for cells in rows])
        for name, place in zip(wanted, places, strict=True)
    }
    return RawBatch(row, len(rows), columns, done, total)
