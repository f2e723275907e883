"""Every order and execution that the gateway knows, and the numbers it gives them: permIds for life, order ids by client."""

from collections.abc import Iterator

import msgspec

from theo.gateway.trading.working import ENDED, LIVE, Phase, Worked

PERM_IDS_FROM = 1_500_000_000
ORDERS_MAX = 50_000  # remembered; beyond it the older half of those that have ended is forgotten
DEALS_MAX = 100_000  # executions remembered, as above
EXEC_ID = "0000e0d5.{:08x}.{:02x}.{:02x}"  # the execution, its leg from 1 on, its version


class Deal(msgspec.Struct, kw_only=True):
    """One execution for one account. Prices in price units, charges and what was realized (None: it only opened) in micros.

    ``number`` and ``version`` make its id; a correction has the same number and the next version. Of a spread each leg is an
    execution: ``leg`` 1 or 2, ``root`` the number that their ids share, ``net`` what the spread cost, price units.
    """

    number: int
    perm_id: int
    account: str
    at: int
    quantity: int
    price: int
    cumulative: int
    turnover: int
    charges: int
    realized: int | None
    rested: bool  # it added liquidity
    version: int = 1
    leg: int = 0
    root: int = 0
    net: int = 0

    @property
    def exec_id(self) -> str:
        """IB's id of an execution."""
        return EXEC_ID.format(self.root or self.number, self.leg + 1, self.version)

    @property
    def spread_id(self) -> str:
        """IB's id of the summary of a spread's legs."""
        return EXEC_ID.format(self.root, 1, 1)


class Blotter:
    """One owner of all orders."""

    __slots__ = ("_by_client", "_unfinished", "deals", "next_ids", "numbers", "orders", "perm_ids")

    def __init__(self) -> None:
        self.orders: dict[int, Worked] = {}  # by permId, in the order in which they were placed
        self.deals: list[Deal] = []
        self.next_ids: dict[int, int] = {}  # by client id: the first order id that it may use
        self.perm_ids = PERM_IDS_FROM
        self.numbers = 0
        self._by_client: dict[tuple[int, int], int] = {}
        self._unfinished: dict[int, Worked] = {}  # what may still change, and here and there what has just ended

    def next_order_id(self, client_id: int) -> int:
        """The first order id that a client may use."""
        return self.next_ids.get(client_id, 1)

    def new_perm_id(self) -> int:
        """A number for an order, for life."""
        self.perm_ids += 1
        return self.perm_ids

    def new_number(self) -> int:
        """A number for an execution."""
        self.numbers += 1
        return self.numbers

    def add(self, worked: Worked) -> None:
        """A new order. Its owner's number of it names it from now on, whatever it named before."""
        self.orders[worked.perm_id] = self._unfinished[worked.perm_id] = worked
        if worked.order_id:
            self._by_client[worked.client_id, worked.order_id] = worked.perm_id
            self.next_ids[worked.client_id] = max(self.next_order_id(worked.client_id), worked.order_id + 1)
        if len(self.orders) > ORDERS_MAX:
            self._forget()

    def record(self, deal: Deal) -> None:
        """A new execution."""
        self.deals.append(deal)
        if len(self.deals) > DEALS_MAX:
            del self.deals[: DEALS_MAX // 2]

    def bind(self, worked: Worked, order_id: int) -> None:
        """An order typed into TWS gets an order id of client 0."""
        worked.order_id = order_id
        self.add(worked)

    def of(self, client_id: int, order_id: int) -> Worked | None:
        """A client's order by its number."""
        perm_id = self._by_client.get((client_id, order_id))
        return None if perm_id is None else self.orders.get(perm_id)

    def at_venue(self, venue_id: str) -> Worked | None:
        """The order with this id at the exchange, if that is its newest there."""
        worked = self.orders.get(int(venue_id.partition(".")[0]))
        return worked if worked is not None and worked.venue_id == venue_id else None

    def unfinished(self) -> list[Worked]:
        """Orders that have not ended, and those of which something is still to be told; oldest first."""
        done = [perm_id for perm_id, each in self._unfinished.items() if each.phase in ENDED and not each.owes_word]
        for perm_id in done:
            del self._unfinished[perm_id]
        return list(self._unfinished.values())

    def live(self) -> Iterator[Worked]:
        """Orders that may still be filled, oldest first."""
        return (each for each in self.unfinished() if each.phase in LIVE)

    def children(self, perm_id: int) -> list[Worked]:
        """Children that wait for a parent, transmitted or not."""
        return [each for each in self.unfinished() if each.parent == perm_id and each.phase in {Phase.CHILD, Phase.DRAFT}]

    def roll_back(self, count: int) -> None:
        """Each client's next order id is so much smaller; what had the ids from there on is no client's to name any more.

        Orders that were not transmitted are gone.
        """
        self.next_ids = {client_id: max(1, upcoming - count) for client_id, upcoming in self.next_ids.items()}
        self._by_client = {key: perm for key, perm in self._by_client.items() if key[1] < self.next_order_id(key[0])}
        for draft in [each for each in self.unfinished() if each.phase is Phase.DRAFT]:
            del self.orders[draft.perm_id], self._unfinished[draft.perm_id]

    def _forget(self) -> None:
        ended = [perm_id for perm_id, each in self.orders.items() if each.phase in ENDED and not each.owes_word]
        for perm_id in ended[: len(ended) // 2]:
            del self.orders[perm_id]
        self._by_client = {key: perm_id for key, perm_id in self._by_client.items() if perm_id in self.orders}

    def named(self) -> list[tuple[int, int, int]]:
        """(client id, order id, permId) of every number that names an order."""
        return [(*key, perm_id) for key, perm_id in self._by_client.items()]

    def revive(self, orders: list[Worked], names: list[tuple[int, int, int]]) -> None:
        """Go on with these orders, and with the numbers as ``named`` gave them."""
        self.orders = {worked.perm_id: worked for worked in orders}
        self._unfinished = dict(self.orders)
        self._by_client = {(client_id, order_id): perm_id for client_id, order_id, perm_id in names}
