"""The correlation strategy: a break of the primary, confirmed by each partner's level and by the correlation.

Long at T: the primary's close breaks above its upper level (an event), each partner's close is beyond its own level on the side
that the relation expects (a state; its status does not matter), and the correlation up to T confirms the relation. All levels as
known at the close of T-1. Short is the mirror image. The break is spent when the rest does not hold.
"""

from theo.domain.errors import ConfigError
from theo.strategy.condition import Compare, Condition, Every, Operator
from theo.strategy.operand import Naming, Operand, parse_operand
from theo.strategy.relation import move_against
from theo.strategy.ruleset import Rules
from theo.strategy.tables import Table

RELATIONS = ("inverse", "direct", "absolute")
CHANNELS = {"swing": ("high", "low"), "donchian": ("upper", "lower")}  # indicators with an upper and a lower level
EVERY_BAR_INSIDE = frozenset({"donchian"})  # the bar before never lies outside: being beyond the channel is breaking it
THRESHOLD = 0.7


def expand(table: Table, naming: Naming) -> tuple[Rules, str]:
    """Entry rules and relation of a ``[correlation]`` table."""
    relation = _relation(table, naming)
    threshold = _threshold(table)
    strict = table.flag("strict", default=False)
    level = table.text("level", "swing(2)")
    pair = table.read("level", lambda: _channel(level, naming), None)
    if not naming.partners:
        table.mistakes.add(
            "symbols.partners", "is missing", remedy='Name what the primary is correlated with: partners = ["VIX"]'
        )
    if pair is None or not relation:
        return Rules(), relation
    confirmations = [_confirmation(partner, naming, relation, threshold, strict=strict) for partner in naming.partners]
    return Rules(
        long=Every((*_breaks(pair, naming, relation, up=True), *confirmations)),
        short=Every((*_breaks(pair, naming, relation, up=False), *confirmations)),
    ), relation


def _threshold(table: Table) -> float:
    """How strong; the relation has the sign, and a threshold with one of its own would contradict it or say it twice."""
    value = table.get("threshold")
    if isinstance(value, int | float) and -1.0 <= value < 0.0:
        table.wrong(
            "threshold",
            f"is {value!r}",
            why="the relation says the sign",
            remedy=f'Write {-value:g}, above 0, at most 1, and relation = "inverse" for what moves against each other',
        )
        return -float(value)
    return table.number("threshold", THRESHOLD, 0.0, 1.0)


def _relation(table: Table, naming: Naming) -> str:
    known = bool(naming.partners) and all(move_against(naming.primary, partner) for partner in naming.partners)
    if not known and not table.has("relation"):
        table.wrong(
            "relation",
            "is missing",
            why='only an index and its volatility have a default, "inverse"',
            remedy=f"Choose {', '.join(RELATIONS)}",
        )
    return table.choice("relation", RELATIONS, "inverse")


def _channel(level: str, naming: Naming) -> tuple[str, str]:
    name = level.partition("(")[0].strip()
    if name not in CHANNELS:
        raise ConfigError(
            f"{level!r} has no upper and lower level", remedy=f'Use {" or ".join(CHANNELS)}, for example "swing(2)"'
        )
    upper, lower = (f"{level}.{output}" for output in CHANNELS[name])
    parse_operand(upper, naming)
    return upper, lower


def _breaks(pair: tuple[str, str], naming: Naming, relation: str, *, up: bool) -> list[Condition]:
    """The primary's break, and each partner beyond its level: the same one when direct, else the opposite one."""
    inside = pair[0].partition("(")[0] in EVERY_BAR_INSIDE
    event: Operator = (">" if inside else "breaks_above") if up else ("<" if inside else "breaks_below")
    partner_up = up == (relation == "direct")
    found: list[Condition] = [
        Compare(_of(naming.primary, "close", naming), event, _of(naming.primary, pair[0 if up else 1], naming))
    ]
    found += [
        Compare(_of(p, "close", naming), ">" if partner_up else "<", _of(p, pair[0 if partner_up else 1], naming))
        for p in naming.partners
    ]
    return found


def _of(symbol: str, what: str, naming: Naming) -> Operand:
    return parse_operand(f"{symbol} {what}", naming)


def _confirmation(partner: str, naming: Naming, relation: str, threshold: float, *, strict: bool) -> Compare:
    correlation = Operand(partner, naming.timeframe, "correlation", magnitude=relation == "absolute")
    if relation == "inverse":
        return Compare(correlation, "<" if strict else "<=", -threshold)
    return Compare(correlation, ">" if strict else ">=", threshold)
