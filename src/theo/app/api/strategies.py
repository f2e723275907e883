"""The rule sets that the interface serves: the shipped ones, and the scans of the home, changed as `theo scan` changes them."""

import threading
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final

import msgspec

from theo.adapters.sql.settings.scan_rows import Row, entry_rows, exit_rows
from theo.api.sources import Strategy, StrategyTerms, Tried, TriedSignal
from theo.app.home.layout import Home
from theo.app.inbox.going_on import told_of_change, told_of_switch
from theo.app.rulesets import scans
from theo.app.rulesets.finding import shipped_names, shipped_text
from theo.app.rulesets.stored_scans import as_read, history, listed, named, ruleset_of
from theo.app.runs.scanning import scanned
from theo.domain.errors import ConflictError, TheoError
from theo.ports.scans import Scan, ScanChange
from theo.strategy.loading import load_ruleset
from theo.strategy.relation import sign_warnings
from theo.strategy.ruleset import RuleSet
from theo.strategy.trading_window import DAY_NAMES, clock_text

DOCUMENT: Final = "document"  # where a mistake of what was sent is
THROUGH: Final = "API"
KEPT_MAX: Final = 1_000  # stored rule sets that are read once: as many as a home may have


class HomeStrategies:
    """Implements theo.api.sources.Strategies. For several threads: one changes at a time."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._changing = threading.Lock()
        self._shipped: tuple[Strategy, ...] = ()

    def all(self) -> Sequence[Strategy]:
        """See the protocol."""
        if not self._shipped:
            self._shipped = tuple(_shipped(name) for name in shipped_names())
        stored = [_stored(scan) for scan in listed(self._home)]
        return sorted((*self._shipped, *stored), key=lambda each: each.name)

    def history(self, name: str) -> Sequence[ScanChange]:
        """See the protocol."""
        return history(self._home, name)

    def create(self, name: str, document: str, reason: str) -> Strategy:
        """See the protocol."""
        with self._changing:
            return _stored(scans.create(self._home, name, document, DOCUMENT, scans.By(reason, THROUGH)))

    def edit(self, name: str, document: str, change: int, reason: str) -> Strategy:
        """See the protocol."""
        with self._changing:
            read = self._as_read(name, change)
            done = scans.edit(self._home, read, document, DOCUMENT, scans.By(reason, THROUGH))
            return _with(done, told_of_change(self._home, done))

    def activate(self, name: str, change: int, reason: str, *, active: bool) -> Strategy:
        """See the protocol."""
        with self._changing:
            read = self._as_read(name, change)
            done = scans.activate(self._home, read, scans.By(reason, THROUGH), active=active)
            return _with(done, told_of_switch(self._home, done, reason) if done.number != read.number else ())

    def remove(self, name: str, change: int, reason: str) -> Strategy:
        """See the protocol."""
        with self._changing:
            read = self._as_read(name, change)
            scans.remove(self._home, read, scans.By(reason, THROUGH))
            return _stored(read)

    def tried(self, name: str, timerange: str, source: str) -> Tried:
        """See the protocol."""
        if name not in shipped_names():
            named(self._home, name)
        if Path(name).suffix in {".toml", ".py"} or Path(name).is_file():
            raise ConflictError(f"{name!r} names a file, too", where="name", remedy="Give the rule set another name")
        found = scanned(self._home, name, timerange, source)
        return Tried(
            version=found.ruleset.version,
            bars=found.bars,
            decided=len(found.decided),
            signals=[
                TriedSignal(
                    end=each.end,
                    side=each.side,
                    price=each.price.replace(",", "") or None,
                    correlations=each.correlations,
                    verdict=each.verdict,
                )
                for each in found.signals()
            ],
        )

    def _as_read(self, name: str, change: int) -> Scan:
        if name in shipped_names():
            remedy = "Create one of your own from its text"
            raise ConflictError(f"{name!r} is shipped and cannot be changed", where="name", remedy=remedy)
        return as_read(self._home, named(self._home, name), change)


def _with(done: Scan, told: tuple[str, ...]) -> Strategy:
    """With what running traders do about the change among its warnings."""
    made = _stored(done)
    return msgspec.structs.replace(made, warnings=(*made.warnings, *told))


def _shipped(name: str) -> Strategy:
    text = shipped_text(name)
    return _described(load_ruleset(text, name), text, "shipped", None)


@lru_cache(maxsize=KEPT_MAX)
def _stored(scan: Scan) -> Strategy:
    try:
        return _described(ruleset_of(scan), scan.document, "stored", scan)
    except TheoError as error:
        return Strategy(
            name=scan.name,
            version=scan.version,
            text=scan.document,
            origin="stored",
            active=scan.active,
            change=scan.number,
            updated_at=scan.updated_at,
            user=scan.user_name,
            problem=str(error),
        )


def _described(ruleset: RuleSet, text: str, origin: str, scan: Scan | None) -> Strategy:
    return Strategy(
        name=ruleset.name,
        version=ruleset.version,
        text=text,
        origin=origin,
        description=ruleset.description,
        kind=ruleset.strategy,
        symbol=ruleset.naming.primary,
        traded=ruleset.naming.ordered,
        partners=ruleset.naming.partners,
        timeframe=ruleset.naming.timeframe,
        session=str(ruleset.session),
        terms=_terms(ruleset),
        warnings=sign_warnings(ruleset),
        active=None if scan is None else scan.active,
        change=None if scan is None else scan.number,
        updated_at=None if scan is None else scan.updated_at,
        user=None if scan is None else scan.user_name,
    )


def _terms(ruleset: RuleSet) -> StrategyTerms:
    scan, window = ruleset.scan, ruleset.window
    return StrategyTerms(
        sides=ruleset.sides,
        mode=scan.mode,
        style="intraday" if window.intraday else "positional",
        days=tuple(DAY_NAMES[day] for day in window.days),
        start=clock_text(window.start),
        end=clock_text(window.end),
        zone=window.zone,
        valid_until=window.last_day or None,
        every_minutes=scan.every_minutes,
        missed=scan.missed,
        signals_per_day=ruleset.signals_per_day_max,
        placeholder=scan.placeholder or None,
        expiry=scan.expiry or None,
        option_type=scan.option_type or None,
        option_category=scan.option_category or None,
        entry=_by_side(entry_rows(ruleset)),
        exit=_by_side(exit_rows(ruleset)),
    )


def _by_side(rows: Sequence[Row]) -> dict[str, list[str]]:
    return {side: [str(row["text"]) for row in rows if row["side"] == side.capitalize()] for side in ("long", "short")}
