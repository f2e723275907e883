"""A small home as a user makes one: bars imported from files, a rule set backtested over them, by the real command line."""

import io
import sys
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta
from math import sin
from pathlib import Path
from unittest.mock import patch

import pytest

from theo.app.cli import main

OPEN = datetime(2019, 1, 7, 14, 30, tzinfo=UTC)  # Monday, 09:30 New York
DAYS, BARS_A_DAY = 12, 26
QUARTER = timedelta(minutes=15)
TREND = """
name = "trend"
description = "SPY: on the side of the faster average"
strategy = "ma_crossover"
timeframe = "15min"
session = "RTH"
reverse = true
target = "none"

[symbols]
primary = "SPY"

[crossover]
fast = "sma(3)"
slow = "sma(9)"

[stop]
times = 3.0
of = "atr(5)"

[size]
quantity = 10

[trading]
style = "positional"
"""


def theo(home: Path, *arguments: object) -> str:
    """What a call of the command line printed; it must end well."""
    out = io.StringIO()
    argv = ["theo", "--home", str(home), *map(str, arguments)]
    with patch.object(sys, "argv", argv), redirect_stdout(out), pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code, out.getvalue()
    return out.getvalue()


def starts() -> list[datetime]:
    """The starts of the bars: whole days of New York's hours, weekends left out."""
    days = [OPEN + timedelta(days=day) for day in range(DAYS + 4)]
    return [day + number * QUARTER for day in days if day.weekday() < 5 for number in range(BARS_A_DAY)]


def cents(number: int, base: int, swing: int) -> list[int]:
    """Open, high, low and close of a bar: waves of several lengths, so that averages cross."""

    def at(place: float) -> int:
        return base + round(swing * (sin(place / 7) + 0.6 * sin(place / 2.3) + 0.3 * sin(place * 1.7)))

    opened, close = at(number), at(number + 0.9)
    return [opened, max(opened, close) + abs(swing) // 9, min(opened, close) - abs(swing) // 9, close]


def write_bars(file: Path, base: int, swing: int) -> None:
    """A CSV file as `theo import bars` reads it."""
    lines = ["start,open,high,low,close,volume"]
    for number, start in enumerate(starts()):
        prices = ",".join(f"{price / 100:.2f}" for price in cents(number, base, swing))
        lines.append(f"{start.isoformat()},{prices},{1000 + number}")
    file.write_text("\n".join(lines) + "\n")


def make_home(folder: Path) -> Path:
    """Bars of SPY and VIX, and the rule set's file."""
    home = folder / "home"
    for symbol, base, swing in (("SPY", 25_000, 90), ("VIX", 2_000, -60)):
        file = folder / f"{symbol.lower()}.csv"
        write_bars(file, base, swing)
        theo(home, "import", "bars", file, "--symbol", symbol, "--timeframe", "15min")
    (folder / "trend.toml").write_text(TREND)
    return home
