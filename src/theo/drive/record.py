"""The plan of a run from what its first record knew: replay, verification and explanation need no file of the user's."""

from collections.abc import Callable

import msgspec

from theo.domain.errors import CorruptionError
from theo.domain.facts import RunStarted
from theo.domain.instrument import Instrument
from theo.drive.assembly import Plan
from theo.engine.world import Settings
from theo.market.sessions import SessionTable
from theo.market.trust import TrustBounds
from theo.market.wall_clock import ZoneOffsets
from theo.risk.limits import Limits
from theo.strategy.ruleset import RuleSet, from_canonical
from theo.strategy.user import UserStrategy
from theo.venue.exchange import VenueSettings


class Known(msgspec.Struct):
    """What a run's record holds (drive.assembly.Plan.record).

    ``rulesets`` are whole, as this build expanded them; ``texts`` are what a person wrote.
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
    started: RunStarted,
    *,
    tables: Callable[[str], SessionTable],
    offsets: ZoneOffsets,
    load_class: Callable[[str], type[UserStrategy]],
) -> Plan:
    """The plan as it was. Raises CorruptionError when a session table or rule set is not what it was."""
    knew = known(started.world)
    rulesets = [(recorded_ruleset(knew, name), knew.texts[name]) for name in knew.rulesets]
    return Plan(
        key=started.key,
        journal=knew.journal,
        build=started.build,
        cash=started.cash,
        instruments={i.symbol: i for i in knew.instruments},
        fees=knew.fees,
        tables={name: tables(name) for name in knew.sessions},
        offsets=offsets,
        rulesets=rulesets,
        classes={r.name: load_class(r.own.path) for r, _ in rulesets if r.own is not None},
        limits=knew.limits,
        settings=knew.settings,
        venue=knew.venue,
        from_ticks=knew.from_ticks,
        trust=knew.trust,
    )
