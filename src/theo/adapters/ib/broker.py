"""The broker port over IB: sends, changes and cancels by our ids, and hands on what IB says of them.

What a callback means is in order_reports.py and executions.py, the books are in books.py. Here is only what goes out, and what is
told when the link is lost around it: before the first byte an order certainly never left; after it nobody knows.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence

import msgspec

from theo.adapters.ib.books import Books
from theo.adapters.ib.conditions import to_conditions
from theo.adapters.ib.contracts import Contracts
from theo.adapters.ib.drafts import Drafts
from theo.adapters.ib.executions import Executions
from theo.adapters.ib.later import Later
from theo.adapters.ib.link import Link, Up
from theo.adapters.ib.margins import Margin, Margins, Refusal
from theo.adapters.ib.order_fields import to_ib
from theo.adapters.ib.order_names import OrderNames, Sent
from theo.adapters.ib.order_reports import OrderReports
from theo.adapters.ib.spreads import bag, spread_ref
from theo.domain.approval import Approved
from theo.domain.errors import ConfigError
from theo.domain.inputs import Input, LinkChanged, Report
from theo.domain.market_data import SECOND
from theo.domain.orders import Amendment, Order, Side, Ticket
from theo.domain.reports import (
    ActionRejected,
    ChargesReported,
    FillCorrected,
    OrderFilled,
    OrderRejected,
    SendFailed,
    SendUnknown,
)
from theo.ports.broker import Answer
from theo.venue.fees import Schedule

DUPLICATE_ID, NO_CONTRACT = 103, 200  # IB's codes, for what we refuse before it does
REFUSED_HERE = 0  # what IB would take
ORDER_IDS_SINCE = 1_767_225_600 * SECOND  # 2026-01-01 UTC
ORDER_IDS_MAX = 2**31 - 1  # IB's order ids are signed 32-bit
LEFT_IN_TWS = "cancel or change it in TWS"


class IbBroker:
    """Implements ports.broker.Broker. ``fees``: how charges are estimated until IB tells them, by our instrument id.

    ``refusal``: why an order must not leave, though the core wants it; "" for one that may.
    Whoever makes it runs the link; the contracts of all instruments must be resolved before their orders are sent.
    """

    def __init__(
        self,
        link: Link,
        contracts: Contracts,
        fees: Mapping[int, Schedule],
        refusal: Callable[[Order], str] = lambda _order: "",
    ) -> None:
        self._link, self._contracts, self._refusal = link, contracts, refusal
        self._answer: Answer = _nobody
        self._names, self._later = OrderNames(), Later(link)
        self._executions = Executions(link, contracts, self._names, self._later, fees, self._say_fill)
        self._reports = OrderReports(link, contracts, self._names, self._later, self._say, self._ghost)
        self._books = Books(link, contracts, self._names, self._executions)
        self._margins, self._drafts = Margins(link), Drafts(link)
        self._turn = asyncio.Lock()  # what was asked for first leaves first
        self._up = False
        self._told_id = 0  # the first id that IB called free on this connection
        link.callbacks.on("nextValidId", self._told)
        link.on_up.append(self._came_up)
        link.on_down.append(self._went_down)

    # The port

    async def connect(self, answer: Answer) -> None:
        """Answers go to ``answer`` from now on."""
        self._answer = answer
        if not self._up:
            answer(LinkChanged(self._link.clock.now(), up=False, reason="not connected to IB yet"))

    async def place(self, ticket: Approved[Ticket]) -> None:
        """Send the orders of a ticket together; a part that left makes all of it UNKNOWN."""
        async with self._turn:
            sendable = self._sendable(ticket.subject.orders)
            for _ in sendable:
                await self._link.budget.order()
            if sendable:
                self._send(sendable)

    async def amend(self, amendment: Approved[Amendment]) -> None:
        """Send the order again under its handle with other values."""
        async with self._turn:
            wanted = amendment.subject
            sent = self._names.of(wanted.order)
            why = self._untouchable(sent) or self._unchangeable(sent)
            if why or sent is None:
                self._say(ActionRejected(self._now(), wanted.order, "amend", why))
                return
            await self._link.budget.order()
            sent.amending = wanted
            self._transmit(sent, _amended(sent.order, wanted))

    async def cancel(self, order: str) -> None:
        """Ask IB to cancel an order of this client id."""
        async with self._turn:
            sent = self._names.of(order)
            why = self._untouchable(sent)
            if why or sent is None:
                self._say(ActionRejected(self._now(), order, "cancel", why))
                return
            if sent.far is not None and sent.cancelling:
                return  # the cancel of one leg is that of both
            await self._link.budget.order()
            try:
                self._link.client.cancelOrder(sent.order_id)
                sent.cancelling = True
            except ConnectionError as error:
                self._say(ActionRejected(self._now(), order, "cancel", f"the link to IB is down: {error}"))

    async def cancel_everything(self) -> None:
        """IB's global cancel: every order of the login, of every client id, and those typed into TWS.

        Without a link nothing is sent, and told: the books are asked for when it is back.
        """
        async with self._turn:
            await self._link.budget.order()
            try:
                self._link.client.reqGlobalCancel()
            except ConnectionError as error:
                self._tell("warning", "global_cancel", f"IB's global cancel was not sent: {error}")
                return
            self._names.cancelling_all()

    async def ask_book(self) -> None:
        """The books are read beside everything else; a call while they are read begins anew."""
        self._books.ask(self._say_input)

    async def close(self) -> None:
        """Nothing is answered any more; resting orders stay. The link is closed by whoever runs it."""
        self._answer = _nobody
        self._books.close()
        self._later.close()

    # Beyond the port

    async def what_if(self, order: Order) -> Margin | Refusal:
        """What an order would do to margin and cost. Raises NoAnswerError, and ConnectionError without a link."""
        instrument = self._contracts.known(order.instrument)
        if instrument is None:
            return Refusal(NO_CONTRACT, _no_contract(order))
        try:
            contract = self._contracts.month(order.instrument, order.contract)
        except KeyError:
            return Refusal(NO_CONTRACT, _no_contract(order))
        try:
            conditions = to_conditions(order, self._contracts)
        except ConfigError as error:
            return Refusal(NO_CONTRACT, str(error))
        return await self._margins.ask(contract, to_ib(order, instrument, self._link.account, conditions=conditions))

    # Sending

    def _sendable(self, orders: Sequence[Order]) -> list[Sent]:
        """All of a ticket or nothing; what cannot be sent is answered."""
        known = [sent for sent in map(self._names.of, (o.id for o in orders)) if sent is not None]
        lives = ", ".join(sent.order.id for sent in known if sent.answered and not sent.ended)
        refused = (DUPLICATE_ID, f"IB already works {lives}") if lives else None
        ours = next(filter(None, map(self._refusal, orders)), "")
        refused = refused or ((REFUSED_HERE, ours) if ours else None)
        made = []
        for order in orders:
            if order.spread and order is not orders[0]:
                continue  # the leg that opens goes with the one that closes
            try:
                made.append(self._new(order, orders[1] if order.spread else None))
            except (KeyError, ConfigError) as error:
                refused = refused or (NO_CONTRACT, str(error) if isinstance(error, ConfigError) else _no_contract(order))
        if refused is None:
            return made
        for order in orders:
            self._say(OrderRejected(self._now(), order.id, *refused))
        return []

    def _new(self, order: Order, far: Order | None) -> Sent:
        """Raises KeyError without a contract, and ConfigError for a route that it does not have, or what would set it off."""
        contracts, instrument = self._contracts, order.instrument
        if far is not None:
            contracts.month(instrument, far.contract)
        to_conditions(order, contracts)
        return Sent(
            order=order,
            instrument=contracts.resolved(instrument),
            con_id=contracts.month(instrument, order.contract).conId,
            exchange=contracts.exchange(instrument, order.route),
            client_id=self._link.settings.client_id,
            whole=True,
            far=far,
        )

    def _send(self, ticket: Sequence[Sent]) -> None:
        """Without a pause from the first to the last: nothing of ours comes between them."""
        link, left = self._link, 0
        if not self._up:
            for sent in ticket:
                self._say(SendFailed(self._now(), sent.order.id, "the link to IB is down"))
            return
        try:
            handles = {sent.order.id: link.next_id() for sent in ticket}
            for sent in ticket:
                self._names.name(self._names.add(sent), order_id=handles[sent.order.id])
            for sent in ticket:
                order, last = sent.order, sent is ticket[-1]
                sent.parent_id = handles.get(order.parent, 0)
                conditions = to_conditions(order, self._contracts)
                made = to_ib(order, sent.instrument, link.account, parent=sent.parent_id, transmit=last, conditions=conditions)
                contract = self._contracts.named(order.instrument, sent.con_id, sent.exchange)
                if sent.far is not None:
                    made.orderRef, made.action = spread_ref(order, sent.far), str(Side.BUY)
                    contract = bag(self._contracts, order, sent.far, sent.exchange)
                link.client.placeOrder(sent.order_id, contract, made)
                left += 1
        except ConnectionError as error:
            kind = SendUnknown if left else SendFailed
            for sent in ticket:
                sent.order_id = 0
                self._say(kind(self._now(), sent.order.id, f"the link to IB: {error}"))

    def _transmit(self, sent: Sent, order: Order) -> None:
        conditions = to_conditions(order, self._contracts)
        made = to_ib(order, sent.instrument, self._link.account, parent=sent.parent_id, conditions=conditions)
        try:
            self._link.client.placeOrder(sent.order_id, self._contracts.named(order.instrument, sent.con_id, sent.exchange), made)
        except ConnectionError as error:
            sent.amending = None
            self._say(ActionRejected(self._now(), order.id, "amend", f"the link to IB is down: {error}"))

    def _untouchable(self, sent: Sent | None) -> str:
        """Why an order cannot be changed or cancelled from here; "" when it can."""
        if not self._up:
            return "the link to IB is down"
        if sent is None:
            return f"IB has shown no such order in this connection: {LEFT_IN_TWS} if it is there"
        if sent.client_id != self._link.settings.client_id:
            return f"it belongs to client id {sent.client_id} of IB: connect with that one, or {LEFT_IN_TWS}"
        if not sent.order_id:
            return f"IB gives no handle for it (permId {sent.perm_id}): {LEFT_IN_TWS}"
        return ""

    def _unchangeable(self, sent: Sent | None) -> str:
        """Why an order that can be cancelled must not be changed; "" when it can."""
        if sent is not None and sent.far is not None:
            return f"a spread is not changed from here: {LEFT_IN_TWS}"
        if sent is None or self._names.changeable(sent.order_id):
            return ""
        return f"IB gives its handle out again, and could take the change for a new order: {LEFT_IN_TWS}"

    def _ghost(self, sent: Sent, perm_id: int) -> None:
        """A change became a second live order. The handle means the newer one: that one is cancelled, the older one stays."""
        if sent.ghost == perm_id:
            return
        sent.ghost = perm_id
        text = f"{sent.order.id} lives twice at IB (permId {sent.perm_id} and {perm_id}): the second is being cancelled"
        self._tell("page", "two_orders", text)
        if sent.amending is not None:
            sent.amending = None
            self._say(ActionRejected(self._now(), sent.order.id, "amend", text))
        if sent.order_id and self._link.client.isConnected():
            self._link.client.cancelOrder(sent.order_id)

    # The link

    async def _came_up(self, up: Up) -> None:
        """Learn the handles of this connection, then say that the link is up."""
        if up.new_socket:
            self._lost("the link to IB was lost after the send")
            first = self._first_order_id()
            self._link.client.updateReqId(first)
            self._names.new_socket(self._told_id, first)
            await self._link.budget.message()
            rows = await self._link.requests.by_name("openOrder", self._link.client.reqOpenOrders)
            await self._drafts.cancel(self._told_id, [number for number, *_ in rows if isinstance(number, int)])
        self._up = True
        self._say_input(LinkChanged(self._now(), up=True, reason="connected to IB"))

    def _told(self, order_id: int) -> None:
        self._told_id = order_id

    def _first_order_id(self) -> int:
        """Beyond every id that was ever used: a second counts as one id, more than orders and questions ever need.

        IB hands out used ids after a restart. A child under one may find a parent that was filled long ago, and work at once.
        """
        return min((self._now() - ORDER_IDS_SINCE) // SECOND, ORDER_IDS_MAX)

    def _went_down(self, reason: str) -> None:
        self._executions.release()
        self._lost(reason)
        if self._up:
            self._up = False
            self._say_input(LinkChanged(self._now(), up=False, reason=reason))

    def _lost(self, reason: str) -> None:
        """What was sent and not answered may live at IB."""
        for sent in self._names.unanswered():
            sent.order_id = 0
            self._say(SendUnknown(self._now(), sent.order.id, reason))

    # Answers

    def _say(self, report: Report) -> None:
        """What comes now must not overtake a fill that is held for its charges. Of a spread it is of both legs."""
        self._executions.release()
        self._answer(report)
        sent = self._names.of(report.order)
        if sent is not None and sent.far is not None and report.order == sent.order.id:
            self._answer(msgspec.structs.replace(report, order=sent.far.id))

    def _say_fill(self, report: OrderFilled | FillCorrected | ChargesReported) -> None:
        self._answer(report)

    def _say_input(self, item: Input) -> None:
        self._executions.release()
        self._answer(item)

    def _tell(self, severity: str, code: str, text: str) -> None:
        self._link.notifier.tell(self._now(), severity, code, text)

    def _now(self) -> int:
        return self._link.clock.now()


def _amended(order: Order, wanted: Amendment) -> Order:
    changes = {name: getattr(wanted, name) for name in ("limit", "stop", "trail") if getattr(wanted, name) is not None}
    return msgspec.structs.replace(order, quantity=wanted.quantity, **changes)


def _no_contract(order: Order) -> str:
    which = f"IB does not list {order.contract}" if order.contract else "no contract of IB is known"
    return f"{which} for instrument {order.instrument}"


def _nobody(_item: Input) -> None:
    """Before ``connect`` and after ``close`` nobody listens."""
