"""Orders as they are intended and sent: what we want, in our identity. What the broker says of them is in reports.py."""

from enum import StrEnum

import msgspec


class Side(StrEnum):
    """Direction of an order."""

    BUY = "BUY"
    SELL = "SELL"

    @property
    def sign(self) -> int:
        """+1 for BUY, -1 for SELL."""
        return 1 if self is Side.BUY else -1

    @property
    def opposite(self) -> "Side":
        """The side that closes."""
        return Side.SELL if self is Side.BUY else Side.BUY


class OrderType(StrEnum):
    """Order types, named as IB names them."""

    MARKET = "MKT"
    LIMIT = "LMT"
    STOP = "STP"
    STOP_LIMIT = "STP LMT"
    TRAILING_STOP = "TRAIL"


class TimeInForce(StrEnum):
    """How long an order lives. IOC and FOK never on stops, trailing stops or bracket parents."""

    DAY = "DAY"
    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"


class OrderRole(StrEnum):
    """What an order is for. Only ENTRY adds risk."""

    ENTRY = "entry"
    STOP = "stop"
    TARGET = "target"
    CLOSE = "close"


class OcaType(StrEnum):
    """What a fill does to the other orders of an exit group, in IB's numbers."""

    NONE = "0"
    CANCEL_WITH_BLOCK = "1"
    REDUCE_WITH_BLOCK = "2"
    REDUCE_NON_BLOCK = "3"


class Route(StrEnum):
    """Where an order is sent to be executed. USUAL leaves it to the configuration, and then to the instrument's own exchange.

    SMART: the broker looks for the best price. DIRECT: the exchange on which the instrument is listed.
    """

    USUAL = ""
    SMART = "SMART"
    DIRECT = "DIRECT"
    ARCA = "ARCA"
    NYSE = "NYSE"
    NASDAQ = "NASDAQ"
    CBOE = "CBOE"
    CME = "CME"


class PriceCondition(msgspec.Struct, frozen=True, array_like=True):
    """An order sleeps until ``instrument`` trades at ``price`` (its price units) or beyond: above it, or below."""

    instrument: int
    price: int
    above: bool

    def met_by(self, low: int, high: int) -> bool:
        """Whether a range of prices reaches it."""
        return high >= self.price if self.above else low <= self.price


class Order(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """One order. ``id`` is our client order id, carried in IB's orderRef, unique for all time.

    Prices are in price units on the tick grid; ``trail`` is an amount in price units. A child (``parent`` set) sleeps until
    the parent is wholly filled and dies with it. Orders of one ``oca_group`` act on each other by ``oca_type``.
    """

    id: str
    account: str
    instrument: int
    side: Side
    type: OrderType
    quantity: int
    tif: TimeInForce
    role: OrderRole
    trade: str
    limit: int | None = None
    stop: int | None = None
    trail: int | None = None
    parent: str = ""
    oca_group: str = ""
    oca_type: OcaType = OcaType.NONE
    outside_rth: bool = False
    route: Route = Route.USUAL
    contract: str = ""  # the contract of a future that rolls, or of a chosen option; "": the instrument itself
    spread: str = ""  # the other leg, of one of the two that are filled together or not at all
    condition: PriceCondition | None = None  # of an exit in an option: the underlying's price sets it off


def far_leg(near: str) -> str:
    """The id of the leg of a spread that opens, by that of the one that closes."""
    return f"{near.rpartition('-')[0]}-1"


class Ticket(msgspec.Struct, frozen=True, array_like=True, tag="ticket"):
    """Orders that are sent together: a parent first, then its children; or one order alone.

    Or the two legs of a spread, which is one order at the broker: the one that leaves its contract first.
    """

    orders: tuple[Order, ...]


class Amendment(msgspec.Struct, frozen=True, array_like=True, kw_only=True, tag="amendment"):
    """New quantity and prices of a working order; the order keeps its id. None leaves a price as it is not used."""

    order: str
    quantity: int
    limit: int | None = None
    stop: int | None = None
    trail: int | None = None
