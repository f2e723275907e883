"""Everything that is PostgreSQL's alone: connections, the lock of writers, COPY, upserts, what its errors mean.

sqlite.py is its counterpart; who asks goes through dialect.py. Time columns of type timestamptz are read and written as int64
microseconds UTC, as everywhere: that is what the server itself holds.
"""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from struct import Struct
from types import MappingProxyType
from typing import Any, Final

import psycopg
from psycopg.adapt import Dumper, Loader
from psycopg.pq import Format
from sqlalchemy import Connection, Engine, Select, Table, create_engine, event
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from theo.adapters.sql.database.meanings import BY_MONTH, WRITES, Failure, Fixed, RawRow, Value, whole_rows
from theo.domain.market_data import DAY

SCHEMA: Final = "exact"  # our tables, in whole numbers; what people read is made of them in ``public``
POOL_SIZE: Final = 5
POOL_OVERFLOW: Final = 27  # a backtest merges as many readers as it has series
POOL_WAIT_S: Final = 10
CONNECT_WAIT_S: Final = 10
LOCK_WAIT_MS: Final = 10_000
TRADING_MS_MAX: Final = 20_000  # a statement of the journal or the inbox: a trader does not wait for a hung server for longer
BULK_MS_MAX: Final = 600_000  # of market data: publishing a large import
# A peer that is gone is noticed within half a minute, on both sides: its locks are free then. An address may say otherwise.
ALIVE: Final = MappingProxyType({"keepalives_idle": "10", "keepalives_interval": "5", "keepalives_count": "4"})
TCP_WAIT_MS: Final = 30_000
BAR_MINUTES: Final = (5, 15, 30, 60)  # of the bars that the server makes of ticks
EPOCH: Final = 946_684_800_000_000  # 2000-01-01 in microseconds UTC: the server counts from there
FIRST: Final = -211_000_000_000_000_000 + EPOCH  # nothing before it can be a time there (4713 BC)
_INT64: Final = Struct("!q")
_BEFORE_ALL: Final = _INT64.pack(-(2**63))  # "-infinity"
_DIALECT: Final = postgresql.dialect(paramstyle="format")  # type: ignore[no-untyped-call]  # the library's
_TIMESTAMPTZ: Final = 1184

_BY_STATE: Final = {
    "25006": Failure.READ_ONLY,
    "42501": Failure.READ_ONLY,
    "28000": Failure.LOST,
    "28P01": Failure.LOST,
    "3D000": Failure.LOST,
    "40001": Failure.CLASHED,
    "40P01": Failure.CLASHED,
    "53100": Failure.FULL,
    "53200": Failure.BUSY,
    "53300": Failure.BUSY,
    "55P03": Failure.BUSY,
    "57014": Failure.BUSY,
    "57P01": Failure.LOST,
    "57P02": Failure.LOST,
    "57P03": Failure.LOST,
    "57P05": Failure.LOST,
    "XX001": Failure.CORRUPT,
    "XX002": Failure.CORRUPT,
}
_BY_CLASS: Final = {"08": Failure.LOST, "23": Failure.CONSTRAINT}


def failure_of(error: DBAPIError) -> Failure:
    """See dialect.py. An error of the connection without a code of the server means that the server was not reached."""
    state = getattr(error.orig, "sqlstate", None)
    if state is None:
        return Failure.LOST if isinstance(error.orig, psycopg.OperationalError | psycopg.InterfaceError) else Failure.IO
    return _BY_STATE.get(state) or _BY_CLASS.get(state[:2], Failure.IO)


class Micros(int):
    """Microseconds UTC on their way into a column of type timestamptz."""


class _MicrosDumper(Dumper):
    """As the server holds it."""

    oid = _TIMESTAMPTZ
    format = Format.BINARY

    def dump(self, obj: int) -> bytes:
        return _INT64.pack(obj - EPOCH) if obj > FIRST else _BEFORE_ALL


class _MicrosBinaryLoader(Loader):
    format = Format.BINARY

    def load(self, data: bytes | bytearray | memoryview) -> int:
        return int(_INT64.unpack(data)[0]) + EPOCH


class _MicrosTextLoader(Loader):
    format = Format.TEXT

    def load(self, data: bytes | bytearray | memoryview) -> int:
        at = datetime.fromisoformat(bytes(data).decode())
        whole = int(at.replace(microsecond=0).timestamp())
        return whole * 1_000_000 + at.microsecond


def open_engine(url: URL, *, durable: bool, lock: str, statement_ms: int, read_only: bool = False) -> Engine:
    """An engine over one database. ``durable`` waits for the disk at every commit; otherwise a crash may lose the last ones.

    Writers that share ``lock`` write one after the other, as on SQLite. A statement that takes longer than ``statement_ms`` ends.
    """
    options = f"-c synchronous_commit={'on' if durable else 'off'} -c lock_timeout={LOCK_WAIT_MS} -c TimeZone=UTC"
    options += " -c timescaledb.max_tuples_decompressed_per_dml_transaction=0"  # replaced ticks may lie in compressed chunks
    options += f" -c statement_timeout={statement_ms} -c search_path={SCHEMA},public"
    options += " -c default_transaction_read_only=on" if read_only else ""  # where the server says so itself, it is so
    engine = create_engine(
        url,
        connect_args=_connecting(url, options=options, application_name=f"theo {lock}"),
        pool_size=POOL_SIZE,
        max_overflow=POOL_OVERFLOW,
        pool_timeout=POOL_WAIT_S,
        pool_pre_ping=True,
    )
    key = lock_key(lock)

    @event.listens_for(engine, "connect")
    def _prepare(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        adapters = connection.adapters
        adapters.register_dumper(Micros, _MicrosDumper)
        adapters.register_loader(_TIMESTAMPTZ, _MicrosBinaryLoader)
        adapters.register_loader(_TIMESTAMPTZ, _MicrosTextLoader)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if connection.get_execution_options().get(WRITES, False):
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (key,))

    return engine


def _connecting(url: URL, **more: str) -> dict[str, str]:
    """What the driver gets beside the address, which counts where it says something itself."""
    ours = {"connect_timeout": str(CONNECT_WAIT_S), "tcp_user_timeout": str(TCP_WAIT_MS), **ALIVE}
    return {name: value for name, value in ours.items() if name not in url.query} | more


def lone_connection(url: URL) -> Connection:
    """A connection that no pool takes back, without a transaction; its engine ends with it."""
    options = " ".join(f"-c tcp_{name}={value}" for name, value in ALIVE.items())  # so that the server notices our end, too
    engine = create_engine(url, connect_args=_connecting(url, options=options, application_name="theo lease"), poolclass=NullPool)
    return engine.connect().execution_options(isolation_level="AUTOCOMMIT")


def lock_key(name: str) -> int:
    """The number of an advisory lock."""
    return zlib.crc32(f"theo:{name}".encode())


def driver_text(statement: Select[*tuple[Any, ...]]) -> str:
    """See dialect.py."""
    return str(statement.compile(dialect=_DIALECT))


def raw_pages(
    connection: Connection, statement: Select[*tuple[Any, ...]], size: int, values: Mapping[str, Value]
) -> Iterator[Sequence[RawRow]]:
    """See dialect.py. A cursor of the server, in the binary format: nothing is held but the page."""
    dialect = connection.dialect
    compiled = statement.compile(dialect=dialect)
    parameters = dict(compiled.construct_params(values))
    for bound, name in compiled.bind_names.items():
        if process := bound.type.dialect_impl(dialect).bind_processor(dialect):
            parameters[name] = process(parameters[name])
    with driver_of(connection).cursor(name="pages", binary=True) as cursor:
        cursor.execute(str(compiled), parameters)
        while page := cursor.fetchmany(size):
            yield page


def driver_of(connection: Connection) -> "psycopg.Connection[RawRow]":
    """The driver's own connection."""
    found = connection.connection.driver_connection
    assert isinstance(found, psycopg.Connection)
    return found


@cache
def _columns(table: Table) -> str:
    quote = _DIALECT.identifier_preparer.quote
    return ", ".join(quote(column.name) for column in table.columns)


@cache
def _types(table: Table) -> tuple[str, ...]:
    """The names of the server's types, for the binary format."""
    named = (column.type.compile(dialect=_DIALECT).split(" COLLATE")[0].lower() for column in table.columns)
    return tuple("double precision" if name == "float" else name for name in named)


@cache
def _upsert_tail(table: Table, *, skip_present: bool) -> str:
    statement = insert(table)
    keys = [column.name for column in table.primary_key]
    changed = {c.name: statement.excluded[c.name] for c in table.columns if c.name not in keys}
    whole = statement.on_conflict_do_nothing() if skip_present or not changed else None
    if whole is None:
        whole = statement.on_conflict_do_update(index_elements=keys, set_=changed)
    text = str(whole.compile(dialect=_DIALECT))
    return text[text.index("ON CONFLICT") :]


def insert_rows(
    connection: Connection, table: Table, rows: Sequence[tuple[Value, ...]], fixed: Fixed, *, skip_present: bool
) -> int:
    """See dialect.py."""
    rows = whole_rows(table, rows, fixed)
    if BY_MONTH in table.info:
        _make_months(connection, rows, table.info[BY_MONTH])
    if not skip_present:
        _copy(connection, table.name, table, rows)
        return len(rows)
    try:  # they are new, as a rule: the key itself decides, and a merge costs twice as much
        with connection.begin_nested():
            _copy(connection, table.name, table, rows)
    except IntegrityError:
        return _merge(connection, table, rows, skip_present=True)
    return len(rows)


def _make_months(connection: Connection, rows: Sequence[RawRow], at: int) -> None:
    """A plain server keeps ticks by month, and a month's table is made by whoever comes first."""
    days = sorted({row[at] // DAY for row in rows})
    connection.exec_driver_sql("SELECT exact.make_months(%s::bigint[])", (days,))


def upsert_rows(connection: Connection, table: Table, rows: Sequence[tuple[Value, ...]]) -> None:
    """See dialect.py."""
    places = [at for at, column in enumerate(table.columns) if column.primary_key]
    newest = {tuple(row[at] for at in places): row for row in rows}
    _merge(connection, table, list(newest.values()), skip_present=False)


def _merge(connection: Connection, table: Table, rows: Sequence[tuple[Value, ...]], *, skip_present: bool) -> int:
    """By way of a temporary table: what a COPY brings cannot be merged otherwise."""
    passing = f"passing_{table.name}"
    columns = _columns(table)
    connection.exec_driver_sql(f"CREATE TEMPORARY TABLE IF NOT EXISTS {passing} (LIKE {table.name}) ON COMMIT DELETE ROWS")
    connection.exec_driver_sql(f"TRUNCATE {passing}")
    _copy(connection, passing, table, rows)
    tail = _upsert_tail(table, skip_present=skip_present)
    merged = f"INSERT INTO {table.name} ({columns}) SELECT {columns} FROM {passing} {tail}"  # noqa: S608 - names of our tables
    return connection.exec_driver_sql(merged).rowcount


def _copy(connection: Connection, target: str, table: Table, rows: Sequence[tuple[Value, ...]]) -> None:
    """All rows by one COPY in the binary format. Raises SQLAlchemy's errors, as a statement does."""
    text = f"COPY {target} ({_columns(table)}) FROM STDIN (FORMAT BINARY)"
    try:
        with driver_of(connection).cursor() as cursor, cursor.copy(text) as copy:
            copy.set_types(_types(table))
            for row in rows:
                copy.write_row(row)
    except psycopg.Error as error:
        raise DBAPIError.instance(text, None, error, psycopg.Error, dialect=connection.dialect) from error


_CHUNKS: Final = (
    "SELECT count(*) FROM timescaledb_information.chunks WHERE hypertable_name = %s "
    "AND range_start = to_timestamp(%s) AND range_end = to_timestamp(%s)"
)
_COUNT: Final = "SELECT count(*) FROM {0} WHERE timestamp >= to_timestamp(%s) AND timestamp < to_timestamp(%s)"
_DROP_CHUNKS: Final = "SELECT drop_chunks(%s::regclass, older_than => to_timestamp(%s), newer_than => to_timestamp(%s))"


def keeps_days(connection: Connection) -> bool:
    """See dialect.py. So it is with TimescaleDB."""
    return bool(connection.exec_driver_sql("SELECT count(*) FROM pg_extension WHERE extname = 'timescaledb'").scalar_one())


def drop_day(connection: Connection, table: Table, bounds: tuple[int, int], rows: int) -> bool:
    """See dialect.py."""
    if not keeps_days(connection):
        return False
    start, end = (at // 1_000_000 for at in bounds)
    if connection.exec_driver_sql(_CHUNKS, (table.name, start, end)).scalar_one() != 1:
        return False
    if connection.exec_driver_sql(_COUNT.format(table.name), (start, end)).scalar_one() != rows:
        return False
    connection.exec_driver_sql(_DROP_CHUNKS, (f"{SCHEMA}.{table.name}", end, start))
    return True


def keep_bars(engine: Engine, bounds: tuple[int, int]) -> None:
    """See dialect.py. Such a call takes no transaction."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for minutes in BAR_MINUTES:
            connection.exec_driver_sql(
                "CALL public.refresh_continuous_aggregate(%s, to_timestamp(%s), to_timestamp(%s))",
                (f"public.stock_ohlc_{minutes}min", bounds[0] // 1_000_000, bounds[1] // 1_000_000),
            )
