"""Recovery applies recorded facts; it never decides again with today's code. Start, restart and crash are one path.

Market state is folded from the journalled market data, in the order in which the core took it. What a class of the user's own
remembers is not on record: it looks once more at each bar end that was decided, and what it answers counts for nothing.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from theo.domain.errors import CorruptionError
from theo.domain.facts import Decided
from theo.domain.inputs import TimerFired
from theo.domain.journal import Record
from theo.domain.market_data import Bar, ContractRolled, MarketData, Tick
from theo.engine import snapshot as snapshots
from theo.engine.apply import apply
from theo.engine.codec import Step, decode_batch, decode_steps
from theo.engine.core import Core
from theo.engine.decide.scans import position_of
from theo.engine.snapshot import Snapshot


@dataclass(slots=True)
class Recovered:
    """How far the core got: newest trading record, market data items, and how it came there."""

    seq: int
    consumed: int
    from_snapshot: bool
    facts: int


def recover(core: Core, snapshot: Snapshot | None, steps: Iterable[Record], data: Iterable[Record]) -> Recovered:
    """Bring a fresh core to the end of the journal.

    ``steps`` are the trading records after the snapshot's; ``data`` the market data records that hold items after its
    ``consumed`` (or from the start). The snapshot fits the core. Raises CorruptionError for a journal that contradicts itself.
    """
    done = Recovered(0, 0, from_snapshot=False, facts=0)
    if snapshot is not None:
        snapshots.restore(core, snapshot)
        done.seq, done.consumed, done.from_snapshot = snapshot.seq, snapshot.consumed, True
    items = _items_after(data, done.consumed)
    for record in steps:
        if record.seq <= done.seq:
            continue
        if record.seq != done.seq + 1:
            raise CorruptionError(
                f"record {done.seq + 1} is missing", where=record.stream, remedy="Run `theo journal verify` and restore a backup"
            )
        for step in decode_steps(record):
            done.consumed = follow(core, step, items, done.consumed)
            done.facts += len(step.facts)
        done.seq = record.seq
    for item in items:
        _fold(core, item)
        done.consumed += 1
    return done


def _items_after(data: Iterable[Record], consumed: int) -> Iterator[MarketData]:
    for record in data:
        batch = decode_batch(record)
        skip = max(0, consumed + 1 - batch.first)
        yield from batch.items[skip:] if skip else batch.items


def follow(core: Core, step: Step, items: Iterator[MarketData], consumed: int) -> int:
    """Bring a core that has taken ``consumed`` items behind one recorded step; returns how many it has taken then.

    Raises CorruptionError when market data is missing.
    """
    consumed = fold_until(core, items, consumed, step.consumed - (step.input is None))
    for fact in step.facts if type(step.input) is not TimerFired else ():
        if type(fact) is Decided:
            _decided_late(core, fact, step.at)
    consumed = fold_until(core, items, consumed, step.consumed)
    _apply(core, step)
    return consumed


def fold_until(core: Core, items: Iterator[MarketData], consumed: int, wanted: int) -> int:
    """Fold market data alone until ``wanted`` items are taken. Raises CorruptionError when they end before."""
    while consumed < wanted:
        item = next(items, None)
        if item is None:
            raise CorruptionError(
                f"market data ends at item {consumed}, a decision used {wanted}",
                remedy="Run `theo journal verify` and restore a backup",
            )
        _fold(core, item)
        consumed += 1
    return consumed


def _fold(core: Core, item: MarketData) -> None:
    """Market state only: bars, indicators, trust, and which scans wait."""
    core.at = max(core.at, item.at)
    market = core.world.market
    if type(item) is Tick:
        closed = market.on_tick(item)
    elif type(item) is Bar:
        closed = market.on_bar(item)
    elif type(item) is ContractRolled:
        closed = market.on_roll(item)
    else:
        closed = market.on_mark(item)  # type: ignore[arg-type]  # the union has four members
    if closed:
        core.world.hear()


def _apply(core: Core, step: Step) -> None:
    core.at = max(core.at, step.at)
    if type(step.input) is TimerFired:
        _time_came(core, step.input.at)
    for fact in step.facts:
        if type(fact) is Decided:
            _decided(core, fact)
        apply(core.state, fact)
    core.scan_due = core.world.scans_due(core.at)


def _time_came(core: Core, at: int) -> None:
    """As the core takes a timer: what was late comes to its turn, then the clock closes bars."""
    world = core.world
    whole = not world.sliced
    if not world.too_much(core.at):
        world.tell_more(whole=whole)
        if world.late(core.at):
            world.close_due(core.at, whole=whole)
            world.market.settle()
            world.overdue(core.at, whole=whole)
    world.close_due(at, whole=whole)


def _decided_late(core: Core, fact: Decided, at: int) -> None:
    """A scan whose grace was over was run before the step's own input was looked at: it saw the market without it.

    It saw the bars that the clock closes at that moment.
    """
    world = core.world
    scan = world.scans.get(fact.config)
    if scan is not None and scan.cohort.waiting_until <= at:
        world.close_due(at, whole=True)
        world.market.settle()
        world.overdue(at, whole=True)
        _decided(core, fact)


def _decided(core: Core, fact: Decided) -> None:
    """A scan whose decision is on record waits no more, and its strategy remembers the bar end."""
    scan = core.world.scans.get(fact.config)
    if scan is not None and scan.waiting_for == fact.end:
        for source in scan.lagging:
            source.catch_up()
        scan.strategy.recall(fact.end, position_of(core.state, fact.config))
        core.world.decided(scan)
