"""From values to a runnable world: market book, bound strategies, core and exchange. Nothing here reads a file."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import reduce

import msgspec

from theo.domain.errors import ConfigError
from theo.domain.instrument import Instrument
from theo.domain.keys import Key
from theo.domain.market_data import SessionScope, TickKind
from theo.domain.orders import Side
from theo.domain.timeframe import timeframe
from theo.drive.book_view import BookView
from theo.engine.core import Core
from theo.engine.decide.wishes import MANUAL
from theo.engine.scan import Scan
from theo.engine.state import State
from theo.engine.world import Settings, World
from theo.market.bars import TICKS, BarTree
from theo.market.book import MarketBook
from theo.market.series import Series
from theo.market.sessions import Hours, SessionTable, common_sessions
from theo.market.trust import SeriesTrust, TrustBounds
from theo.market.wall_clock import WallClock, ZoneOffsets
from theo.risk.limits import Limits
from theo.risk.rules.data_gate import DataGate
from theo.strategy.due import LastDue
from theo.strategy.making import strategy_of
from theo.strategy.option_front import OptionFront, fronts_wanted
from theo.strategy.ruleset import RuleSet
from theo.strategy.terms import Terms
from theo.strategy.user import UserStrategy
from theo.venue import fees
from theo.venue.exchange import Venue, VenueSettings

BREAKER_OPENS = 9 * 60 * 60 * 1_000_000 + 30 * 60 * 1_000_000  # 09:30 New York


@dataclass(slots=True)
class Plan:
    """Everything that a run knows when it begins. ``fees`` names a schedule per symbol, ``tables`` sessions per calendar."""

    key: Key
    journal: str
    build: str
    cash: int
    instruments: dict[str, Instrument]
    fees: dict[str, str]
    tables: dict[str, SessionTable]
    offsets: ZoneOffsets  # of the account's zone
    zones: Callable[[str], ZoneOffsets] | None = None  # of the zones that rule sets name besides; raises ConfigError
    rulesets: list[tuple[RuleSet, str]] = field(default_factory=list)  # each with its TOML text
    classes: dict[str, type[UserStrategy]] = field(default_factory=dict)  # by rule set, for those that name a class
    class_folders: dict[str, str] = field(default_factory=dict)  # by rule set: the folder that its class's path starts from
    scan_ids: dict[str, int] = field(default_factory=dict)  # by rule set, for those that are stored scans
    limits: Limits = field(default_factory=Limits)
    settings: Settings = field(default_factory=Settings)
    venue: VenueSettings = field(default_factory=VenueSettings)
    trust: TrustBounds = field(default_factory=TrustBounds)
    from_ticks: bool = False
    options: dict[str, OptionFront] = field(default_factory=dict)  # by the symbol of what signals become; it is an instrument too

    def series(self) -> list[Series]:
        """Every bar series that the rule sets read, the primaries' first."""
        return assemble(self).world.market.every_series()

    def record(self) -> str:
        """Canonical JSON of what the run knows: kept by its first record."""
        used = {s.instrument.symbol for s in self.series()} | set(self.options)
        calendars = {self.instruments[s].calendar for s in used}
        known = {
            "texts": {ruleset.name: text for ruleset, text in self.rulesets},
            "rulesets": {ruleset.name: ruleset.canonical().decode() for ruleset, _ in self.rulesets},
            "versions": {ruleset.name: ruleset.version for ruleset, _ in self.rulesets},
            "class_folders": self.class_folders,
            "instruments": [i for s, i in self.instruments.items() if s in used],
            "fees": {s: self.fees[s] for s in self.fees if s in used},
            "sessions": {name: table.version for name, table in self.tables.items() if name in calendars},
            "journal": self.journal,
            "from_ticks": self.from_ticks,
            "limits": self.limits,
            "settings": self.settings,
            "venue": self.venue,
            "trust": self.trust,
        }
        if self.scan_ids:
            known["scan_ids"] = self.scan_ids
        if self.options:
            known["options"] = self.options
        return msgspec.json.encode(known, order="deterministic").decode()


def assemble(plan: Plan) -> Core:
    """A fresh core over a fresh market book. Raises ConfigError for rule sets that do not fit the instruments."""
    market, clocks = MarketBook(), _clocks(plan)
    clock = clocks[plan.offsets.zone]
    world = World(
        instruments={i.id: i for i in plan.instruments.values()},
        market=market,
        limits=plan.limits,
        costs=_costs(plan),
        account_day=clock.account_day,
        breaker_opens=lambda at: clock.next_at(clock.account_day(at)[1], BREAKER_OPENS),
        settings=plan.settings,
        options={front.instrument.id: front for front in plan.options.values()},
    )
    for front in plan.options.values():
        market.keep_quotes(front.instrument.id)
    if any(ruleset.name == MANUAL for ruleset, _ in plan.rulesets):
        raise ConfigError(
            f'a rule set is named "{MANUAL}"', why="trades opened by hand are kept under that name", remedy="Name it otherwise"
        )
    views = {scope: BookView(market, plan.instruments, plan.tables, clocks, scope) for scope in SessionScope}
    shared = _Shared(plan)
    for ruleset, _ in sorted(plan.rulesets, key=lambda each: each[0].name):  # the order in which a record of the plan has them
        view = views[ruleset.session]
        strategy = strategy_of(ruleset, plan.classes.get(ruleset.name))
        strategy.bind(view)
        needs = strategy.needs()
        awaited = tuple(market.series(plan.instruments[n.symbol], timeframe(n.timeframe)) for n in needs.series)
        key = msgspec.structs.replace(plan.key, config=ruleset.name, config_version=ruleset.version)
        hours = shared.hours(awaited, view, ruleset.session)
        gate = None if ruleset.gate is None else DataGate(ruleset.gate, hours, awaited, market)
        trusts = tuple(shared.trust(series, hours, ruleset.grace) for series in awaited)
        scan = Scan(key, strategy, Terms(ruleset, view), awaited, trusts, gate)
        scan.options = _options(plan, ruleset)
        world.add(scan)
    if plan.from_ticks:
        _bars_from_ticks(plan, market)
    return Core(State(key=plan.key, journal=plan.journal), world)


def _clocks(plan: Plan) -> dict[str, WallClock]:
    """The wall clock of each zone that the account or a rule set goes by."""
    found = {plan.offsets.zone: WallClock(plan.offsets)}
    for zone in dict.fromkeys(ruleset.window.zone for ruleset, _ in plan.rulesets):
        if zone not in found and plan.zones is not None:
            found[zone] = WallClock(plan.zones(zone))
    return found


def _options(plan: Plan, ruleset: RuleSet) -> dict[Side, OptionFront]:
    """What signals are traded in; without options in the plan the symbol itself: a backtest has no prices of them."""
    wanted = fronts_wanted(ruleset.naming.ordered, ruleset.scan, ruleset.sides) if plan.options else {}
    return {side: plan.options[symbol] for side, symbol in wanted.items()}


class _Shared:
    """What configurations have in common is made once: the hours that series share, and the trust of a series in them."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._hours: dict[tuple[frozenset[str], SessionScope], Hours] = {}
        self._trusts: dict[tuple[Series, Hours, int], SeriesTrust] = {}

    def hours(self, awaited: tuple[Series, ...], view: BookView, scope: SessionScope) -> Hours:
        """The hours that all series share."""
        tables = {s.instrument.calendar: view.sessions(s.instrument.symbol).table for s in awaited}
        key = frozenset(tables), scope
        if key not in self._hours:
            self._hours[key] = Hours(reduce(common_sessions, tables.values()), scope)
        return self._hours[key]

    def trust(self, series: Series, hours: Hours, grace: int) -> SeriesTrust:
        """The trust of a series in the hours that all series share; a bar that is due may take ``grace`` to come."""
        plan, key = self._plan, (series, hours, grace)
        if key not in self._trusts:
            self._trusts[key] = SeriesTrust(
                hours,
                series.timeframe.length,
                LastDue(series.timeframe, hours),
                late_max=grace,
                whole=not plan.from_ticks,
                source=TICKS if plan.from_ticks else "",
                bounds=plan.trust,
            )
        return self._trusts[key]


def exchange(plan: Plan) -> Venue:
    """The simulated exchange of the plan's instruments."""
    by_id = {i.id: i for i in plan.instruments.values()}
    schedules = {plan.instruments[s].id: fees.schedule(name) for s, name in plan.fees.items()}
    hours = {
        i.id: Hours(plan.tables[i.calendar], SessionScope.RTH) for i in plan.instruments.values() if i.calendar in plan.tables
    }
    return Venue(by_id, hours, schedules, plan.venue)


def _costs(plan: Plan) -> Callable[[Instrument, int, int], int]:
    """What entering and leaving costs: charges both ways, slippage of two market orders."""
    schedules = {plan.instruments[s].id: fees.schedule(name) for s, name in plan.fees.items()}
    ticks = plan.settings.entry_slippage_ticks + plan.venue.slippage_ticks

    def costs(instrument: Instrument, quantity: int, price: int) -> int:
        rates = schedules[instrument.id]
        both = fees.round_trip_estimate(instrument, quantity, price, rates)
        return both + quantity * ticks * instrument.tick * instrument.unit_value

    return costs


def _bars_from_ticks(plan: Plan, market: MarketBook) -> None:
    """A tree of timeframes for every instrument that a strategy reads, in the hours that the rule sets name."""
    scopes = {ruleset.name: ruleset.session for ruleset, _ in plan.rulesets}
    if len(set(scopes.values())) > 1:
        named = ", ".join(f"{name} {scope}" for name, scope in scopes.items())
        raise ConfigError(
            f"rule sets differ in their session: {named}",
            why="bars from ticks are built once, for all of them",
            remedy="Give them the same session, or run them apart",
        )
    wanted: dict[str, list[Series]] = {}
    for series in market.every_series():
        wanted.setdefault(series.instrument.symbol, []).append(series)
    for symbol, kept in wanted.items():
        instrument = plan.instruments[symbol]
        kind = TickKind.TRADE if instrument.tradable else TickKind.INDEX
        hours = Hours(plan.tables[instrument.calendar], next(iter(scopes.values())))
        market.build_from_ticks(instrument.id, BarTree(instrument.id, [s.timeframe for s in kept], hours, kind=kind))
