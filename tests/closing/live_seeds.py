"""The swarm of whole trading days beside the gateway, in simulated time; goes on where it was stopped.

Run: python -m tests.closing.live_seeds --seeds 2000 --state FILE [--first 1].
"""

import argparse
import shutil
import tempfile
import time
from pathlib import Path

from tests.sim.live_world import market
from tests.sim.live_world.world import World
from tests.sim.order_path.check import Violation
from theo.domain.market_data import HOUR

MEMORY = Path("/dev/shm")  # noqa: S108 - where it exists, journals need no disk


def attempt(seed: int, sessions: Path) -> tuple[str, float]:
    """What a seed found ("" when everything held), and how many hours were simulated."""
    folder = Path(tempfile.mkdtemp(prefix="theo-live-", dir=MEMORY if MEMORY.exists() else None))
    world = World(seed, folder, sessions)
    try:
        world.run()
    except Violation as violation:
        return str(violation), 0.0
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return "", (world.ends - market.START) / HOUR


def main() -> None:
    """Run what the state file does not name yet; print what broke, the sums and the speed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=2000)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--state", type=Path, required=True)
    asked = parser.parse_args()
    lines = asked.state.read_text(encoding="utf-8").splitlines() if asked.state.exists() else []
    done = {int(line.split()[0]) for line in lines}
    sessions = Path(tempfile.mkdtemp(prefix="theo-sessions-"))
    began, hours, broken = time.monotonic(), 0.0, 0
    for seed in (each for each in range(asked.first, asked.seeds + 1) if each not in done):
        found, simulated = attempt(seed, sessions)
        hours, broken = hours + simulated, broken + bool(found)
        if found:
            print(f"{seed}: {found}", flush=True)
        with asked.state.open("a", encoding="utf-8") as file:
            file.write(f"{seed} {found or 'held'}\n")
    shutil.rmtree(sessions, ignore_errors=True)
    spent = time.monotonic() - began
    print(f"{broken} broken now, {len(done)} run before; {hours / max(spent, 1e-9) * 3600:,.0f} simulated hours an hour")


if __name__ == "__main__":
    main()
