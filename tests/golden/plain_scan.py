"""The classic scan computed once more, slowly, with pandas and loops: from docs/concepts alone, with nothing of the platform.

Prices come from the files themselves, rounded to cents as an import rounds them.
"""

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

K, WINDOW, MINIMUM, THRESHOLD = 2, 50, 30, 0.7
Signal = tuple[int, str]  # the bar's end in microseconds UTC, and the side


def bars_of(path: Path, close: str = "close", contract: str = "") -> pd.DataFrame:
    """start, end (microseconds UTC), high, low, close and contract of a file; a file of closes has them as high and low."""
    high, low = ("high", "low") if close == "close" else (close, close)
    named = f"CAST({contract} AS VARCHAR)" if contract else "''"
    sql = (
        f"SELECT epoch_us(ts_start) AS start, epoch_us(ts_end) AS end, {high} AS high, {low} AS low, {close} AS close, "  # noqa: S608 - our own words
        f"{named} AS contract FROM read_parquet(?) WHERE {close} IS NOT NULL ORDER BY 1"
    )
    found = duckdb.connect().execute(sql, [str(path)]).df()
    return found.assign(**{name: found[name].round(2) for name in ("high", "low", "close")})


def levels_before(bars: pd.DataFrame) -> pd.DataFrame:
    """By bar end: the swing levels, and whether they stand unbroken, as known at the close of the bar before."""
    highs, lows, closes = (bars[name].tolist() for name in ("high", "low", "close"))
    known, rows = (float("nan"), False, float("nan"), False), []
    for i, close in enumerate(closes):
        rows.append(known)
        sh, sh_stands, sl, sl_stands = known
        if close > sh:
            sh_stands = False
        if close < sl:
            sl_stands = False
        middle = i - K
        if middle >= K:
            around = [j for j in range(middle - K, middle + K + 1) if j != middle]
            if all(highs[middle] > highs[j] for j in around):
                sh, sh_stands = highs[middle], True
            if all(lows[middle] < lows[j] for j in around):
                sl, sl_stands = lows[middle], True
        known = (sh, sh_stands, sl, sl_stands)
    return pd.DataFrame(rows, columns=["sh", "sh_stands", "sl", "sl_stands"], index=bars["end"])


def correlations(primary: pd.DataFrame, partner: pd.DataFrame) -> pd.Series:
    """By end of the bars that both have: Pearson of log returns over the last pairs that cross no break, gap or roll."""
    joined = primary.merge(partner, on="end", suffixes=("", "_of_partner"))
    before = joined.shift(1)
    kept = (
        (joined["start"] == before["end"])
        & (joined["start_of_partner"] == before["end"])
        & (joined["contract"] == before["contract"])
        & (joined["contract_of_partner"] == before["contract_of_partner"])
    )
    closes = joined[["close", "close_of_partner"]].set_axis(["x", "y"], axis=1)
    pairs = np.log(closes / closes.shift(1))[kept]
    found = pairs["x"].rolling(WINDOW, min_periods=MINIMUM).corr(pairs["y"])
    return found.reindex(joined.index).ffill().set_axis(joined["end"])


def classic_signals(primary: pd.DataFrame, partner: pd.DataFrame) -> list[Signal]:
    """Long: the primary's close breaks its SH, the partner's is below its SL, the two move against each other. Short mirrored."""
    ours, theirs = levels_before(primary), levels_before(partner)
    against = correlations(primary, partner)
    closes = partner.set_index("end")["close"]
    found = []
    for end, close in zip(primary["end"].tolist(), primary["close"].tolist(), strict=True):
        if end not in closes.index or not against[end] <= -THRESHOLD:
            continue
        own, other, partners = ours.loc[end], theirs.loc[end], closes[end]
        if own["sh_stands"] and close > own["sh"] and partners < other["sl"]:
            found.append((end, "Long"))
        if own["sl_stands"] and close < own["sl"] and partners > other["sh"]:
            found.append((end, "Short"))
    return found
