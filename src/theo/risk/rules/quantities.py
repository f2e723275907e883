"""Quantities are positive multiples of the contract size, and the exits are as large as the entry."""

from theo.domain.approval import Refused
from theo.risk.entry import Entry


def quantities(entry: Entry) -> Refused | None:
    """Refuse quantities that the venue would not take or that would leave the position unprotected."""
    step = entry.instrument.contract_size
    for order in entry.ticket.orders:
        if order.quantity <= 0 or order.quantity % step:
            text = f"{entry.instrument.symbol}: quantity {order.quantity} is not a positive multiple of {step}"
            return Refused("quantities", order.quantity, step, text)
        if order.quantity != entry.order.quantity:
            text = f"{order.role} of {order.quantity} beside an entry of {entry.order.quantity}"
            return Refused("quantities", order.quantity, entry.order.quantity, text)
    return None
