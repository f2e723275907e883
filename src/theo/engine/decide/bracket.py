"""The orders of an entry: one ticket of a parent and its exits, in the contract that the instrument trades in."""

import msgspec

from theo.domain.orders import OcaType, Order, OrderRole, OrderType, PriceCondition, Route, Ticket, TimeInForce
from theo.domain.signals import Proposal, UnderlyingExits
from theo.engine.state import State
from theo.engine.turn import Turn


def exit_group(trade: str, contract: str = "") -> str:
    """The name of a trade's exit group at the venue; of a later contract another one: a group that was filled is used up."""
    return f"{trade}-exits-{contract}" if contract else f"{trade}-exits"


def bracket(
    turn: Turn, trade: str, proposal: Proposal, quantity: int, *, outside_rth: bool, route: Route, rolled: bool = False
) -> Ticket:
    """The entry as parent, and its stop and target asleep at the venue until it is filled; all in one ticket.

    ``rolled``: the trade had another contract before.
    """
    number = f"{turn.state.journal}-{turn.state.issued}"
    account = turn.state.key.account
    entry_type = proposal.type
    entry = Order(
        id=f"{number}-0",
        account=account,
        instrument=proposal.instrument,
        side=proposal.side,
        type=entry_type,
        quantity=quantity,
        tif=TimeInForce.DAY,
        role=OrderRole.ENTRY,
        trade=trade,
        limit=proposal.entry if entry_type in {OrderType.LIMIT, OrderType.STOP_LIMIT} else None,
        stop=proposal.entry if entry_type in {OrderType.STOP, OrderType.STOP_LIMIT} else None,
        outside_rth=outside_rth,
        route=route,
        contract=front_name(turn.state, proposal.instrument),
    )
    group = exit_group(trade, entry.contract if rolled else "")
    if proposal.exits is not None:
        return Ticket((entry, *_set_off(entry, proposal.exits, group)))
    children = [child_of(entry, 1, OrderRole.STOP, proposal.stop, group)]
    if proposal.target is not None:
        children.append(child_of(entry, 2, OrderRole.TARGET, proposal.target, group))
    return Ticket((entry, *children))


def _set_off(entry: Order, exits: UnderlyingExits, group: str) -> list[Order]:
    """The exits of a bought option: sold at the market as soon as the underlying trades at the stop, or at the target."""
    found = [(1, OrderRole.STOP, exits.at_stop()), (2, OrderRole.TARGET, exits.at_target())]
    return [conditional(child_of(entry, i, role, 0, group), on) for i, role, on in found if on is not None]


def conditional(order: Order, condition: PriceCondition) -> Order:
    """The order as one at the market that another instrument's price sets off."""
    return msgspec.structs.replace(order, type=OrderType.MARKET, limit=None, stop=None, condition=condition)


def front_name(state: State, instrument: int) -> str:
    """The contract that an instrument trades in; "" for one that does not roll."""
    front = state.fronts.get(instrument)
    return "" if front is None else front.name


def child_of(entry: Order, index: int, role: OrderRole, price: int, group: str = "") -> Order:
    """A stop or a target that sleeps until the entry is wholly filled, in the trade's exit group (or another one)."""
    is_stop = role is OrderRole.STOP
    return Order(
        id=f"{entry.id.rsplit('-', 1)[0]}-{index}",
        account=entry.account,
        instrument=entry.instrument,
        side=entry.side.opposite,
        type=OrderType.STOP if is_stop else OrderType.LIMIT,
        quantity=entry.quantity,
        tif=TimeInForce.GTC,
        role=role,
        trade=entry.trade,
        limit=None if is_stop else price,
        stop=price if is_stop else None,
        parent=entry.id,
        oca_group=group or exit_group(entry.trade),
        oca_type=OcaType.REDUCE_NON_BLOCK,
        outside_rth=entry.outside_rth,
        route=entry.route,
        contract=entry.contract,
    )
