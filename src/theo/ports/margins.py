"""Asking a broker what an order would do, without sending it."""

from typing import Protocol

from theo.domain.asked import MarginTold
from theo.domain.orders import Order


class Margins(Protocol):
    """The margin question of a broker that has one."""

    async def what_if(self, order: Order) -> MarginTold:
        """What the order would do to margin and cost. No answer is one too, with its reason: nothing is raised."""
