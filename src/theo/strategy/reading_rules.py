"""Rules of a rule-set file as conditions.

A comparison is ``{ left, op, right, times, plus, lag }``, a group ``{ all }``, ``{ any }`` or ``{ not }``. A list stands for
``all``. Times of day are written ``"15:30"``.
"""

import re
from typing import get_args

from theo.domain.errors import ConfigError
from theo.strategy.condition import BREAKS, CROSSES, GROUP_DEPTH_MAX, Compare, Condition, Every, Not, Operator, Some
from theo.strategy.mistakes import Mistakes
from theo.strategy.operand import CLOCK_NAMES, Naming, Operand, parse_operand
from theo.strategy.tables import Table

OPERATORS: tuple[str, ...] = get_args(Operator)
GROUPS = ("all", "any", "not")
NUMBER_MAX = 1e12
MINUTES_PER_DAY = 24 * 60


def minutes_of_day(text: str) -> int:
    """Minutes since midnight of a text like ``15:30``; ``24:00`` is the day's end. Raises ConfigError."""
    match = re.fullmatch(r"(\d{1,2}):([0-5]\d)", text)
    minutes = int(match[1]) * 60 + int(match[2]) if match else MINUTES_PER_DAY + 1
    if minutes > MINUTES_PER_DAY:
        raise ConfigError(f"{text!r} is not a time of day", remedy='Write hours and minutes: "09:30"')
    return minutes


class RuleReader:
    """Reads the rules of one file; mistakes are noted, and a wrong condition is read as None."""

    __slots__ = ("_mistakes", "_naming")

    def __init__(self, naming: Naming, mistakes: Mistakes) -> None:
        self._naming, self._mistakes = naming, mistakes

    def rule(self, value: object, key: str, depth: int = 0) -> Condition | None:
        """The condition of a TOML value."""
        if depth > GROUP_DEPTH_MAX:
            self._mistakes.add(key, f"groups are nested deeper than {GROUP_DEPTH_MAX}", remedy="Write a simpler rule")
        elif isinstance(value, list):
            return self._group(value, key, "all", depth)
        elif not isinstance(value, dict):
            self._mistakes.add(
                key, f"is {value!r}", remedy="Write { left = ..., op = ..., right = ... } or a list of such tables"
            )
        elif not any(kind in value for kind in GROUPS):
            return self._compare(Table(value, key, self._mistakes))
        elif len(value) > 1:
            self._mistakes.add(
                key, f"has {', '.join(value)}", remedy="A group table holds one of all, any, not, and nothing else"
            )
        else:
            return self._named_group(value, key, depth)
        return None

    def _named_group(self, value: dict[str, object], key: str, depth: int) -> Condition | None:
        ((kind, inner),) = value.items()
        if kind != "not":
            return self._group(inner, f"{key}.{kind}", kind, depth)
        part = self.rule(inner, f"{key}.not", depth + 1)
        return None if part is None else Not(part)

    def _group(self, value: object, key: str, kind: str, depth: int) -> Condition | None:
        if not isinstance(value, list) or not value:
            self._mistakes.add(key, "holds no conditions", remedy="Write a list with at least one condition")
            return None
        read = [self.rule(part, f"{key}[{at}]", depth + 1) for at, part in enumerate(value)]
        parts = tuple(part for part in read if part is not None)
        return Some(parts) if kind == "any" else Every(parts)

    def _compare(self, table: Table) -> Condition | None:
        operator = table.choice("op", OPERATORS)
        lag = table.whole("lag", -1, 0, 1)
        left = self._operand(table, "left", None)
        right = self._right(table, left, lag if lag >= 0 else None)
        times = table.number("times", 1.0, -NUMBER_MAX, NUMBER_MAX)
        plus = table.number("plus", 0.0, -NUMBER_MAX, NUMBER_MAX)
        table.finish()
        if left is None or right is None or operator not in OPERATORS:
            return None
        compare = Compare(left, operator, right, times, plus)  # type: ignore[arg-type]  # one of OPERATORS, checked above
        return compare if self._event_is_sound(compare, table) else None

    def _operand(self, table: Table, name: str, lag: int | None) -> Operand | None:
        text = table.text(name, remedy='Write for example "close", "VIX close", "swing(2).high" or "correlation"')
        return table.read(name, lambda: parse_operand(text, self._naming, lag), None) if text else None

    def _right(self, table: Table, left: Operand | None, lag: int | None) -> Operand | float | None:
        value = table.get("right")
        if isinstance(value, int | float) and not isinstance(value, bool):
            if lag is not None:
                table.wrong("lag", "is set, and right is a number", remedy="Leave lag out")
            if not abs(value) <= NUMBER_MAX:
                table.wrong("right", f"is {value!r}", remedy="Write a finite number")
                return None
            return self._reachable(table, left, float(value))
        if left is not None and left.name == "time":
            return table.read("right", lambda: float(minutes_of_day(str(value))), None)
        return self._operand(table, "right", lag)

    def _reachable(self, table: Table, left: Operand | None, value: float) -> float | None:
        if left is not None and left.is_correlation and not -1.0 <= value <= 1.0:
            table.wrong("right", f"is {value:g}", why="a correlation lies between -1 and 1", remedy="Write for example -0.7")
            return None
        return value

    def _event_is_sound(self, compare: Compare, table: Table) -> bool:
        """Events need the bar before, and levels break where averages are crossed."""
        op, left, right = compare.op, compare.left, compare.right
        if op not in BREAKS | CROSSES:
            return True
        level = isinstance(right, Operand) and right.is_level
        if op in BREAKS and not (level and isinstance(right, Operand) and right.lag == 1):
            table.wrong("op", f"is {op!r}, and right is no level", remedy=f"Write {op.replace('breaks', 'crosses')!r}")
            return False
        if op in CROSSES and level:
            table.wrong("op", f"is {op!r}, and right is a level", remedy=f"Write {op.replace('crosses', 'breaks')!r}")
            return False
        lagged = left.lag or (op in CROSSES and isinstance(right, Operand) and right.lag)
        unlagged_clock = left.name in CLOCK_NAMES or left.magnitude or (isinstance(right, Operand) and right.magnitude)
        if lagged or unlagged_clock or compare.times != 1.0 or compare.plus:
            table.wrong(
                "op", f"{op!r} takes neither lag, times, plus, abs() nor the clock", remedy='Use a comparison such as ">"'
            )
            return False
        return True
