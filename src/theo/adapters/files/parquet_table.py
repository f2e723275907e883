"""Reading Parquet through duckdb, in slices of rows, so that memory does not grow with the file."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from theo.adapters.files.tables import BATCH_ROWS, MISSING_TIME, ColumnKind, RawBatch, RawColumn
from theo.domain.errors import DataError

if TYPE_CHECKING:
    import duckdb

# One thread: an import runs beside a trading process. No extension is looked for, least of all over the network.
DUCKDB_CONFIG: Final[dict[str, str | bool | int | float | list[str]]] = {
    "threads": 1,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}
SLICE_ROWS: Final = 8 * BATCH_ROWS  # one query; a slice is cut into batches
_NUMBERS: Final = ("DOUBLE", "FLOAT", "DECIMAL", "BIGINT", "INTEGER", "SMALLINT", "TINYINT", "HUGEINT", "UBIGINT", "UINTEGER")
_NARROW_NUMBERS: Final = ("USMALLINT", "UTINYINT")


class ParquetTable:
    """Implements tables.Table."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._connection() as connection:
            described = self._run(connection, "SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM read_parquet(?))")
            self._types: dict[str, str] = dict(described.fetchall())
            self._rows = int(self._run(connection, "SELECT count(*) FROM read_parquet(?)").fetchall()[0][0])
        self.names = tuple(self._types)

    @staticmethod
    def _connection() -> "duckdb.DuckDBPyConnection":
        import duckdb

        return duckdb.connect(":memory:", config=DUCKDB_CONFIG)

    def _run(self, connection: "duckdb.DuckDBPyConnection", query: str) -> "duckdb.DuckDBPyConnection":
        import duckdb

        try:
            return connection.execute(query, [str(self.path)])
        except duckdb.Error as error:
            reason = str(error).splitlines()[0]
            raise DataError(
                "is no whole Parquet file", where=str(self.path), why=reason, remedy="It was cut or damaged: get it again"
            ) from error

    def batches(self, wanted: tuple[str, ...]) -> Iterator[RawBatch]:
        """See Table."""
        kinds = [_kind(self._types[name]) for name in wanted]
        shown = ", ".join(f"{_cast(name, kind)} AS c{at}" for at, (name, kind) in enumerate(zip(wanted, kinds, strict=True)))
        query = f"SELECT {shown} FROM read_parquet(?)"  # noqa: S608 - the names are the file's own, quoted
        with self._connection() as connection:
            for first in range(0, self._rows, SLICE_ROWS):
                found = self._run(connection, f"{query} LIMIT {SLICE_ROWS} OFFSET {first}").fetchnumpy()
                whole = [_column(found[f"c{at}"], kind) for at, kind in enumerate(kinds)]
                size = min(SLICE_ROWS, self._rows - first)
                for start in range(0, size, BATCH_ROWS):
                    end = min(start + BATCH_ROWS, size)
                    columns = {name: _slice(column, start, end) for name, column in zip(wanted, whole, strict=True)}
                    yield RawBatch(first + start + 1, end - start, columns, first + end, self._rows)


def _kind(name: str) -> ColumnKind:
    if name.startswith("TIMESTAMP WITH TIME ZONE"):
        return ColumnKind.INSTANT
    if name.startswith("TIMESTAMP"):
        return ColumnKind.WALL
    if name == "DATE":
        return ColumnKind.DAY
    return ColumnKind.NUMBER if name.startswith(_NUMBERS + _NARROW_NUMBERS) else ColumnKind.TEXT


def _cast(name: str, kind: ColumnKind) -> str:
    """SQL that brings a column to its kind; a missing time becomes MISSING_TIME."""
    quoted = '"' + name.replace('"', '""') + '"'
    if kind is ColumnKind.INSTANT:
        return f"coalesce(epoch_us({quoted}), {MISSING_TIME})"
    if kind is ColumnKind.WALL:
        return f"coalesce(epoch_us({quoted}::TIMESTAMP), {MISSING_TIME})"
    if kind is ColumnKind.DAY:
        return f"coalesce({quoted} - DATE '1970-01-01', {MISSING_TIME})"
    return f"coalesce({quoted}::DOUBLE, 'NaN'::DOUBLE)" if kind is ColumnKind.NUMBER else f"coalesce({quoted}::VARCHAR, '')"


def _column(values: "np.ndarray[tuple[int], np.dtype[np.generic]]", kind: ColumnKind) -> RawColumn:
    plain = np.ma.getdata(values)
    if kind is ColumnKind.TEXT:
        return RawColumn(kind, texts=[str(value) for value in plain])
    return RawColumn(kind, plain.astype(np.float64) if kind is ColumnKind.NUMBER else plain.astype(np.int64))


def _slice(column: RawColumn, start: int, end: int) -> RawColumn:
    numbers = None if column.numbers is None else column.numbers[start:end]
    return RawColumn(column.kind, numbers, column.texts[start:end])
