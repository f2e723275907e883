"""What goes into a home's audit trail, and what is read as one: its entries, and what people did in the runs' journals."""

import getpass
import hashlib
import heapq
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from operator import attrgetter
from pathlib import Path
from types import MappingProxyType
from typing import Final

import msgspec

from theo.adapters.sql.database.traces import is_there
from theo.adapters.sql.database.transactions import reading
from theo.adapters.sql.journal.anchors import Anchor
from theo.adapters.sql.journal.append_only import missing_rules
from theo.adapters.sql.journal.audit_trail import NAME, AuditEntry, AuditTrail
from theo.adapters.sql.journal.scan_history import NAME as SCANS_NAME
from theo.adapters.sql.journal.scan_history import STREAMS as SCAN_STREAMS
from theo.adapters.sql.journal.scan_history import ScanHistory
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.adapters.sql.journal.verify import STREAMS, Verified, verify
from theo.adapters.sql.settings.stored_rows import unlike_documents
from theo.adapters.system.clock import WallClock
from theo.app.home.journals import chosen_folders, journal_folders, run_name
from theo.app.home.layout import Home
from theo.domain.facts import (
    BreakerReset,
    CommandDone,
    Fact,
    Halted,
    PositionAdopted,
    Restarted,
    Resumed,
    RunStarted,
    ScanPaused,
    ScanResumed,
)
from theo.domain.inputs import Command
from theo.domain.journal import TRADING
from theo.engine.codec import Step, decode_steps

TRAIL: Final = NAME  # what people call the audit trail where runs have names
SCANS: Final = SCANS_NAME  # and the history of scans
AuditedStore = SqlJournalStore | ScanHistory
CONFIGURATION = "configuration"
ACTIONS: Final[Mapping[type, str]] = MappingProxyType({Halted: "halt", Resumed: "resume", BreakerReset: "reset_breaker"})
SCAN_ACTIONS: Final[Mapping[type, str]] = MappingProxyType({ScanPaused: "pause_scan", ScanResumed: "resume_scan"})
_SECRET = re.compile(r"(://[^:@/\s]*:)[^@\s]*(?=@)|(?<=password)(\s*=\s*).*")


class Done(msgspec.Struct, frozen=True):
    """Something that somebody did: when (microseconds UTC), in which run, in which record, who, what, to what, in words."""

    at: int
    run: str
    seq: int
    actor: str
    action: str
    subject: str
    text: str


def who_asks(through: str = "command line") -> str:
    """Who asks: the machine's user, and through what."""
    try:
        return f"{getpass.getuser()} ({through})"
    except (OSError, KeyError):  # a user without a name
        return f"user {os.getuid()} ({through})"


def note(home: Home, action: str, subject: str = "", detail: str = "", *, who: str = "") -> None:
    """Record what somebody does, without ``who`` the person at the keyboard.

    Raises what a store raises: what cannot be recorded is not to be done.
    """
    with closing(AuditTrail(home.place(home.store))) as trail:
        trail.record(AuditEntry(WallClock().now(), who or who_asks(), action, subject, detail))


def note_configuration(home: Home) -> None:
    """Record the configuration that a run begins with, when it is another than the last that was recorded; without secrets."""
    if not home.configuration.exists():
        return
    raw = home.configuration.read_bytes()
    digest = hashlib.sha256(raw).hexdigest()
    with closing(AuditTrail(home.place(home.store))) as trail:
        newest = trail.newest(CONFIGURATION)
        if newest is None or newest.subject != digest:
            text = _SECRET.sub(lambda found: f"{found[1] or found[2]}***", raw.decode(errors="replace"))
            trail.record(AuditEntry(WallClock().now(), who_asks(), CONFIGURATION, digest, text))


def has_trail(home: Home) -> bool:
    """Whether anything was ever recorded in this home's audit trail."""
    return (home.store / f"{TRAIL}.anchors").exists()


def audited_folders(home: Home, run_id: str) -> list[Path]:
    """The folder of a run by its name; all for "", none for what is no run. Raises UserError naming those that exist."""
    return [] if run_id in {TRAIL, SCANS} else chosen_folders(home, run_id) if run_id else journal_folders(home)


def audited_journals(home: Home, run_id: str = "") -> Iterator[tuple[str, AuditedStore]]:
    """Their journals by the names of their runs, the audit trail, the history of scans; closed when the next is asked for."""
    for folder in audited_folders(home, run_id):
        with closing(SqlJournalStore(home.place(folder))) as store:
            yield run_name(home, folder), store
    for name, there in ((TRAIL, has_trail(home)), (SCANS, has_scans(home))):
        if run_id in {"", name} and there:
            with closing(audited_store(home, name)) as kept:
                yield name, kept


def audited_store(home: Home, run_id: str) -> AuditedStore:
    """The journal of a run, the audit trail or the history of scans. Raises UserError naming the runs that exist."""
    if run_id == SCANS:
        return ScanHistory(home.place(home.store))
    if run_id == TRAIL:
        return SqlJournalStore(home.place(home.store), TRAIL)
    return SqlJournalStore(home.place(chosen_folders(home, run_id)[0]))


def walked(store: AuditedStore, anchors: Sequence[Anchor]) -> tuple[Verified, ...]:
    """Every stream of it, from its first record on."""
    return verify(store, anchors, SCAN_STREAMS if isinstance(store, ScanHistory) else STREAMS)


def lost_rules(store: AuditedStore) -> tuple[str, ...]:
    """The rules against changes that its database no longer has."""
    with reading(store.engine) as connection:
        return missing_rules(connection, store.rules)


def contradictions(store: AuditedStore) -> tuple[str, ...]:
    """Where stored scans are not what their history left and their documents say, a sentence each; of other journals nothing."""
    if not isinstance(store, ScanHistory):
        return ()
    return (*store.contradictions(), *unlike_documents(store.engine, store.home))


def has_scans(home: Home) -> bool:
    """Whether this home has ever had a scan."""
    return is_there(home.store, "settings")


def first_at(store: AuditedStore, stream: str, at: int) -> int:
    """The number of the first record that was written at a time or after; one more than the last where there is none."""
    head = store.head(stream)
    low, high = 1, (head.seq if head else 0) + 1
    while low < high:
        middle = (low + high) // 2
        record = next(store.read(stream, middle, middle), None)
        low, high = (low, middle) if record is None or record.recorded_at >= at else (middle + 1, high)
    return low


def done_by_people(home: Home, folders: Sequence[Path], start: int, end: int) -> Iterator[Done]:
    """Everything in the audit trail and in the runs' journals that a person did from ``start`` to before ``end``, by time."""
    sources = [_in_run(home, folder, start, end) for folder in folders]
    if has_trail(home):
        sources.append(_in_trail(home, start, end))
    yield from heapq.merge(*sources, key=attrgetter("at"))


def _in_trail(home: Home, start: int, end: int) -> Iterator[Done]:
    with closing(AuditTrail(home.place(home.store))) as trail:
        for seq, entry in enumerate(trail.entries(), start=1):
            if start <= entry.at < end:
                text = "" if entry.action == CONFIGURATION else entry.detail
                yield Done(entry.at, TRAIL, seq, entry.actor, entry.action, entry.subject, text)


def _in_run(home: Home, folder: Path, start: int, end: int) -> Iterator[Done]:
    run = run_name(home, folder)
    with closing(SqlJournalStore(home.place(folder))) as store:
        for record in store.read(TRADING, first_at(store, TRADING, start)):
            if record.recorded_at >= end:
                return
            for step in decode_steps(record):
                yield from (Done(step.at, run, record.seq, *each) for each in _in_step(step))


def _in_step(step: Step) -> Iterator[tuple[str, str, str, str]]:
    """(actor, action, subject, text) of what a person did."""
    given = step.input if isinstance(step.input, Command) else None
    if given is not None:
        outcome = next((fact for fact in step.facts if isinstance(fact, CommandDone) and fact.id == given.id), None)
        said = "" if outcome is None else f": {outcome.text}" if outcome.accepted else f": refused, {outcome.text}"
        yield given.actor, given.name, given.subject, f"{given.reason}{said}"
    for fact in step.facts:
        found = _of_fact(fact)
        if found is not None and (given is None or isinstance(fact, RunStarted | Restarted)):
            yield found


def _of_fact(fact: Fact) -> tuple[str, str, str, str] | None:
    match fact:
        case RunStarted():
            found = "", "run started", fact.key.run, f"{fact.key.mode}, {fact.build}"
        case Restarted():
            found = "", "run restarted", "", fact.build + (", knowing another world" if fact.world else "")
        case Halted() | Resumed() | BreakerReset():
            found = fact.actor, ACTIONS[type(fact)], "", fact.reason
        case ScanPaused() | ScanResumed():
            found = fact.actor, SCAN_ACTIONS[type(fact)], fact.config, fact.reason
        case PositionAdopted():
            found = fact.actor, "adopt", f"{fact.instrument}={fact.quantity}", fact.reason
        case _:
            return None
    return found
