"""Reading the scan configurations of a home: a home that never had one gets no database by being asked."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime

import msgspec

from theo.adapters.sql.database.traces import is_there
from theo.adapters.sql.journal.scan_history import ScanHistory
from theo.adapters.sql.settings.scans import SqlScans
from theo.app.home.layout import Home
from theo.domain.errors import NotThereError, UserError
from theo.domain.market_data import SECOND
from theo.domain.nearest import nearest_names
from theo.ports.scans import Scan, ScanChange
from theo.strategy.loading import load_ruleset
from theo.strategy.ruleset import RuleSet
from theo.strategy.scan_hours import judge_last_day


@contextmanager
def scans_of(home: Home) -> Iterator[SqlScans]:
    """The store of a home's scans."""
    store = SqlScans(home.place(home.store))
    try:
        yield store
    finally:
        store.close()


@contextmanager
def changed_scans_of(home: Home) -> Iterator[SqlScans]:
    """The same for changing some: their history is anchored when the context ends well."""
    with scans_of(home) as store:
        yield store
    with closing(ScanHistory(home.place(home.store))) as history:
        history.anchor()


def listed(home: Home) -> tuple[Scan, ...]:
    """Every scan of a home."""
    if not is_there(home.store, "settings"):
        return ()
    with scans_of(home) as store:
        return store.all()


def named(home: Home, name: str) -> Scan:
    """One scan. Raises UserError naming those that are there."""
    found = listed(home)
    for scan in found:
        if scan.name == name:
            return scan
    names = [scan.name for scan in found]
    remedy = nearest_names(name, names) if names else "`theo scan init` makes the first one"
    raise NotThereError(f"no scan {name!r}", remedy=remedy)


def history(home: Home, name: str) -> tuple[ScanChange, ...]:
    """Every change of the scans that ever had a name, also of deleted ones. Raises UserError when there was none."""
    found: tuple[ScanChange, ...] = ()
    if is_there(home.store, "settings"):
        with scans_of(home) as store:
            found = store.changes(name)
    if not found:
        raise NotThereError(f"no scan {name!r} was ever here", remedy="`theo scan list` names those that are")
    return found


def as_read(home: Home, scan: Scan, change: int) -> Scan:
    """A scan as it was at the change that a person has read: the store refuses what was overtaken."""
    if not change or change == scan.number:
        return scan
    then = [each for each in history(home, scan.name) if (each.id, each.number) == (scan.id, change) and each.after is not None]
    if not then:
        raise UserError(f"the scan {scan.name!r} has no change {change}", remedy=f"The newest is {scan.number}")
    return msgspec.structs.replace(scan, number=change, document=then[0].after or "")


def ruleset_of(scan: Scan) -> RuleSet:
    """What a stored scan trades by. Raises RuleSetError for one that this build no longer takes, UserError for a changed row."""
    created = day_text(scan.created_at)
    ruleset = load_ruleset(scan.document, f"scan {scan.name}", lambda read, wrong: judge_last_day(read, created, wrong))
    if ruleset.version != scan.version or ruleset.name != scan.name:
        raise UserError(
            f"the document of the scan {scan.name!r} is not the one that was stored",
            why=f"its content is {ruleset.version}, stored was {scan.version}",
            remedy="Store it again: `theo scan export`, `theo scan edit --file`",
        )
    return ruleset


def day_text(at: int) -> str:
    """The UTC date of a time."""
    return datetime.fromtimestamp(at // SECOND, UTC).date().isoformat()
