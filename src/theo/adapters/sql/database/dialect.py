"""What the stores need of a database beyond common SQL, asked of the one that a connection is to: sqlite.py or postgresql.py.

Nothing else in the package names a database product.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from sqlalchemy import Connection, Engine, Select, Table
from sqlalchemy.exc import DBAPIError

from theo.adapters.sql.database import sqlite
from theo.adapters.sql.database.meanings import NONE_FIXED, Failure, Fixed, RawRow, Value

Statement = Select[*tuple[Any, ...]]
Rows = Sequence[tuple[Value, ...]]


class Product(Protocol):
    """What both modules offer; the functions below say what each does."""

    def failure_of(self, error: DBAPIError) -> Failure:
        """See below."""

    def driver_text(self, statement: Statement) -> str:
        """A statement for Connection.exec_driver_sql, its parameters in order: for what runs a thousand times a second."""

    def raw_pages(
        self, connection: Connection, statement: Statement, size: int, values: Mapping[str, Value]
    ) -> Iterator[Sequence[RawRow]]:
        """See below."""

    def insert_rows(self, connection: Connection, table: Table, rows: Rows, fixed: Fixed, *, skip_present: bool) -> int:
        """See below."""

    def upsert_rows(self, connection: Connection, table: Table, rows: Rows) -> None:
        """See below."""

    def keep_bars(self, engine: Engine, bounds: tuple[int, int]) -> None:
        """Make bars that the database makes of ticks once more for a time (microseconds UTC), while its ticks are there."""

    def keeps_days(self, connection: Connection) -> bool:
        """Whether a table of ticks is made of pieces of one day, which can be dropped whole."""

    def drop_day(self, connection: Connection, table: Table, bounds: tuple[int, int], rows: int) -> bool:
        """Drop a whole day of a table, where it is a piece of its own that holds just so many rows; whether that was so."""


def product(name: str) -> Product:
    """The database of that name, as SQLAlchemy names it. The driver of PostgreSQL is loaded only where it is used."""
    if name == "sqlite":
        return sqlite
    from theo.adapters.sql.database import postgresql

    return postgresql


def failure_of(name: str, error: DBAPIError) -> Failure:
    """The meaning of a driver's error; what is not known counts as IO, the most careful meaning."""
    return product(name).failure_of(error)


def raw_pages(
    connection: Connection, statement: Statement, size: int, values: Mapping[str, Value] = NONE_FIXED
) -> Iterator[Sequence[RawRow]]:
    """The driver's own tuples, ``size`` at a time, read as they are fetched: for columns of numbers and texts only.

    ``values`` are those of the statement's named parameters, where it has any without one.
    """
    return product(connection.dialect.name).raw_pages(connection, statement, size, values)


def insert_rows(
    connection: Connection, table: Table, rows: Rows, *, fixed: Fixed = NONE_FIXED, skip_present: bool = False
) -> int:
    """Insert rows, columns in the table's order, straight through the driver; how many were added.

    The rows have no place for a column in ``fixed``: its value is the same in all. ``skip_present`` leaves rows whose key is
    stored as they are.
    """
    return product(connection.dialect.name).insert_rows(connection, table, rows, fixed, skip_present=skip_present) if rows else 0


def upsert_rows(connection: Connection, table: Table, rows: Rows) -> None:
    """Insert whole rows, or replace those with the same key; of two with one key the later counts."""
    if rows:
        product(connection.dialect.name).upsert_rows(connection, table, rows)
