"""What an entry rule looks at: the proposal, the instrument, the orders that would be sent, and the account."""

import msgspec

from theo.domain.instrument import Instrument
from theo.domain.orders import Order, Ticket
from theo.domain.signals import Proposal
from theo.risk.account import AccountView
from theo.risk.limits import Limits


class Entry(msgspec.Struct, frozen=True):
    """One entry to be judged. ``risk`` is the loss at the stop with costs, micros."""

    proposal: Proposal
    instrument: Instrument
    ticket: Ticket
    account: AccountView
    limits: Limits
    risk: int

    @property
    def order(self) -> Order:
        """The order that opens the position."""
        return self.ticket.orders[0]
