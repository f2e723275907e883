"""What a condition and a rule mean over the numbers of one bar end: closures, and rules as masks of their conditions' truths.

A condition is a function of the recorded numbers alone, so that anyone can check a recorded decision. NaN is missing: every
comparison with it is false. At work all conditions of a rule set are judged at once (theo.strategy.generated).
"""

from collections.abc import Callable, Mapping, Sequence
from operator import eq, ge, gt, le, lt

from theo.strategy.condition import (
    BREAKS,
    CROSSES,
    Compare,
    Condition,
    Every,
    InWindow,
    Leaf,
    Not,
    Some,
    without_groups_negated,
)
from theo.strategy.operand import Operand

Values = Sequence[float]
Test = Callable[[Values], bool]
Places = Mapping[Operand, int]  # where a number stands among the values
OPERATORS: dict[str, Callable[[float, float], bool]] = {">": gt, ">=": ge, "<": lt, "<=": le, "==": eq}


def test_of(leaf: Compare, places: Places) -> Test:
    """The closure of a comparison."""
    if leaf.op in CROSSES:
        return _crossing(leaf, places)
    if leaf.op in BREAKS:
        return _break(leaf, places)
    compare, left, of_left = OPERATORS[leaf.op], places[leaf.left.raw], leaf.left.magnitude
    times, plus = leaf.times, leaf.plus
    if not isinstance(leaf.right, Operand):
        limit = leaf.right * times + plus
        if of_left and leaf.op == ">" and limit >= 0.0:
            return lambda v: v[left] > limit or v[left] < -limit
        return lambda v: compare(abs(v[left]) if of_left else v[left], limit)
    right, of_right = places[leaf.right.raw], leaf.right.magnitude

    def test(v: Values) -> bool:
        a, b = v[left], v[right]
        return compare(abs(a) if of_left else a, (abs(b) if of_right else b) * times + plus)

    return test


def _break(leaf: Compare, places: Places) -> Test:
    left, right, third = (places[operand] for operand in leaf.reads())
    assert isinstance(leaf.right, Operand)
    if leaf.right.broken_by_status is not None:
        if leaf.op == "breaks_above":
            return lambda v: v[left] > v[right] and v[third] == 1.0
        return lambda v: v[left] < v[right] and v[third] == 1.0
    if leaf.op == "breaks_above":
        return lambda v: v[left] > v[right] >= v[third]
    return lambda v: v[left] < v[right] <= v[third]


def _crossing(leaf: Compare, places: Places) -> Test:
    left, *others = (places[operand] for operand in leaf.reads())
    above = leaf.op == "crosses_above"
    if isinstance(leaf.right, Operand):
        right, left_before, right_before = others
        if above:
            return lambda v: v[left] > v[right] and v[left_before] <= v[right_before]
        return lambda v: v[left] < v[right] and v[left_before] >= v[right_before]
    (before,), limit = others, leaf.right
    if above:
        return lambda v: v[left] > limit >= v[before]
    return lambda v: v[left] < limit <= v[before]


class Rule:
    """A rule over recorded truths: one mask where all leaves must hold, else a tree. ``mask`` is -1 when there is a tree."""

    __slots__ = ("_tree", "mask")

    def __init__(self, condition: Condition | None, leaves: tuple[Leaf, ...], places: Places) -> None:
        self._tree: Callable[[int, Values], bool] = lambda _truths, _values: False
        self.mask = -1
        if condition is None:
            self.mask = 1 << len(leaves)  # a bit that is never set
            return
        flat = without_groups_negated(condition)
        parts = flat.of if isinstance(flat, Every) else (flat,)
        plain = [part for part in parts if isinstance(part, Compare | InWindow)]
        if len(plain) == len(parts):
            self.mask = 0
            for leaf in plain:
                self.mask |= 1 << leaves.index(leaf)
        self._tree = _tree(flat, leaves, places)

    def holds(self, truths: int, values: Values) -> bool:
        """Whether the rule holds when its leaves' truths are these."""
        return self._tree(truths, values)


def _tree(condition: Condition, leaves: tuple[Leaf, ...], places: Places) -> Callable[[int, Values], bool]:
    if isinstance(condition, Every):
        parts = [_tree(part, leaves, places) for part in condition.of]
        return lambda truths, values: all(part(truths, values) for part in parts)
    if isinstance(condition, Some):
        parts = [_tree(part, leaves, places) for part in condition.of]
        return lambda truths, values: any(part(truths, values) for part in parts)
    if isinstance(condition, Not):
        leaf = condition.of
        assert isinstance(leaf, Compare | InWindow)
        read = [places[operand] for operand in leaf.reads()]
        off = 1 << leaves.index(leaf)
        return lambda truths, values: not truths & off and all(values[at] == values[at] for at in read)
    bit = 1 << leaves.index(condition)
    return lambda truths, _values: bool(truths & bit)
