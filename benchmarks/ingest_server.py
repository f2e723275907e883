"""Tick ingest into PostgreSQL beside a bare binary COPY into the same table, in one run: a server of this run's own.

Run: python -m benchmarks.ingest_server [TICKS]. With THEO_TEST_TIMESCALE (a folder of PostgreSQL programs with the extension) the
table is a hypertable.
"""

import gc
import os
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import psycopg
from sqlalchemy import text
from sqlalchemy.engine import make_url

from benchmarks.ingest import BATCH, ROUNDS, batches, ticks
from theo.adapters.postgres.server import Server, wheel_binaries
from theo.adapters.sql.database.place import Place
from theo.adapters.sql.database.transactions import writing
from theo.adapters.sql.market.ingest import TickIngest
from theo.adapters.sql.market.spill import Spill
from theo.adapters.sql.market.store import SqlMarketStore
from theo.domain.market_data import Tick

TYPES = ("int8", "timestamptz", "int8", "int8", "int8", "int4", "int8", "int8", "int4", "int4")
SETTINGS = ("shared_buffers = 256MB", "max_wal_size = 4GB", "timescaledb.telemetry_level = off")


def bare(rows: list[Tick], store: SqlMarketStore) -> None:
    """What the server and its driver do alone: one COPY a batch and a commit, no checks, no keys of ours."""
    pooled = store.engine.raw_connection()
    connection = pooled.driver_connection
    assert isinstance(connection, psycopg.Connection)
    for batch in batches(rows):
        made = [(t.instrument, t.timestamp, 1, t.seq, t.at, t.kind, t.price, t.volume, t.flags, t.time_source) for t in batch]
        with connection.cursor() as cursor, cursor.copy("COPY exact.ticks FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(TYPES)
            for row in made:
                copy.write_row(row)
        connection.commit()
    pooled.close()


def ours(rows: list[Tick], store: SqlMarketStore, folder: Path) -> None:
    """As a live run's ticks go: offered, then written by rounds."""
    with TemporaryDirectory(dir=folder) as aside:
        taking = TickIngest(store, Spill(Path(aside), lambda *_: None), lambda *_: None, held_max=len(rows))
        for batch in batches(rows):
            taking.offer(batch)
            taking.work()
        taking.close()


def imported(rows: list[Tick], store: SqlMarketStore) -> None:
    """As an import writes: hidden, then published."""
    part = store.begin_import("import", "f")
    for batch in batches(rows):
        store.stage_ticks(part, batch)
    store.publish(part)


def measure(count: int, store: SqlMarketStore, folder: Path) -> None:
    """In turns, so that a busy neighbour slows all of them; the table is empty before each, but for what comes twice."""
    rows = ticks(count)
    forms: dict[str, Callable[[], None]] = {
        "bare binary COPY": lambda: bare(rows, store),
        "ingest, new ticks": lambda: ours(rows, store, folder),
        "ingest, all of them once more": lambda: ours(rows, store, folder),
        "import, staged and published": lambda: imported(rows, store),
        "import once more, replacing": lambda: imported(rows, store),
    }
    found: dict[str, list[float]] = {name: [] for name in forms}
    for _ in range(ROUNDS):
        for name, act in forms.items():
            if "once more" not in name:
                with writing(store.engine) as connection:
                    connection.execute(text("TRUNCATE exact.ticks"))
            gc.collect()
            began = time.perf_counter()
            act()
            found[name].append(count / (time.perf_counter() - began) / 1e3)
    base = median(found["bare binary COPY"])
    for name, rates in found.items():
        print(f"{name:32s}{median(rates):10,.0f} k ticks/s {median(rates) / base:7.0%} of bare")


def main() -> None:
    """Start a server, measure, print one table."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 500_000
    named = os.environ.get("THEO_TEST_TIMESCALE", "")
    with TemporaryDirectory(prefix="theo-pg-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        server = Server(folder / "server", Path(named) if named else wheel_binaries(), "nobody" if os.geteuid() == 0 else "")
        server.make((*SETTINGS, "shared_preload_libraries = 'timescaledb'") if named else SETTINGS[:2])
        server.start()
        try:
            print(f"{'hypertable' if named else 'plain table'}, {count:,} ticks in batches of {BATCH:,}, a commit each")
            with closing(SqlMarketStore(Place(folder, make_url(server.url()), "home"), durable=True)) as store:
                measure(count, store, folder)
        finally:
            server.stop("immediate")


if __name__ == "__main__":
    main()
