"""What goes wrong with orders on demand: how many of the next ones, and whether all."""

from enum import StrEnum

import msgspec


class Fault(StrEnum):
    """What is spoiled by counts."""

    SWALLOW = "swallow"  # an order of which nothing is told
    SPLIT = "split"  # a change that leaves the old order alive
    LATE_REJECT = "late reject"  # an order that is rejected, and told why later
    LOSE_CANCEL = "lose cancel"  # a cancel that a fill overtakes


class Faults(msgspec.Struct):
    """``left`` counts what is still to be spoiled: each is used up by its next victim. ``reject_all``: the login has lapsed."""

    left: dict[Fault, int] = {}
    reject_all: bool = False

    def use(self, fault: Fault) -> bool:
        """Whether the next one is to be spoiled; it counts as done."""
        left = self.left.get(fault, 0)
        self.left[fault] = max(0, left - 1)
        return left > 0
