"""One market data line."""

from theo.gateway import access
from theo.gateway.client import Client
from theo.gateway.desk import Listing
from theo.gateway.register import Subscription
from theo.gateway.streams.tick_messages import DELAYED, LIVE, TickTypes
from theo.gateway.wire.messages.market_data import ReqMktData


class Line(Subscription):
    """A line or a snapshot. ``served`` is the market data type that was granted, of 1 to 4."""

    __slots__ = ("generic", "served", "snapshot")

    def __init__(self, client: Client, request: ReqMktData, listing: Listing, served: int, generic: frozenset[int]) -> None:
        super().__init__(client, request.req_id, listing)
        self.served, self.generic, self.snapshot = served, generic, request.snapshot

    @property
    def late(self) -> bool:
        """Whether it shows the market of a quarter of an hour ago."""
        return self.served >= access.DELAYED

    @property
    def types(self) -> TickTypes:
        """The numbers of its ticks."""
        return DELAYED if self.late else LIVE

    @property
    def frozen(self) -> bool:
        """Whether it shows the last quotes when the market is closed."""
        return self.served in {access.FROZEN, access.DELAYED_FROZEN}
