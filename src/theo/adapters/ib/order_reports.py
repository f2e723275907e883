"""What IB says of our orders, as reports for the core.

openOrder, orderStatus and error come twice, out of order, or not at all; a status is advisory, and fills come from executions
alone (executions.py). An end is told once its reason is known, or when the reason has not come within a bound: IB gives it before
the status or after it.
"""

from collections.abc import Callable

import msgspec
from ib_async.contract import Contract
from ib_async.order import Order as IbOrder
from ib_async.order import OrderState

from theo.adapters.ib.codes import Kind, meaning
from theo.adapters.ib.conditions import from_conditions, told_condition
from theo.adapters.ib.contracts import Contracts, contract_name
from theo.adapters.ib.day_end import session_ends_near
from theo.adapters.ib.later import Later
from theo.adapters.ib.link import Link
from theo.adapters.ib.order_fields import from_ib
from theo.adapters.ib.order_names import BROKER, OrderNames, Sent
from theo.adapters.ib.spreads import BAG, both_legs, own_ref
from theo.domain.inputs import Report
from theo.domain.instrument import Instrument
from theo.domain.market_data import SECOND
from theo.domain.orders import Amendment, Order, TimeInForce
from theo.domain.reports import (
    ActionRejected,
    OrderAccepted,
    OrderAmended,
    OrderCancelled,
    OrderExpired,
    OrderRejected,
    SendUnknown,
)

ALIVE = frozenset({"PendingSubmit", "PreSubmitted", "Submitted", "Filled", "Inactive"})  # IB has it: it gave it a permId
WORKING = frozenset({"PendingSubmit", "PreSubmitted", "Submitted"})
WAITING = frozenset({"PendingSubmit", "PreSubmitted"})
DEAD = frozenset({"Cancelled", "ApiCancelled"})
FILLED, INACTIVE = "Filled", "Inactive"
CANCELLED, REJECTED = 202, 201
NO_SUCH_ORDER, CANNOT_CANCEL = 10147, 10148
CANCEL_REFUSED = frozenset({135, 136, 161, NO_SUCH_ORDER, CANNOT_CANCEL})
HELD = frozenset({109, 163, 382, 383, 10311, 10329})  # a precaution of TWS: a person may let the order go
# Not among the codes of orders, but what IB's page gives as the refusal of a new one: contract, fields, types, sizes, times.
REFUSED_AT_ONCE = frozenset(
    {111, 113, 158, 159, 200, 320, 321, 322, 312, 313, 314, 334, 337, 355, 387, 392, 412, 442, 10243, 10244, 10268, 10269, 10270}
)
REASON_WAIT = SECOND  # for the reason of an end
FILLS_WAIT = 2 * SECOND  # for the executions of which a status tells
INACTIVE_WAIT = 10 * SECOND  # for the reason, or the revival, of an order that IB holds; then it is cancelled
REASON_MARK = "reason:"

Say = Callable[[Report], None]
TellGhost = Callable[[Sent, int], None]


class OrderReports:
    """Listens to a link; ``say`` takes the reports in their order, ``ghost`` a second live order of one of ours (its permId)."""

    def __init__(self, link: Link, contracts: Contracts, names: OrderNames, later: Later, say: Say, ghost: TellGhost) -> None:
        self._link, self._contracts, self._names, self._later = link, contracts, names, later
        self._say, self._ghost = say, ghost
        self._waits_otherwise: set[str] = set()  # that a person was told of
        link.callbacks.on("openOrder", self._open_order)
        link.callbacks.on("orderStatus", self._order_status)
        link.callbacks.on("error", self._error)

    def _open_order(self, order_id: int, contract: Contract, theirs: IbOrder, state: OrderState) -> None:
        ref, instrument = own_ref(theirs.orderRef), self._contracts.of_ours(contract) if theirs.orderRef else None
        if theirs.whatIf or instrument is None or theirs.account not in {"", self._link.account}:
            return  # a question, or none of ours: the books tell of those
        sent = self._names.of(ref)
        known = None if sent is None else sent.order
        condition, far = from_conditions(theirs, self._contracts), None
        read = from_ib(theirs, ref, instrument, known, contract_name(contract), condition)
        if read is None:
            return
        if sent is not None and sent.whole and condition != sent.order.condition:
            read = self._otherwise(sent.order, theirs, read, state.status)
        if contract.secType == BAG:
            read, far = both_legs(theirs, contract, self._contracts, read, known)
        if sent is None:
            sent = self._names.add(_new((read, far), instrument, contract, theirs))
        if theirs.permId and sent.perm_id not in {0, theirs.permId} and not sent.ended:
            if state.status in WORKING:
                self._ghost(sent, theirs.permId)
            return
        own = theirs.clientId == self._link.settings.client_id
        sent.parent_id, sent.con_id, sent.exchange = theirs.parentId, contract.conId, contract.exchange
        self._names.name(sent, order_id=order_id if own else 0, perm_id=theirs.permId)
        if not sent.whole:  # of an earlier process: what it waits for is what IB shows
            sent.order = msgspec.structs.replace(sent.order, condition=read.condition)
        self._values(sent, read)
        self._status(sent, state.status)

    def _otherwise(self, known: Order, theirs: IbOrder, read: Order, status: str) -> Order:
        """IB waits for something else than we asked for: a person looks at it, and a change of the order asks for ours again.

        One that works waits no more, and what IB shows of its condition then means nothing.
        """
        if status in WAITING and known.id not in self._waits_otherwise:
            self._waits_otherwise.add(known.id)
            ours = "nothing" if known.condition is None else str(known.condition)
            text = f"{known.id} waits for {told_condition(theirs.conditions)} at IB, and for {ours} here: look at it in TWS"
            self._link.notifier.tell(self._now(), "page", "other_condition", text)
        return msgspec.structs.replace(read, condition=known.condition)

    def _order_status(
        self,
        order_id: int,
        status: str,
        filled: float,
        _remaining: float,
        _average: float,
        perm_id: int,
        _parent: int,
        _last: float,
        client_id: int,
        *_more: object,
    ) -> None:
        sent = self._names.by_perm_id(perm_id)
        if sent is None and client_id == self._link.settings.client_id:
            sent = self._names.by_order_id(order_id)
            if sent is not None and perm_id:
                if sent.perm_id:
                    return  # another order under the same handle: its openOrder tells whose it is
                self._names.name(sent, perm_id=perm_id)
        if sent is not None and sent.perm_id in {0, perm_id}:
            self._status(sent, status)
            if sent.whole and filled * sent.legs > sent.executed and not sent.missed:
                sent.missed = True
                self._later.after(FILLS_WAIT, lambda: self._look_for_fills(sent, filled))

    def _look_for_fills(self, sent: Sent, filled: float) -> None:
        """A status told of more than executions did: nobody knows what was filled, and the books must be asked."""
        sent.missed = False
        if filled * sent.legs > sent.executed:
            told = f"{sent.executed}" if sent.far is None else f"{sent.executed} in both legs"
            text = f"IB says that {filled:g} of it are filled, and has told executions of {told}"
            self._say(SendUnknown(self._now(), sent.order.id, text))

    def _values(self, sent: Sent, read: Order) -> None:
        """The order's quantity and prices as IB has them now: the answer to a change, or what its group made of it."""
        now, wanted = _terms(read), sent.amending
        if wanted is not None and now != _wanted(sent.order, wanted):
            return  # an echo of the values before the change
        if wanted is None and now == _terms(sent.order):
            return
        sent.order, sent.amending = read, None
        self._say(
            OrderAmended(
                at=self._now(), order=read.id, quantity=read.quantity, limit=read.limit, stop=read.stop, trail=read.trail
            )
        )

    def _status(self, sent: Sent, status: str) -> None:
        if status in ALIVE and sent.perm_id and not sent.answered:
            sent.answered = True
            names = (str(sent.perm_id), BROKER, sent.client_id, sent.order_id)
            self._say(OrderAccepted(self._now(), sent.order.id, *names))
        if status == INACTIVE:
            self._hold(sent)
        elif status in ALIVE:
            sent.inactive = False
        if status == FILLED:
            sent.ended = True
        elif status in DEAD and not sent.ended:
            sent.answered = True
            if sent.reason is not None:
                self._end(sent)
            elif not sent.ending:
                sent.ending = True
                self._later.after(REASON_WAIT, lambda: self._end(sent))

    def _hold(self, sent: Sent) -> None:
        """IB holds the order: it may still say why, or let it live; after the bound it must not come back to life."""
        if sent.inactive or sent.ended:
            return
        sent.inactive = True
        if sent.reason is not None and sent.reason[0] not in HELD:
            self._end(sent)
        else:
            self._later.after(INACTIVE_WAIT, lambda: self._give_up(sent))

    def _give_up(self, sent: Sent) -> None:
        if not sent.inactive or sent.ended:
            return
        code, text = sent.reason or (0, "IB holds it as Inactive and gives no reason")
        if sent.order_id and self._link.client.isConnected():
            self._link.client.cancelOrder(sent.order_id)
        self._reject(sent, code, f"{text}; it is cancelled, so that it cannot come back to life")

    def _end(self, sent: Sent) -> None:
        """Tell how the order ended, once."""
        if sent.ended:
            return
        code, text = sent.reason or (CANCELLED, "")
        if code != CANCELLED:
            self._reject(sent, code, text)
            return
        sent.ended = True
        if self._expired(sent, text):
            self._say(OrderExpired(self._now(), sent.order.id))
        else:
            self._say(OrderCancelled(self._now(), sent.order.id, text or ("by us" if sent.cancelling else "IB gives no reason")))

    def _expired(self, sent: Sent, reason: str) -> bool:
        """IB ends DAY orders as it cancels others: nobody asked, no reason is given, and the session has just ended."""
        if sent.order.tif is not TimeInForce.DAY or sent.cancelling or reason:
            return False
        return session_ends_near(self._contracts.details(sent.instrument.id), self._now() + self._link.clock_offset)

    def _reject(self, sent: Sent, code: int, text: str) -> None:
        sent.ended = True
        self._say(OrderRejected(self._now(), sent.order.id, code, text))

    # Errors

    def _error(self, request: int, code: int, text: str, _advanced: str = "") -> None:
        sent = self._names.by_order_id(request)
        if sent is None:
            return
        words = text.partition(REASON_MARK)[2] if REASON_MARK in text else text
        if code in CANCEL_REFUSED:
            self._cancel_refused(sent, code, text)
        elif code == CANCELLED and sent.ghost:
            sent.ghost = 0  # the second order of this one is gone, and with it the handle that both had
        elif code == CANCELLED:
            sent.reason = sent.reason or (code, words.strip())
            self._end(sent)
        elif meaning(code).kind is not Kind.ORDER and code not in REFUSED_AT_ONCE:
            self._notice(sent, code, text)
        elif sent.amending is not None:
            sent.amending = None
            self._say(ActionRejected(self._now(), sent.order.id, "amend", f"{code}: {words}"))
        elif code in HELD:
            sent.reason = (code, words)
            self._hold(sent)
        elif not sent.ended and (not sent.answered or code == REJECTED or sent.inactive):
            sent.reason = (code, words)
            self._reject(sent, code, words)
        else:
            self._notice(sent, code, text)

    def _cancel_refused(self, sent: Sent, code: int, text: str) -> None:
        if not sent.cancelling:
            return
        sent.cancelling, sent.unheard = False, code == NO_SUCH_ORDER
        if not sent.ended:
            self._say(ActionRejected(self._now(), sent.order.id, "cancel", f"{code}: {text}"))

    def _notice(self, sent: Sent, code: int, text: str) -> None:
        """The order lives: a person is told, the core is not."""
        self._link.notifier.tell(self._now(), "info", "order_notice", f"{sent.order.id}: {code}: {text}")

    def _now(self) -> int:
        return self._link.clock.now()


def _new(orders: tuple[Order, Order | None], instrument: Instrument, contract: Contract, theirs: IbOrder) -> Sent:
    order, far = orders
    where = (contract.conId, contract.exchange)
    return Sent(order=order, far=far, instrument=instrument, con_id=where[0], exchange=where[1], client_id=theirs.clientId)


def _terms(order: Order) -> tuple[int, int | None, int | None, int | None]:
    return order.quantity, order.limit, order.stop, order.trail


def _wanted(order: Order, amendment: Amendment) -> tuple[int, int | None, int | None, int | None]:
    """The values that a change asks for: None leaves a price as it is."""
    return (
        amendment.quantity,
        order.limit if amendment.limit is None else amendment.limit,
        order.stop if amendment.stop is None else amendment.stop,
        order.trail if amendment.trail is None else amendment.trail,
    )
