"""Straight-line functions written out when a rule set is bound: what is read at every bar end, and what is tested. Hot path.

A bar end asks for a dozen numbers and as many comparisons; walking lists of them costs three times what they cost in a row. No
text of a user's gets into a source: it is made of places, bits and operators, and whatever it refers to has a numbered name.
What a condition means is defined by theo.strategy.compiled.test_of, one at a time; tests compare the two.
"""

from collections.abc import Callable, Sequence
from typing import cast

from theo.strategy.compiled import Places, Values
from theo.strategy.condition import BREAKS, CROSSES, Compare, InWindow, Leaf
from theo.strategy.operand import Operand


class Text:
    """Lines of one function of one argument, and the objects that they refer to."""

    __slots__ = ("_held", "_lines")

    def __init__(self, argument: str) -> None:
        self._lines = [f"def generated({argument}):"]
        self._held: dict[str, object] = {}

    def name(self, thing: object) -> str:
        """A name for an object in the text."""
        name = f"x{len(self._held)}"
        self._held[name] = thing
        return name

    def add(self, line: str) -> None:
        """A further line of the body."""
        self._lines.append(f"    {line}")

    def make(self) -> Callable[..., object]:
        """The function."""
        names = dict(self._held)
        exec("\n".join(self._lines), names)  # noqa: S102 - as the module says: nothing in it comes from outside
        made = names["generated"]
        assert callable(made)
        return made


def truths_of(leaves: tuple[Leaf, ...], places: Places) -> Callable[[Values], int]:
    """A function of the recorded numbers: bit i is set when condition i holds. Windows are not judged here."""
    text = _unpacked(places)
    for at, leaf in enumerate(leaves):
        if not isinstance(leaf, InWindow):
            text.add(f"if {_test(leaf, places, text)}: truths |= {1 << at}")
    text.add("return truths")
    return cast("Callable[[Values], int]", text.make())


def truths_of_columns(leaves: tuple[Leaf, ...], places: Places) -> Callable[[Sequence[object]], object]:
    """The same over columns of numbers that compare and add up element by element (arrays): one whole number a row, or 0."""
    text = _unpacked(places)
    for at, leaf in enumerate(leaves):
        if not isinstance(leaf, InWindow):
            test = _test(leaf, places, text).replace(" and ", " & ").replace(" or ", " | ")
            text.add(f"truths = truths + ({test}) * {1 << at}")
    text.add("return truths")
    return text.make()


def _unpacked(places: Places) -> Text:
    text = Text("values")
    unpacked = "".join(f"v{place}, " for place in range(len(places)))
    if places:
        text.add(f"{unpacked.rstrip()} = values")
    text.add("truths = 0")
    return text


def _test(leaf: Compare, places: Places, text: Text) -> str:
    """A condition as an expression over the numbers v0, v1, ...; what ``and`` and ``or`` join stands in brackets."""
    reads = [f"v{places[operand]}" for operand in leaf.reads()]
    above = leaf.op in {"breaks_above", "crosses_above"}
    beyond, not_beyond = (">", "<=") if above else ("<", ">=")
    if leaf.op in BREAKS:
        left, right, third = reads
        assert isinstance(leaf.right, Operand)
        by_status = leaf.right.broken_by_status is not None
        return f"({left} {beyond} {right}) and " + (f"({third} == 1.0)" if by_status else f"({third} {not_beyond} {right})")
    if leaf.op in CROSSES:
        if isinstance(leaf.right, Operand):
            left, right, left_before, right_before = reads
        else:
            left, left_before = reads
            right = right_before = text.name(leaf.right)
        return f"({left} {beyond} {right}) and ({left_before} {not_beyond} {right_before})"
    return _compared(leaf, reads, text)


def _compared(leaf: Compare, reads: Sequence[str], text: Text) -> str:
    left = reads[0]
    if not isinstance(leaf.right, Operand):
        limit = leaf.right * leaf.times + leaf.plus
        right = text.name(limit)
        if leaf.left.magnitude and leaf.op == ">" and limit >= 0.0:
            return f"({left} > {right}) or ({left} < -{right})"  # half of what a call of abs costs
    else:
        right = f"abs({reads[1]})" if leaf.right.magnitude else reads[1]
        if leaf.times != 1.0 or leaf.plus:
            right = f"{right} * {text.name(leaf.times)} + {text.name(leaf.plus)}"
    return f"{f'abs({left})' if leaf.left.magnitude else left} {leaf.op} {right}"
