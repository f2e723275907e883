"""Ticks on a PostgreSQL server: the latest bars as data grows, compression, a migration's memory. ingest_server writes them.

Run: python -m benchmarks.storage PROGRAMS [--sizes N,N,...] [--migrate N]. PROGRAMS is the folder of PostgreSQL's
programs, with or without TimescaleDB. As root the server runs as nobody.
"""

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import psycopg
from sqlalchemy import text
from sqlalchemy.engine import URL, make_url

from theo.adapters.postgres.server import Server
from theo.adapters.sql.database.place import Place
from theo.adapters.sql.database.postgresql import BULK_MS_MAX, open_engine
from theo.adapters.sql.database.transactions import writing
from theo.adapters.sql.market.store import SqlMarketStore
from theo.adapters.sql.schema.opening import Database, migrate
from theo.adapters.sql.server.state import Policies, execute_all, has_timescale, looking, policy_statements
from theo.domain.instrument import Instrument, SecurityType
from theo.domain.market_data import DAY

ASKED = 50
SYMBOLS, TICK_US = 20, 4_000_000  # of each symbol one in four seconds: a million are 222 bars of each, 50 million 115 days
FIRST_DAY = 20_090  # 2025-01-02, days since 1970
SETTINGS = ("shared_buffers = 512MB", "max_wal_size = 4GB", "maintenance_work_mem = 256MB")
POLICIES = Policies(chunk_days=1, compress_after_days=3_650, refresh_days=3, refresh_every_minutes=5)
LATEST = (
    "SELECT created, open, high, low, close, volume FROM stock_ohlc_15min WHERE symbol = 'S7' "
    "AND created > '2025-01-02'::timestamptz + INTERVAL '{seconds} seconds' - INTERVAL '{days} days' "
    "ORDER BY created DESC LIMIT 200"
)
COPIES = "generate_series({first}::bigint, {last}::bigint - 1) n"
MOMENT = "'2025-01-02'::timestamptz + (n / {symbols}) * INTERVAL '{us} microseconds'"
VALUES = "1 + n % {symbols}, " + MOMENT + ", 1, 0, 0, 0, 450000 + n % 97, n % 50, 0, 0"
FILL = "INSERT INTO exact.{table} SELECT " + VALUES + " FROM " + COPIES  # noqa: S608 - our own names and numbers


@contextmanager
def serving(programs: Path) -> Iterator[Server]:
    """A server of its own with its data on this disk, durable as in life."""
    folder = Path(tempfile.mkdtemp(prefix="theo-storage-"))
    folder.chmod(0o755)
    server = Server(folder / "server", programs, "nobody" if os.geteuid() == 0 else "")
    extended = (programs.parent / "lib").exists() and any(programs.parent.rglob("timescaledb.control"))
    server.make(
        (*SETTINGS, *(("shared_preload_libraries = 'timescaledb'", "timescaledb.telemetry_level = off") if extended else ()))
    )
    try:
        server.start()
        yield server
    finally:
        server.stop("immediate")
        shutil.rmtree(folder, ignore_errors=True)


def plain(url: URL) -> str:
    """As the driver takes it."""
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def new_place(server: Server, name: str) -> Place:
    """A database that nobody has used."""
    with psycopg.connect(plain(make_url(server.url())), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return Place(Path(tempfile.mkdtemp(prefix="theo-storage-place-")), make_url(server.url(name)), "bench")


def instruments(count: int) -> list[Instrument]:
    """S1 and so on."""
    return [
        Instrument(id=n, symbol=f"S{n}", token=n, security_type=SecurityType.STK, exchange="X", calendar="NYSE", tick=1)
        for n in range(1, count + 1)
    ]


def measure_growth(server: Server, sizes: list[int]) -> None:
    """The latest 200 bars of one symbol of twenty, and what compression saves at the end."""
    place = new_place(server, "growth")
    store = SqlMarketStore(place)
    store.put_instruments(instruments(SYMBOLS))
    assert place.server is not None
    with psycopg.connect(plain(place.server), autocommit=True) as connection:
        connection.execute(
            "INSERT INTO exact.sources (name, visible, origin, fingerprint, staged_rows) VALUES ('s', true, 'direct', '', 0)"
        )
        done = 0
        for size in sizes:
            days = range(FIRST_DAY, FIRST_DAY + size // SYMBOLS * TICK_US // DAY + 1)
            connection.execute("SELECT exact.make_months(%s::bigint[])", [list(days)])
            began = time.perf_counter()
            connection.execute(FILL.format(table="ticks", symbols=SYMBOLS, us=TICK_US, first=done, last=size).encode())
            filled, done = time.perf_counter() - began, size
            for minutes in (5, 15, 30, 60):
                connection.execute(f"CALL refresh_continuous_aggregate('stock_ohlc_{minutes}min', NULL, NULL)".encode())
            connection.execute("ANALYZE")
            told = [_asked(connection, size, days) for days in (30, 36_500)]
            bounded, free = (f"{median(each):.2f} ms (p95 {sorted(each)[int(ASKED * 0.95)]:.2f})" for each in told)
            print(
                f"{size:>12,} ticks, filled in {filled:,.0f} s: latest 200 bars {bounded} within 30 days, {free} without a bound",
                flush=True,
            )
    with looking(place.server) as looked:
        if has_timescale(looked):
            execute_all(looked, policy_statements(POLICIES))
            execute_all(looked, ["SELECT compress_chunk(c) FROM show_chunks('exact.ticks') c"])
            sizes_of = "SELECT sum(before_compression_total_bytes)::float / sum(after_compression_total_bytes) "
            ratio = looked.execute(text(sizes_of + "FROM hypertable_compression_stats('exact.ticks')")).scalar_one()
            print(f"compressed {ratio:.1f} times, indexes included", flush=True)
    store.close()


def _asked(connection: "psycopg.Connection[tuple[object, ...]]", size: int, days: int) -> list[float]:
    query = LATEST.format(seconds=size // SYMBOLS * TICK_US // 1_000_000, days=days).encode()
    found = []
    for _ in range(ASKED):
        began = time.perf_counter()
        connection.execute(query).fetchall()
        found.append((time.perf_counter() - began) * 1e3)
    return found


def measure_migration(server: Server, count: int) -> None:
    """From the schema before the views to the newest, on a full table: time, and the largest size of both processes."""
    place = new_place(server, "migration")
    assert place.server is not None
    engine = open_engine(place.server, durable=False, lock="market", statement_ms=BULK_MS_MAX)
    with writing(engine) as connection:
        connection.execute(text("CREATE SCHEMA exact"))
        migrate(connection, Database.MARKET, "0003")
    with psycopg.connect(plain(place.server), autocommit=True) as raw:
        raw.execute(FILL.format(table="stock_ticks", symbols=SYMBOLS, us=TICK_US, first=0, last=count).encode())
    before = _peak(os.getpid())
    began = time.perf_counter()
    with writing(engine) as connection:
        pid = int(connection.execute(text("SELECT pg_backend_pid()")).scalar_one())
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        migrate(connection, Database.MARKET)
        server_peak = _peak(pid)
    took = time.perf_counter() - began
    print(
        f"migrated {count:,} ticks in {took:,.0f} s: our process grew by {_peak(os.getpid()) - before:,.0f} MB, "
        f"the server's reached {server_peak:,.0f} MB with 512 MB of shared buffers",
        flush=True,
    )
    engine.dispose()


def _peak(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("programs", type=Path)
    parser.add_argument("--sizes", default="1000000,10000000,50000000")
    parser.add_argument("--migrate", type=int, default=10_000_000)
    asked = parser.parse_args()
    with serving(asked.programs) as server:
        measure_growth(server, [int(each) for each in asked.sizes.split(",")])
        measure_migration(server, asked.migrate)


if __name__ == "__main__":
    main()
