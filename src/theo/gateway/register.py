"""Who has asked for what: subscriptions by client and request id, and by contract."""

from collections.abc import Iterator
from typing import Generic, TypeVar

from theo.gateway.client import Client
from theo.gateway.desk import Listing


class Subscription:
    """A request that is served until it is cancelled. A ``silent`` one stands and gets nothing: an incident."""

    __slots__ = ("client", "listing", "req_id", "silent")

    def __init__(self, client: Client, req_id: int, listing: Listing) -> None:
        self.client, self.req_id, self.listing = client, req_id, listing
        self.silent = False


S = TypeVar("S", bound=Subscription)


class Register(Generic[S]):
    """Subscriptions of one kind, in the order in which they came."""

    __slots__ = ("_by_contract", "_by_request")

    def __init__(self) -> None:
        self._by_request: dict[tuple[int, int], S] = {}
        self._by_contract: dict[int, dict[tuple[int, int], S]] = {}

    def __iter__(self) -> Iterator[S]:
        return iter(list(self._by_request.values()))

    def __len__(self) -> int:
        return len(self._by_request)

    def add(self, subscription: S) -> None:
        """Begin to serve."""
        key = (subscription.client.number, subscription.req_id)
        self._by_request[key] = subscription
        self._by_contract.setdefault(subscription.listing.con_id, {})[key] = subscription

    def get(self, client: Client, req_id: int) -> S | None:
        """The subscription of a client's request."""
        return self._by_request.get((client.number, req_id))

    def remove(self, subscription: S) -> None:
        """Stop serving; one that is not there is no fault."""
        key, con_id = (subscription.client.number, subscription.req_id), subscription.listing.con_id
        if self._by_request.get(key) is not subscription:
            return
        del self._by_request[key]
        same = self._by_contract[con_id]
        del same[key]
        if not same:
            del self._by_contract[con_id]

    def of_contract(self, con_id: int) -> list[S]:
        """Those on one contract."""
        same = self._by_contract.get(con_id)
        return list(same.values()) if same else []

    def has_contract(self, con_id: int) -> bool:
        """Whether anybody has asked for a contract."""
        return con_id in self._by_contract

    @property
    def contracts(self) -> frozenset[int]:
        """The contracts that somebody has asked for, by conId."""
        return frozenset(self._by_contract)
