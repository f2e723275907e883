import pytest

from tests.tidy.sets import set_fields, set_order_used
from tests.tidy.tree import pure_modules, sample


def test_no_order_of_a_set_decides_anything() -> None:
    fields = set_fields(pure_modules())
    assert [str(finding) for module in pure_modules() for finding in set_order_used(module, fields)] == []


@pytest.mark.parametrize(
    "text",
    [
        "for x in {1, 2}: ...",
        "names = set(found)\nfor x in names: ...",
        "def f(names: frozenset[str]) -> None:\n    for x in names: ...",
        "y = [x for x in set(found)]",
        "y = {x: 1 for x in frozenset(found)}",
        "y = list(set(found))",
        "names: set[str] = load()\ny = ','.join(names)",
        "y = (*{1, 2},)",
        "for x in {1} | other: ...",
        "for x in a.union(b): ...",
        "names = {1, 2}\nnames.pop()",
        "for x in state.halted: ...",
        "y = next(iter({1}))",
    ],
)
def test_an_order_that_differs_is_found(text: str) -> None:
    assert len(set_order_used(sample(text), frozenset({"halted"}))) == 1


@pytest.mark.parametrize(
    "text",
    [
        "for x in sorted({1, 2}): ...",
        "y = any(x > 1 for x in {1, 2})",
        "y = max({1, 2})",
        "y = {x + 1 for x in {1, 2}}",
        "y = 1 in {1, 2}",
        "def f(names: list[str]) -> None:\n    for x in names: ...",
        "names = {1}\nnames = sorted(names)\nfor x in names: ...",
        "def f():\n    names = {1}\ndef g(names):\n    for x in names: ...",
        "stack.pop()",
        "for x in {1: 2}: ...",
    ],
)
def test_what_has_an_order_is_left_alone(text: str) -> None:
    assert set_order_used(sample(text), frozenset()) == []


def test_fields_that_hold_sets_are_known() -> None:
    declared = "class State:\n    halted: set[str]\n    orders: dict[str, int]\n"
    assigned = "    def __init__(self):\n        self.seen: frozenset[int] = x\n"
    assert set_fields([sample(declared + assigned)]) == {"halted", "seen"}
