"""What the exchange refuses to take, with IB's error numbers and a text that says why."""

from theo.domain.instrument import Instrument
from theo.domain.orders import Order, OrderType, TimeInForce

Refusal = tuple[int, str]
NEEDS = {
    OrderType.MARKET: (),
    OrderType.LIMIT: ("limit",),
    OrderType.STOP: ("stop",),
    OrderType.STOP_LIMIT: ("limit", "stop"),
    OrderType.TRAILING_STOP: ("trail",),
}


def refusal(order: Order, instrument: Instrument | None, *, has_children: bool) -> Refusal | None:
    """Why the order is not taken; None when it is. 200: no such contract, 201: rejected, 110: price off the grid."""
    if instrument is None:
        return 200, f"no instrument {order.instrument} is known"
    if not instrument.tradable:
        return 201, f"{instrument.symbol} is an index and cannot be traded"
    if order.quantity <= 0 or order.quantity % instrument.contract_size:
        return 201, f"quantity {order.quantity} is not a positive multiple of {instrument.contract_size}"
    for name in ("limit", "stop", "trail"):
        price = getattr(order, name)
        if (price is None) == (name in NEEDS[order.type]):
            return 201, f"a {order.type} order {'needs a' if price is None else 'has no'} {name} price"
        if price is not None and (price <= 0 or price % instrument.tick):
            return 110, f"{name} price {instrument.text(price)} does not conform to the minimum price variation"
    immediate = order.tif in {TimeInForce.IOC, TimeInForce.FOK}
    allowed = {OrderType.LIMIT} if order.tif is TimeInForce.FOK else {OrderType.MARKET, OrderType.LIMIT}
    if immediate and (order.type not in allowed or has_children or order.parent):
        return 201, f"{order.tif} is not allowed on this order"
    return None
