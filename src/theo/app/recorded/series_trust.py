"""The trust of each series that a recorded run decides on, for people: found by folding its journal, without touching it."""

from pathlib import Path

import msgspec

from theo.adapters.sql.journal.store import SqlJournalStore
from theo.app.home.layout import Home
from theo.app.times import iso
from theo.drive.assembly import assemble
from theo.engine.core import Core
from theo.market.trust import TRUSTED
from theo.risk.rules.data_trust import SeriesStanding
from theo.runtime.boot import look

RECORDS_FOLDED_MAX = 16  # of market data behind the newest snapshot: about 65,000 items, under a second


class SeriesShown(msgspec.Struct, frozen=True, kw_only=True):
    """A series of a configuration; ``trusted`` False: its signals are refused. ``since`` is UTC, "" when nothing is amiss."""

    config: str
    symbol: str
    timeframe: str
    trust: str
    trusted: bool
    since: str
    missing: int
    text: str


def series_trust(home: Home, folder: Path, store: SqlJournalStore) -> list[SeriesShown] | None:
    """Every awaited series at the run's newest time; None when the journal would take too long to fold.

    Raises TheoError when the run's plan or journal cannot be read.
    """
    from theo.app.recorded.run import recorded_plan  # only here: status is quick where nothing is recorded

    plan = recorded_plan(home, folder, store)
    core = look(store, lambda: assemble(plan), RECORDS_FOLDED_MAX)
    return None if core is None else shown(core)


def shown(core: Core) -> list[SeriesShown]:
    """Every awaited series of a core, by configuration."""
    return [_shown(name, one) for name, scan in core.world.scans.items() for one in scan.standings(core.at)]


def _shown(config: str, one: SeriesStanding) -> SeriesShown:
    standing = one.standing
    return SeriesShown(
        config=config,
        symbol=one.symbol,
        timeframe=one.timeframe,
        trust=standing.trust.upper(),
        trusted=standing.trust in TRUSTED,
        since=iso(standing.since) if standing.since else "",
        missing=standing.missing,
        text=one.text,
    )
