"""How long a start takes after 20 million ticks: from the snapshot, and with every snapshot deleted. The states must be equal.

Run: python tests/closing/boot_20m.py FOLDER [TICKS] [TICKS AFTER THE SNAPSHOT]. Needs about 1 GB; ten minutes to write.
"""

import sqlite3
import sys
import time
from itertools import islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # shared test parts are imported as tests.NAME

from tests.closing.tick_market import booted, market_state, plan, ticks, write_journal
from theo.drive.assembly import Plan
from theo.engine.snapshot import digest

DAYS = 250
TICKS = 20_000_000
TAIL = 100_000  # five minutes, the time between two snapshots, at 333 ticks a second
BOOT_SECONDS_MAX = 5.0


def timed_boot(folder: Path, of: Plan) -> tuple[float, str]:
    """Seconds of a boot, and the digest of everything that it led to."""
    begun = time.perf_counter()
    with booted(folder, of) as (_, run):
        took = time.perf_counter() - begun
        done = run.recovered
        sys.stdout.write(f"boot: {took:.2f} s, from snapshot {done.from_snapshot}, {done.consumed:,} items, {done.facts} facts\n")
        return took, digest(run.core.state) + market_state(run.core).hex()


def main(folder: Path, count: int, tail: int) -> int:
    """0 when the start is quick and the states agree."""
    traded = plan(DAYS)
    begun = time.perf_counter()
    market = islice(ticks(traded, DAYS, -(-count // DAYS // 2) * 2), count)
    written = write_journal(folder, traded, market, frozenset({count - tail}))
    size = sum(file.stat().st_size for file in folder.iterdir())
    sys.stdout.write(f"{written:,} ticks traded in {time.perf_counter() - begun:.0f} s, {size / 1e6:,.0f} MB\n")
    quick = min((timed_boot(folder, traded) for _ in range(3)), key=lambda boot: boot[0])
    connection = sqlite3.connect(folder / "journal.db")
    with connection:
        connection.execute("DELETE FROM snapshots")
    connection.close()
    slow = timed_boot(folder, traded)
    sys.stdout.write(f"states equal: {quick[1] == slow[1]}\n")
    return 0 if quick[0] < BOOT_SECONDS_MAX and quick[1] == slow[1] else 1


if __name__ == "__main__":
    numbers = [int(argument) for argument in sys.argv[2:]]
    sys.exit(main(Path(sys.argv[1]), *numbers, *(TICKS, TAIL)[len(numbers) :]))
