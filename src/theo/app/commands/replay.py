"""`theo replay`: a recorded session through the same core; every decision is compared with the record."""

import json as json_module
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

from theo.adapters.calendars.stored import session_table
from theo.adapters.calendars.tables import zone_offsets
from theo.adapters.sql.journal_store import SqlJournalStore
from theo.app.home import Home, open_home
from theo.app.journals import chosen_folders, written_at
from theo.app.rulesets import load_class
from theo.domain.errors import UserError
from theo.domain.facts import RunStarted
from theo.domain.journal import TRADING
from theo.domain.market_data import DAY, SECOND, Bar, Tick
from theo.drive.assembly import Plan, assemble
from theo.drive.record import plan_of_record
from theo.drive.redecide import Compared, redecide
from theo.engine.codec import decode_batch, decode_facts, decode_steps
from theo.engine.journal import MARKET

EPOCH = date(1970, 1, 1)


def run(path: Path, run_id: str, *, speed: float, json: bool) -> int:
    """Replay one run; exit code 1 when a decision differs."""
    home = open_home(path)
    folder = find_run(home, run_id)
    store = SqlJournalStore(folder)
    try:
        plan = recorded_plan(home, folder, store)
        items = _paced(recorded_items(store), speed)
        compared = redecide(assemble(plan), (step for r in store.read(TRADING) for step in decode_steps(r)), items)
    finally:
        store.close()
    _print(folder, compared, json=json)
    return 0 if compared.first_difference is None else 1


def find_run(home: Home, run_id: str) -> Path:
    """The folder of a run by its name; "last" is the one that was written last. Raises UserError naming those that exist."""
    return max(chosen_folders(home, ""), key=written_at) if run_id == "last" else chosen_folders(home, run_id)[0]


def recorded_plan(home: Home, folder: Path, store: SqlJournalStore) -> Plan:
    """The plan of a recorded run, from what its first record knew. Raises UserError when it holds none."""
    record = next(store.read(TRADING), None)
    facts = () if record is None else decode_facts(record)
    started = next((f for f in facts if isinstance(f, RunStarted)), None)
    if record is None or started is None:
        raise UserError("the journal holds no run", where=str(folder))
    first = date.fromordinal(EPOCH.toordinal() + started.at // DAY) - timedelta(days=7)
    last = max(date.fromordinal(EPOCH.toordinal() + _last_at(store) // DAY), first) + timedelta(days=14)
    return plan_of_record(
        started,
        tables=lambda name: session_table(name, first, last, home.sessions),
        offsets=zone_offsets("America/New_York", first, last),
        load_class=lambda reference: load_class(Path.cwd(), reference)[0],
    )


def _last_at(store: SqlJournalStore) -> int:
    head = store.head(TRADING)
    assert head is not None
    return next(iter(store.read(TRADING, head.seq))).recorded_at


def recorded_items(store: SqlJournalStore) -> Iterator[Tick | Bar]:
    """The market data that the run took, in the order in which it took it."""
    for record in store.read(MARKET):
        yield from decode_batch(record).items


def _paced(items: Iterator[Tick | Bar], speed: float) -> Iterator[Tick | Bar]:
    """At ``speed`` times the recorded pace; 0: at once. Gaps of more than an hour are not waited for."""
    before = 0
    for item in items:
        if speed and before:
            time.sleep(min(item.at - before, 3_600 * SECOND) / SECOND / speed)
        before = item.at
        yield item


def _print(folder: Path, compared: Compared, *, json: bool) -> None:
    if json:
        result = {"run": folder.name, "steps": compared.steps, "facts": compared.facts, "difference": compared.first_difference}
        print(json_module.dumps(result))
    elif compared.first_difference is None:
        print(f"{folder.name}: {compared.steps} steps decided again, all {compared.facts} facts equal the record")
    else:
        print(f"{folder.name}: differs from the record\n{compared.first_difference}")
