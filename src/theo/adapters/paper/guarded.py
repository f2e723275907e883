"""The simulated exchange behind a guard: an order that must not leave is refused before the exchange hears of it."""

from collections.abc import Callable

from theo.adapters.paper.broker import PaperBroker, VenueFile
from theo.domain.approval import Approved
from theo.domain.orders import Order, Ticket
from theo.domain.reports import OrderRejected
from theo.venue.admission import REJECTED
from theo.venue.exchange import Venue


class GuardedBroker(PaperBroker):
    """``refusal``: why an order must not be sent, "" for one that may. With one order of a ticket all are refused."""

    def __init__(self, venue: Venue, file: VenueFile | None = None) -> None:
        super().__init__(venue, file)
        self.refusal: Callable[[Order], str] = lambda _order: ""

    async def place(self, ticket: Approved[Ticket]) -> None:
        """See the port."""
        why = next(filter(None, map(self.refusal, ticket.subject.orders)), "")
        if not why:
            await super().place(ticket)
            return
        self._say(tuple(OrderRejected(self.at, order.id, REJECTED, why) for order in ticket.subject.orders))
