"""The orders are those of the proposal: one entry at no worse a price, and exits that can only close it."""

from theo.domain.approval import Refused
from theo.domain.orders import OcaType, Order, OrderRole
from theo.risk.entry import Entry

EXITS = frozenset({OrderRole.STOP, OrderRole.TARGET})


def bracket(entry: Entry) -> Refused | None:
    """Refuse orders that differ from what was proposed, sized and explained."""
    fault = _entry_fault(entry) or _exits_fault(entry)
    return Refused("bracket", 0, 0, f"{entry.instrument.symbol}: {fault}") if fault else None


def _entry_fault(entry: Entry) -> str:
    """What is wrong with the order that opens; "" when nothing is."""
    order, proposal = entry.order, entry.proposal
    if order.role is not OrderRole.ENTRY or order.parent:
        return "the first order of the ticket does not open the trade"
    if not order.instrument == proposal.instrument == entry.instrument.id:
        return "proposal, order and instrument are not one"
    if order.side is not proposal.side or order.type is not proposal.type:
        return f"the order is {order.side} {order.type}, proposed was {proposal.side} {proposal.type}"
    worst = order.limit if order.limit is not None else order.stop
    if worst is not None and proposal.side.sign * (worst - proposal.entry) > 0:
        return f"the order's price {worst} is worse than the planned {proposal.entry} (price units)"
    return ""


def _exits_fault(entry: Entry) -> str:
    """What is wrong with the orders that close; "" when nothing is."""
    order, exits = entry.order, entry.ticket.orders[1:]
    for child in exits:
        if child.role not in EXITS or child.parent != order.id or child.side is order.side:
            return f"{child.role} {child.id} is no exit of the entry"
        if (child.instrument, child.account, child.trade) != (order.instrument, order.account, order.trade):
            return f"{child.role} {child.id} belongs to another instrument, account or trade"
    proposal = entry.proposal
    targets: list[object] = [child.limit or child.condition for child in exits if child.role is OrderRole.TARGET]
    wanted = proposal.target if proposal.exits is None else proposal.exits.at_target()
    if targets != ([] if wanted is None else [wanted]):
        return "the ticket's targets are not the proposed one"
    if len(exits) > 1 and not _one_group(exits):
        return "stop and target must reduce each other: one exit group that reduces on a fill"
    return ""


def _one_group(exits: tuple[Order, ...]) -> bool:
    """Whether a fill of one exit reduces the others; a group that cancels may drop the stop on a partial fill."""
    group = exits[0].oca_group
    return bool(group) and all(o.oca_group == group and o.oca_type is OcaType.REDUCE_NON_BLOCK for o in exits)
