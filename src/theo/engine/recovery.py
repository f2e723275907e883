"""Recovery applies recorded facts; it never decides again with today's code. Start, restart and crash are one path.

Market state is folded from the journalled market data, in the order in which the core took it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from theo.domain.errors import CorruptionError
from theo.domain.facts import Decided
from theo.domain.inputs import TimerFired
from theo.domain.journal import Record
from theo.domain.market_data import Bar, Tick
from theo.engine import snapshot as snapshots
from theo.engine.apply import apply
from theo.engine.codec import Step, decode_batch, decode_steps
from theo.engine.core import Core
from theo.engine.scan import NEVER
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
    ``consumed`` (or from the start). Raises CorruptionError for a journal that contradicts itself.
    """
    done = Recovered(0, 0, from_snapshot=False, facts=0)
    if snapshot is not None:
        snapshots.restore(core, snapshot)
        done.seq, done.from_snapshot = snapshot.seq, True
        done.consumed = snapshot.consumed if snapshots.fits(core, snapshot) else 0
    items = _items_after(data, done.consumed)
    for record in steps:
        if record.seq <= done.seq:
            continue
        if record.seq != done.seq + 1:
            raise CorruptionError(
                f"record {done.seq + 1} is missing", where=record.stream, remedy="Run `theo journal verify` and restore a backup"
            )
        for step in decode_steps(record):
            done.consumed = _fold_until(core, items, done.consumed, step.consumed)
            _apply(core, step)
            done.facts += len(step.facts)
        done.seq = record.seq
    for item in items:
        _fold(core, item)
        done.consumed += 1
    return done


def _items_after(data: Iterable[Record], consumed: int) -> Iterator[Tick | Bar]:
    for record in data:
        batch = decode_batch(record)
        skip = max(0, consumed + 1 - batch.first)
        yield from batch.items[skip:] if skip else batch.items


def _fold_until(core: Core, items: Iterator[Tick | Bar], consumed: int, wanted: int) -> int:
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


def _fold(core: Core, item: Tick | Bar) -> None:
    """Market state only: bars, indicators, and which scans wait."""
    core.at = max(core.at, item.at)
    market = core.world.market
    closed = market.on_tick(item) if type(item) is Tick else market.on_bar(item)  # type: ignore[arg-type]  # the union has two members
    if closed:
        _scans_wait(core)


def _scans_wait(core: Core) -> None:
    for series in core.world.market.closed:
        for scan in core.world.awaiting.get(series, ()):
            scan.bar_closed(series)


def _apply(core: Core, step: Step) -> None:
    core.at = max(core.at, step.at)
    if type(step.input) is TimerFired and core.world.market.on_time(step.input.at):
        _scans_wait(core)
    for fact in step.facts:
        apply(core.state, fact)
    _forget_decided(core, step)


def _forget_decided(core: Core, step: Step) -> None:
    """A scan whose decision was recorded waits no more."""
    core.scan_due = NEVER
    decided = {(fact.config, fact.end) for fact in step.facts if type(fact) is Decided}
    for name, scan in core.world.scans.items():
        if (name, scan.waiting_for) in decided:
            scan.waiting_for, scan.waiting_until = 0, NEVER
        core.scan_due = min(core.scan_due, scan.waiting_until)
