"""NautilusTrader on the two-instrument reference strategy, beside the same fused loop as the core, in one run.

Run: python -m benchmarks.nautilus [BARS], after `pip install nautilus_trader`: it is no dependency of ours, and without it
nothing is measured. Bars per second are of two instruments each and of processor time, the best of some rounds.
"""

import importlib.util
import os
import sys
import time
from pathlib import Path

from benchmarks import reference_data as reference
from benchmarks.reference_loop import fused

BARS, ROUNDS = 100_000, 3


def main(count: int) -> None:
    """Print both, and how often each traded."""
    if importlib.util.find_spec("nautilus_trader") is None:
        print("NautilusTrader is not installed: pip install nautilus_trader")
        return
    from benchmarks.nautilus_engine import engine

    generator = reference.generator(Path(os.environ.get("THEO_TEST_DATA", "../shared/data")))
    if generator is None:
        print("the reference strategy's generator is not on this machine (THEO_TEST_DATA)")
        return
    raw = generator.bars(count)
    columns, loop, peer, trades, entered = reference.columns(raw), [], [], 0, 0
    for _ in range(ROUNDS):
        begun = time.process_time()
        trades = len(fused(columns)[0])
        loop.append(time.process_time() - begun)
        made, strategy = engine(raw)
        begun = time.process_time()
        made.run()
        peer.append(time.process_time() - begun)
        entered = strategy.entered
        made.dispose()
    print(f"{count:,} bars of two instruments; {trades} trades of the loop, {entered} of NautilusTrader")
    print(f"{'fused loop':34}{count / min(loop):12,.0f} bars/s")
    print(f"{'NautilusTrader':34}{count / min(peer):12,.0f} bars/s   1/{min(peer) / min(loop):.1f} of the loop")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else BARS)
