"""A year of decisions: how long a question takes, in the table and in the journal, and what a decision costs on the disk.

Twenty configurations on each of two symbols decide on every 15-minute bar of 252 sessions. Run: python -m benchmarks.decisions
"""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory

from theo.adapters.sql.journal.store import SqlJournalStore
from theo.adapters.sql.market.store import SqlMarketStore
from theo.adapters.sql.projection.projecting import Decoders, Projection
from theo.app.home.decided import recorded_decisions
from theo.domain.facts import Decided, RunStarted
from theo.domain.inputs import TimerFired
from theo.domain.journal import TRADING
from theo.domain.keys import Key
from theo.domain.market_data import DAY, MINUTE
from theo.engine.codec import kept_facts
from theo.engine.journal import Journal

CONFIGURATIONS, SESSIONS, BARS = 40, 252, 26
NUMBERS = 14  # of a decision of the classic correlation rule set
ASKED = 200
OPEN = 14 * 60 * MINUTE + 30 * MINUTE


def ends() -> Iterator[int]:
    """The ends of a year's bars."""
    for session in range(SESSIONS):
        for bar in range(BARS):
            yield (20_000 + session * 7 // 5) * DAY + OPEN + (bar + 1) * 15 * MINUTE


def write(journal: Journal) -> None:
    """A step for each bar, committed as a live run does."""
    chance = random.Random(1)  # noqa: S311 - made-up numbers
    first = next(ends()) - MINUTE
    journal.step(first, None, [RunStarted(at=first, key=Key(), build="benchmark", cash=0, world="{}")])
    journal.commit(first)
    for end in ends():
        numbers = tuple(round(500_000 + chance.gauss(0, 500), 4) for _ in range(NUMBERS))
        facts = [Decided(f"config-{n:02}", end, "nothing", numbers, chance.getrandbits(12)) for n in range(CONFIGURATIONS)]
        journal.step(end, TimerFired(end), facts)
        journal.commit(end)


def asked(title: str, question: Callable[[int], int]) -> None:
    """How long a question takes, milliseconds."""
    known: Sequence[int] = list(ends())
    times = []
    for end in random.Random(2).sample(known, ASKED):  # noqa: S311 - made-up numbers
        begun = time.perf_counter()
        assert question(end) == CONFIGURATIONS
        times.append((time.perf_counter() - begun) * 1_000)
    print(f"{title}: p50 {median(times):.2f} ms, p95 {quantiles(times, n=20)[18]:.2f} ms")


def main() -> None:
    """Build, ask, and print."""
    with TemporaryDirectory() as folder:
        home, count = Path(folder), CONFIGURATIONS * SESSIONS * BARS
        with closing(SqlJournalStore(home)) as store, closing(SqlMarketStore(home)) as market:
            write(Journal(store.append, store.claim(TRADING)))
            begun = time.perf_counter()
            Projection(market, Decoders(facts=kept_facts)).catch_up(store)
            print(f"{count:,} decisions projected in {time.perf_counter() - begun:.1f} s")
            asked("table", lambda end: sum(1 for _ in market.rows("decisions", end_at=end)))
            asked("journal", lambda end: sum(1 for _ in recorded_decisions(store, market, end)))
        for name in ("market.db", "journal.db"):
            print(f"{name}: {(home / name).stat().st_size / count:.0f} bytes a decision")


if __name__ == "__main__":
    main()
