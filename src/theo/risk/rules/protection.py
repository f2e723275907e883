"""An entry never goes without its stop: a resting one, in the same ticket, that lives until it is cancelled.

IB takes no stop beside an entry that fills at once or not at all: where the configuration allows one, its stop follows the fill.
"""

from theo.domain.approval import Refused
from theo.domain.orders import Order, OrderRole, OrderType, TimeInForce
from theo.domain.signals import UnderlyingExits
from theo.risk.entry import Entry

AT_ONCE = frozenset({TimeInForce.IOC, TimeInForce.FOK})
TRIGGERED = frozenset({OrderType.STOP, OrderType.TRAILING_STOP})  # a stop-limit may be jumped over


def protection(entry: Entry) -> Refused | None:
    """Refuse an entry without exactly one protective stop, at the price that was sized."""
    if entry.stop_follows and len(entry.ticket.orders) == 1 and entry.order.tif in AT_ONCE:
        return None
    stops = [o for o in entry.ticket.orders if o.role is OrderRole.STOP and o.parent == entry.order.id]
    if len(stops) != 1:
        return Refused("protection", len(stops), 1, "an entry needs exactly one protective stop as its child")
    stop = stops[0]
    if entry.proposal.exits is not None:
        return _set_off_refused(stop, entry.proposal.exits)
    if stop.type not in TRIGGERED or stop.tif is not TimeInForce.GTC:
        text = f"a protective stop is a {OrderType.STOP} or {OrderType.TRAILING_STOP} order, GTC; not {stop.type}, {stop.tif}"
        return Refused("protection", 0, 1, text)
    if stop.stop != entry.proposal.stop:
        text = f"the stop order is at {stop.stop}, the trade was sized for {entry.proposal.stop} (price units)"
        return Refused("protection", stop.stop or 0, entry.proposal.stop, text)
    return None


def _set_off_refused(stop: Order, exits: UnderlyingExits) -> Refused | None:
    """A bought option is sold at the market once its underlying trades at the stop."""
    if stop.type is not OrderType.MARKET or stop.tif is not TimeInForce.GTC or stop.condition != exits.at_stop():
        text = f"the stop of a bought option is a market order, GTC, that its underlying sets off at {exits.stop} (price units)"
        return Refused("protection", 0, 1, text)
    return None
