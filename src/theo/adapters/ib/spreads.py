"""A calendar spread as IB has it: one order of a BAG of two legs, for the two orders of ours that carry a position over.

IB gives it one orderRef, one permId and one status. Executions come for each leg in its own contract, and once more as a summary
of the BAG, which is no fill. The orderRef says all that is needed to tell the two apart, whatever was forgotten here: the id of
the order that closes, and the contract of the one that opens.
"""

import msgspec
from ib_async.contract import ComboLeg, Contract
from ib_async.order import Order as IbOrder

from theo.adapters.ib.contracts import Contracts
from theo.domain.orders import Order, Side, far_leg

BAG = "BAG"
BETWEEN = "/"


def spread_ref(near: Order, far: Order) -> str:
    """What travels in orderRef."""
    return f"{near.id}{BETWEEN}{far.contract}"


def own_ref(ref: str) -> str:
    """Our id of an order, of a spread that of the leg which closes."""
    return ref.partition(BETWEEN)[0]


def leg_ref(ref: str, contract: str) -> str:
    """Our id of the order that an execution in a contract of this name is of."""
    near, _, opens = ref.partition(BETWEEN)
    return far_leg(near) if opens and opens == contract else near


def bag(contracts: Contracts, near: Order, far: Order, exchange: str) -> Contract:
    """The combination that is bought to carry a position over: one leg closes, the other one opens."""
    months = [(contracts.month(each.instrument, each.contract), each) for each in (near, far)]
    root = months[0][0]
    legs = [ComboLeg(conId=month.conId, ratio=1, action=str(each.side), exchange=exchange) for month, each in months]
    return Contract(symbol=root.symbol, secType=BAG, exchange=exchange, currency=root.currency, comboLegs=legs)


def both_legs(theirs: IbOrder, contract: Contract, contracts: Contracts, read: Order, known: Order | None) -> tuple[Order, Order]:
    """The two orders of ours that a BAG order is, from what was ``read`` of it; ``known``: the one that closes, if it is."""
    opens = theirs.orderRef.partition(BETWEEN)[2]
    names = {leg.conId: contracts.name_of(leg.conId) for leg in contract.comboLegs or ()}
    closing = next((leg for leg in contract.comboLegs or () if names[leg.conId] != opens), None)
    side, name = (read.side, "") if closing is None else (Side(closing.action), names[closing.conId])
    if theirs.action == Side.SELL:
        side = side.opposite
    if known is not None:
        side, name = known.side, known.contract
    near = msgspec.structs.replace(read, side=side, contract=name, spread=far_leg(read.id))
    far = msgspec.structs.replace(near, id=near.spread, side=side.opposite, contract=opens, spread=near.id)
    return near, far
