"""Orders and executions in IB's words: openOrder, orderStatus, execDetails, commissionReport, completedOrder."""

from collections.abc import Iterator
from decimal import Decimal

import msgspec

from theo.gateway.accounts.ledger import money
from theo.gateway.times import with_zone
from theo.gateway.trading.blotter import Deal
from theo.gateway.trading.terms import TRAILING
from theo.gateway.trading.working import Phase, Worked
from theo.gateway.wire.messages.contract import Contract
from theo.gateway.wire.messages.order import Order, OrderState
from theo.gateway.wire.messages.orders import CommissionReport, CompletedOrder, ExecDetails, Execution, OpenOrder, OrderStatus

NO_RIGHT = "?"  # what TWS writes for contracts without one, in its orders
NONE = "None"
BOUGHT, SOLD = "BOT", "SLD"
ADDED, REMOVED = 1, 2  # liquidity


def price(worked: Worked, units: float) -> float:
    """Price units as a price."""
    return float(Decimal(repr(units)).scaleb(-worked.listing.instrument.price_decimals))


def open_order(worked: Worked, status: str | None = None, state: OrderState | None = None) -> OpenOrder:
    """An order as the server has it; ``state`` instead of its status for a what-if order."""
    account = next(iter(worked.shares))
    allocation = f"{worked.perm_id}.0/{account}/{worked.terms.quantity}" if len(worked.shares) == 1 else ""
    said = OrderState(status=status or worked.status) if state is None else state
    return OpenOrder(_contract(worked), _order(worked), said, allocation)


def _contract(worked: Worked) -> Contract:
    contract = worked.contract
    return msgspec.structs.replace(contract, right=contract.right or NO_RIGHT)


def _order(worked: Worked) -> Order:
    group, order = worked.group, worked.order
    own_group = bool(order.oca_group) or not worked.parent
    return msgspec.structs.replace(
        order,
        order_id=worked.order_id,
        client_id=worked.client_id,
        perm_id=worked.perm_id,
        total_quantity=Decimal(worked.terms.quantity),
        filled_quantity=Decimal(worked.filled),
        lmt_price=order.lmt_price or 0.0,
        aux_price=order.aux_price or 0.0,
        trail_stop_price=_trail_stop(worked),
        tif=worked.terms.tif,
        account="" if len(worked.shares) > 1 else next(iter(worked.shares)),
        oca_group=order.oca_group if own_group else str(worked.parent),
        oca_type=int(group[1]) if group[0] else 3,
        delta_neutral_order_type=NONE,
        delta_neutral_open_close=NO_RIGHT,
        adjusted_order_type=NONE,
        clearing_intent=order.clearing_intent or "IB",
    )


def _trail_stop(worked: Worked) -> float | None:
    if worked.terms.type in TRAILING and worked.level is not None:
        return price(worked, worked.level)
    return worked.order.trail_stop_price


def order_status(worked: Worked, status: str | None = None) -> OrderStatus:
    """Where an order is."""
    return OrderStatus(
        worked.order_id,
        status or worked.status,
        Decimal(worked.filled),
        Decimal(worked.remaining),
        price(worked, worked.average_price),
        worked.perm_id,
        worked.order.parent_id,
        price(worked, worked.last_price),
        worked.client_id,
        worked.why_held,
    )


def exec_details(worked: Worked, deal: Deal, req_id: int, zone: str) -> ExecDetails:
    """An execution; ``zone`` is of its time."""
    listing, side = worked.traded(deal.leg)
    listed, place = listing.contract, worked.contract.exchange
    execution = Execution(
        exec_id=deal.exec_id,
        time=with_zone(deal.at, zone),
        acct_number=deal.account,
        exchange=(listed.primary_exchange or listed.exchange) if place == "SMART" else place,
        side=BOUGHT if side.sign > 0 else SOLD,
        shares=Decimal(deal.quantity),
        price=price(worked, deal.price),
        order_id=worked.order_id,
        perm_id=worked.perm_id,
        client_id=worked.client_id,
        cum_qty=Decimal(deal.cumulative),
        avg_price=price(worked, deal.turnover / deal.cumulative),
        order_ref=worked.order.order_ref,
        model_code=worked.order.model_code,
        last_liquidity=ADDED if deal.rested else REMOVED,
    )
    contract = msgspec.structs.replace(listed, exchange=place) if deal.leg else worked.contract
    return ExecDetails(req_id, contract, execution)


def all_details(worked: Worked, deal: Deal, req_id: int, zone: str) -> Iterator[ExecDetails]:
    """As ``exec_details``; before the first leg of a spread IB tells what all of it was, as an execution of the combination."""
    told = exec_details(worked, deal, req_id, zone)
    if deal.leg == 1:
        net = price(worked, deal.net)
        whole = msgspec.structs.replace(
            told.execution,
            exec_id=deal.spread_id,
            side=BOUGHT if worked.terms.side.sign > 0 else SOLD,
            price=net,
            avg_price=net,
        )
        yield ExecDetails(req_id, worked.contract, whole)
    yield told


def commission_report(worked: Worked, deal: Deal) -> CommissionReport:
    """What an execution cost, and what it realized."""
    realized = None if deal.realized is None else float(money(deal.realized))
    return CommissionReport(deal.exec_id, float(money(deal.charges)), worked.listing.instrument.currency, realized)


def completed_order(worked: Worked, zone: str) -> CompletedOrder:
    """An order that has ended."""
    if worked.phase is Phase.FILLED:
        text = f"Filled Size: {worked.filled}"
    else:
        text = f"{worked.status}: {worked.why}" if worked.why else "Cancelled by Trader"
    state = OrderState(status=worked.status, completed_time=with_zone(worked.ended_at, zone), completed_status=text)
    return CompletedOrder(_contract(worked), msgspec.structs.replace(_order(worked), order_id=0, client_id=0), state)
