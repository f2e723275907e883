"""`theo scan run` and `theo scan test`: what a scan says of stored bars. Nothing is traded and nothing is kept."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from theo.app.home.layout import open_home
from theo.app.runs.scanning import Signalled, scanned
from theo.app.terminal.output import json_text
from theo.app.times import clock, iso, parse_time
from theo.domain.errors import DataError
from theo.strategy.explain import explain


class Newest(msgspec.Struct, frozen=True):
    """The newest decision: the bar's end and the newest stored bar's (UTC), verdict, explanation in lines."""

    scan: str
    version: str
    end: str
    newest: str
    verdict: str
    explanation: list[str]


class Tried(msgspec.Struct, frozen=True):
    """Signals over a stored period. ``unplaced`` ones had no usable stop or target, or two sides."""

    scan: str
    version: str
    bars: int
    decided: int
    long: int
    short: int
    unplaced: int
    signals: list[Signalled]


def run_newest(path: Path, name: str, *, source: str, json: bool) -> int:
    """Explain the decision at the end of the newest stored bar."""
    found = scanned(open_home(path), name, "", source)
    if not found.decided:
        raise DataError("no stored bar led to a decision", remedy="Import more bars, also of the partners")
    end, seen = found.decided[-1]
    ruleset = found.ruleset
    newest = Newest(ruleset.name, ruleset.version, iso(end), iso(found.newest), seen.verdict, explain(ruleset, seen))
    if json:
        print(json_text(newest))
        return 0
    print(f"{ruleset.naming.primary}, bar that ended {clock(end)} New York; nothing is traded\n")
    print("\n".join(newest.explanation))
    if end != found.newest:
        print(f"the newest stored bar ended {clock(found.newest)}: bars that it is decided with are missing")
    return 0


def run_test(path: Path, name: str, *, timerange: str, source: str, json: bool) -> int:
    """List the signals and their totals."""
    found = scanned(open_home(path), name, timerange, source)
    signals = found.signals()
    sides = [signal.side for signal in signals]
    tried = Tried(
        found.ruleset.name,
        found.ruleset.version,
        found.bars,
        len(found.decided),
        sides.count("Long"),
        sides.count("Short"),
        sides.count(""),
        signals,
    )
    print(json_text(tried) if json else "\n".join(_lines(tried, found.ruleset.naming.primary)))
    return 0


def _lines(tried: Tried, primary: str) -> Sequence[str]:
    lines = [_line(signal) for signal in tried.signals]
    told = f", {tried.unplaced} that no order could follow" if tried.unplaced else ""
    totals = f"{tried.long} long, {tried.short} short{told}"
    return [*lines, f"{tried.scan} ({tried.version}): {totals}; {tried.decided} of {tried.bars} bars of {primary} decided"]


def _line(signal: Signalled) -> str:
    correlations = "  ".join(
        f"{partner} {'missing' if value is None else f'{value:+.3f}'}" for partner, value in signal.correlations.items()
    )
    return f"{clock(parse_time(signal.end))}  {signal.side or signal.verdict:5}  {signal.price:>12}  {correlations}".rstrip()
