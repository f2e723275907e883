"""Everything that is SQLite's alone: connections, pragmas, locks of writers, upserts, what its errors mean.

postgresql.py is its counterpart; who asks goes through dialect.py.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Engine, Select, Table, bindparam, create_engine, event, literal
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from theo.adapters.sql.database.meanings import WRITES, Failure, Fixed, RawRow, Value, whole_rows

BUSY_WAIT_S: Final = 10.0  # a bulk import holds the write lock for about 0.1 s a batch
CACHE_KIB: Final = 32_768
WRITTEN_ROWS_MIN: Final = 500  # with fewer rows a statement of their own costs more than it saves
WRITTEN_TEXTS_KEPT: Final = 64

_DIALECT: Final = sqlite.dialect(paramstyle="qmark")

_FAILURES: Final = {
    sqlite3.SQLITE_BUSY: Failure.BUSY,
    sqlite3.SQLITE_LOCKED: Failure.BUSY,
    sqlite3.SQLITE_FULL: Failure.FULL,
    sqlite3.SQLITE_READONLY: Failure.READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: Failure.READ_ONLY,
    sqlite3.SQLITE_PERM: Failure.READ_ONLY,
    sqlite3.SQLITE_CORRUPT: Failure.CORRUPT,
    sqlite3.SQLITE_NOTADB: Failure.NOT_OURS,
    sqlite3.SQLITE_CONSTRAINT: Failure.CONSTRAINT,
}


def failure_of(error: DBAPIError) -> Failure:
    """The meaning of a driver's error; what is not known counts as IO, the most careful meaning."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    if isinstance(error.orig, sqlite3.IntegrityError):
        return Failure.CONSTRAINT
    return Failure.IO if code is None else _FAILURES.get(code & 0xFF, Failure.IO)


def open_engine(path: Path, *, durable: bool) -> Engine:
    """An engine over one file, made when missing. ``durable`` syncs every commit; otherwise a power loss may lose the last."""
    # No limit on connections: a backtest merges as many readers as it has series.
    engine = create_engine(URL.create("sqlite", database=str(path)), connect_args={"timeout": BUSY_WAIT_S}, pool_size=0)
    synchronous = "FULL" if durable else "NORMAL"

    @event.listens_for(engine, "connect")
    def _prepare(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # we begin transactions ourselves
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", f"synchronous={synchronous}", f"cache_size=-{CACHE_KIB}", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


@cache
def _insert_text(table: Table, *, skip_present: bool) -> str:
    statement = insert(table)
    if skip_present:
        statement = statement.on_conflict_do_nothing()
    return str(statement.compile(dialect=_DIALECT))


@lru_cache(maxsize=WRITTEN_TEXTS_KEPT)
def _fixed_insert_text(table: Table, fixed: tuple[tuple[str, Value], ...], *, skip_present: bool) -> str:
    """With the fixed values written into the statement: binding a text again for each row costs as much as storing it."""
    values: dict[str, ColumnElement[Any]] = {c.name: bindparam(f"row_{c.name}", required=False) for c in table.columns}
    values |= {name: literal(value, table.c[name].type, literal_execute=True) for name, value in fixed}
    statement = insert(table).values(values)
    if skip_present:
        statement = statement.on_conflict_do_nothing()
    return str(statement.compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True}))


@cache
def _upsert_text(table: Table) -> str:
    statement = insert(table)
    keys = [column.name for column in table.primary_key]
    changed = {c.name: statement.excluded[c.name] for c in table.columns if c.name not in keys}
    return str(statement.on_conflict_do_update(index_elements=keys, set_=changed).compile(dialect=_DIALECT))


def driver_text(statement: Select[*tuple[Any, ...]]) -> str:
    """See dialect.py."""
    return str(statement.compile(dialect=_DIALECT))


def raw_pages(
    connection: Connection, statement: Select[*tuple[Any, ...]], size: int, values: Mapping[str, Value]
) -> Iterator[Sequence[RawRow]]:
    """See dialect.py."""
    cursor = connection.execute(statement, values).cursor
    assert cursor is not None
    while page := cursor.fetchmany(size):
        yield page


def insert_rows(
    connection: Connection, table: Table, rows: Sequence[tuple[Value, ...]], fixed: Fixed, *, skip_present: bool
) -> int:
    """See dialect.py."""
    if len(rows) >= WRITTEN_ROWS_MIN and fixed:
        text = _fixed_insert_text(table, tuple(fixed.items()), skip_present=skip_present)
    else:
        text, rows = _insert_text(table, skip_present=skip_present), whole_rows(table, rows, fixed)
    return connection.exec_driver_sql(text, list(rows)).rowcount


def upsert_rows(connection: Connection, table: Table, rows: Sequence[tuple[Value, ...]]) -> None:
    """See dialect.py."""
    connection.exec_driver_sql(_upsert_text(table), list(rows))


def keeps_days(_connection: Connection) -> bool:
    """See dialect.py."""
    return False


def drop_day(_connection: Connection, _table: Table, _bounds: tuple[int, int], _rows: int) -> bool:
    """See dialect.py: a file knows no pieces."""
    return False


def keep_bars(_engine: Engine, _bounds: tuple[int, int]) -> None:
    """See dialect.py: a file makes none."""
