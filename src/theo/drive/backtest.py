"""A backtest: stored bars through the core that trades live, and the simulated exchange, in lock-step."""

import heapq
import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from theo.domain.inputs import Command, Started
from theo.domain.market_data import Bar
from theo.drive.assembly import Plan, assemble, exchange
from theo.drive.lockstep import LockStep, Watch
from theo.drive.rolls import with_rolls
from theo.engine.core import Core
from theo.engine.journal import Append, Journal
from theo.venue.exchange import Venue

PROGRESS_ITEMS = 2_000  # bars and commands between two reports of progress


@dataclass(slots=True)
class Backtested:
    """The core and the exchange as they stood after the last bar."""

    core: Core
    venue: Venue
    bars: int


def merged(series: Iterable[Iterable[Bar]]) -> Iterator[Bar | Command]:
    """Several instruments' bars in order of time, rolls among them; of one time in the order in which the series are given."""
    streams = [((item.at, place, item) for item in with_rolls(bars)) for place, bars in enumerate(series)]
    for _, _, item in heapq.merge(*streams, key=lambda entry: entry[:2]):
        yield item


def backtest(
    plan: Plan,
    items: Iterable[Bar | Command],
    append: Append,
    epoch: int = 1,
    watch: Watch | None = None,
    progress: Callable[[int], None] | None = None,
) -> Backtested:
    """Run a plan over bars and commands in order of time. What the store raises is raised."""
    core, venue = assemble(plan), exchange(plan)
    journal = Journal(append, epoch)
    driver = LockStep(core, venue, journal, watch)
    stream = iter(items)
    first = next(stream, None)
    if first is not None:
        at = first.start if isinstance(first, Bar) else first.at
        driver.feed(Started(at=at, key=plan.key, build=plan.build, cash=plan.cash, world=plan.record()))
        rest = itertools.chain((first,), stream)
        driver.run(rest if progress is None else _told(rest, progress))
    return Backtested(core, venue, journal.consumed)


def _told(items: Iterable[Bar | Command], progress: Callable[[int], None]) -> Iterator[Bar | Command]:
    for number, item in enumerate(items, start=1):
        if number % PROGRESS_ITEMS == 0:
            progress(number)
        yield item
