"""What goes wrong with orders on demand: how many of the next ones, and whether all."""

from enum import StrEnum

import msgspec


class Fault(StrEnum):
    """What is spoiled by counts."""

    LOSE = "lose"  # an order that never arrives
    SWALLOW = "swallow"  # an order of which nothing is told
    SPLIT = "split"  # a change that leaves the old order alive
    REJECT = "reject"  # an order that is rejected at once
    LATE_REJECT = "late reject"  # an order that is rejected, and told why later
    LOSE_CANCEL = "lose cancel"  # a cancel that a fill overtakes


class Faults(msgspec.Struct):
    """``left`` counts what is still to be spoiled: each is used up by its next victim. ``reject_all``: the login has lapsed.

    ``mute``: for how long (microseconds) nothing is told of a swallowed order, None for ever. ``reason`` is of the next rejects.
    ``ids_behind``: by how much the next valid id is told too small.
    """

    left: dict[Fault, int] = {}
    reject_all: bool = False
    mute: int | None = None
    reason: str = ""
    ids_behind: int = 0

    def use(self, fault: Fault) -> bool:
        """Whether the next one is to be spoiled; it counts as done."""
        left = self.left.get(fault, 0)
        self.left[fault] = max(0, left - 1)
        return left > 0
