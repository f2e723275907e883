"""Rules as data: comparisons and the trading window, in groups of all, any and not. What each reads and means.

A comparison with a number that is missing does not hold, and neither does its negation.
"""

from typing import Final, Literal

import msgspec

from theo.strategy.operand import Operand

Operator = Literal[">", ">=", "<", "<=", "==", "breaks_above", "breaks_below", "crosses_above", "crosses_below"]
BREAKS: Final = frozenset({"breaks_above", "breaks_below"})
CROSSES: Final = frozenset({"crosses_above", "crosses_below"})
WORDS: Final[dict[str, str]] = {
    ">": "is above",
    ">=": "is at least",
    "<": "is below",
    "<=": "is at most",
    "==": "equals",
    "breaks_above": "breaks above",
    "breaks_below": "breaks below",
    "crosses_above": "crosses above",
    "crosses_below": "crosses below",
}
CONDITIONS_MAX = 63  # their truths are recorded as the bits of one 64-bit integer
GROUP_DEPTH_MAX = 8  # deeper rules are read by nobody


def number_text(operand: Operand, value: float | None) -> str:
    """A recorded number as people read it; the time of day as hours and minutes."""
    if value is None:
        return "missing"
    if operand.name == "time":
        return f"{int(value) // 60:02d}:{int(value) % 60:02d}"
    return f"{value:.10g}"


class Compare(msgspec.Struct, frozen=True, tag="compare", tag_field="is"):
    """``left op right x times + plus``.

    ``breaks_*``: left at T is beyond the level known at T-1, and the level was unbroken until then: by its status where the
    indicator keeps one (swing), else because left at T-1 was not beyond it. An event: it happens once per level.
    ``crosses_*``: left is beyond right at T and was not at T-1, each compared at its own time.
    """

    left: Operand
    op: Operator
    right: Operand | float
    times: float = 1.0
    plus: float = 0.0

    def reads(self) -> tuple[Operand, ...]:
        """The numbers that decide it: left, right if it is one, and what an event needs beside them."""
        left = self.left.raw
        if not isinstance(self.right, Operand):
            return (left, left.before) if self.op in CROSSES else (left,)
        right = self.right.raw
        if self.op in BREAKS:
            return (left, right, self.right.broken_by_status or left.before)
        return (left, right, left.before, right.before) if self.op in CROSSES else (left, right)

    def words(self, frame: str = "") -> str:
        """The comparison as a sentence; the timeframe ``frame`` goes without saying."""
        right = self.right.text(frame) if isinstance(self.right, Operand) else number_text(self.left, self.right)
        if self.times != 1.0:
            right = f"{self.times:g} x {right}"
        if self.plus:
            right += f" {'+' if self.plus > 0 else '-'} {abs(self.plus):g}"
        return f"{self.left.text(frame)} {WORDS[self.op]} {right}"


class InWindow(msgspec.Struct, frozen=True, tag="window", tag_field="is"):
    """The bar's end lies in the rule set's trading window."""

    def reads(self) -> tuple[Operand, ...]:
        """The local time."""
        return (Operand("", "", "time"),)

    def words(self, frame: str = "") -> str:  # noqa: ARG002 - asked as of every leaf
        """The condition as a sentence."""
        return "the time lies in the trading window"


class Every(msgspec.Struct, frozen=True, tag="all", tag_field="is"):
    """All of its conditions hold."""

    of: "tuple[Condition, ...]"


class Some(msgspec.Struct, frozen=True, tag="any", tag_field="is"):
    """At least one of its conditions holds."""

    of: "tuple[Condition, ...]"


class Not(msgspec.Struct, frozen=True, tag="not", tag_field="is"):
    """Its condition does not hold, and that is known: every number of it exists."""

    of: "Condition"


Leaf = Compare | InWindow
Condition = Compare | InWindow | Every | Some | Not


def leaves(condition: Condition) -> tuple[Leaf, ...]:
    """Comparisons and windows of a rule, in reading order, with repetitions."""
    if isinstance(condition, Compare | InWindow):
        return (condition,)
    if isinstance(condition, Not):
        return leaves(condition.of)
    return tuple(leaf for part in condition.of for leaf in leaves(part))


def without_groups_negated(condition: Condition) -> Condition:
    """The same rule with every ``not`` directly before a leaf (De Morgan)."""
    if isinstance(condition, Every | Some):
        return type(condition)(tuple(without_groups_negated(part) for part in condition.of))
    if not isinstance(condition, Not):
        return condition
    inner = condition.of
    if isinstance(inner, Not):
        return without_groups_negated(inner.of)
    if isinstance(inner, Every):
        return Some(tuple(without_groups_negated(Not(part)) for part in inner.of))
    if isinstance(inner, Some):
        return Every(tuple(without_groups_negated(Not(part)) for part in inner.of))
    return condition
