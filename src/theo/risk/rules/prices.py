"""Prices lie on the tick grid, the stop behind the entry and the target before it."""

from theo.domain.approval import Refused
from theo.risk.entry import Entry


def prices(entry: Entry) -> Refused | None:
    """Refuse prices that contradict each other or the instrument."""
    proposal, instrument = entry.proposal, entry.instrument
    for order in entry.ticket.orders:
        for price in (order.limit, order.stop):
            if price is not None and (price <= 0 or price % instrument.tick):
                text = f"{instrument.symbol}: {order.role} price {instrument.text(price)} is not on the tick grid"
                return Refused("prices", price, instrument.tick, text)
    sign = proposal.side.sign
    if sign * (proposal.entry - proposal.stop) <= 0:
        text = f"{instrument.symbol}: the stop {instrument.text(proposal.stop)} is not behind the entry {instrument.text(proposal.entry)}"
        return Refused("prices", proposal.stop, proposal.entry, text)
    if proposal.target is not None and sign * (proposal.target - proposal.entry) <= 0:
        text = f"{instrument.symbol}: the target {instrument.text(proposal.target)} is not beyond the entry"
        return Refused("prices", proposal.target, proposal.entry, text)
    return None
