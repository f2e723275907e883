"""The checks of a database server: reached, new enough, writable, its clock, its schema, its background jobs."""

from collections.abc import Iterator
from typing import Final

from theo.adapters.postgres.roles import Rights, rights
from theo.adapters.sql.database.place import shown
from theo.adapters.sql.schema.opening import NEWEST, Database
from theo.adapters.sql.server.health import Health, behind, health
from theo.app.checks.check import Check, Level, file_check
from theo.app.home.backups import database_of
from theo.app.home.layout import Home
from theo.domain.errors import TheoError
from theo.domain.market_data import SECOND

VERSION_MIN: Final = 150_000
CLOCK_APART_S_MAX: Final = 5.0
BEHIND_S_MAX: Final = 10.0
NAME: Final = "server"
REPLICA: Final = "read server"


def server_checks(home: Home) -> Iterator[Check]:
    """One line for each thing that is wrong, and one that says what the server is."""
    try:
        server = home.server
        if server is None:
            yield Check(NAME, Level.OK, "none: SQLite files in the data directory")
            return
        found = health(server)
    except TheoError as error:
        yield file_check(NAME, home.configuration, error)
        return
    yield from _replica(home)
    extension = f"TimescaleDB {found.timescale}" if found.timescale else "no TimescaleDB in this database"
    yield Check(NAME, Level.OK, f"{shown(server)}: PostgreSQL {found.version}, {extension}")
    yield from _wrong(found, local=not server.host)
    yield from _rights(rights(database_of(home)), local=not server.host)


def _replica(home: Home) -> Iterator[Check]:
    """The server that is only read from, and how much it lacks."""
    try:
        reads = home.reads
        if reads is None:
            return
        found, late = health(reads), behind(reads)
    except TheoError as error:
        yield file_check(REPLICA, home.configuration, error)
        return
    differs = [each for each in Database if found.revisions[each] not in {None, NEWEST[each]}]
    if differs:
        yield Check(REPLICA, Level.FAIL, f"its schema of {differs[0]} is {found.revisions[differs[0]]}", "Let it catch up")
    elif late > BEHIND_S_MAX:
        yield Check(REPLICA, Level.WARN, f"{shown(reads)} is {late:.0f} s behind", "A backtest misses what was imported since")
    else:
        kind = "a replica" if found.replica else "a server that is written, too"
        yield Check(REPLICA, Level.OK, f"{shown(reads)}: {kind}, it has all that came")


def _rights(found: Rights | None, *, local: bool) -> Iterator[Check]:
    """The owner of the tables can take the journal's rules away: said on one's own machine, a warning on a shared server."""
    if found is not None and found.changes_journal:
        text = f"the role {found.role} could change the journal" + (", as the owner of its table" if found.owner else "")
        yield Check(NAME, Level.OK if local else Level.WARN, text, "`theo db roles` makes one that cannot")


def _wrong(found: Health, *, local: bool) -> Iterator[Check]:
    if found.version_number < VERSION_MIN:
        yield Check(NAME, Level.FAIL, f"version {found.version} is too old", "Use PostgreSQL 15 or later")
    if found.replica:
        yield Check(
            NAME, Level.FAIL, "is a replica: nothing can be written", "Name the primary, or target_session_attrs=read-write"
        )
    if found.missing:
        yield Check(NAME, Level.FAIL, f"the role lacks {', '.join(found.missing)}", "Let the owner of the database grant it")
    if not found.encrypted and not local:
        yield Check(NAME, Level.WARN, "the connection is not encrypted", "Add ?sslmode=verify-full to the address")
    apart = abs(found.clock_ahead) / SECOND
    if apart > CLOCK_APART_S_MAX + found.clock_unsure / SECOND:
        yield Check(NAME, Level.WARN, f"its clock is {apart:.1f} s off ours", "Keep a time service running on both machines")
    yield from _schema(found)
    for job in found.failed_jobs:
        text = f"job {job.job} ({job.procedure}) failed {job.failures} times, also the last time"
        yield Check(NAME, Level.WARN, text, "See `theo db status`, and the server's log")


def _schema(found: Health) -> Iterator[Check]:
    for database in Database:
        revision, newest = found.revisions[database], NEWEST[database]
        if revision is not None and revision > newest:
            text = f"the schema of {database} is {revision}, this build knows {newest}"
            yield Check(NAME, Level.FAIL, text, "Upgrade theo")
        elif revision is not None and revision < newest:
            text = f"the schema of {database} is {revision}, the next start brings it to {newest}"
            yield Check(NAME, Level.WARN, text, "Make a backup first: `theo db backup`")
