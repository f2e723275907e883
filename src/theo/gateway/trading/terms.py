"""What an order asks for, read from IB's words: whole numbers, checked. What cannot be is refused with IB's own error."""

from decimal import Decimal

import msgspec

from theo.domain.instrument import SecurityType
from theo.domain.orders import OcaType, Side
from theo.gateway.desk import Listing
from theo.gateway.request_refused import RequestRefusedError, invalid
from theo.gateway.trading.moments import read_moment
from theo.gateway.trading.unsupported import refuse_unsupported
from theo.gateway.wire.messages.order import Order

MARKETS = frozenset({"MKT", "MIT", "MOC", "STP", "TRAIL"})  # what becomes a market order in the end
LIMITED = frozenset({"LMT", "STP LMT", "LIT", "LOC", "TRAIL LIMIT"})
STOPPED = frozenset({"STP", "STP LMT", "MIT", "LIT"})
TRAILING = frozenset({"TRAIL", "TRAIL LIMIT"})
PEGGED = frozenset({"REL", "MIDPRICE"})
TOUCHED = frozenset({"MIT", "LIT"})
AT_CLOSE = frozenset({"MOC", "LOC"})
ORDER_TYPES = MARKETS | LIMITED | PEGGED
SPREAD_TYPES = frozenset({"MKT", "LMT"})
STOPS = frozenset({"STP", "STP LMT"}) | TRAILING  # held by IB until they are triggered
WITHOUT_SESSIONS = frozenset({SecurityType.FUT, SecurityType.CASH})  # orders work in all hours
TIMES_IN_FORCE = frozenset({"DAY", "GTC", "IOC", "FOK", "GTD", "OPG"})
SPREAD_TIMES = frozenset({"DAY", "GTC"})
IMMEDIATE = {"IOC": frozenset({"MKT", "LMT"}), "FOK": frozenset({"LMT"}), "OPG": frozenset({"MKT", "LMT"})}
PERCENT_MAX = 100.0


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """An order as this gateway works it. Prices are price units, times microseconds UTC, None and 0 what is not asked for.

    ``trail`` is an amount, ``percent`` a part of the price; ``offset``: a trailing limit's from its stop, or a pegged order's
    from the quote. ``outside_rth``: whether it works whenever its market is open.
    """

    side: Side
    type: str
    quantity: int
    tif: str
    limit: int | None = None
    stop: int | None = None
    trail: int | None = None
    percent: float | None = None
    offset: int = 0
    outside_rth: bool = False
    good_after: int = 0
    good_till: int = 0
    oca_group: str = ""
    oca_type: OcaType = OcaType.NONE


def read_terms(order: Order, listing: Listing, zone: str, *, spread: bool = False) -> Terms:
    """The terms of an order; ``zone`` is of times that name none. Raises RequestRefusedError with the client's answer.

    A ``spread`` has a price of any sign.
    """
    if not listing.instrument.tradable:
        raise rejected("No trading permissions: this security is an index and cannot be traded.")
    refuse_unsupported(order)
    if order.action not in {"BUY", "SELL"}:
        raise invalid("bN", f"Invalid action '{order.action}'")
    if order.order_type not in (SPREAD_TYPES if spread else ORDER_TYPES):
        raise RequestRefusedError(387, "Unsupported order type for this exchange and security type.")
    tif = order.tif or "DAY"
    _check_time_in_force(order.order_type, tif)
    if spread and tif not in SPREAD_TIMES:
        raise RequestRefusedError(111, "The TIF (Tif type) and the order type are incompatible.")
    prices = _Prices(listing)
    return Terms(
        side=Side(order.action),
        type=order.order_type,
        quantity=_quantity(order, listing),
        tif=tif,
        limit=_limit(order, prices, signed=spread),
        stop=_stop(order, prices),
        trail=_trail(order, prices),
        percent=_percent(order),
        offset=_offset(order, prices),
        outside_rth=_outside_rth(order, listing),
        good_after=read_moment(order.good_after_time, zone) if order.good_after_time else 0,
        good_till=_good_till(order, tif, zone),
        oca_group=order.oca_group,
        oca_type=_oca_type(order),
    )


def rejected(reason: str) -> RequestRefusedError:
    """Error 201."""
    return RequestRefusedError(201, f"Order rejected - reason:{reason}")


class _Prices:
    """Prices of one contract as whole price units."""

    def __init__(self, listing: Listing) -> None:
        self._instrument = listing.instrument

    def on_grid(self, price: float, *, signed: bool = False) -> int:
        """A price of the contract's increments; error 110 otherwise."""
        scaled = Decimal(repr(price)).scaleb(self._instrument.price_decimals)
        units = int(scaled)
        if units != scaled or units % self._instrument.tick or (units <= 0 and not signed):
            raise RequestRefusedError(110, "The price does not conform to the minimum price variation for this contract.")
        return units


def _quantity(order: Order, listing: Listing) -> int:
    if order.cash_qty:
        raise RequestRefusedError(10_244, "Cash Quantity cannot be used for this order.")
    if order.total_quantity == 0:
        raise RequestRefusedError(434, "The order size cannot be zero.")
    if order.total_quantity != int(order.total_quantity):
        raise RequestRefusedError(10_243, "Fractional-sized order cannot be placed via API. Please review your order.")
    quantity = int(order.total_quantity)
    if quantity < 0 or quantity % listing.instrument.contract_size:
        raise RequestRefusedError(355, "Order size does not conform to market rule.")
    return quantity


def _limit(order: Order, prices: _Prices, *, signed: bool) -> int | None:
    if order.order_type in LIMITED - TRAILING or (order.order_type in PEGGED and order.lmt_price):
        return prices.on_grid(order.lmt_price or 0.0, signed=signed)
    return None


def _stop(order: Order, prices: _Prices) -> int | None:
    if order.order_type in STOPPED:
        return prices.on_grid(order.aux_price or 0.0)
    if order.order_type in TRAILING and order.trail_stop_price:
        return prices.on_grid(order.trail_stop_price)
    return None


def _trail(order: Order, prices: _Prices) -> int | None:
    if order.order_type not in TRAILING or order.trailing_percent:
        return None
    if not order.aux_price:
        raise RequestRefusedError(158, "You must specify an offset amount or a percent offset value.")
    return prices.on_grid(order.aux_price)


def _percent(order: Order) -> float | None:
    if order.order_type not in TRAILING or not order.trailing_percent:
        return None
    if not 0 < order.trailing_percent < PERCENT_MAX:
        raise RequestRefusedError(159, "The percent offset value must be between 0% and 100%.")
    return order.trailing_percent


def _offset(order: Order, prices: _Prices) -> int:
    if order.order_type == "REL" and order.aux_price:
        return prices.on_grid(order.aux_price)
    if order.order_type != "TRAIL LIMIT":
        return 0
    if order.lmt_price_offset is not None:
        return prices.on_grid(order.lmt_price_offset, signed=True)
    if order.lmt_price and order.trail_stop_price:
        sign = Side(order.action).sign
        return sign * (prices.on_grid(order.lmt_price) - prices.on_grid(order.trail_stop_price))
    raise RequestRefusedError(158, "You must specify an offset amount or a percent offset value.")


def _check_time_in_force(order_type: str, tif: str) -> None:
    if tif not in TIMES_IN_FORCE:
        raise invalid("bN", f"Invalid time in force '{tif}'")
    if order_type in AT_CLOSE and tif != "DAY":
        raise RequestRefusedError(113, "The Tif option should be set to DAY for MOC and LOC orders.")
    if tif in IMMEDIATE and order_type not in IMMEDIATE[tif]:
        raise RequestRefusedError(111, "The TIF (Tif type) and the order type are incompatible.")


def _good_till(order: Order, tif: str, zone: str) -> int:
    if tif != "GTD":
        return 0
    if not order.good_till_date:
        raise RequestRefusedError(334, "Invalid Good Till Date order")
    return read_moment(order.good_till_date, zone, end_of_day=True)


def _outside_rth(order: Order, listing: Listing) -> bool:
    """Currencies know no regular hours; of futures only stops do, which trigger outside of them when told to."""
    kind = listing.instrument.security_type
    if kind is SecurityType.CASH or (kind in WITHOUT_SESSIONS and order.order_type not in STOPS):
        return True
    return order.outside_rth


def _oca_type(order: Order) -> OcaType:
    """Type 0 in a group counts as 1, the safest."""
    if not order.oca_group:
        return OcaType.NONE
    if str(order.oca_type) not in set(OcaType):
        raise invalid("bN", f"Invalid OCA type {order.oca_type}")
    return OcaType(str(order.oca_type or 1))
