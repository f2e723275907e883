"""Indicators and correlations, nanoseconds of processor time per bar: live (plain Python) and compiled, beside TA-Lib and pandas.

Run: python -m benchmarks.indicators [BARS]. The least of several runs, after compilation; machines are shared, so
trust the ratios. Compiled correlations include the joining of two series with equal ends and the returns.
"""

import sys
import time
from collections.abc import Callable, Sequence

import numpy as np

from theo.domain.market_data import MINUTE, Bar
from theo.market.correlation import CorrelationSpec, PairCorrelation
from theo.market.indicators.indicator import Indicator
from theo.market.indicators.spec import parse_spec
from theo.research.compiled.bar_columns import BarColumns, columns_of
from theo.research.compiled.correlations import correlate
from theo.research.compiled.indicators import batch

BARS = 200_000
LIVE_BARS = 3_000  # plain Python is measured on fewer
RUNS = 7
FIRST = 20_454 * 24 * 60 * MINUTE  # 2026-01-01
WINDOW = 50

Job = Callable[[], object]
Peers = dict[str, tuple[str, Job]]

SPECS = (
    "true_range",
    "atr(14)",
    "atr(14, smoothing=mean)",
    "atr_stop(14, 3.0)",
    "donchian(20)",
    "highest(20)",
    "fractal(2)",
    "swing(2)",
    "pivot",
    "sma(50)",
    "std(50)",
    "ema(50)",
    "rsi(14)",
)


def walk(count: int, seed: int) -> list[Bar]:
    """Seeded 1-minute bars without gaps, made row by row as a store would give them."""
    rng = np.random.default_rng(seed)
    close = 500_000 + np.cumsum(rng.integers(-30, 31, count))
    up, down = rng.integers(0, 25, count), rng.integers(0, 25, count)
    return [
        Bar(1, FIRST + (n + 1) * MINUTE, "1min", FIRST + n * MINUTE, FIRST + (n + 1) * MINUTE, c, c + u, c - d, c, 1)
        for n, (c, u, d) in enumerate(zip(close.tolist(), up.tolist(), down.tolist(), strict=True))
    ]


def per_bar(job: Job, count: int) -> float:
    """Nanoseconds of processor time for each bar; the first run compiles and does not count."""
    job()
    times = []
    for _ in range(RUNS):
        start = time.process_time_ns()
        job()
        times.append(time.process_time_ns() - start)
    return min(times) / count


def live_indicator(text: str, bars: Sequence[Bar]) -> Job:
    """Bar by bar, as a series calls it."""

    def job() -> None:
        indicator = Indicator(parse_spec(text))
        for bar in bars:
            indicator.update(bar)

    return job


def live_correlation(spec: CorrelationSpec, first: Sequence[Bar], second: Sequence[Bar]) -> Job:
    """Pair by pair, as two series call it."""

    def job() -> None:
        pair = PairCorrelation(spec)
        for one, other in zip(first, second, strict=True):
            pair.join(one, other)

    return job


def ta_lib(bars: BarColumns) -> Peers:
    """The peer of each indicator that TA-Lib has, on float arrays that are made beforehand."""
    import talib

    high, low, close = (column.astype(np.float64) for column in (bars.high, bars.low, bars.close))
    return {
        "true_range": ("TA-Lib", lambda: talib.TRANGE(high, low, close)),
        "atr(14)": ("TA-Lib", lambda: talib.ATR(high, low, close, 14)),
        "donchian(20)": ("TA-Lib", lambda: (talib.MAX(high, 20), talib.MIN(low, 20))),
        "highest(20)": ("TA-Lib", lambda: talib.MAX(high, 20)),
        "sma(50)": ("TA-Lib", lambda: talib.SMA(close, 50)),
        "std(50)": ("TA-Lib", lambda: talib.STDDEV(close, 50)),
        "ema(50)": ("TA-Lib", lambda: talib.EMA(close, 50)),
        "rsi(14)": ("TA-Lib", lambda: talib.RSI(close, 14)),
    }


def pandas_correlation(first: BarColumns, second: BarColumns) -> Peers:
    """The only rolling correlation that pandas has of two series: Pearson's."""
    import pandas as pd

    one, other = pd.Series(first.close.astype(np.float64)), pd.Series(second.close.astype(np.float64))
    return {
        "pearson log_return": ("pandas", lambda: np.log(one).diff().rolling(WINDOW).corr(np.log(other).diff())),
        "pearson change": ("pandas", lambda: one.diff().rolling(WINDOW).corr(other.diff())),
        "pearson price": ("pandas", lambda: one.rolling(WINDOW).corr(other)),
    }


def available(make: Callable[[], Peers]) -> Peers:
    """The peers, or none where their library is not installed."""
    try:
        return make()
    except ImportError as error:
        print(f"no peer: {error}")
        return {}


def row(name: str, live: Job, live_count: int, compiled: Job, count: int, peers: Peers) -> None:
    """Measure and print one line."""
    ours = per_bar(compiled, count)
    line = f"{name:26} {per_bar(live, live_count):9.0f} {ours:9.1f}"
    if name in peers:
        library, job = peers[name]
        theirs = per_bar(job, count)
        line += f" {theirs:9.1f} {library:7} {theirs / ours:6.1f} x"
    print(line)


def main() -> None:
    """Print the table."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else BARS
    first, second = walk(count, 1), walk(count, 2)
    few, others = first[:LIVE_BARS], second[:LIVE_BARS]
    columns, more = columns_of(first), columns_of(second)
    peers = available(lambda: ta_lib(columns)) | available(lambda: pandas_correlation(columns, more))
    print(f"{count:,} bars, ns per bar (live: {len(few):,} bars)")
    print(f"{'':26} {'live':>9} {'compiled':>9} {'peer':>9}")
    for text in SPECS:
        spec = parse_spec(text)
        row(text, live_indicator(text, few), len(few), lambda spec=spec: batch(spec, columns), count, peers)  # type: ignore[misc]  # the loop's own spec
    for method in ("pearson", "spearman", "kendall"):
        for kind in ("log_return", "change", "price"):
            wish = CorrelationSpec(method=method, input=kind, window=WINDOW)  # type: ignore[arg-type]  # of the two tuples above
            live = live_correlation(wish, few, others)
            row(f"{method} {kind}", live, len(few), lambda wish=wish: correlate(wish, columns, more), count, peers)  # type: ignore[misc]  # as above


if __name__ == "__main__":
    main()
