"""Which of our orders a callback of IB is about.

Our own id travels in IB's orderRef and decides. permId is IB's number of an order for life. IB's order id is a handle of one
client in one connection: the nightly restart hands the same numbers out again, so a new socket begins with none.
"""

import msgspec

from theo.domain.instrument import Instrument
from theo.domain.orders import Amendment, Order
from theo.venue.fees import Done

BROKER = "IB"  # as the core and the tables call who gave an order its numbers
ORDERS_MAX = 20_000  # remembered; beyond it the older half of those that have ended is forgotten


class Sent(msgspec.Struct, kw_only=True):
    """One of our orders as far as IB has spoken of it. ``order`` holds the values that IB last confirmed.

    ``far``: of a spread, which is one order at IB, the leg that opens; ``order`` is the one that closes, and names it here.
    ``con_id`` and ``exchange``: its contract, and where it goes, as IB names them; a change names the same. ``order_id`` is 0
    while this connection has no handle for it; ``parent_id`` is its parent's, as IB knows it. ``answered``: IB has shown a sign
    of it in this connection. ``reason`` is why it ends, as (IB's code, text). ``inactive``: IB holds it and has not said why.
    ``ghost``: permId of a second live order of it that is being cancelled. ``done`` is what was executed of it, for the estimate
    of its charges; ``executed`` is its quantity, ``whole`` where this process has seen all of the order's life. ``missed``: a
    status told of more than that. ``unheard``: IB did not know its handle when its cancel was asked for.
    """

    order: Order
    instrument: Instrument
    con_id: int
    exchange: str
    order_id: int = 0
    parent_id: int = 0
    client_id: int = 0
    perm_id: int = 0
    answered: bool = False
    ended: bool = False
    ending: bool = False
    cancelling: bool = False
    amending: Amendment | None = None
    reason: tuple[int, str] | None = None
    inactive: bool = False
    ghost: int = 0
    done: Done = Done()
    executed: int = 0
    whole: bool = False
    missed: bool = False
    unheard: bool = False
    far: Order | None = None

    @property
    def legs(self) -> int:
        """How many executions IB tells of each part that is filled."""
        return 1 if self.far is None else 2


class OrderNames:
    """Every order that this process knows of, by each of its names."""

    def __init__(self) -> None:
        self._by_ref: dict[str, Sent] = {}
        self._by_order_id: dict[int, str] = {}
        self._by_perm_id: dict[int, str] = {}
        self._reissued = range(0)
        self._near: dict[str, str] = {}  # by the leg of a spread that opens, the one that closes

    def of(self, ref: str) -> Sent | None:
        """By our id, of either leg of a spread."""
        return self._by_ref.get(self._near.get(ref, ref))

    def by_order_id(self, order_id: int) -> Sent | None:
        """By the handle of this connection."""
        return self._by_ref.get(self._by_order_id.get(order_id, ""))

    def by_perm_id(self, perm_id: int) -> Sent | None:
        """By IB's number for life."""
        return self._by_ref.get(self._by_perm_id.get(perm_id, ""))

    def add(self, sent: Sent) -> Sent:
        """A new order, or one that is sent again."""
        before = self._by_ref.get(sent.order.id)
        if before is not None:
            self._by_perm_id.pop(before.perm_id, None)
        self._by_ref[sent.order.id] = sent
        if sent.far is not None:
            self._near[sent.far.id] = sent.order.id
        if len(self._by_ref) > ORDERS_MAX:
            self._forget()
        return sent

    def name(self, sent: Sent, *, order_id: int = 0, perm_id: int = 0) -> None:
        """From now on these numbers mean this order."""
        if order_id:
            sent.order_id = order_id
            self._by_order_id[order_id] = sent.order.id
        if perm_id:
            sent.perm_id = perm_id
            self._by_perm_id[perm_id] = sent.order.id

    def new_socket(self, told: int, first: int) -> None:
        """Handles of the connection before mean nothing any more.

        IB gives the handles from ``told`` on out again, and we use those from ``first`` on: a change of an older order under one
        in between may be a new order to IB.
        """
        self._reissued = range(told, first)
        self._by_order_id.clear()
        for sent in self._by_ref.values():
            sent.order_id, sent.ghost, sent.answered, sent.cancelling, sent.amending = 0, 0, False, False, None

    def changeable(self, order_id: int) -> bool:
        """Whether IB cannot take a change under this handle for a new order."""
        return order_id not in self._reissued

    def unheard(self) -> bool:
        """Whether IB did not know the handle of any of them since this was asked last."""
        found = [sent for sent in self._by_ref.values() if sent.unheard]
        for sent in found:
            sent.unheard = False
        return bool(found)

    def cancelling_all(self) -> None:
        """Everything that lives was asked to end."""
        for sent in self._by_ref.values():
            sent.cancelling = sent.cancelling or not sent.ended

    def unanswered(self) -> list[Sent]:
        """Sent in this connection, and IB has shown no sign of them."""
        return [sent for sent in self._by_ref.values() if sent.order_id and not sent.answered and not sent.ended]

    def _forget(self) -> None:
        ended = [ref for ref, sent in self._by_ref.items() if sent.ended]
        for ref in ended[: len(ended) // 2]:
            del self._by_ref[ref]
        self._by_order_id = {number: ref for number, ref in self._by_order_id.items() if ref in self._by_ref}
        self._by_perm_id = {number: ref for number, ref in self._by_perm_id.items() if ref in self._by_ref}
        self._near = {far: near for far, near in self._near.items() if near in self._by_ref}
