"""What a server says of itself, asked on one connection that changes nothing."""

import time
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import TypeVar

import msgspec
from sqlalchemy import Connection, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from theo.adapters.sql.database import postgresql
from theo.adapters.sql.database.place import shown
from theo.adapters.sql.schema.opening import Database, version_table
from theo.domain.errors import HaltRequiredError

MICROS = 1_000_000
T = TypeVar("T")


class FailedJob(msgspec.Struct, frozen=True):
    """A background job of TimescaleDB whose last run failed."""

    job: int
    procedure: str
    failures: int


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """A server as it answered. ``timescale`` is the extension's version in this database, "" without it.

    ``clock_ahead`` is microseconds by which its clock is ahead of ours, give or take ``clock_unsure``. ``revisions`` are the
    schemas' (None: not made yet). ``missing`` are privileges that the role lacks.
    """

    version: str
    version_number: int
    timescale: str
    timescale_offered: bool
    replica: bool
    encrypted: bool
    clock_ahead: int
    clock_unsure: int
    missing: tuple[str, ...]
    revisions: Mapping[str, str | None]
    failed_jobs: tuple[FailedJob, ...]


def health(server: URL) -> Health:
    """Ask it. Raises HaltRequiredError when it cannot be reached."""
    return _reached(server, _asked)


def _reached(server: URL, ask: Callable[[Connection], T]) -> T:
    try:
        with closing(postgresql.lone_connection(server)) as connection:
            try:
                return ask(connection)
            finally:
                connection.engine.dispose()
    except DBAPIError as error:
        raise HaltRequiredError(
            f"cannot be reached: {str(error.orig).strip().partition(chr(10))[0]}",
            where=shown(server),
            remedy="See that it runs, and that THEO_DATABASE_URL names it and a user it knows",
        ) from error


def behind(server: URL) -> float:
    """How many seconds a replica's newest transaction is old while more of its primary's has come; 0 when it has all that came.

    Raises HaltRequiredError when it cannot be reached.
    """
    query = (
        "SELECT CASE WHEN pg_last_wal_receive_lsn() IS NOT DISTINCT FROM pg_last_wal_replay_lsn() THEN 0 "
        "ELSE extract(epoch FROM now() - pg_last_xact_replay_timestamp()) END"
    )
    return float(str(_reached(server, lambda connection: _one(connection, query) or 0)))


def _asked(connection: Connection) -> Health:
    before = time.time_ns()
    server_clock = _one(connection, "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
    after = time.time_ns()
    timescale = _one(connection, "SELECT coalesce((SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'), '')")
    return Health(
        version=str(_one(connection, "SHOW server_version")),
        version_number=int(str(_one(connection, "SHOW server_version_num"))),
        timescale=str(timescale),
        timescale_offered=bool(_one(connection, "SELECT count(*) FROM pg_available_extensions WHERE name = 'timescaledb'")),
        replica=bool(_one(connection, "SELECT pg_is_in_recovery()")),
        encrypted=bool(_one(connection, "SELECT coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false)")),
        clock_ahead=int(str(server_clock)) - (before + after) // 2_000,
        clock_unsure=(after - before) // 2_000,
        missing=_missing(connection),
        revisions={str(database): _revision(connection, database) for database in Database},
        failed_jobs=_failed_jobs(connection) if timescale else (),
    )


def _one(connection: Connection, query: str, **values: str) -> object:
    return connection.execute(text(query), values).scalar()


def _revision(connection: Connection, database: Database) -> str | None:
    name = f"exact.{version_table('postgresql', database)}"
    if _one(connection, "SELECT to_regclass(:name)", name=name) is None:
        return None
    return str(_one(connection, f"SELECT version_num FROM {name}"))  # noqa: S608 - the name of our own table


def _missing(connection: Connection) -> tuple[str, ...]:
    """What the role may not do: make the tables while there are none, else read and write them."""
    if _one(connection, "SELECT to_regclass('exact.journal')") is None:
        asked = {
            "CREATE on the database": "has_database_privilege(current_database(), 'CREATE')",
            "CREATE on schema public": "has_schema_privilege('public', 'CREATE')",
        }
    else:
        tables = {"journal": "SELECT, INSERT", "ticks": "SELECT, INSERT", "commands": "SELECT, INSERT, UPDATE"}
        asked = {
            f"{each} on {table}": f"coalesce(has_table_privilege(to_regclass('exact.{table}'), '{each}'), true)"
            for table, each in ((table, each) for table, wanted in tables.items() for each in wanted.split(", "))
        }
    return tuple(name for name, question in asked.items() if not _one(connection, f"SELECT {question}"))


def _failed_jobs(connection: Connection) -> tuple[FailedJob, ...]:
    """Jobs that an owner set up, by their last run: the extension's own are below 1000."""
    query = (
        "SELECT s.job_id, j.proc_name, s.total_failures FROM timescaledb_information.job_stats s "
        "JOIN timescaledb_information.jobs j USING (job_id) WHERE s.last_run_status = 'Failed' ORDER BY 1"
    )
    return tuple(FailedJob(int(row[0]), str(row[1]), int(row[2])) for row in connection.execute(text(query)))
