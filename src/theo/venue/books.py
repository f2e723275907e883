"""What the exchange remembers: orders, executions, positions and cash. It outlives every crash of its clients."""

from enum import StrEnum

import msgspec

from theo.domain.market_data import DAY
from theo.domain.orders import Order
from theo.domain.reports import OrderFilled

REMEMBERED = 2 * DAY  # ended orders and executions: as long as IB reports them


class Standing(StrEnum):
    """Where an order stands at the exchange."""

    ASLEEP = "asleep"  # a child whose parent is not wholly filled
    WORKING = "working"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    EXPIRED = "expired"


LIVE = frozenset({Standing.ASLEEP, Standing.WORKING})


class Held(msgspec.Struct):
    """An order in the exchange's book. ``active_at``: from when it may match; ``expires_at``: when its time in force ends."""

    order: Order
    broker_id: str
    standing: Standing
    active_at: int
    expires_at: int
    filled: int = 0
    best: int = 0  # best last price that a trailing stop has seen; 0 before the first
    triggered: bool = False  # a stop-limit whose stop was touched
    ended_at: int = 0

    @property
    def remaining(self) -> int:
        """What may still be filled."""
        return self.order.quantity - self.filled


class Quote(msgspec.Struct):
    """Best bid and ask with their sizes; 0 when not known."""

    bid: int = 0
    bid_size: int = 0
    ask: int = 0
    ask_size: int = 0


class Books(msgspec.Struct):
    """The exchange's whole state. ``fees`` and ``cash`` are micros; cash moves by value and fees of every execution."""

    orders: dict[str, Held] = {}
    executions: list[OrderFilled] = []
    positions: dict[int, int] = {}
    quotes: dict[int, Quote] = {}
    last: dict[int, int] = {}
    cash: int = 0
    fees: int = 0
    broker_ids: int = 0
    execution_ids: int = 0
    forgotten_at: int = 0
