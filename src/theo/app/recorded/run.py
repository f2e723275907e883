"""A run as its journal holds it: what each start knew, every step and all market data; and deciding it again."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

from theo.adapters.calendars.stored import session_table
from theo.adapters.calendars.tables import zone_offsets
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.app.home.journals import ALONE, BESIDE
from theo.app.home.layout import Home
from theo.app.rulesets.finding import recorded_class
from theo.app.times import date_at
from theo.domain.errors import CorruptionError, UserError
from theo.domain.inputs import Started
from theo.domain.journal import TRADING, Record
from theo.domain.keys import Mode
from theo.domain.market_data import Bar, MarketData, Tick
from theo.drive.assembly import Plan, assemble
from theo.drive.record import plan_of_record
from theo.drive.redecide import Compared, redecide
from theo.engine.codec import Step, decode_batch, decode_steps
from theo.engine.core import Core
from theo.engine.journal import MARKET
from theo.ports.store import JournalStore
from theo.runtime.warm_up import DAYS_BACK


def recorded_plan(home: Home, folder: Path, store: SqlJournalStore) -> Plan:
    """The plan of a run as its newest start knew it. Raises UserError when the journal holds none."""
    return _plan(home, folder, store, newest_start(folder, store))


def recorded_items(store: SqlJournalStore) -> Iterator[MarketData]:
    """The market data that the run took, in the order in which it took it."""
    for record in store.read(MARKET):
        yield from decode_batch(record).items


def recorded_prices(store: SqlJournalStore) -> Iterator[Tick | Bar]:
    """The same without what was said of it: what a market is played from."""
    return (item for item in recorded_items(store) if isinstance(item, Tick | Bar))


def recorded_steps(store: SqlJournalStore) -> Iterator[Step]:
    """Every recorded step, in order."""
    return _steps(store.read(TRADING))


def decide_again(
    home: Home,
    folder: Path,
    store: SqlJournalStore,
    items: Iterator[MarketData] | None = None,
    walked: Callable[[Iterator[Record]], Iterator[Record]] = iter,
) -> Compared:
    """Every input again, each by what the process knew that took it. ``walked`` sees the trading records pass by.

    Raises UserError when the journal holds no run.
    """
    _first_start(folder, store)

    def new_core(started: Started) -> Core:
        return assemble(_plan(home, folder, store, started))

    def from_the_start() -> tuple[Iterator[Step], Iterator[MarketData]]:
        return recorded_steps(store), recorded_items(store)

    return redecide(new_core, _steps(walked(store.read(TRADING))), items or recorded_items(store), from_the_start)


def _steps(records: Iterator[Record]) -> Iterator[Step]:
    return (step for record in records for step in decode_steps(record))


def _first_start(folder: Path, store: JournalStore) -> Started:
    started = _start_in(store, 1)
    if started is None:
        raise UserError("the journal holds no run", where=str(folder))
    return started


def newest_start(folder: Path, store: JournalStore) -> Started:
    """What the newest process knew. Each has an epoch of its own, and begins with a start: that record is found by halving."""
    head = store.head(TRADING)
    if head is None:
        return _first_start(folder, store)
    epoch, low, high = _record(store, head.seq).epoch, 1, head.seq
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if _record(store, middle).epoch == epoch else (middle + 1, high)
    return _start_in(store, low) or _first_start(folder, store)


def _record(store: JournalStore, seq: int) -> Record:
    record = next(store.read(TRADING, seq, seq), None)
    if record is None:
        raise CorruptionError(f"record {seq} is missing", where=TRADING, remedy="Run `theo journal verify` and restore a backup")
    return record


def _start_in(store: JournalStore, seq: int) -> Started | None:
    steps = _steps(store.read(TRADING, seq, seq))
    return next((step.input for step in steps if isinstance(step.input, Started)), None)


def _plan(home: Home, folder: Path, store: SqlJournalStore, started: Started) -> Plan:
    """What a start knew, with hours and offsets for the whole of the journal."""
    head = store.head(TRADING)
    assert head is not None  # the start is in it
    begun = date_at(_first_start(folder, store).at)
    ended = date_at(_record(store, head.seq).recorded_at)
    name, mode = started.key.run, started.key.mode
    listens = mode in {Mode.PAPER, Mode.LIVE} or name.endswith(BESIDE) or name.startswith(ALONE)
    before = DAYS_BACK if listens else 7  # it reads bars before it listens
    first, last = begun - timedelta(days=before), max(ended, begun) + timedelta(days=14)
    return plan_of_record(
        started,
        tables=lambda name: session_table(name, first, last, home.sessions),
        zones=lambda zone: zone_offsets(zone, first, last),
        load_class=recorded_class,
    )
