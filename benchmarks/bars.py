"""Ticks to 1/5/15/30/60-minute bars in plain Python, tick by tick, beside pandas' resample of the whole array in the same run.

Run: .venv/bin/python -m benchmarks.bars [TICKS]. Medians of five runs; machines are shared, so trust the ratios.
"""

import random
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable, Sequence
from datetime import date

from theo.adapters.calendars.stored import session_table
from theo.domain.market_data import DAY, Bar, SessionScope, Tick, TickFlag
from theo.domain.timeframe import timeframe
from theo.market.bars import BarTree
from theo.market.longer_bars import LongerBars
from theo.market.quality import TickQuality
from theo.market.sessions import Hours

NAMES = ("1min", "5min", "15min", "30min", "60min")
RUNS = 5
TICKS = 300_000
FIRST = 20_454 * DAY  # 2026-01-01
HOURS = Hours(session_table("ALWAYS", date(2026, 1, 1), date(2026, 12, 31)), SessionScope.ALL)


def ticks_of(count: int, flags: int) -> list[Tick]:
    """Seeded trades a tenth of a second apart on average; every second one carries the flags."""
    rng, timestamp, price, made = random.Random(1), FIRST, 500_000, []  # noqa: S311 - the same ticks in each run, no secret
    for n in range(count):
        timestamp += rng.randrange(1, 200_000)
        price += rng.choice((-25, 0, 0, 25))
        made.append(Tick(1, timestamp, timestamp, 0, 0, price, 1 + n % 5, flags if n % 2 else 0))
    return made


def per_item(job: Callable[[], object], count: int) -> float:
    """Nanoseconds of processor time for each item."""
    times = []
    for _ in range(RUNS):
        start = time.process_time_ns()
        job()
        times.append(time.process_time_ns() - start)
    return statistics.median(times) / count


def tree() -> BarTree:
    """What is measured."""
    return BarTree(1, [timeframe(name) for name in NAMES], HOURS)


def build(ticks: Sequence[Tick]) -> list[Bar]:
    """All bars of the ticks."""
    source, bars = tree(), list[Bar]()
    on_tick = source.on_tick
    for tick in ticks:
        closed = on_tick(tick)
        if closed:
            bars += closed
    return bars + list(source.on_time(FIRST + 300 * DAY))


def bare_loop(ticks: Sequence[Tick]) -> int:
    """One open bar and nothing else: what the language itself costs."""
    end = high = close = volume = 0
    low, bars = 1 << 62, 0
    for tick in ticks:
        if tick.timestamp >= end:
            end = tick.timestamp - tick.timestamp % 60_000_000 + 60_000_000
            high = low = tick.price
            volume, bars = 0, bars + 1
        price = close = tick.price
        if price > high:
            high = price
        elif price < low:
            low = price
        volume += tick.volume
    return bars + close - close


def longer(minutes: Sequence[Bar]) -> None:
    """The longer bars from stored 1-minute bars."""
    chain = LongerBars(1, [timeframe(name) for name in NAMES[1:]], HOURS, source="bench")
    for bar in minutes:
        chain.on_bar(bar)


def check(ticks: Sequence[Tick]) -> None:
    """Outliers and quotes."""
    quality = TickQuality(HOURS, 25)
    for tick in ticks:
        quality.on_tick(tick)


def pandas_resample(ticks: Sequence[Tick]) -> Callable[[], list[object]]:
    """The peer: all five timeframes from the whole arrays; making the arrays is not counted."""
    import pandas as pd

    index = pd.to_datetime([t.timestamp for t in ticks], unit="us")
    prices = pd.Series([t.price for t in ticks], index=index)
    volumes = pd.Series([t.volume for t in ticks], index=index)
    return lambda: [(prices.resample(name).ohlc().dropna(), volumes.resample(name).sum()) for name in NAMES]


def memory(ticks: Sequence[Tick]) -> tuple[float, float]:
    """What a tree holds after all ticks, and at most, in MB, without the ticks themselves."""
    tracemalloc.start()
    source = tree()
    for tick in ticks:
        source.on_tick(tick)
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return held / 1e6, peak / 1e6


def main() -> None:
    """Print the table."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else TICKS
    clean = ticks_of(count, 0)
    conditions = ticks_of(count, int(TickFlag.NOT_LAST | TickFlag.NOT_HIGH_LOW))
    minutes = [bar for bar in build(clean) if bar.timeframe == "1min"]
    base = per_item(lambda: bare_loop(clean), count)
    rows = [("plain loop, one open bar", base)]
    rows.append(("BarTree, 1/5/15/30/60 min", per_item(lambda: build(clean), count)))
    rows.append(("BarTree, half with sale conditions", per_item(lambda: build(conditions), count)))
    rows.append(("TickQuality", per_item(lambda: check(clean), count)))
    rows.append(("LongerBars, a 1-minute bar", per_item(lambda: longer(minutes), len(minutes))))
    try:
        rows.append(("pandas resample, whole array", per_item(pandas_resample(clean), count)))
    except ImportError:
        print("pandas is not installed: no peer")
    print(f"{count:,} ticks, {len(minutes):,} minutes")
    for name, nanoseconds in rows:
        print(f"{name:36} {nanoseconds:8.0f} ns  {nanoseconds / base:6.1f} x plain loop")
    held, peak = memory(clean)
    print(f"{'memory of one tree':36} {held:8.2f} MB held, {peak:.2f} MB at most, and up to 16,384 ticks that it refers to")


if __name__ == "__main__":
    main()
