"""From a signal to a bracket at the venue: size, build the orders, ask risk, intend. Or a refusal that says why."""

from theo.domain.approval import Refused
from theo.domain.effects import PlaceTicket
from theo.domain.facts import SignalClosed, TradeIntended
from theo.domain.orders import OcaType, Order, OrderRole, OrderType, Side, Ticket, TimeInForce
from theo.domain.signals import Proposal
from theo.engine.account import account_view
from theo.engine.decide.tend import exit_group
from theo.engine.scan import Scan
from theo.engine.turn import Turn
from theo.risk.approve import approve_entry
from theo.risk.sizing import size_with_costs


def promote(turn: Turn, scan: Scan, signal: str, proposal: Proposal) -> None:
    """Open a trade for the signal if risk approves it; otherwise the signal fails, with its reason."""
    world = turn.world
    instrument = world.instruments[proposal.instrument]
    account = account_view(turn.state, world)
    blocked = _blocked(turn, scan)
    if blocked is not None:
        _refuse(turn, signal, blocked)
        return
    sized = size_with_costs(
        proposal, instrument, account, world.limits, scan.sizing, lambda n: world.costs(instrument, n, proposal.entry)
    )
    if isinstance(sized, Refused):
        _refuse(turn, signal, sized)
        return
    trade = f"{turn.state.journal}-t{turn.state.issued}"
    ticket = bracket(turn, trade, proposal, sized.quantity, outside_rth=scan.terms.outside_rth)
    approved = approve_entry(proposal, instrument, ticket, account, world.limits, sized.risk)
    if isinstance(approved, Refused):
        _refuse(turn, signal, approved)
        return
    turn.emit(
        TradeIntended(
            at=turn.at,
            id=trade,
            key=scan.key,
            signal=signal,
            instrument=proposal.instrument,
            side=proposal.side,
            quantity=sized.quantity,
            entry=proposal.entry,
            stop=proposal.stop,
            target=proposal.target,
            risk=sized.risk,
            approved=approved,
        )
    )
    turn.effects.append(PlaceTicket(approved))


def _blocked(turn: Turn, scan: Scan) -> Refused | None:
    """What stops a configuration before its size is asked: its own count of signals a day."""
    done = turn.state.day.promotions.get(scan.key.config, 0)
    if done >= scan.terms.signals_per_day_max:
        most = scan.terms.signals_per_day_max
        return Refused("signals_per_day", done, most, f"{done} signals were promoted today, at most {most} are allowed")
    return None


def _refuse(turn: Turn, signal: str, refused: Refused) -> None:
    turn.emit(SignalClosed(signal, "FAILED", refused.text, refused))


def bracket(turn: Turn, trade: str, proposal: Proposal, quantity: int, *, outside_rth: bool) -> Ticket:
    """The entry as parent, and its stop and target asleep at the venue until it is filled; all in one ticket."""
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
    )
    children = [_child(entry, 1, OrderRole.STOP, proposal.side.opposite, proposal.stop)]
    if proposal.target is not None:
        children.append(_child(entry, 2, OrderRole.TARGET, proposal.side.opposite, proposal.target))
    return Ticket((entry, *children))


def _child(entry: Order, index: int, role: OrderRole, side: Side, price: int) -> Order:
    is_stop = role is OrderRole.STOP
    return Order(
        id=f"{entry.id.rsplit('-', 1)[0]}-{index}",
        account=entry.account,
        instrument=entry.instrument,
        side=side,
        type=OrderType.STOP if is_stop else OrderType.LIMIT,
        quantity=entry.quantity,
        tif=TimeInForce.GTC,
        role=role,
        trade=entry.trade,
        limit=None if is_stop else price,
        stop=price if is_stop else None,
        parent=entry.id,
        oca_group=exit_group(entry.trade),
        oca_type=OcaType.REDUCE_NON_BLOCK,
        outside_rth=entry.outside_rth,
    )
