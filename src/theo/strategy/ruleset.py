"""A rule set: everything that one configuration trades by, as one frozen value. Reading it from TOML is in loading.py.

Built-in strategies are expanded into conditions when they are loaded, so that a recorded rule set explains old decisions by
itself, whatever later versions expand.
"""

import hashlib
from enum import IntEnum

import msgspec

from theo.domain.market_data import SECOND, SessionScope
from theo.domain.orders import Route
from theo.market.correlation import CorrelationSpec
from theo.market.gate import GateBounds
from theo.strategy.base import ColumnNeed, CorrelationNeed, Needs, SeriesNeed
from theo.strategy.condition import Condition, InWindow, Leaf, leaves
from theo.strategy.distance import Distance, Rounding, distance_reads
from theo.strategy.operand import Naming, Operand
from theo.strategy.scan_terms import ScanTerms
from theo.strategy.trading_window import TradingWindow

VERSION_DIGITS = 12


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """When to enter and leave; None never does. Entries include the trading window where there is one."""

    long: Condition | None = None
    short: Condition | None = None
    exit_long: Condition | None = None
    exit_short: Condition | None = None


class OwnClass(msgspec.Struct, frozen=True, kw_only=True):
    """A user's own strategy class: where it is (``path/to/file.py:Name``) and its settings.

    The numbers that it reads, by its own names, and the SHA-256 of its source are filled in when the class is there (user.py).
    """

    path: str
    settings: dict[str, float | int | str | bool] = {}
    numbers: tuple[tuple[str, Operand], ...] = ()
    source_sha256: str = ""


class RuleSet(msgspec.Struct, frozen=True, kw_only=True):
    """``quantity`` 0 sizes by ``risk_percent``; a positive one asks for so many. ``grace`` is in microseconds.

    ``target`` None: the trade runs until its stop or an exit rule. ``gate`` None: of its data nothing is asked but trust.
    Symbols, timeframe and relation are those of the strategy.
    """

    name: str
    description: str = ""
    strategy: str
    naming: Naming
    session: SessionScope = SessionScope.RTH
    window: TradingWindow = TradingWindow()
    correlation: CorrelationSpec = CorrelationSpec()
    relation: str = ""
    rules: Rules = Rules()
    own: OwnClass | None = None
    stop: Distance
    target: Distance | None
    level_rounding: Rounding = "protective"
    risk_percent: float = 1.0
    quantity_max: int = 1_000_000
    quantity: int = 0
    reverse: bool = False
    signals_per_day_max: int = 1_000
    outside_rth: bool = False
    grace: int = 2 * SECOND
    route: Route = Route.USUAL
    scan: ScanTerms = ScanTerms()
    gate: GateBounds | None = None

    def canonical(self) -> bytes:
        """The whole content as JSON with sorted keys, defaults written out: another default is another content.

        Only the scan's terms, its shadow and the gate are left out where the rule set says nothing of them: it is what it was
        before there were any.
        """
        content = msgspec.to_builtins(self)
        if self.scan == ScanTerms():
            del content["scan"]
        elif not self.scan.shadow:
            del content["scan"]["shadow"]
        if self.gate is None:
            del content["gate"]
        return msgspec.json.encode(content, order="sorted")

    @property
    def sides(self) -> str:
        """The sides that it may enter: "both", "long" or "short"; a class of the user's own may enter both."""
        long, short = self.rules.long is not None, self.rules.short is not None
        return "both" if long == short else "long" if long else "short"

    @property
    def version(self) -> str:
        """The first 12 hex digits of the SHA-256 of the canonical content."""
        return hashlib.sha256(self.canonical()).hexdigest()[:VERSION_DIGITS]


def from_canonical(content: bytes) -> RuleSet:
    """The rule set of ``RuleSet.canonical()``; raises msgspec.ValidationError for anything else."""
    return msgspec.json.decode(content, type=RuleSet)


class Plan(msgspec.Struct, frozen=True):
    """What is recorded at each bar: ``numbers`` by kind, in reading order within a kind; ``leaves`` by bit."""

    numbers: tuple[Operand, ...]
    leaves: tuple[Leaf, ...]


def plan_of(ruleset: RuleSet) -> Plan:
    """Numbers and conditions of a rule set: a function of its content alone, each named once, in reading order."""
    rules = ruleset.rules
    named = (rules.long, rules.short, rules.exit_long, rules.exit_short)
    found = [leaf for rule in named if rule is not None for leaf in leaves(rule)]
    if ruleset.own is not None and not ruleset.window.always:
        found.append(InWindow())
    read = [operand for leaf in dict.fromkeys(found) for operand in leaf.reads()]
    if ruleset.own is not None:
        read += [operand.raw for _, operand in ruleset.own.numbers]
    for distance in (ruleset.stop, ruleset.target):
        if distance is not None:
            read += distance_reads(distance)
    if ruleset.naming.traded:
        read.append(traded_close(ruleset.naming))
    return Plan(tuple(sorted(dict.fromkeys(read), key=number_kind)), tuple(dict.fromkeys(found)))


def traded_close(naming: Naming) -> Operand:
    """What a signal's entry is planned at where it becomes something else than the primary."""
    return Operand(naming.traded, naming.timeframe, "close")


class NumberKind(IntEnum):
    """How a number is read, in the order in which numbers are recorded."""

    CLOSE = 0
    FIELD = 1
    FIELD_BEFORE = 2
    BEFORE = 3
    NOW = 4
    CLOCK = 5


def number_kind(operand: Operand) -> NumberKind:
    """Close, another field of the bar, a field of the bar before; a column's previous value, its newest; the clock."""
    if operand.is_clock:
        return NumberKind.CLOCK
    if not operand.is_bar_field:
        return NumberKind.BEFORE if operand.lag else NumberKind.NOW
    if operand.lag:
        return NumberKind.FIELD_BEFORE
    return NumberKind.CLOSE if operand.name == "close" else NumberKind.FIELD


def needs_of(ruleset: RuleSet) -> Needs:
    """What a rule set reads, the primary's decision series first."""
    naming, numbers = ruleset.naming, plan_of(ruleset).numbers
    places = [(naming.primary, naming.timeframe)]
    places += [(naming.primary if o.is_correlation else o.symbol, o.timeframe) for o in numbers if not o.is_clock]
    places += [(o.symbol, o.timeframe) for o in numbers if o.is_correlation]
    pairs = dict.fromkeys(o.symbol for o in numbers if o.is_correlation)
    reads_clock = any(o.is_clock for o in numbers) or not ruleset.window.always
    return Needs(
        naming.primary,
        naming.timeframe,
        tuple(SeriesNeed(*place) for place in dict.fromkeys(places)),
        tuple(dict.fromkeys(ColumnNeed(o.symbol, o.timeframe, o.name) for o in numbers if o.is_indicator)),
        tuple(CorrelationNeed(ruleset.correlation, naming.primary, partner, naming.timeframe) for partner in pairs),
        ruleset.window.zone if reads_clock else "",
    )
