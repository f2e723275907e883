"""The event-driven core with the two-instrument reference strategy, beside one fused loop of plain Python in the same run.

Run: python -m benchmarks.event_core [BARS]. The bars are known beforehand, so their columns are computed ahead, as in long
backtests; the last row goes bar by bar, as live trading does. Bars per second are of two instruments each and of processor time,
the best of some rounds; machines are shared, so trust the ratios. "stored": as `theo backtest` keeps a run, journal.db with
the bars, and then every table of what trading did.
"""

import os
import resource
import sys
import time
from array import array
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import reference_data as reference
from benchmarks.reference_loop import fused
from tests.closing import tick_market
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.app.collecting import collect_seldom
from theo.app.home.journals import gathered
from theo.app.home.layout import Home
from theo.app.home.projecting import projected
from theo.domain.inputs import Command, Started
from theo.domain.instrument import MICROS
from theo.domain.journal import TRADING
from theo.domain.market_data import Bar, ContractRolled
from theo.drive.assembly import Plan, assemble, exchange
from theo.drive.backtest import backtest, merged
from theo.drive.lockstep import LockStep
from theo.engine.account import equity
from theo.engine.journal import MARKET, Journal
from theo.research.ahead import columns_ahead
from theo.strategy.loading import load_ruleset

BARS, ROUNDS, TICK_DAYS, TICKS_A_DAY = 100_000, 3, 2, 400_000
TREE = """
name = "tree"
strategy = "rules"
timeframe = "1min"
[symbols]
primary = "SIM-MES"
[entry]
long = [
    { left = "@5min close", op = ">", right = 0 },
    { left = "@15min sma(3)", op = ">", right = 0 },
    { left = "@30min close", op = ">", right = 0 },
    { left = "@60min close", op = ">", right = 0 },
]
[stop]
percent = 5.0
[target]
percent = 50.0
[size]
quantity = 1
[trading]
style = "positional"
"""


def least_of_each(*runs: Callable[[], object]) -> list[float]:
    """The least processor seconds of each, in turns, so that a busy machine burdens all alike."""
    found: list[list[float]] = [[] for _ in runs]
    for _ in range(ROUNDS):
        for run, taken in zip(runs, found, strict=True):
            begun = time.process_time()
            run()
            taken.append(time.process_time() - begun)
    return [min(taken) for taken in found]


def stored(plan: Plan, items: list[Bar | ContractRolled | Command]) -> None:
    """As `theo backtest` keeps a run."""
    with TemporaryDirectory(prefix="theo-bench-") as name:
        store = SqlJournalStore(Path(name))
        try:
            epoch = store.claim(TRADING, MARKET)
            with gathered(store.append) as append:
                backtest(plan, items, append, epoch, ahead=columns_ahead)
            with projected(Home(Path(name)), Path(name), store):
                pass
        finally:
            store.close()


def bars_table(count: int) -> None:
    """The core's speed on bars, as a ratio to the fused loop."""
    generator = reference.generator(Path(os.environ.get("THEO_TEST_DATA", "../shared/data")))
    if generator is None:
        print("the reference strategy's generator is not on this machine (THEO_TEST_DATA)")
        return
    raw = generator.bars(count)
    plan, columns, items = reference.plan(count), reference.columns(raw), list(merged(reference.bars(raw)))
    trades, worth = fused(columns)
    done = backtest(plan, items, lambda _records: None, ahead=columns_ahead)
    same = equity(done.core.state, done.core.world) == round(worth * MICROS)
    print(f"{count:,} bars of two instruments, {len(trades)} trades; equity {'equal' if same else 'DIFFERENT'}")
    loop, journalled, kept, one_by_one = least_of_each(
        lambda: fused(columns),
        lambda: backtest(plan, items, lambda _records: None, ahead=columns_ahead),
        lambda: stored(plan, items),
        lambda: backtest(plan, items, lambda _records: None),
    )
    print(f"{'fused loop':34}{count / loop:12,.0f} bars/s")
    rows = (("decisions + hashed journal", journalled), ("everything stored", kept), ("without columns ahead", one_by_one))
    for label, took in rows:
        print(f"{label:34}{count / took:12,.0f} bars/s   1/{took / loop:.1f} of the loop")


def ticks_table(days: int) -> None:
    """One tick through the core: trees of 1, 5, 15, 30 and 60 minutes, and an open trade with its stop."""
    plan = tick_market.plan(days)
    plan.rulesets = [(load_ruleset(TREE, "tree.toml"), TREE)]
    core, venue = assemble(plan), exchange(plan)
    driver = LockStep(core, venue, Journal(lambda _records: None, 1))
    ticks = [t for t in tick_market.ticks(plan, days, TICKS_A_DAY) if t.instrument == tick_market.INDEX]
    driver.feed(Started(at=ticks[0].at, key=plan.key, build="bench", cash=plan.cash, world=plan.record()))
    warm = len(ticks) // 4
    driver.run(ticks[:warm])
    clock = time.perf_counter_ns
    taken = array("q", [0]) * (len(ticks) - warm)  # its pages are there beforehand: getting one takes as long as ten ticks
    for number, tick in enumerate(ticks[warm:]):
        begun = clock()
        driver.run((tick,))
        taken[number] = clock() - begun
    a_second = TICKS_A_DAY // 2 / 23_400  # in a session of 6.5 hours
    print(f"{len(taken):,} ticks at {a_second:.1f} a second, {len(core.state.open_trades)} trade open, each tick committed alone")
    found = sorted(taken)
    p50, p99, worst = (found[int(len(found) * share)] / 1000 for share in (0.5, 0.99, 0.99999))
    print(f"a tick through core, exchange and journal: p50 {p50:.1f} us, p99 {p99:.1f} us, worst {worst:.0f} us")


def main(count: int) -> None:
    """Print both tables and the memory."""
    collect_seldom()  # as every command of theo does
    bars_table(count)
    ticks_table(TICK_DAYS)
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB, the bars of both tables included")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else BARS)
