"""What goes wrong with orders on demand: how many of the next ones, and whether all."""

import msgspec


class Faults(msgspec.Struct):
    """Counts of orders, changes and cancels still to be spoiled; each is used up by its next victim."""

    swallow: int = 0  # orders of which nothing is told
    split: int = 0  # changes that leave the old order alive
    late_reject: int = 0  # orders that are rejected, and told why later
    lose_cancel: int = 0  # cancels that a fill overtakes
    reject_all: bool = False  # the login has lapsed

    def use(self, name: str) -> bool:
        """Whether the next one is to be spoiled; it counts as done."""
        left: int = getattr(self, name)
        if left > 0:
            setattr(self, name, left - 1)
        return left > 0
