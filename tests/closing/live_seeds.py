"""The swarm of whole trading days beside the gateway, in simulated time; goes on where it was stopped.

Run: python -m tests.closing.live_seeds --seeds 2000 --state FILE [--first 1] [--jobs 2]. Each line of the state file is a seed,
the commit that it ran on, its processor seconds, its simulated hours, and `held` or what broke.
"""

import argparse
import multiprocessing
import shutil
import subprocess
import tempfile
import time
from functools import partial
from pathlib import Path

import msgspec

from tests.sim.live_world import market
from tests.sim.live_world.world import World
from tests.sim.order_path.check import Violation
from theo.domain.market_data import HOUR

MEMORY = Path("/dev/shm")  # noqa: S108 - where it exists, journals need no disk


class Attempt(msgspec.Struct, frozen=True):
    """A seed run: what it found ("" when everything held), simulated hours up to there, and seconds of a processor."""

    seed: int
    found: str
    hours: float
    seconds: float


def attempt(seed: int, sessions: Path) -> Attempt:
    """One seed, its folder removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="theo-live-", dir=MEMORY if MEMORY.exists() else None))
    world, began, found = World(seed, folder, sessions), time.process_time(), ""
    try:
        world.run()
    except Violation as violation:
        found = str(violation)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what the seed found
        found = repr(error)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return Attempt(seed, found.replace("\n", " "), (world.loop.now - market.START) / HOUR, time.process_time() - began)


def commit() -> str:
    """Of the code that runs."""
    git = shutil.which("git") or "git"
    return subprocess.run([git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()


def main() -> None:
    """Run what the state file does not name yet; print what broke, the sums and the speed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=2000)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--jobs", type=int, default=1)
    asked = parser.parse_args()
    lines = asked.state.read_text(encoding="utf-8").splitlines() if asked.state.exists() else []
    done = {int(line.split()[0]) for line in lines}
    sessions = Path(tempfile.mkdtemp(prefix="theo-sessions-"))
    attempt(0, sessions)  # makes the session tables, once for all
    began, runs, code = time.monotonic(), [], commit()
    waiting = [seed for seed in range(asked.first, asked.seeds + 1) if seed not in done]
    with multiprocessing.Pool(asked.jobs) as pool, asked.state.open("a", encoding="utf-8") as file:
        for run in pool.imap_unordered(partial(attempt, sessions=sessions), waiting):
            runs.append(run)
            if run.found:
                print(f"{run.seed}: {run.found}", flush=True)
            file.write(f"{run.seed} {code} {run.seconds:.2f} {run.hours:.2f} {run.found or 'held'}\n")
            file.flush()
    shutil.rmtree(sessions, ignore_errors=True)
    spent, hours, seconds = time.monotonic() - began, sum(run.hours for run in runs), sum(run.seconds for run in runs)
    print(f"{sum(bool(run.found) for run in runs)} of {len(runs)} broken now, {len(done)} run before")
    print(
        f"{hours / max(spent, 1e-9) * 3600:,.0f} simulated hours an hour; {seconds / max(len(runs), 1):.2f} s of a processor each"
    )


if __name__ == "__main__":
    main()
