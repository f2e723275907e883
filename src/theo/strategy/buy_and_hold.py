"""Buy and hold, the baseline to compare with: long at the first bar with a price, again after its stop, never an exit rule."""

from theo.strategy.condition import Compare
from theo.strategy.operand import Naming, parse_operand
from theo.strategy.ruleset import Rules


def expand(naming: Naming) -> Rules:
    """The rules: any price is a reason to hold."""
    return Rules(long=Compare(parse_operand("close", naming), ">", 0.0))
