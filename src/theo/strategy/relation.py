"""How two markets move: which pairs move against each other, and correlation conditions whose sign can hardly come true."""

from theo.strategy.condition import Compare, Condition, Every, InWindow, Not, Some, without_groups_negated
from theo.strategy.operand import Operand
from theo.strategy.ruleset import RuleSet

VOLATILITY = frozenset({"VIX", "VIX3M", "VIX9D", "VVIX", "VXN", "RVX", "VX", "VXM", "VXX", "VIXY", "VIXM", "UVXY", "UVIX"})
EQUITY_INDICES = frozenset({
    "SPX", "XSP", "NDX", "RUT", "DJX", "DJI", "ES", "MES", "SIM-MES", "NQ", "MNQ", "RTY", "M2K", "YM", "MYM",
    "SPY", "VOO", "IVV", "QQQ", "IWM", "DIA", "VTI",
})  # fmt: skip
RISING = frozenset({">", ">=", "crosses_above"})
FALLING = frozenset({"<", "<=", "crosses_below"})


def move_against(one: str, other: str) -> bool:
    """Whether the two are an equity index and its volatility."""
    return (one in VOLATILITY and other in EQUITY_INDICES) or (one in EQUITY_INDICES and other in VOLATILITY)


def move_together(one: str, other: str) -> bool:
    """Whether both are equity indices, or both volatility."""
    return {one, other} <= EQUITY_INDICES or {one, other} <= VOLATILITY


def sign_warnings(ruleset: RuleSet) -> tuple[str, ...]:
    """One sentence for each entry condition on a correlation whose sign can hardly come true for its pair."""
    found = []
    for entry in (ruleset.rules.long, ruleset.rules.short):
        if entry is not None:
            found += [_judged(leaf, ruleset, negated=negated) for leaf, negated in _signed(without_groups_negated(entry), False)]  # noqa: FBT003 - the walk begins unnegated
    return tuple(dict.fromkeys(text for text in found if text))


def _signed(condition: Condition, negated: bool) -> list[tuple[Compare, bool]]:  # noqa: FBT001 - walks with a tree
    if isinstance(condition, Every | Some):
        return [pair for part in condition.of for pair in _signed(part, negated)]
    if isinstance(condition, Not):
        return _signed(condition.of, not negated)
    return [] if isinstance(condition, InWindow) else [(condition, negated)]


def _judged(leaf: Compare, ruleset: RuleSet, *, negated: bool) -> str:
    left, right = leaf.left, leaf.right
    if not left.is_correlation or left.magnitude or isinstance(right, Operand):
        return ""
    primary, partner = ruleset.naming.primary, left.symbol
    limit = right * leaf.times + leaf.plus
    wants_positive = limit >= 0.0 and leaf.op in (FALLING if negated else RISING)
    wants_negative = limit <= 0.0 and leaf.op in (RISING if negated else FALLING)
    said = f"{ruleset.name}: {leaf.words(ruleset.naming.timeframe)} can hardly come true: {primary} and {partner} move"
    if wants_positive and move_against(primary, partner):
        return (
            f"{said} against each other, so their correlation is negative. "
            f'Use relation = "inverse", or compare with at most {-abs(limit):g}'
        )
    if wants_negative and move_together(primary, partner):
        return (
            f"{said} with each other, so their correlation is positive. "
            f'Use relation = "direct", or compare with at least {abs(limit):g}'
        )
    return ""
