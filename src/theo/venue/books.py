"""What the exchange remembers, as plain values: orders, executions, positions, cash, last prices and quotes.

It outlives every crash of its clients. How orders come to match is in exchange.py, at what price in matching.py.
"""

from enum import StrEnum
from types import MappingProxyType

import msgspec

from theo.domain.market_data import DAY, Bar
from theo.domain.orders import Order
from theo.domain.reports import OrderFilled
from theo.venue.fees import Done

NEVER = 1 << 62  # later than any time, higher than any price
ALWAYS = -NEVER  # earlier than any time, lower than any price
REMEMBERED = 2 * DAY  # ended orders and executions: as long as IB reports them; an id is refused as a duplicate so long


class Standing(StrEnum):
    """Where an order stands at the exchange."""

    ASLEEP = "asleep"  # a child whose parent is not wholly filled
    WORKING = "working"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    EXPIRED = "expired"


_DEATHS = frozenset({Standing.CANCELLED, Standing.EXPIRED})
FOLLOWS = MappingProxyType(
    {
        Standing.ASLEEP: _DEATHS | {Standing.WORKING},
        Standing.WORKING: _DEATHS | {Standing.FILLED},
        Standing.FILLED: frozenset[Standing](),
        Standing.CANCELLED: frozenset[Standing](),
        Standing.REJECTED: frozenset[Standing](),
        Standing.EXPIRED: frozenset[Standing](),
    }
)
LIVE = frozenset({Standing.ASLEEP, Standing.WORKING})


class Held(msgspec.Struct):
    """An order in the exchange's book.

    ``active_at``: from when it may match. ``expires_at``: when its time in force ends. ``level``: where a trailing stop stands,
    in price units; None before it has seen a price. ``triggered``: a stop that was touched, or an order that another instrument's
    price has set off, and that now works as a market or limit order. ``done`` and ``charged`` (micros): what was executed of it
    and what that has cost.
    """

    order: Order
    broker_id: str
    standing: Standing
    active_at: int
    expires_at: int
    filled: int = 0
    level: int | None = None
    triggered: bool = False
    ended_at: int = 0
    done: Done = Done()
    charged: int = 0

    @property
    def remaining(self) -> int:
        """What may still be filled."""
        return self.order.quantity - self.filled

    @property
    def may_match(self) -> bool:
        """Whether it works, and waits for no price of another instrument."""
        return self.standing is Standing.WORKING and (self.triggered or self.order.condition is None)

    def become(self, standing: Standing) -> None:
        """Move along the life cycle; raises ValueError for a step that it does not have (our bug)."""
        if standing not in FOLLOWS[self.standing]:
            raise ValueError(f"order {self.order.id} is {self.standing} and cannot become {standing}")
        self.standing = standing


class Market(msgspec.Struct):
    """What the exchange last saw of one instrument. Prices are price units; a bid or ask of None is not known.

    ``traded_at`` and ``quoted_at`` are the times of the last trade tick and quote. A price at or below ``low``, or at or above
    ``high``, may concern a working order; between them nothing can happen. After a roll orders of the contract ``previous`` trade
    at the prices less ``difference``; until the first event market orders of both fill at the last price (``anchored``).
    """

    bar: Bar | None = None
    contract: str = ""
    previous: str = ""
    difference: int = 0
    anchored: bool = False
    trade: int | None = None
    traded_at: int = ALWAYS
    quoted_at: int = ALWAYS
    bid: int | None = None
    bid_size: int = 0
    ask: int | None = None
    ask_size: int = 0
    low: int = ALWAYS
    high: int = NEVER

    def last(self) -> int | None:
        """The last price, of a trade or of a bar's close; None before there was one."""
        bar = self.bar
        return self.trade if bar is None or self.traded_at >= bar.end else bar.close


class Books(msgspec.Struct):
    """The exchange's whole state. ``cash`` and ``fees`` are micros, zero at first: cash = value sold - value bought - fees."""

    orders: dict[str, Held] = {}
    executions: list[OrderFilled] = []
    positions: dict[int, int] = {}
    markets: dict[int, Market] = {}
    cash: int = 0
    fees: int = 0
    broker_ids: int = 0
    execution_ids: int = 0
    forgotten_at: int = ALWAYS
