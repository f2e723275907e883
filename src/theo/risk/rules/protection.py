"""An entry never goes without its stop, in the same ticket, at the venue."""

from theo.domain.approval import Refused
from theo.domain.orders import OrderRole
from theo.risk.entry import Entry


def protection(entry: Entry) -> Refused | None:
    """Refuse an entry without a resting stop as its child."""
    stops = [o for o in entry.ticket.orders if o.role is OrderRole.STOP and o.parent == entry.order.id]
    if len(stops) != 1 or stops[0].side is entry.order.side:
        return Refused("protection", len(stops), 1, "an entry needs exactly one protective stop as its child")
    return None
