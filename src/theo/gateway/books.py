"""The gateway's own books as one value: every order, execution and position. What a client believes can be compared with them."""

import msgspec

from theo.gateway.building import Gateway
from theo.gateway.trading.blotter import Deal
from theo.gateway.trading.working import ENDED, Worked


class OrderBooked(msgspec.Struct, frozen=True):
    """An order. ``ref``: the orderRef its client gave it; ``status`` in IB's words; ``parent``: permId, 0 without."""

    perm_id: int
    parent: int
    client_id: int
    ref: str
    account: str
    symbol: str
    side: str
    type: str
    quantity: int
    filled: int
    status: str
    ended: bool


class ExecutionBooked(msgspec.Struct, frozen=True):
    """An execution in its newest version. ``quantity`` is positive, ``price`` in price units, ``charges`` in micros."""

    id: str
    perm_id: int
    ref: str
    account: str
    symbol: str
    side: str
    quantity: int
    price: int
    charges: int
    at: int


class Booked(msgspec.Struct, frozen=True):
    """All of it, at ``now`` (microseconds UTC of the gateway). ``positions``: account -> symbol -> signed quantity, none of 0."""

    now: int
    orders: tuple[OrderBooked, ...]
    executions: tuple[ExecutionBooked, ...]
    positions: dict[str, dict[str, int]]


def booked(gateway: Gateway) -> Booked:
    """The books now: everything that the gateway remembers."""
    trading = gateway.trading
    newest = {deal.number: deal for deal in trading.deals}  # a correction has the number of what it corrects
    return Booked(
        now=gateway.simulator.desk.now,
        orders=tuple(_order(worked) for worked in trading.orders.values()),
        executions=tuple(_execution(trading.orders[d.perm_id], d) for d in newest.values() if d.perm_id in trading.orders),
        positions=_positions(gateway),
    )


def _order(worked: Worked) -> OrderBooked:
    return OrderBooked(
        perm_id=worked.perm_id,
        parent=worked.parent,
        client_id=worked.client_id,
        ref=worked.order.order_ref,
        account=worked.order.account,
        symbol=worked.listing.contract.symbol,
        side=worked.terms.side.name,
        type=worked.terms.type,
        quantity=worked.terms.quantity,
        filled=worked.filled,
        status=worked.status,
        ended=worked.phase in ENDED,
    )


def _execution(worked: Worked, deal: Deal) -> ExecutionBooked:
    return ExecutionBooked(
        id=deal.exec_id,
        perm_id=deal.perm_id,
        ref=worked.order.order_ref,
        account=deal.account,
        symbol=worked.listing.contract.symbol,
        side=worked.traded(deal.leg)[1].name,
        quantity=deal.quantity,
        price=deal.price,
        charges=deal.charges,
        at=deal.at,
    )


def _positions(gateway: Gateway) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    contracts = gateway.simulator.desk.contracts
    for name, account in gateway.ledgers.accounts.items():
        held: dict[str, int] = {}
        for con_id, holding in account.holdings.items():
            listing = contracts.listing(con_id)
            if holding.quantity and listing is not None:
                symbol = listing.contract.symbol
                held[symbol] = held.get(symbol, 0) + holding.quantity
        found[name] = held
    return found
