"""What a server's tables cost and how its background work stands; and the policies that `theo db tune` sets."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, RowMapping, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from theo.adapters.sql.database import postgresql
from theo.adapters.sql.database.place import shown
from theo.domain.errors import HaltRequiredError

AGGREGATES: Final = ("stock_ohlc_5min", "stock_ohlc_15min", "stock_ohlc_30min", "stock_ohlc_60min")
TABLES_SHOWN_MAX: Final = 12
DAY_S: Final = 86_400


class TableSize(msgspec.Struct, frozen=True):
    """A table with its parts and indexes; ``rows`` is the server's estimate."""

    name: str
    size: int
    rows: int


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A background job. ``late_s``: seconds since its next start was due, 0 when it is not; ``status`` of its last run."""

    job: int
    procedure: str
    of: str
    every: str
    status: str
    failures: int
    late_s: float


class Aggregate(msgspec.Struct, frozen=True):
    """Bars made of ticks: up to when they are stored (UTC, "" never); ``behind_s`` the newest tick that is, in seconds.

    What is newer than ``until`` is aggregated while it is read, so that nothing is missing, only slower.
    """

    name: str
    until: str
    behind_s: float | None


class ServerState(msgspec.Struct, frozen=True, kw_only=True):
    """``chunks`` and what follows are TimescaleDB's. ``compression`` is size before by size after, None without a chunk."""

    tables: tuple[TableSize, ...]
    chunks: int
    chunks_compressed: int
    compression: float | None
    jobs: tuple[Job, ...]
    aggregates: tuple[Aggregate, ...]


class Policies(msgspec.Struct, frozen=True, kw_only=True):
    """Of TimescaleDB, in days but for the schedule. ``keep_days`` 0 keeps everything; it must be more than ``refresh_days``."""

    chunk_days: float
    compress_after_days: int
    refresh_days: int
    refresh_every_minutes: int
    keep_days: int = 0


@contextmanager
def looking(server: URL) -> Iterator[Connection]:
    """One connection, each statement on its own. Raises HaltRequiredError for whatever the server refuses."""
    try:
        with closing(postgresql.lone_connection(server)) as connection:
            try:
                yield connection
            finally:
                connection.engine.dispose()
    except DBAPIError as error:
        said = str(error.orig).strip().partition("\n")[0]
        raise HaltRequiredError(
            f"refused: {said}", where=shown(server), remedy="See `theo doctor`, and the server's log"
        ) from error


def has_timescale(connection: Connection) -> bool:
    """Whether the extension is in this database."""
    return bool(connection.execute(text("SELECT count(*) FROM pg_extension WHERE extname = 'timescaledb'")).scalar())


def has_ticks(connection: Connection) -> bool:
    """Whether the tables of market data are there."""
    return connection.execute(text("SELECT to_regclass('exact.ticks')")).scalar() is not None


def server_state(connection: Connection) -> ServerState:
    """Sizes, chunks, jobs, and how far the bars are stored."""
    if not has_ticks(connection):
        return ServerState(tables=(), chunks=0, chunks_compressed=0, compression=None, jobs=(), aggregates=())
    extended = has_timescale(connection)
    chunks, compressed, before, after = _chunks(connection) if extended else (0, 0, 0, 0)
    return ServerState(
        tables=tuple(_sizes(connection, extended=extended)),
        chunks=chunks,
        chunks_compressed=compressed,
        compression=round(before / after, 2) if after else None,
        jobs=tuple(_jobs(connection)) if extended else (),
        aggregates=tuple(_aggregates(connection, extended=extended)),
    )


def _rows(connection: Connection, query: str, **values: object) -> Sequence[RowMapping]:
    return connection.execute(text(query), values).mappings().all()


def _sizes(connection: Connection, *, extended: bool) -> Iterator[TableSize]:
    ticks = (
        ("hypertable_size('exact.ticks')", "approximate_row_count('exact.ticks')")
        if extended
        else ("NULL::bigint", "NULL::bigint")
    )
    query = (
        "SELECT w.relname AS name, "  # noqa: S608 - our own names
        f"coalesce(CASE WHEN w.relname = 'ticks' THEN {ticks[0]} END, sum(pg_total_relation_size(c.oid)))::bigint AS size, "
        f"coalesce(CASE WHEN w.relname = 'ticks' THEN {ticks[1]} END, sum(greatest(c.reltuples, 0)))::bigint AS rows "
        "FROM pg_class c JOIN pg_class w ON w.oid = coalesce(pg_partition_root(c.oid), c.oid) "
        "JOIN pg_namespace n ON n.oid = w.relnamespace "
        "WHERE n.nspname = 'exact' AND c.relkind = 'r' GROUP BY w.oid, w.relname ORDER BY size DESC LIMIT :most"
    )
    return (TableSize(**row) for row in _rows(connection, query, most=TABLES_SHOWN_MAX))


def _chunks(connection: Connection) -> tuple[int, int, int, int]:
    counted = (
        "SELECT count(*) AS n, count(*) FILTER (WHERE is_compressed) AS packed FROM timescaledb_information.chunks "
        "WHERE hypertable_schema = 'exact' AND hypertable_name = 'ticks'"
    )
    (row,) = _rows(connection, counted)
    sizes = "SELECT sum(before_compression_total_bytes) AS before, sum(after_compression_total_bytes) AS after "
    (size,) = _rows(connection, sizes + "FROM hypertable_compression_stats('exact.ticks')")
    return row["n"], row["packed"], int(size["before"] or 0), int(size["after"] or 0)


def _jobs(connection: Connection) -> Iterator[Job]:
    query = (
        "SELECT j.job_id AS job, j.proc_name AS procedure, coalesce(c.view_name, j.hypertable_name, '') AS of, "
        "j.schedule_interval::text AS every, coalesce(s.last_run_status, 'not yet') AS status, "
        "coalesce(s.total_failures, 0) AS failures, "
        "greatest(0, extract(epoch FROM now() - j.next_start))::float AS late_s "
        "FROM timescaledb_information.jobs j LEFT JOIN timescaledb_information.job_stats s USING (job_id) "
        "LEFT JOIN timescaledb_information.continuous_aggregates c ON c.materialization_hypertable_name = j.hypertable_name "
        "WHERE j.job_id >= 1000 ORDER BY 1"
    )
    for row in _rows(connection, query):
        late = row["late_s"]
        yield Job(**{**row, "late_s": 0.0 if late is None or late == float("inf") else late})


def _aggregates(connection: Connection, *, extended: bool) -> Iterator[Aggregate]:
    until = (
        "SELECT _timescaledb_functions.to_timestamp(_timescaledb_functions.cagg_watermark(mat_hypertable_id)) "
        "FROM _timescaledb_catalog.continuous_agg WHERE user_view_schema = 'public' AND user_view_name = :name"
        if extended
        else "SELECT until FROM exact.made_until WHERE :name <> ''"
    )
    query = (
        (
            f"WITH u AS ({until}), newest AS (SELECT max(timestamp) AS at FROM exact.ticks) "  # noqa: S608 - as above
            "SELECT CASE WHEN isfinite(u.until) AND u.until > '1970-01-01' THEN to_char(u.until AT TIME ZONE 'UTC', "
            "'YYYY-MM-DD\"T\"HH24:MI\"Z\"') ELSE '' END AS until, "
            "CASE WHEN isfinite(u.until) AND u.until > '1970-01-01' THEN "
            "greatest(0, extract(epoch FROM newest.at - u.until))::float END AS behind_s FROM u(until), newest"
        )
        .replace("WITH u AS", "WITH u(until) AS")
        .replace("FROM u(until), newest", "FROM u, newest")
    )
    for name in AGGREGATES:
        for row in _rows(connection, query, name=name):
            yield Aggregate(name, **row)


def policy_statements(wanted: Policies) -> list[str]:
    """What sets the policies anew, in order; each statement may run again."""
    segments = "timescaledb.compress_segmentby = 'instrument, source_id', timescaledb.compress_orderby = 'timestamp, seq'"
    statements = [
        f"SELECT set_chunk_time_interval('exact.ticks', INTERVAL '{round(wanted.chunk_days * DAY_S)} seconds')",
        f"ALTER TABLE exact.ticks SET (timescaledb.compress, {segments})",
        "SELECT remove_compression_policy('exact.ticks', if_exists => true)",
        f"SELECT add_compression_policy('exact.ticks', INTERVAL '{wanted.compress_after_days} days')",
        "SELECT remove_retention_policy('exact.ticks', if_exists => true)",
    ]
    if wanted.keep_days:
        statements.append(f"SELECT add_retention_policy('exact.ticks', INTERVAL '{wanted.keep_days} days')")
    for name in AGGREGATES:
        minutes = int(name.removeprefix("stock_ohlc_").removesuffix("min"))
        window = f"start_offset => INTERVAL '{wanted.refresh_days} days', end_offset => INTERVAL '{minutes} minutes'"
        every = f"schedule_interval => INTERVAL '{wanted.refresh_every_minutes} minutes'"
        statements.append(f"SELECT remove_continuous_aggregate_policy('public.{name}', if_exists => true)")
        statements.append(f"SELECT add_continuous_aggregate_policy('public.{name}', {window}, {every})")
    return statements


def plain_statements() -> list[str]:
    """What helps without the extension. How often a month is vacuumed was said when it was made."""
    return [
        "CALL public.refresh_continuous_aggregate('stock_ohlc_5min', now() - INTERVAL '1 day', now())",
        "ANALYZE exact.ticks",
    ]


def execute_all(connection: Connection, statements: Sequence[str]) -> None:
    """One after the other, each a transaction of its own."""
    for each in statements:
        result: Any = connection.execute(text(each.replace(":", "\\:")))
        result.close()
