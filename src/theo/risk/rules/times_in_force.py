"""IOC only on market and limit orders, FOK only on limit orders; neither on a bracket's parent, nor on stops."""

from theo.domain.approval import Refused
from theo.domain.orders import Order, OrderType, TimeInForce
from theo.risk.entry import Entry

ALLOWED = {
    TimeInForce.DAY: frozenset(OrderType),
    TimeInForce.GTC: frozenset(OrderType),
    TimeInForce.IOC: frozenset({OrderType.MARKET, OrderType.LIMIT}),
    TimeInForce.FOK: frozenset({OrderType.LIMIT}),
}


def tif_refused(order: Order, *, parent: bool) -> Refused | None:
    """Why an order may not have its time in force."""
    immediate = order.tif in {TimeInForce.IOC, TimeInForce.FOK}
    if order.type not in ALLOWED[order.tif] or (immediate and parent):
        place = "a bracket's parent" if parent else f"a {order.type} order"
        return Refused("times_in_force", 0, 0, f"{order.tif} is not allowed on {place}")
    return None


def times_in_force(entry: Entry) -> Refused | None:
    """Refuse what the venue would refuse, before it is sent."""
    parents = {o.parent for o in entry.ticket.orders}
    for order in entry.ticket.orders:
        refused = tif_refused(order, parent=order.id in parents)
        if refused is not None:
            return refused
    return None
