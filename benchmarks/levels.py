"""Levels of stored bars: rows a second in history, and microseconds a bar live as history grows, beside the plain loop.

Run: python -m benchmarks.levels [--bars N]
"""

import argparse
import random
import time
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from theo.adapters.sql.market.level_store import SqlLevelStore
from theo.adapters.sql.market.store import SqlMarketStore
from theo.app.stored.leveling import Leveling, fold
from theo.domain.market_data import MINUTE, Bar
from theo.market.standard_levels import LevelSettings, StandardLevels
from theo.ports.level_store import LevelSeries

SERIES = LevelSeries(7, "15min", "benchmark")
LENGTH = 15 * MINUTE
LIVE = 100


def bars(first: int, past: int) -> list[Bar]:
    """A walk on the tick grid, 26 bars a session."""
    chance, price, made = random.Random(1), 500_000, []  # noqa: S311 - made-up numbers
    for n in range(past):
        at = (n // 26) * 96 * LENGTH + n % 26 * LENGTH
        opened, price = price, price + 25 * chance.randint(-20, 20)
        high, low = max(opened, price) + 25 * chance.randint(0, 8), min(opened, price) - 25 * chance.randint(0, 8)
        if n >= first:
            made.append(Bar(7, at + LENGTH, "15min", at, at + LENGTH, opened, high, low, price, 1, "benchmark"))
    return made


def folded(given: list[Bar], *, compiled: bool) -> float:
    """Bars a second without a store."""
    begun = time.perf_counter()
    fold(StandardLevels(LevelSettings()), given, lambda _previous, _contract: None, compiled=compiled)
    return len(given) / (time.perf_counter() - begun)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bars", type=int, default=100_000)
    count = parser.parse_args().bars
    history = bars(0, count)
    folded(history[:100], compiled=True)  # compiles, or loads what is compiled
    print(f"plain loop {folded(history[:20_000], compiled=False):,.0f} bars/s")
    print(f"compiled {folded(history, compiled=True):,.0f} bars/s")
    with TemporaryDirectory() as folder, closing(SqlMarketStore(Path(folder))) as market:
        leveling, done = Leveling(SqlLevelStore(market.engine), LevelSettings()), 0
        for past in (count // 10, count):
            market.put_bars(history[done:past])
            begun = time.perf_counter()
            for _ in leveling.bring_up(LevelSeries(7, "15min", "benchmark", bars=past)):
                pass
            rate = (past - done) / (time.perf_counter() - begun)
            spent = 0.0
            for bar in bars(past, past + LIVE) if past == count else history[past : past + LIVE]:
                market.put_bars([bar])
                begun = time.perf_counter()
                for _ in leveling.bring_up(SERIES):
                    pass
                spent += time.perf_counter() - begun
            done = past + LIVE
            print(f"{past:,} bars stored: {rate:,.0f} rows/s; then {spent / LIVE * 1e6:,.0f} us a live bar, stored")


if __name__ == "__main__":
    main()
