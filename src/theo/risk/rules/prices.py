"""Each order has the prices of its type, on the tick grid; the stop lies behind the entry and the target before it."""

from types import MappingProxyType

from theo.domain.approval import Refused
from theo.domain.instrument import Instrument
from theo.domain.orders import Order, OrderType
from theo.risk.entry import Entry

# (limit, stop, trail): which prices an order of a type has; a trailing stop may begin at a given stop
NEEDED = MappingProxyType({
    OrderType.MARKET: (False, False, False),
    OrderType.LIMIT: (True, False, False),
    OrderType.STOP: (False, True, False),
    OrderType.STOP_LIMIT: (True, True, False),
    OrderType.TRAILING_STOP: (False, None, True),
})  # fmt: skip


def price_refused(order: Order, instrument: Instrument) -> Refused | None:
    """Why an order may not have its prices."""
    for name, price, needed in zip(
        ("limit", "stop", "trail"), (order.limit, order.stop, order.trail), NEEDED[order.type], strict=True
    ):
        if needed is not None and needed != (price is not None):
            text = f"{instrument.symbol}: {order.role} of type {order.type} {'needs a' if needed else 'has no'} {name} price"
            return Refused("prices", 0, 0, text)
        if price is not None and (price <= 0 or price % instrument.tick):
            text = f"{instrument.symbol}: {order.role} price {instrument.text(price)} is not on the tick grid"
            return Refused("prices", price, instrument.tick, text)
    return None


def prices(entry: Entry) -> Refused | None:
    """Refuse prices that contradict each other or the instrument."""
    proposal, instrument = entry.proposal, entry.instrument
    for order in entry.ticket.orders:
        refused = price_refused(order, instrument)
        if refused is not None:
            return refused
    sign, planned = proposal.side.sign, instrument.text(proposal.entry)
    if proposal.entry <= 0:
        return Refused("prices", proposal.entry, 0, f"{instrument.symbol}: the planned entry {planned} is no positive price")
    if sign * (proposal.entry - proposal.stop) <= 0:
        text = f"{instrument.symbol}: the stop {instrument.text(proposal.stop)} is not behind the entry {planned}"
        return Refused("prices", proposal.stop, proposal.entry, text)
    if proposal.target is not None and sign * (proposal.target - proposal.entry) <= 0:
        text = f"{instrument.symbol}: the target {instrument.text(proposal.target)} is not beyond the entry {planned}"
        return Refused("prices", proposal.target, proposal.entry, text)
    return None
