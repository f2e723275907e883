"""How one quantity is split over several accounts: in whole steps, exactly, and the same each time.

PRO_RATA: by what each account still waits for, rounded down, and a step more for those whose rests are largest; of equal rests
the one listed first. FIFO fills the accounts in the order in which they are listed, LIFO from the last to the first.
"""

from collections.abc import Mapping
from enum import StrEnum


class AccountMethod(StrEnum):
    """How fills of one order are split over its accounts."""

    PRO_RATA = "PRO_RATA"
    FIFO = "FIFO"
    LIFO = "LIFO"


def by_weight(quantity: int, weights: Mapping[str, int], step: int = 1) -> dict[str, int]:
    """A quantity by weights, largest remainder first; accounts that get nothing are left out.

    ``quantity`` is a multiple of ``step``. Raises ValueError when no weight is above 0.
    """
    whole, steps = sum(weights.values()), quantity // step
    if whole <= 0 or min(weights.values()) < 0 or quantity % step:
        raise ValueError(f"{quantity} cannot be split by {dict(weights)} in steps of {step}")
    found = {account: steps * weight // whole for account, weight in weights.items()}
    by_rest = sorted(weights, key=lambda account: -(steps * weights[account] % whole))
    for account in by_rest[: steps - sum(found.values())]:
        found[account] += 1
    return {account: size * step for account, size in found.items() if size}


def allocate(quantity: int, waiting: Mapping[str, int], method: AccountMethod, step: int = 1) -> dict[str, int]:
    """Which accounts a fill belongs to. ``waiting``: what each still waits for, in the order in which they are listed.

    No account gets more than it waits for. Raises ValueError for a fill of more than all of them wait for.
    """
    if quantity > sum(waiting.values()):
        raise ValueError(f"{quantity} are more than {dict(waiting)} wait for")
    if method is AccountMethod.PRO_RATA:
        return by_weight(quantity, waiting, step)
    found: dict[str, int] = {}
    left, listed = quantity, list(waiting)
    for account in listed if method is AccountMethod.FIFO else reversed(listed):
        part = min(left, waiting[account])
        if part:
            found[account], left = part, left - part
    return found
