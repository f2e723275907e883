"""What an entry rule looks at: the proposal, the instrument, the orders that would be sent, and the account."""

import msgspec

from theo.domain.instrument import Instrument
from theo.domain.orders import Order, Ticket
from theo.domain.signals import Proposal
from theo.risk.account import AccountView
from theo.risk.limits import Limits


class Entry(msgspec.Struct, frozen=True):
    """One entry to be judged. ``risk`` is the loss at the stop with costs, micros, as it was planned.

    ``stop_follows``: the entry fills at once or not at all, and its stop is sent as soon as it has filled. ``unit_worth`` is the
    exposure of one unit, micros, where it is not the planned price (of an option).
    """

    proposal: Proposal
    instrument: Instrument
    ticket: Ticket
    account: AccountView
    limits: Limits
    risk: int
    stop_follows: bool = False
    unit_worth: int = 0

    @property
    def order(self) -> Order:
        """The order that opens the position."""
        return self.ticket.orders[0]

    @property
    def worth(self) -> int:
        """The exposure, micros, that the order adds at its planned price."""
        return self.order.quantity * (self.unit_worth or self.proposal.entry * self.instrument.unit_value)

    @property
    def loss(self) -> int:
        """The loss at the stop, micros: as planned, and never less than the orders themselves say."""
        distance = abs(self.proposal.entry - self.proposal.stop)
        return max(self.risk, self.order.quantity * distance * self.instrument.unit_value)
