"""The room of orders: which request does what, and what time and prices do to the orders that it holds."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from theo.domain.market_data import Tick
from theo.gateway.accounts.ledger import Ledgers
from theo.gateway.client import NO_REQUEST, Client
from theo.gateway.desk import ContractBook, Desk, GatewaySettings, Handler
from theo.gateway.request_refused import RequestRefusedError, invalid, told
from theo.gateway.trading.blotter import Deal
from theo.gateway.trading.changing import Changing
from theo.gateway.trading.dealing import Dealing
from theo.gateway.trading.faults import Fault
from theo.gateway.trading.levers import Levers
from theo.gateway.trading.memory import remember, revive
from theo.gateway.trading.placing import Placing
from theo.gateway.trading.queries import Queries
from theo.gateway.trading.spreads import spread_legs
from theo.gateway.trading.waiting import Waiting
from theo.gateway.trading.working import ENDED, FILLABLE, LIVE, Phase, Worked
from theo.gateway.wire.messages import orders as wire
from theo.gateway.wire.messages.contract import Contract
from theo.gateway.wire.messages.order import Order
from theo.gateway.wire.schema import Message

Act = Callable[[Desk, Client, Any], None]


class TradingRoom(Levers):
    """Implements desk.Room, and the levers of incidents with orders."""

    def __init__(self, settings: GatewaySettings, contracts: ContractBook, ledgers: Ledgers) -> None:
        self._dealing = Dealing(ledgers)
        self._placing = Placing(self._dealing)
        super().__init__(self._dealing, self._placing)
        self._changing, self._waiting = Changing(self._dealing, self._placing), Waiting(self._dealing)
        self._queries, self._contracts = Queries(self._dealing.blotter), contracts
        handlers: dict[type[Message], Act] = {
            wire.PlaceOrder: self._place,
            wire.CancelOrder: self._cancel,
            wire.ReqGlobalCancel: self._cancel_all,
            wire.ReqOpenOrders: lambda desk, client, _asked: self._queries.open_orders(desk, client),
            wire.ReqAllOpenOrders: lambda desk, client, _asked: self._queries.all_open_orders(desk, client),
            wire.ReqAutoOpenOrders: self._queries.auto_bind,
            wire.ReqCompletedOrders: self._queries.completed_orders,
        }
        writing = {kind: self._answering(act, read_only=settings.read_only) for kind, act in handlers.items()}
        self.handlers: Mapping[type[Message], Handler] = {**writing, wire.ReqExecutions: told(self._queries.executions)}

    def _answering(self, act: Act, *, read_only: bool) -> Handler:
        """A handler whose refusals are told on the order's id, after which it is noted what is waited for."""

        def handle(desk: Desk, client: Client, request: Message) -> None:
            try:
                if read_only:
                    raise invalid("bO", "The API interface is currently in Read-Only mode.")
                act(desk, client, request)
            except RequestRefusedError as refused:
                client.error(_id_of(request), refused.code, refused.text)
            self._waiting.look_around(desk)

        return handle

    def next_order_id(self, client: Client) -> int:
        """The first order id that a client may use."""
        return max(1, self._dealing.blotter.next_order_id(client.id or 0) - self._dealing.faults.ids_behind)

    @property
    def orders(self) -> Mapping[int, Worked]:
        """Every order that is known, by permId."""
        return self._dealing.blotter.orders

    @property
    def deals(self) -> Sequence[Deal]:
        """Every execution that is known, corrections after what they correct."""
        return self._dealing.blotter.deals

    @property
    def changes(self) -> int:
        """Rises with all that is to be told of orders, whether or not anybody is told."""
        return self._dealing.announcer.news

    @property
    def unfinished(self) -> list[Worked]:
        """Orders that have not ended, oldest first."""
        return [each for each in self._dealing.blotter.unfinished() if each.phase not in ENDED]

    def _place(self, desk: Desk, client: Client, asked: wire.PlaceOrder) -> None:
        order, blotter, client_id = asked.order, self._dealing.blotter, client.id or 0
        if self._dealing.faults.use(Fault.LOSE):
            return
        known = blotter.of(client_id, order.order_id)
        if known is None and order.order_id < blotter.next_order_id(client_id) and not order.what_if:
            raise RequestRefusedError(103, "Duplicate order id")
        if not asked.contract.exchange:
            raise invalid("bN", "Missing order exchange.")
        legs = spread_legs(desk, asked.contract, order)
        listing = legs[0][0] if legs else desk.resolve(client, order.order_id, asked.contract)
        if listing is None:
            return
        if known is None or order.what_if:
            self._placing.take(desk, client, listing, asked.contract, order)
        else:
            if known.phase in ENDED and order.order_id >= self.next_order_id(client):
                raise RequestRefusedError(103, "Duplicate order id")  # the client was told that it is free
            if known.phase in ENDED:
                self._changing.refuse_ended(known)
            wanted = self._placing.read(desk, client_id, listing, asked.contract, order)
            self._changing.change(desk, known, wanted)

    def _cancel(self, desk: Desk, client: Client, asked: wire.CancelOrder) -> None:
        worked = self._dealing.blotter.of(client.id or 0, asked.order_id)
        number = f"OrderId {asked.order_id} that needs to be cancelled"
        if worked is None:
            raise RequestRefusedError(10_147, f"{number} is not found.")
        if worked.phase in ENDED:
            raise RequestRefusedError(10_148, f"{number} cannot be cancelled, state: {worked.status}.")
        if worked.phase in FILLABLE and self._dealing.faults.use(Fault.LOSE_CANCEL):
            client.error(asked.order_id, 10_148, f"{number} cannot be cancelled, state: Filled.")
            self.fill_now(desk, worked.perm_id)
        else:
            self._dealing.cancel(desk, worked)

    def _cancel_all(self, desk: Desk, _client: Client, _asked: wire.ReqGlobalCancel) -> None:
        for worked in list(self._dealing.blotter.orders.values()):
            if worked.phase in LIVE | {Phase.DRAFT}:  # a parent's end may have been its own
                self._dealing.cancel(desk, worked)

    def fill_now(self, desk: Desk, perm_id: int, quantity: int | None = None) -> None:
        """As the lever, and note what is waited for from then on."""
        super().fill_now(desk, perm_id, quantity)
        self._waiting.look_around(desk)

    def release_children(self, desk: Desk, perm_id: int) -> None:
        """As the lever, and note what is waited for from then on."""
        super().release_children(desk, perm_id)
        self._waiting.look_around(desk)

    def place_in_tws(self, desk: Desk, contract: Contract, order: Order) -> int:
        """As the lever; bound at once if that was asked for."""
        perm_id = super().place_in_tws(desk, contract, order)
        self._queries.bind_new(desk)
        self._waiting.look_around(desk)
        return perm_id

    def on_tick(self, desk: Desk, tick: Tick) -> None:
        """The exchange sees it, and what waits for a price."""
        self._waiting.on_tick(desk, tick)
        self._waiting.look_around(desk)

    def on_time(self, desk: Desk, at: int) -> None:
        """Release, expire, tell late."""
        self._waiting.on_time(desk, at)
        self._waiting.look_around(desk)

    def next_due(self) -> int:
        """What is waited for, or the exchange's next expiry."""
        return min(self._waiting.due, self._dealing.floor.venue.next_due)

    def on_started(self, desk: Desk, client: Client) -> None:
        """A client learns of its open orders, unless the settings say that it must ask."""
        if desk.settings.open_orders_on_connect:
            self._queries.tell_own(client)

    def on_gone(self, desk: Desk, client: Client) -> None:
        """Its orders live on."""

    def state(self) -> object:
        """Orders, executions, numbers and the exchange's books as plain values. Accounts have a state of their own."""
        return remember(self._dealing)

    def restore(self, desk: Desk, state: object) -> None:
        """Go on with a state. Raises CorruptionError when it is none."""
        revive(self._dealing, self._contracts, state)
        self._waiting.look_around(desk)


def _id_of(request: Message) -> int:
    """What an error about a request is told on: the order's id, where there is one."""
    if isinstance(request, wire.PlaceOrder):
        return request.order.order_id
    return request.order_id if isinstance(request, wire.CancelOrder) else NO_REQUEST
