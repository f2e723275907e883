"""A working exit may change in one direction only: towards less risk."""

from theo.domain.approval import Refused
from theo.domain.orders import Amendment, Order, OrderRole


def amendment_refused(amendment: Amendment, order: Order, open_quantity: int) -> Refused | None:
    """Why an exit may not be changed so. ``open_quantity`` is what is open of its trade, positive."""
    if amendment.order != order.id:
        return Refused("amendment", 0, 0, f"the change is of order {amendment.order}, not of {order.id}")
    if order.role is OrderRole.ENTRY:
        return Refused("amendment", 0, 0, "an entry is cancelled, never changed")
    if amendment.quantity <= 0 or amendment.quantity > max(order.quantity, open_quantity):
        text = f"an exit of {amendment.quantity} for {open_quantity} open"
        return Refused("amendment", amendment.quantity, open_quantity, text)
    return _prices_refused(amendment, order)


def _prices_refused(amendment: Amendment, order: Order) -> Refused | None:
    """Why the exit's prices may not be changed so."""
    kept = zip((order.limit, order.stop, order.trail), (amendment.limit, amendment.stop, amendment.trail), strict=True)
    if any((old is None) != (new is None) for old, new in kept):
        return Refused("amendment", 0, 0, "a change keeps the kinds of prices that the order has")
    if order.stop is not None and amendment.stop is not None and order.side.sign * (amendment.stop - order.stop) > 0:
        return Refused("amendment", amendment.stop, order.stop, "a stop is never loosened")
    if order.trail is not None and amendment.trail is not None and not 0 < amendment.trail <= order.trail:
        return Refused("amendment", amendment.trail, order.trail, "a trailing amount is never widened")
    return None
