"""What a check of the set-up answers."""

from enum import StrEnum
from pathlib import Path

import msgspec

from theo.domain.errors import TheoError


class Level(StrEnum):
    """OK; WARN: it runs, look at it; FAIL: it will not run, or not rightly."""

    OK = "OK"
    WARN = "WARN"
    FAIL = "FAIL"


class Check(msgspec.Struct, frozen=True):
    """One line of the check-up. ``fix`` says what to do; "" when there is nothing to do."""

    name: str
    level: Level
    text: str
    fix: str = ""


def worst(checks: list[Check]) -> Level:
    """The worst level of all."""
    order = list(Level)
    return max((check.level for check in checks), key=order.index, default=Level.OK)


def file_check(name: str, path: Path, error: TheoError) -> Check:
    """A file of the user's that is wrong."""
    return Check(name, Level.FAIL, str(error), error.remedy or f"Correct {path}")
