"""Ingest that is killed again and again: its process by SIGKILL, or its PostgreSQL by an immediate stop, at random moments.

After each kill every tick that was acknowledged must be in the database or on the disk, and at the end each must be stored once.
A run that was interrupted goes on: what was done stands in FOLDER/state.json.

Run: python -m tests.closing.ingest_kills FOLDER [KILLS] [SEED] [sqlite|postgresql|timescale].
"""

import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from random import Random

import msgspec
from sqlalchemy.engine import make_url

from theo.adapters.postgres.server import Server, wheel_binaries
from theo.adapters.sql.database.place import Place
from theo.adapters.sql.market.ingest import TickIngest
from theo.adapters.sql.market.spill import Spill, SpillBounds
from theo.adapters.sql.market.store import SqlMarketStore
from theo.ports.market_store import TickRange

ROOT = Path(__file__).parents[2]
KILLS, SEED = 100, 1
CALM_SECONDS_MAX = 1.0  # of ingest before a kill
SERVER_DOWN_SECONDS = 0.3  # with its writer alive
ROUNDS_HEARD_MIN = 2  # of each process, so that every kill falls into work


class Done(msgspec.Struct):
    """How far the run is: kills by kind, and ticks that were acknowledged."""

    kills: dict[str, int] = msgspec.field(default_factory=dict)
    acknowledged: int = 0

    @property
    def count(self) -> int:
        """All kills."""
        return sum(self.kills.values())


class Ingesting:
    """A home, its database, and the process that writes."""

    def __init__(self, folder: Path, database: str) -> None:
        self.folder, self.server = folder, None
        if database != "sqlite":
            named = os.environ["THEO_TEST_TIMESCALE"] if database == "timescale" else ""
            more = ("shared_preload_libraries = 'timescaledb'",) if named else ()
            self.server = Server(
                folder / "server", Path(named) if named else wheel_binaries(), "nobody" if os.geteuid() == 0 else ""
            )
            self.server.make(("shared_buffers = 32MB", *more))
            self.server.start()
        self.home = folder / "home"

    @property
    def address(self) -> str:
        """Of the database; "" for a file."""
        return self.server.url() if self.server is not None else ""

    def place(self) -> Place:
        """Where it is."""
        return Place(self.home, make_url(self.address) if self.address else None, "home")

    def begin(self, first: int) -> "subprocess.Popen[str]":
        """The writer, from that tick on."""
        command = [sys.executable, "-m", "tests.unit.adapters.sql.tick_writer", str(self.home), self.address, str(first)]
        environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}"}
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment)

    def round(self, first: int, draw: Random) -> tuple[str, int]:
        """Ingest for a while, kill; the kind of the kill, and how many ticks are acknowledged."""
        process = self.begin(first)
        assert process.stdout is not None
        heard = [int(process.stdout.readline()) for _ in range(ROUNDS_HEARD_MIN)]
        time.sleep(draw.random() * CALM_SECONDS_MAX)  # a kill at a random moment of real work is what is tried
        kind = draw.choice(["writer", "server", "both"]) if self.server is not None else "writer"
        if kind != "writer":
            assert self.server is not None
            self.server.stop("immediate")
            if kind == "server":
                time.sleep(SERVER_DOWN_SECONDS)  # the writer meets a server that is away
                self.server.start()
                time.sleep(SERVER_DOWN_SECONDS)  # and goes on with one that is back
        assert process.poll() is None, f"the writer ended by itself after {heard[-1]:,} ticks ({kind})"
        process.kill()
        heard += [int(line) for line in process.stdout if line.endswith("\n")]
        process.wait()
        process.stdout.close()
        if self.server is not None:
            self.server.start()
        return kind, heard[-1]

    def fault(self, first: int, acknowledged: int) -> str:
        """Store what waits; in which way the ticks from ``first`` on are not those acknowledged, "" when they are, each once."""
        store = SqlMarketStore(self.place(), durable=True)
        TickIngest(store, Spill(self.home / "spill", lambda *_: None, SpillBounds(free_min=0)), lambda *_: None).close()
        counts = Counter((t.timestamp, t.seq) for t in store.ticks(TickRange(instrument=7, start=first // 3)))
        store.close()
        lost = sum(1 for number in range(first, acknowledged) if (number // 3, number % 3) not in counts)
        doubled = sum(1 for count in counts.values() if count > 1)
        beside = list((self.home / "spill").glob("*")) if (self.home / "spill").exists() else []
        return f"{lost} lost, {doubled} doubled, {len(beside)} files left" if lost or doubled or beside else ""


def run(folder: Path, kills: int, seed: int, database: str) -> Done:
    """So many kills, from where an interrupted run stopped. Raises AssertionError at the first fault."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    state = folder / "state.json"
    done = msgspec.json.decode(state.read_bytes(), type=Done) if state.exists() else Done()
    ingesting = Ingesting(folder, database)
    try:
        while done.count < kills:
            draw = Random(f"{seed} {done.count}")  # noqa: S311 - the same kills for the same seed
            kind, acknowledged = ingesting.round(done.acknowledged, draw)
            fault = ingesting.fault(done.acknowledged, acknowledged)
            assert not fault, f"after kill {done.count + 1} ({kind}): {fault}"
            done.kills[kind] = done.kills.get(kind, 0) + 1
            done.acknowledged = acknowledged
            state.write_bytes(msgspec.json.encode(done))
    finally:
        if ingesting.server is not None:
            ingesting.server.stop("immediate")
    return done


def main() -> None:
    """Print what was survived."""
    folder, given = Path(sys.argv[1]), sys.argv[2:]
    kills, seed, database = (
        int(given[0]) if given else KILLS,
        int(given[1]) if given[1:] else SEED,
        (given[2:] or ["postgresql"])[0],
    )
    began = time.monotonic()
    done = run(folder, kills, seed, database)
    kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(done.kills.items()))
    print(f"{database}: {done.count} kills ({kinds}), {done.acknowledged:,} ticks acknowledged, none lost or doubled", end="; ")
    print(f"{time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
