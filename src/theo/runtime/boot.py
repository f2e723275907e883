"""Boot: the one path of start, restart and crash recovery.

Load the newest snapshot that fits, apply the facts after it, then let the core ask for the broker's books; it trades only once
they agree.
"""

from collections.abc import Callable
from dataclasses import dataclass

from theo.domain.errors import ConfigError, CorruptionError
from theo.domain.journal import TRADING
from theo.engine import snapshot as snapshots
from theo.engine.core import Core
from theo.engine.journal import MARKET, Head, Journal
from theo.engine.recovery import Recovered, recover
from theo.engine.snapshot import Snapshot
from theo.engine.state import STATE_VERSION
from theo.ports.store import JournalStore


@dataclass(slots=True)
class Booted:
    """A core at the end of its journal, the journal open for more, and how it came there."""

    core: Core
    journal: Journal
    recovered: Recovered
    skipped: list[str]  # why newer snapshots were not used


def boot(store: JournalStore, new_core: Callable[[], Core]) -> Booted:
    """Claim the streams and recover.

    Raises HaltRequiredError when another trader runs, CorruptionError for a broken journal, ConfigError where something is held
    that the new core does not know.
    """
    epoch = store.claim(TRADING, MARKET)
    core = new_core()
    snapshot, skipped = _newest(store, core)
    recovered = _recover(store, core, snapshot)
    _refuse_unread(core)
    journal = Journal(store.append, epoch, _head(store, TRADING), _head(store, MARKET), recovered.consumed)
    return Booted(core, journal, recovered, skipped)


def _refuse_unread(core: Core) -> None:
    """What is held must be valued, protected and closed: the rule sets that read it come along until it is."""
    state, known = core.state, core.world.instruments
    trades = [state.trades[trade] for trade in state.open_trades]
    for trade in trades:
        watched = [trade.instrument, *([] if trade.exits is None else [trade.exits.instrument])]
        if not known.keys() >= set(watched):
            raise ConfigError(
                f"trade {trade.id} of {trade.key.config} is open in what no rule set reads now",
                why="it could not be valued, protected or closed",
                remedy="Start with the rule sets of before until it is over",
            )
    held = [instrument for instrument, quantity in (state.positions | state.foreign).items() if quantity]
    unknown = sorted(set(held) - known.keys())
    if unknown:
        raise ConfigError(
            f"positions are held in instruments that no rule set reads now (ids {', '.join(map(str, unknown))})",
            why="they could not be valued",
            remedy="Start with the rule sets of before, and close them",
        )


def look(store: JournalStore, new_core: Callable[[], Core], records_max: int) -> Core | None:
    """A core as the journal stands now, for reading only; nothing is claimed, a running trader notices nothing.

    None when more than ``records_max`` records of market data lie behind the newest snapshot. Raises CorruptionError.
    """
    core = new_core()
    snapshot, _ = _newest(store, core)
    if _head(store, MARKET).seq - _data_from(snapshot) >= records_max:
        return None
    _recover(store, core, snapshot)
    return core


def _data_from(snapshot: Snapshot | None) -> int:
    return 1 if snapshot is None else snapshot.data_seq + 1


def _recover(store: JournalStore, core: Core, snapshot: Snapshot | None) -> Recovered:
    steps_from = 1 if snapshot is None else snapshot.seq + 1
    return recover(core, snapshot, store.read(TRADING, steps_from), store.read(MARKET, _data_from(snapshot)))


def _newest(store: JournalStore, core: Core) -> tuple[Snapshot | None, list[str]]:
    """The newest snapshot that is whole, of this state version and of the core's rule sets; others are passed over, and said."""
    skipped: list[str] = []
    for stored in store.newest_snapshots():
        if not stored.intact:
            skipped.append(f"snapshot after record {stored.seq} is damaged")
            continue
        try:
            snapshot = snapshots.read(stored.payload)
        except CorruptionError as error:
            skipped.append(str(error))
            continue
        if snapshots.fits(core, snapshot):
            return snapshot, skipped
        skipped.append(f"snapshot after record {stored.seq} was taken with other rule sets")
    return None, skipped


def _head(store: JournalStore, stream: str) -> Head:
    head = store.head(stream)
    return Head(stream) if head is None else Head(stream, head.seq, head.hash)


def keep_snapshot(store: JournalStore, booted: Booted, build: str) -> None:
    """Store a snapshot of the core as it is now; everything must have been committed."""
    core, journal = booted.core, booted.journal
    payload = snapshots.take(core, journal, build)
    store.save_snapshot(journal.seq, STATE_VERSION, build, snapshots.digest(core.state), payload)
