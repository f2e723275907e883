"""The long run: many seeds and every crash point, resumable. `python -m tests.sim.closing --seeds 1000 --state FILE`."""

import argparse
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.sim.order_path.check import Violation
from tests.sim.order_path.crash import CrashPoints
from tests.sim.order_path.world import World

TICKS = 150


def attempt(label: str, make: Callable[[Path], World], done: set[str], state: Path) -> bool:
    """One world that was not run yet; True when it held."""
    if label in done:
        return True
    folder = Path(tempfile.mkdtemp(prefix="theo-sim-"))
    try:
        make(folder).run()
    except Violation as violation:
        print(f"{label}: {violation}", flush=True)
        return False
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    with state.open("a", encoding="utf-8") as file:
        file.write(f"{label}\n")
    return True


def main() -> None:
    """Run what the state file does not name yet; print what broke and the sums."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--state", type=Path, required=True)
    asked = parser.parse_args()
    done = set(asked.state.read_text(encoding="utf-8").split()) if asked.state.exists() else set()
    folder = Path(tempfile.mkdtemp(prefix="theo-sim-"))
    whole = World(0, folder, faults=False, ticks=TICKS)
    whole.run()
    shutil.rmtree(folder)
    held = [
        attempt(f"point-{k}", lambda f, k=k: World(0, f, faults=False, points=CrashPoints(at=k), ticks=TICKS), done, asked.state)  # type: ignore[misc]  # a default argument binds the moment
        for k in range(1, whole.points.count + 1)
    ]
    held += [attempt(f"seed-{s}", lambda f, s=s: World(s, f), done, asked.state) for s in range(1, asked.seeds + 1)]  # type: ignore[misc]  # as above
    print(f"{whole.points.count} crash points and {asked.seeds} seeds: {held.count(False)} broken")


if __name__ == "__main__":
    main()
