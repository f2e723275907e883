"""What the exchange refuses to take, with IB's error numbers and a text that says why. Rules about the order alone."""

from theo.domain.instrument import Instrument
from theo.domain.orders import OcaType, Order, OrderType, TimeInForce

# Interactive Brokers' error numbers, as its API documents them.
DUPLICATE_ID = 103
OFF_GRID = 110  # the price does not conform to the minimum price variation for this contract
NO_CONDITION = 147
NO_SUCH_CONTRACT = 200
REJECTED = 201
NO_SIZE = 434  # the order size cannot be zero

Refusal = tuple[int, str]
PRICES = ("limit", "stop", "trail")
# A trailing stop may name where it begins.
NEEDED = {
    OrderType.MARKET: frozenset[str](),
    OrderType.LIMIT: frozenset({"limit"}),
    OrderType.STOP: frozenset({"stop"}),
    OrderType.STOP_LIMIT: frozenset({"limit", "stop"}),
    OrderType.TRAILING_STOP: frozenset({"trail"}),
}
ALLOWED = {**NEEDED, OrderType.TRAILING_STOP: frozenset({"trail", "stop"})}
IMMEDIATE = {
    TimeInForce.IOC: frozenset({OrderType.MARKET, OrderType.LIMIT}),
    TimeInForce.FOK: frozenset({OrderType.LIMIT}),
}


def refusal(order: Order, instrument: Instrument | None, *, is_parent: bool) -> Refusal | None:
    """Why the order is not taken, as (IB's error number, text); None when it is."""
    if instrument is None:
        return NO_SUCH_CONTRACT, f"No security definition has been found for the request: instrument {order.instrument}"
    if not instrument.tradable:
        return REJECTED, f"Order rejected: {instrument.symbol} is an index and cannot be traded"
    if order.condition is not None and order.condition.price <= 0:
        return NO_CONDITION, "The conditional price must be positive"
    return _quantity(order, instrument) or _prices(order, instrument) or _time_in_force(order, is_parent) or _group(order)


def _quantity(order: Order, instrument: Instrument) -> Refusal | None:
    if order.quantity == 0:
        return NO_SIZE, "The order size cannot be zero"
    if order.quantity < 0 or order.quantity % instrument.contract_size:
        step = instrument.contract_size
        return REJECTED, f"Order rejected: quantity {order.quantity} is not a positive multiple of {step}"
    return None


def _prices(order: Order, instrument: Instrument) -> Refusal | None:
    for name in PRICES:
        price = getattr(order, name)
        if price is None and name in NEEDED[order.type]:
            return REJECTED, f"Order rejected: a {order.type} order needs a {name} price"
        if price is None:
            continue
        if name not in ALLOWED[order.type]:
            return REJECTED, f"Order rejected: a {order.type} order has no {name} price"
        if price <= 0 or price % instrument.tick:
            text = f"{name} price {instrument.text(price)} of {instrument.symbol}, increment {instrument.text(instrument.tick)}"
            return OFF_GRID, f"The price does not conform to the minimum price variation for this contract: {text}"
    return None


def _time_in_force(order: Order, is_parent: bool) -> Refusal | None:  # noqa: FBT001 - an inner step of one decision
    types = IMMEDIATE.get(order.tif)
    if types is None:
        return None
    if order.type not in types:
        return REJECTED, f"Order rejected: {order.tif} is not allowed on a {order.type} order"
    if is_parent or order.parent:
        return REJECTED, f"Order rejected: {order.tif} is not allowed in a bracket"
    return None


def _group(order: Order) -> Refusal | None:
    if bool(order.oca_group) is (order.oca_type is OcaType.NONE):
        return REJECTED, "Order rejected: an exit group needs both a name and a type"
    return None
