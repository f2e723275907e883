"""A backtest: stored bars through the core that trades live, and the simulated exchange, in lock-step."""

import heapq
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from theo.domain.inputs import Command, Started
from theo.domain.market_data import Bar, ContractRolled
from theo.drive.assembly import Plan, assemble, exchange
from theo.drive.lockstep import LockStep, Watch
from theo.drive.rolls import Rolling, closing, rolling
from theo.engine.core import Core
from theo.engine.journal import Append, Journal
from theo.engine.known_rows import KnownRows
from theo.venue.exchange import Venue

PROGRESS_ITEMS = 2_000  # bars and commands between two reports of progress
BLOCK_ITEMS = 16_384  # bars and commands whose columns are computed ahead at a time
PLAIN_ITEMS = 256  # of which no columns can be had: driven through before the next are asked for
# Columns of the first bars of some items as rows, for as long as the context lasts; None where they cannot be had.
LookAhead = Callable[[Core, Sequence[Bar | ContractRolled | Command]], AbstractContextManager[KnownRows | None]]


@dataclass(slots=True)
class Backtested:
    """The core and the exchange as they stood after the last bar."""

    core: Core
    venue: Venue
    bars: int


def merged(
    series: Iterable[Iterable[Bar]], rolls: Sequence[Rolling | None] | None = None
) -> Iterator[Bar | ContractRolled | Command]:
    """Several series of bars in order of time, rolls among them; of one time in the order in which the series are given.

    ``rolls``: how each of the series rolls; None closes what is open before a contract's end.
    """
    given = list(series)
    how = [None] * len(given) if rolls is None else rolls
    streams = [
        ((item.at, place, item) for item in (closing(bars) if roll is None else rolling(bars, roll)))
        for place, (bars, roll) in enumerate(zip(given, how, strict=True))
    ]
    for _, _, item in heapq.merge(*streams, key=lambda entry: entry[:2]):
        yield item


def backtest(
    plan: Plan,
    items: Iterable[Bar | ContractRolled | Command],
    append: Append,
    epoch: int = 1,
    watch: Watch | None = None,
    progress: Callable[[int], None] | None = None,
    ahead: LookAhead | None = None,
) -> Backtested:
    """Run a plan over bars and commands in order of time. What the store raises is raised.

    ``ahead`` computes columns of bars before they are driven through: the same records, sooner.
    """
    core, venue = assemble(plan), exchange(plan)
    journal = Journal(append, epoch)
    driver = LockStep(core, venue, journal, watch)
    stream = iter(items)
    first = next(stream, None)
    if first is not None:
        at = first.start if isinstance(first, Bar) else first.at
        driver.feed(Started(at=at, key=plan.key, build=plan.build, cash=plan.cash, world=plan.record()))
        rest = itertools.chain((first,), stream)
        told = rest if progress is None else _told(rest, progress)
        if ahead is None:
            driver.run(told)
        else:
            _run_ahead(driver, core, told, ahead)
    return Backtested(core, venue, journal.consumed)


def _run_ahead(driver: LockStep, core: Core, items: Iterator[Bar | ContractRolled | Command], ahead: LookAhead) -> None:
    """Columns ahead know nothing of rolls: from the first one on, bars go one by one."""
    rolls = False
    for block in _blocks(items):
        rolls = rolls or ContractRolled in set(map(type, block))
        if rolls:
            driver.each(block)
        else:
            _block_ahead(driver, core, block, ahead)
    driver.run(())


def _block_ahead(driver: LockStep, core: Core, block: list[Bar | ContractRolled | Command], ahead: LookAhead) -> None:
    begun = 0
    while begun < len(block):
        with ahead(core, block[begun:]) as known:
            if known is None:
                taken = min(PLAIN_ITEMS, len(block) - begun)
                driver.each(block[begun : begun + taken])
            else:
                taken = len(known.bars)
                driver.rows(known)
        begun += taken


def _blocks(items: Iterator[Bar | ContractRolled | Command]) -> Iterator[list[Bar | ContractRolled | Command]]:
    """Some thousand items at a time, cut between two moments."""
    block = list(itertools.islice(items, BLOCK_ITEMS))
    while block:
        following: list[Bar | ContractRolled | Command] = []
        for item in items:
            if item.at != block[-1].at:
                following.append(item)
                break
            block.append(item)
        yield block
        block = following + list(itertools.islice(items, BLOCK_ITEMS))


def _told(
    items: Iterable[Bar | ContractRolled | Command], progress: Callable[[int], None]
) -> Iterator[Bar | ContractRolled | Command]:
    for number, item in enumerate(items, start=1):
        if number % PROGRESS_ITEMS == 0:
            progress(number)
        yield item
