"""`theo db status|tune`: what the database holds and costs, and the policies that keep it quick."""

from pathlib import Path
from typing import Final

import msgspec

from theo.adapters.postgres.roles import rights
from theo.adapters.postgres.server import RANDOM_PAGE
from theo.adapters.sql.database.place import shown
from theo.adapters.sql.database.traces import file_of
from theo.adapters.sql.server.health import health
from theo.adapters.sql.server.state import (
    Aggregate,
    Job,
    Policies,
    ServerState,
    execute_all,
    has_ticks,
    has_timescale,
    looking,
    plain_statements,
    policy_statements,
    server_state,
)
from theo.app.commands.status import age
from theo.app.exit_codes import EXIT_PROBLEM
from theo.app.home.backups import database_of
from theo.app.home.journals import journal_folders
from theo.app.home.layout import DATABASES, Home, open_home
from theo.app.terminal.output import json_text
from theo.domain.errors import UserError

MEBIBYTE: Final = 1 << 20
TICK_BYTES: Final = 160  # measured: a row of ticks with its two indexes, before compression
CHUNK_PART: Final = 4  # the newest chunk with its indexes takes a quarter of the memory at most, so that writing stays in it
CHUNK_DAYS: Final = (7.0, 1.0, 0.25)  # shorter ones compress worse
REFRESH_DAYS: Final = 3  # how far back a late tick is taken up by itself; `theo db verify` finds later ones
REFRESH_MINUTES: Final = 5
LATE_S_MAX: Final = 3_600.0


class FileSize(msgspec.Struct, frozen=True):
    """A database file in bytes."""

    path: str
    size: int


class DatabaseStatus(msgspec.Struct, frozen=True, kw_only=True):
    """``engine`` is SQLite with its ``files``, or PostgreSQL with its ``state``. ``problems`` in words.

    ``role`` is whose rights theo has on a server, and whether they go beyond adding to the journal.
    """

    engine: str
    where: str
    files: list[FileSize]
    state: ServerState | None
    problems: list[str]
    role: str = ""


class Tuned(msgspec.Struct, frozen=True, kw_only=True):
    """What was worked out for the rate: lines for postgresql.conf, and statements; ``applied`` when the latter were run."""

    settings: list[str]
    statements: list[str]
    applied: bool


def run_status(path: Path, *, json: bool) -> int:
    """Tell it; exit code 1 when a job failed or is late by more than an hour."""
    home = open_home(path)
    status = _status(home)
    if json:
        print(json_text(status))
    else:
        print("\n".join(_lines(status)))
    return EXIT_PROBLEM if status.problems else 0


def _status(home: Home) -> DatabaseStatus:
    server = home.server
    if server is None:
        folders = dict.fromkeys((home.store, *journal_folders(home)))
        paths = [file_of(folder, name) for folder in folders for name in DATABASES]
        files = [FileSize(str(each), each.stat().st_size) for each in paths if each.exists()]
        return DatabaseStatus(engine="SQLite", where=str(home.path), files=files, state=None, problems=[])
    found = health(server)
    with looking(server) as connection:
        state = server_state(connection)
    engine = f"PostgreSQL {found.version}" + (f" with TimescaleDB {found.timescale}" if found.timescale else "")
    problems = [problem for job in state.jobs for problem in _problems(job)]
    return DatabaseStatus(engine=engine, where=shown(server), files=[], state=state, problems=problems, role=_role(home))


def _role(home: Home) -> str:
    found = rights(database_of(home))
    if found is None:
        return ""
    return f"{found.role}, which could change the journal: see `theo db roles`" if found.changes_journal else found.role


def _problems(job: Job) -> list[str]:
    name = f"job {job.job} ({job.procedure} of {job.of})"
    found = [f"{name} failed the last time, {job.failures} times in all"] if job.status == "Failed" else []
    return found + ([f"{name} is {age(job.late_s)} late"] if job.late_s > LATE_S_MAX else [])


def _lines(status: DatabaseStatus) -> list[str]:
    lines = [f"{status.engine}: {status.where}"]
    lines += [f"  {_mib(each.size)}  {each.path}" for each in status.files]
    if status.role:
        lines.append(f"as {status.role}")
    if status.state is not None:
        lines += _state_lines(status.state)
    return lines + [f"problem: {problem}" for problem in status.problems]


def _state_lines(state: ServerState) -> list[str]:
    if not state.tables:
        return ["  no tables yet: they are made at first use"]
    lines = [f"  {_mib(each.size)}  {each.name}, about {each.rows:,} rows" for each in state.tables]
    if state.chunks:
        ratio = "" if state.compression is None else f", compressed to {1 / state.compression:.0%} of their size"
        lines.append(f"ticks: {state.chunks} chunks, {state.chunks_compressed} compressed{ratio}")
    lines += [_aggregate_line(each) for each in state.aggregates]
    for job in state.jobs:
        lines.append(f"job {job.job}: {job.procedure} of {job.of}, every {job.every}, last run: {job.status}")
    return lines


def _aggregate_line(one: Aggregate) -> str:
    if one.behind_s is None:
        return f"{one.name}: nothing is stored, everything is made while it is read"
    return f"{one.name}: stored until {one.until}, {age(one.behind_s)} behind the newest tick"


def _mib(size: int) -> str:
    return f"{size / MEBIBYTE:10,.1f} MiB"


def run_tune(path: Path, *, ticks_a_day: int, memory_mib: int, compress_after: int, keep: int, apply: bool, json: bool) -> int:
    """Print what fits the rate, and set it when told to. Raises UserError without a server or for days that contradict."""
    home = open_home(path)
    server = home.server
    if server is None:
        raise UserError(
            "SQLite needs no tuning", where=str(home.path), remedy="This is for a PostgreSQL server: see `theo db start`"
        )
    wanted = policies(ticks_a_day, memory_mib, compress_after, keep)
    with looking(server) as connection:
        extended = has_timescale(connection)
        statements = policy_statements(wanted) if extended else plain_statements()
        if apply and not has_ticks(connection):
            raise UserError(
                "there are no tables yet", where=shown(server), remedy="They are made at first use: `theo import list`"
            )
        if apply:
            execute_all(connection, statements)
    tuned = Tuned(settings=settings_for(memory_mib, extended=extended), statements=statements, applied=apply)
    if json:
        print(json_text(tuned))
    else:
        print("\n".join(_tuned_lines(tuned, extended=extended)))
    return 0


def policies(ticks_a_day: int, memory_mib: int, compress_after: int, keep: int) -> Policies:
    """Chunks as long as their newest fits in memory. Raises UserError for a retention that would take bars with it."""
    if keep and keep <= max(REFRESH_DAYS, compress_after):
        raise UserError(
            f"ticks cannot be dropped after {keep} days",
            why=f"bars of the last {REFRESH_DAYS} days are made anew, and ticks are compressed after {compress_after}",
            remedy="Keep them for longer, or for ever (0)",
        )
    room = memory_mib * MEBIBYTE / CHUNK_PART
    fitting = [days for days in CHUNK_DAYS if days * ticks_a_day * TICK_BYTES <= room]
    return Policies(
        chunk_days=fitting[0] if fitting else CHUNK_DAYS[-1],
        compress_after_days=compress_after,
        refresh_days=REFRESH_DAYS,
        refresh_every_minutes=REFRESH_MINUTES,
        keep_days=keep,
    )


def settings_for(memory_mib: int, *, extended: bool) -> list[str]:
    """Lines for postgresql.conf, by the memory that the server may use."""
    lines = [
        f"shared_buffers = {memory_mib // 4}MB",
        f"effective_cache_size = {memory_mib * 3 // 4}MB",
        f"maintenance_work_mem = {max(64, memory_mib // 16)}MB",
        "work_mem = 16MB",
        RANDOM_PAGE,
        "max_wal_size = 4GB",
        "checkpoint_completion_target = 0.9",
        "wal_compression = on",
    ]
    return [*lines, "shared_preload_libraries = 'timescaledb'", "timescaledb.max_background_workers = 8"] if extended else lines


def _tuned_lines(tuned: Tuned, *, extended: bool) -> list[str]:
    lines = ["# postgresql.conf", *tuned.settings, "", "-- " + ("TimescaleDB" if extended else "without TimescaleDB")]
    lines += [f"{statement};" for statement in tuned.statements]
    if not extended:
        lines.append("-- the second one every five minutes, from cron or a timer; there is no compression and no retention")
    return [*lines, "", "applied" if tuned.applied else "nothing was changed: --apply runs the statements"]
