"""Orders, executions and commissions: requests, states, reports."""

from decimal import Decimal

import msgspec

from theo.gateway.wire.kinds import Long, MaxFloat
from theo.gateway.wire.messages.contract import CONTRACT_HELD, Contract
from theo.gateway.wire.messages.order import Order, OrderState
from theo.gateway.wire.messages.order_layouts import COMPLETED_ORDER, OPEN_ORDER, PLACE_ORDER
from theo.gateway.wire.schema import Message, answer, request, since, under


class PlaceOrder(Message, frozen=True):
    """Places an order, or changes it when its id is known."""

    contract: Contract
    order: Order


class CancelOrder(Message, frozen=True):
    """Cancels an order of this client."""

    order_id: int
    manual_cancel_order_time: str = ""


class ReqOpenOrders(Message, frozen=True):
    """Asks for this client's open orders; client 0 binds those that were typed into TWS."""


class ReqAllOpenOrders(Message, frozen=True):
    """Asks for the open orders of all clients."""


class ReqAutoOpenOrders(Message, frozen=True):
    """Client 0: binds orders that will be typed into TWS."""

    auto_bind: bool


class ReqGlobalCancel(Message, frozen=True):
    """Cancels every order of the account, whoever placed it."""


class ReqCompletedOrders(Message, frozen=True):
    """Asks for orders that ended."""

    api_only: bool


class ReqExecutions(Message, frozen=True):
    """Asks for executions; an empty filter matches everything, a client id of 0 every client."""

    req_id: int
    client_id: int = 0
    account: str = ""
    time: str = ""
    symbol: str = ""
    sec_type: str = ""
    exchange: str = ""
    side: str = ""


class OrderStatus(Message, frozen=True):
    """Where an order is. Doubled and missing ones are normal."""

    order_id: int
    status: str
    filled: Decimal
    remaining: Decimal
    avg_fill_price: float = 0.0
    perm_id: Long = 0
    parent_id: int = 0
    last_fill_price: float = 0.0
    client_id: int = 0
    why_held: str = ""
    mkt_cap_price: float = 0.0


class OpenOrder(Message, frozen=True):
    """An order as the server has it. For a what-if order the state's margins are the answer."""

    contract: Contract
    order: Order
    state: OrderState
    shares_allocation: str = ""


class OpenOrderEnd(Message, frozen=True):
    """All open orders have been sent."""


class Execution(msgspec.Struct, frozen=True, gc=False):
    """A fill. Side: BOT or SLD. A corrected one has a greater number behind the last point of its id."""

    exec_id: str
    time: str
    acct_number: str
    exchange: str
    side: str
    shares: Decimal
    price: float
    order_id: int = 0
    perm_id: Long = 0
    client_id: int = 0
    liquidation: int = 0
    cum_qty: Decimal = Decimal(0)
    avg_price: float = 0.0
    order_ref: str = ""
    ev_rule: str = ""
    ev_multiplier: float | None = None
    model_code: str = ""
    last_liquidity: int = 0
    pending_price_revision: bool = False


class ExecDetails(Message, frozen=True):
    """A fill, live (request id -1) or asked for."""

    req_id: int
    contract: Contract
    execution: Execution


class ExecDetailsEnd(Message, frozen=True):
    """All executions that were asked for have been sent."""

    req_id: int


class CommissionReport(Message, frozen=True):
    """What an execution cost; joined by its id alone. None where it is not known, as the profit of an opening fill."""

    exec_id: str
    commission: float
    currency: str
    realized_pnl: MaxFloat = None
    yield_: MaxFloat = None
    yield_redemption_date: int = 0


class CompletedOrder(Message, frozen=True):
    """An order that ended. It carries no order id and no client id: only its perm id and its reference tell which."""

    contract: Contract
    order: Order
    state: OrderState


class CompletedOrdersEnd(Message, frozen=True):
    """All orders that ended have been sent."""


class OrderBound(Message, frozen=True):
    """An order typed into TWS is now this client's."""

    perm_id: Long
    client_id: int
    order_id: int


_EXECUTION = (
    *under("execution", "exec_id", "time", "acct_number", "exchange", "side", "shares", "price", "perm_id", "client_id"),
    *under("execution", "liquidation", "cum_qty", "avg_price", "order_ref", "ev_rule", "ev_multiplier", "model_code"),
    *under("execution", "last_liquidity"),
    since(178, "execution.pending_price_revision"),
)

REQUESTS = (
    request(PlaceOrder, 3, *PLACE_ORDER),
    request(CancelOrder, 4, "order_id", since(169, "manual_cancel_order_time"), version=1),
    request(ReqOpenOrders, 5, version=1),
    request(ReqExecutions, 7, version=3),
    request(ReqAutoOpenOrders, 15, version=1),
    request(ReqAllOpenOrders, 16, version=1),
    request(ReqGlobalCancel, 58, version=1),
    request(ReqCompletedOrders, 99),
)
ANSWERS = (
    answer(OrderStatus, 3),
    answer(OpenOrder, 5, *OPEN_ORDER),
    answer(ExecDetails, 11, "req_id", "execution.order_id", *CONTRACT_HELD, *_EXECUTION),
    answer(OpenOrderEnd, 53, version=1),
    answer(ExecDetailsEnd, 55, version=1),
    answer(CommissionReport, 59, version=1),
    answer(OrderBound, 100),
    answer(CompletedOrder, 101, *COMPLETED_ORDER),
    answer(CompletedOrdersEnd, 102),
)
