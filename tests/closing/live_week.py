"""Seven days of live trading on recorded prices in simulated time, with the gateway's nights and a weekend: does anything grow?

Run: THEO_TEST_DATA=FOLDER python -m tests.closing.live_week. Quarter-hour bars of SPY and VIX of 2019, a shipped rule set and one
that trades all day. Each midnight the gateway restarts; on Sunday the login lapses, trading halts, and a person who is paged logs
in and resumes. Each evening it is looked at what is held. It fails when a collection that nothing bounds grows from the third
evening (ended trades are kept for two days) to the last, when files or tasks do, when a day has no trades, or when books differ.
"""

import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from tests.sim.live_world.played import Stage, stage
from tests.sim.live_world.week import Evening, Week, growing
from tests.sim.live_world.world import RULES
from tests.sim.test_played_parity import EVER, as_mes, moved
from tests.unit.gateway.tables import at
from theo.adapters.instruments.catalogue import catalogue
from theo.app.gateway.played_series import file_series
from theo.domain.market_data import SECOND, Bar

FIRST, LAST = date(2026, 1, 8), date(2026, 1, 16)  # as the recordings are moved: a Thursday, and the Friday of the week after
LAPSES = datetime(2026, 1, 11, 1, 0)  # noqa: DTZ001 - New York's clock, as a person reads it
SETTLED = 2  # evenings, after which ended trades are forgotten as fast as they are made
SHOWN = 12  # of what has grown most
MEMORY = Path("/dev/shm")  # noqa: S108 - where it exists, databases need no disk


def recorded(folder: Path, sessions: Path) -> Stage:
    """The gateway's market: five weeks, so that rule sets have a past."""
    read = {
        symbol: list(file_series(catalogue()[symbol].instrument, "15min", folder / name, "", EVER, None).read(0))
        for symbol, name in (("SPY", "spy_15m_ohlcv_2019.parquet"), ("VIX", "vix_15m_ohlcv_2019.parquet"))
    }
    series = {
        "MES": [moved(as_mes(bar)) for bar in read["SPY"] if isinstance(bar, Bar)],
        "VIX": [moved(bar) for bar in read["VIX"] if isinstance(bar, Bar)],
    }
    first, last = (datetime.fromtimestamp(series["VIX"][n].start / SECOND, UTC).date() for n in (0, -1))
    return stage(series, first, last, sessions)


def looks() -> list[datetime]:
    """The evenings of the days that are traded."""
    days = [FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1)]
    return [datetime(day.year, day.month, day.day, 20, 0) for day in days if day.weekday() < 5]  # noqa: DTZ001 - as above


def show(evenings: list[Evening]) -> None:
    """A row for each evening, then what has grown since the third one."""
    print("| evening | trades | MB resident | objects | ours | the gateway's | files | tasks | journal MB | ticks MB | s |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    trades, processor = 0, evenings[0].processor
    for each in evenings:
        row = [
            str(each.day),
            str(each.trades - trades),
            f"{each.resident / 1e6:.0f}",
            *(f"{each.objects.total():,} {each.ours.total():,} {each.theirs.total():,}".split()),
            str(each.files),
            str(each.tasks),
            f"{each.journal / 1e6:.1f}",
            f"{each.market / 1e6:.1f}",
            f"{each.processor - processor:.0f}",
        ]
        trades, processor = each.trades, each.processor
        print(f"| {' | '.join(row)} |")
    for what, of in {"objects": "objects", "ours": "entries of ours", "theirs": "entries of the gateway"}.items():
        sizes: list[Counter[str]] = [getattr(each, what) for each in evenings]
        most = sorted(sizes[-1], key=lambda name: sizes[SETTLED][name] - sizes[-1][name])[:SHOWN]
        print(f"{of} that grew most since the third evening:")
        for name in most:
            print(f"    {name}: {', '.join(str(size[name]) for size in sizes)}")


def wrong(evenings: list[Evening], differ: list[str]) -> list[str]:
    """Why the week has failed; empty when it held."""
    settled, last = evenings[SETTLED], evenings[-1]
    found = [f"{name} grew from {before} to {after}" for name, (before, after) in growing(settled, last).items()]
    found += [f"no trade on {each.day}" for before, each in pairwise(evenings) if each.trades == before.trades]
    if (last.files, last.tasks) != (settled.files, settled.tasks):
        found.append(f"files and tasks: {settled.files}, {settled.tasks}, then {last.files}, {last.tasks}")
    return found + differ


def main() -> None:
    """Run the week."""
    folder = Path(tempfile.mkdtemp(prefix="theo-week-", dir=MEMORY if MEMORY.exists() else None))
    for name in ("sessions", "home"):
        (folder / name).mkdir()
    began = time.process_time()
    try:
        given = recorded(Path(os.environ["THEO_TEST_DATA"]), folder / "sessions")
        span = at(f"{FIRST} 09:00"), at(f"{LAST} 20:30")
        week = Week(given, *span, folder / "home", folder / "sessions", ["mes-vix-inverse", RULES], LAPSES, looks())
        evenings = week.run()
        differ = week.wrong(week.recorded())
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    show(evenings)
    print(f"told: {', '.join(f'{code} {count}' for code, count in sorted(week.person.told.items()))}")
    print(f"{(span[1] - span[0]) / SECOND / 86_400:.1f} days in {time.process_time() - began:.0f} s of a processor")
    failed = wrong(evenings, differ)
    print("\n".join(failed) or "it held")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
