"""A week of live trading in simulated time, with the gateway's nightly restarts and the weekly login: does anything grow?

Run: python -m tests.closing.live_week. Each midnight it prints what the platform's own code holds in memory (tracemalloc, the
gateway and the tests left out), the orders that the gateway knows, and the bytes of the journal. It fails when the last day holds
more than the first full one by GROWTH_MAX. The login that lapses halts trading until a person resumes it: nobody does here, so
that the days after it are of market data alone.
"""

import asyncio
import gc
import shutil
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from random import Random

from tests.sim.live_world import market
from tests.sim.live_world.draws import Planned
from tests.sim.live_world.world import SETTLED_AFTER, World
from tests.unit.gateway.tables import at
from theo.domain.facts import Fact, TradeClosed
from theo.domain.market_data import DAY, HOUR, MarketData, Tick

TRADED = [date(2026, 11, day) for day in (20, 23, 24, 25, 27)]  # with Thanksgiving and the half day after it
ENDS = at("2026-11-27 12:30")
RESTART, LASTS = "23:45", 120.0
LOGIN, LOGIN_LASTS = at("2026-11-22 01:00"), 3600.0  # a Sunday; a person comes after an hour
PAUSE = 40
GROWTH_MAX = 2_000_000  # bytes in the five days between the first midnight and the last
OURS = (tracemalloc.Filter(True, "*/src/theo/*"), tracemalloc.Filter(False, "*/src/theo/gateway/*"))


class Week(World):
    """Keeps of the facts only what the verdict needs."""

    def durable(self, facts: list[Fact], items: list[MarketData]) -> None:
        """As a day's world, without memory."""
        super().durable(facts, items)
        closed: list[Fact] = [fact for fact in self.facts if isinstance(fact, TradeClosed)]
        self.facts = closed[-10:]


def ticks(con_id: int) -> Iterator[Tick]:
    """Each traded day as a walk of its own, from the same price."""
    for number, day in enumerate(TRADED):
        first, last = at(f"{day} 09:29"), at(f"{day} {'13:00' if day == TRADED[-1] else '16:00'}")
        ahead = first - market.START
        for tick in market.ticks(Random(number), con_id, last - ahead, PAUSE):  # noqa: S311 - a seeded market
            moment = tick.at + ahead
            if number == 0 or moment >= first:
                yield Tick(con_id, moment, moment, 0, tick.kind, tick.price, tick.volume, 0, 0, tick.source)


def planned() -> list[Planned]:
    """The gateway's nights, and the login."""
    first = at(f"{TRADED[0]} {RESTART}")
    nights = [Planned(first + n * DAY, "nightly-restart", LASTS, {}) for n in range((TRADED[-1] - TRADED[0]).days)]
    return sorted([*nights, Planned(LOGIN, "weekly-2fa", LOGIN_LASTS, {})], key=lambda each: each.at)


async def sampled(world: World, held: list[int]) -> None:
    """Each midnight: what is held."""
    for n in range(1, (TRADED[-1] - TRADED[0]).days + 1):
        midnight = at(f"{TRADED[0] + timedelta(days=n)} 00:30")
        await asyncio.sleep((midnight - world.loop.now) / 1_000_000)
        gc.collect()
        snapshot = tracemalloc.take_snapshot().filter_traces(OURS)
        held.append(sum(each.size for each in snapshot.statistics("filename")))
        journal = sum(file.stat().st_size for file in world.folder.rglob("journal.db*"))
        orders, day = len(world.truth._blotter.orders), TRADED[0] + timedelta(days=n)
        print(f"{day} {held[-1]:>12,} bytes held, {orders:>5} orders, {journal:>12,} bytes of journal", flush=True)
        if n > 1:
            for each in snapshot.statistics("lineno")[:6]:
                print(f"    {each.size:>10,} {each.traceback}", flush=True)


def main() -> None:
    """Run the week."""
    folder, began, held = Path(tempfile.mkdtemp(prefix="theo-week-")), time.process_time(), list[int]()
    (folder / "sessions").mkdir()
    con_id = market.mes(market.contracts()).con_id
    tracemalloc.start()
    world = Week(
        0, folder / "home", folder / "sessions", faults_until=ENDS - SETTLED_AFTER, restart=RESTART, ticks=list(ticks(con_id))
    )
    world.draws.faults = planned()
    (folder / "home").mkdir()
    task = world.loop.create_task(sampled(world, held), name="faults")
    try:
        world.run()
    finally:
        task.cancel()
        shutil.rmtree(folder, ignore_errors=True)
    days, spent = (ENDS - market.START) / 24 / HOUR, time.process_time() - began
    print(f"{days:.1f} days, {world.starts} starts, {spent:.0f} s of a processor; grown by {held[-1] - held[0]:,} bytes")
    sys.exit(int(held[-1] - held[0] > GROWTH_MAX))


if __name__ == "__main__":
    main()
