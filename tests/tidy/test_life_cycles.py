"""The tables of docs/concepts/order-life-cycle.md are the tables of the code."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from tests.tidy.tree import ROOT
from theo.engine import order_life, trade_life

Status = TypeVar("Status", bound=StrEnum)
Event = TypeVar("Event", bound=StrEnum)

PAGE = ROOT / "docs" / "concepts" / "order-life-cycle.md"
ROW = re.compile(r"^\| `(\w+)` \| `(\w+)` \| `(\w+)` \|$", re.MULTILINE)


def documented(page: str, heading: str) -> set[tuple[str, str, str]]:
    """(state, event, next state) of each row under a heading."""
    section = page.partition(f"### {heading}\n")[2].partition("\n#")[0]
    return set(ROW.findall(section))


def coded(life: Mapping[Status, Mapping[Event, Status]]) -> set[tuple[str, str, str]]:
    return {(state.value, event.value, following.value) for state, row in life.items() for event, following in row.items()}


def test_the_life_of_an_order_is_documented() -> None:
    assert documented(PAGE.read_text(), "Every step of an order") == coded(order_life.LIFE)


def test_the_life_of_a_trade_is_documented() -> None:
    assert documented(PAGE.read_text(), "Every step of a trade") == coded(trade_life.LIFE)


def test_a_missing_row_is_found() -> None:
    page = "### One\n\n| `a` | `b` | `c` |\n\n### Two\n\n| `x` | `y` | `z` |\n"
    assert documented(page, "One") == {("a", "b", "c")}
