"""Tick ingest into market.db beside bare executemany, in one run; then reading, journal appends, and memory.

Run: python -m benchmarks.ingest [TICKS]
"""

import gc
import resource
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from theo.adapters.sql.journal.store import SqlJournalStore
from theo.adapters.sql.journal.verify import verify
from theo.adapters.sql.market.store import SqlMarketStore
from theo.domain.journal import GENESIS, TRADING, Record, chain_hash
from theo.domain.market_data import MINUTE, Bar, Tick
from theo.ports.market_store import BarRange, TickRange

BATCH = 10_000
ROUNDS = 5
SCHEMA = (
    "CREATE TABLE ticks (instrument INTEGER, timestamp INTEGER, source INTEGER, seq INTEGER, received_at INTEGER, kind INTEGER, "
    "price INTEGER, volume INTEGER, flags INTEGER, time_source INTEGER{key})"
)
KEY = ", PRIMARY KEY (instrument, timestamp, source, seq)) WITHOUT ROWID"


def ticks(count: int) -> list[Tick]:
    """Trades, three a millisecond stamp."""
    return [Tick(1, n // 3 * 1000, n // 3 * 1000, n % 3, 0, 450_000 + n % 97, n % 50, 0, 0, "ib") for n in range(count)]


def batches(rows: list[Tick]) -> Iterator[list[Tick]]:
    """The rows in transactions' portions."""
    return (rows[start : start + BATCH] for start in range(0, len(rows), BATCH))


def bare(rows: list[Tick], home: Path, *, key: bool) -> None:
    """What SQLite does alone: rows made beforehand, no keys of ours, no checks."""
    connection = sqlite3.connect(home / "bare.db", isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "cache_size=-32768"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute(SCHEMA.format(key=KEY.removesuffix(") WITHOUT ROWID") if key else "") + (" WITHOUT ROWID" if key else ""))
    for batch in batches(rows):
        connection.execute("BEGIN IMMEDIATE")
        made = [(t.instrument, t.timestamp, 1, t.seq, t.at, t.kind, t.price, t.volume, t.flags, t.time_source) for t in batch]
        connection.executemany("INSERT INTO ticks VALUES (?,?,?,?,?,?,?,?,?,?)", made)
        connection.execute("COMMIT")
    connection.close()


def ours(rows: list[Tick], home: Path) -> None:
    """As a collector writes."""
    store = SqlMarketStore(home)
    for batch in batches(rows):
        store.put_ticks(batch)
    store.close()


def staged(rows: list[Tick], home: Path) -> None:
    """As an import writes."""
    store = SqlMarketStore(home)
    part = store.begin_import("import", "f")
    for batch in batches(rows):
        store.stage_ticks(part, batch)
    store.publish(part)
    store.close()


def rate(act: Callable[[Path], None], count: int) -> float:
    """Thousand rows a second in a fresh folder; opening is included, as in life."""
    with TemporaryDirectory() as folder:
        gc.collect()
        began = time.perf_counter()
        act(Path(folder))
        return count / (time.perf_counter() - began) / 1e3


def memory_mb() -> float:
    """The largest resident size so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure_ingest(count: int) -> None:
    """Four ways to store the same ticks."""
    rows = ticks(count)
    forms: dict[str, Callable[[Path], None]] = {
        "bare executemany, no key": lambda home: bare(rows, home, key=False),
        "bare executemany, our key": lambda home: bare(rows, home, key=True),
        "put_ticks": lambda home: ours(rows, home),
        "import, staged and published": lambda home: staged(rows, home),
    }
    found: dict[str, list[float]] = {name: [] for name in forms}
    for _ in range(ROUNDS):  # in turns, so that a busy neighbour slows all of them
        for name, act in forms.items():
            found[name].append(rate(act, count))
    base, keyed = (median(found[name]) for name in list(forms)[:2])
    for name, rates in found.items():
        own = median(rates)
        print(f"{name:32s}{own:10,.0f} k ticks/s {own / base:7.0%} of bare, {own / keyed:4.0%} of bare with the key")


def measure_reading(count: int) -> None:
    """Ticks and bars back from the store."""
    with TemporaryDirectory() as folder:
        store = SqlMarketStore(Path(folder))
        for batch in batches(ticks(count)):
            store.put_ticks(batch)
        before = memory_mb()
        began = time.perf_counter()
        seen = sum(1 for _ in store.ticks(TickRange(instrument=1)))
        took = time.perf_counter() - began
        print(
            f"reading ticks as values         {seen / took / 1e3:10,.0f} k ticks/s, memory grew by {memory_mb() - before:.0f} MB"
        )
        bars = [Bar(1, n, "1min", n * MINUTE, (n + 1) * MINUTE, 1, 2, 1, 2, 5, "t") for n in range(count // 5)]
        began = time.perf_counter()
        store.put_bars(bars)
        print(f"put_bars                        {len(bars) / (time.perf_counter() - began) / 1e3:10,.0f} k bars/s")
        for name, read in (
            ("bar_arrays", store.bar_arrays),
            ("bars as values", lambda wanted: sum(1 for _ in store.bars(wanted))),
        ):
            began = time.perf_counter()
            read(BarRange(instrument=1, timeframe="1min"))
            print(f"{name:32s}{len(bars) / (time.perf_counter() - began) / 1e3:10,.0f} k bars/s")
        began = time.perf_counter()
        for _ in range(100):
            store.latest_bars(1, "1min", 200)
        print(f"latest 200 bars                 {(time.perf_counter() - began) * 10:10.2f} ms")
        store.close()


def journal_records(count: int, epoch: int) -> list[Record]:
    """Chained records of 200 bytes."""
    made, previous = [], GENESIS
    payload = b"x" * 200
    for seq in range(1, count + 1):
        digest = chain_hash(TRADING, seq, epoch, seq, "step", 1, payload, previous)
        made.append(Record(TRADING, seq, epoch, seq, "step", 1, payload, previous, digest))
        previous = digest
    return made


def measure_journal(count: int) -> None:
    """Appends by group size, then a walk of the chain."""
    for group in (1, 100, 4096):
        with TemporaryDirectory() as folder:
            store = SqlJournalStore(Path(folder))
            records = journal_records(min(count, group * 500), store.claim(TRADING))
            began = time.perf_counter()
            for start in range(0, len(records), group):
                store.append(records[start : start + group])
            took = time.perf_counter() - began
            commits = -(-len(records) // group)
            speed, each = len(records) / took, took / commits * 1e6
            print(f"journal, groups of {group:5d}         {speed:10,.0f} records/s {each:8,.0f} us a commit")
            if group > 1:
                began = time.perf_counter()
                verify(store)
                print(f"  verified                      {len(records) / (time.perf_counter() - began):10,.0f} records/s")
            store.close()


def main() -> None:
    """Measure everything and print one table."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 500_000
    measure_ingest(count)
    measure_reading(count)
    measure_journal(min(count, 100_000))
    print(f"peak memory                     {memory_mb():10,.0f} MB, of which the ticks made beforehand are most")


if __name__ == "__main__":
    main()
