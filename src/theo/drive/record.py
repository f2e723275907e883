"""The plan of a run from what its record knew when it began: replay, verification and explanation read no rule-set file.

The one file of the user's that they need is the source of a class of one's own; it must be what it was.
"""

from collections.abc import Callable

import msgspec

from theo.domain.errors import CorruptionError
from theo.domain.inputs import Started
from theo.domain.instrument import Instrument
from theo.drive.assembly import Plan
from theo.engine.world import Settings
from theo.market.sessions import SessionTable
from theo.market.trust import TrustBounds
from theo.market.wall_clock import ACCOUNT_ZONE, ZoneOffsets
from theo.risk.limits import Limits
from theo.strategy.option_front import OptionFront
from theo.strategy.ruleset import OwnClass, RuleSet, from_canonical
from theo.strategy.user import UserStrategy
from theo.venue.exchange import VenueSettings


class Known(msgspec.Struct):
    """What a run's record holds (drive.assembly.Plan.record).

    ``rulesets`` are whole, as this build expanded them; ``texts`` are what a person wrote. ``class_folders`` says, by rule set,
    where the path of its class starts.
    """

    journal: str
    texts: dict[str, str]
    rulesets: dict[str, str]
    versions: dict[str, str]
    instruments: list[Instrument]
    fees: dict[str, str]
    sessions: dict[str, str]
    limits: Limits
    settings: Settings
    venue: VenueSettings
    from_ticks: bool
    trust: TrustBounds = TrustBounds()
    class_folders: dict[str, str] = {}
    scan_ids: dict[str, int] = {}
    options: dict[str, OptionFront] = {}


def known(world: str) -> Known:
    """Read a run's record. Raises CorruptionError."""
    try:
        return msgspec.json.decode(world, type=Known)
    except msgspec.DecodeError as error:
        raise CorruptionError(f"the run's record cannot be read: {error}", remedy="It was written by another version") from error


def recorded_ruleset(knew: Known, name: str) -> RuleSet:
    """One rule set as the run had it. Raises CorruptionError when this build cannot read it as what it was."""
    try:
        ruleset = from_canonical(knew.rulesets[name].encode())
    except msgspec.DecodeError as error:
        raise CorruptionError(f"rule set {name} cannot be read: {error}", remedy="It was written by another version") from error
    if ruleset.version != knew.versions[name]:
        raise CorruptionError(f"rule set {name} reads as version {ruleset.version} now", why="this build reads it otherwise")
    return ruleset


def plan_of_record(
    started: Started,
    *,
    tables: Callable[[str], SessionTable],
    zones: Callable[[str], ZoneOffsets],
    load_class: Callable[[str, OwnClass], type[UserStrategy]],
) -> Plan:
    """The plan as it was at a start. Raises CorruptionError when a session table or rule set is not what it was.

    ``zones`` gives the offsets of a zone for the days of the run, ``load_class`` the class of a folder and a reference. What they
    raise is raised.
    """
    knew = known(started.world)
    rulesets = [(recorded_ruleset(knew, name), knew.texts[name]) for name in knew.rulesets]
    return Plan(
        key=started.key,
        journal=knew.journal,
        build=started.build,
        cash=started.cash,
        instruments={i.symbol: i for i in knew.instruments},
        fees=knew.fees,
        tables={name: _same_table(tables(name), version) for name, version in knew.sessions.items()},
        offsets=zones(ACCOUNT_ZONE),
        zones=zones,
        rulesets=rulesets,
        classes={r.name: load_class(knew.class_folders.get(r.name, ""), r.own) for r, _ in rulesets if r.own is not None},
        class_folders=knew.class_folders,
        scan_ids=knew.scan_ids,
        limits=knew.limits,
        settings=knew.settings,
        venue=knew.venue,
        from_ticks=knew.from_ticks,
        trust=knew.trust,
        options=knew.options,
    )


def _same_table(table: SessionTable, version: str) -> SessionTable:
    if table.version != version:
        raise CorruptionError(
            f"the sessions of {table.calendar} were made by {version}, now by {table.version}",
            why="a decision may fall differently in other hours",
            remedy="Install the version that is named",
        )
    return table
