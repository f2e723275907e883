"""Exits of a trade: how much of them the venue's books can bear, how they are placed, made smaller and cancelled."""

from theo.domain.approval import Refused
from theo.domain.effects import AmendOrder, CancelOrder, PlaceTicket
from theo.domain.facts import AmendIntended, CancelIntended, OrdersIntended
from theo.domain.orders import Amendment, OcaType, Order, OrderRole, OrderType, Side, Ticket, TimeInForce
from theo.domain.signals import UnderlyingExits
from theo.engine.decide.bracket import conditional, exit_group
from theo.engine.order_life import OrderStatus
from theo.engine.state import Ahead, OrderState, TradeState
from theo.engine.turn import Turn
from theo.risk.approve import approve_amendment, approve_reduction


def settles_at(turn: Turn, trade: TradeState) -> int:
    """When the venue has had its time to follow the last fill, or the last end of an order.

    Until then it reduces the exit group and lets children die with their parent. What it has not done by then we do ourselves;
    sooner, our cancels would cross its own.
    """
    changed = max((o.since for o in (turn.state.orders[i] for i in trade.orders) if o.ended), default=0)
    return max(trade.last_fill_at, changed) + turn.world.settings.exit_group_wait


def group_settled(turn: Turn, trade: TradeState) -> bool:
    """Whether that time is over."""
    return turn.at >= settles_at(turn, trade)


def trim(turn: Turn, trade: TradeState, resting: list[OrderState], surplus: int) -> None:
    """Take what is too much from the resting exits, the youngest first."""
    for held in reversed(resting):
        cut = min(surplus, held.open_quantity)
        if cut > 0 and not held.amending_since and not _just_refused(turn, held):
            _shrink(turn, trade, held, cut)
        surplus -= cut


def exit_order(turn: Turn, trade: TradeState, quantity: int, role: OrderRole, side: Side) -> Order:
    """An exit of the trade's exit group (reduce on a fill, so that the rest stays protected)."""
    if role is OrderRole.STOP:
        kind, limit, stop = OrderType.STOP, None, trade.stop
    elif role is OrderRole.TARGET:
        kind, limit, stop = OrderType.LIMIT, trade.target, None
    else:
        kind, limit, stop = OrderType.MARKET, None, None
    excess = side is trade.side
    made = Order(
        id=f"{turn.state.journal}-{turn.state.issued}-0",
        account=trade.key.account,
        instrument=trade.instrument,
        side=side,
        type=kind,
        quantity=quantity,
        tif=TimeInForce.GTC,
        role=role,
        trade=trade.id,
        limit=limit,
        stop=stop,
        oca_group="" if excess else group_of(trade),
        oca_type=OcaType.NONE if excess else OcaType.REDUCE_NON_BLOCK,
        outside_rth=turn.state.orders[trade.orders[0]].order.outside_rth,  # an exit trades in the hours of its entry
        route=turn.state.orders[trade.orders[0]].order.route,
        contract=trade.contract,
    )
    return made if trade.exits is None or role is OrderRole.CLOSE else _set_off(made, trade.exits)


def _set_off(order: Order, exits: UnderlyingExits) -> Order:
    """An exit of a bought option: the underlying's price says when."""
    condition = exits.at_stop() if order.role is OrderRole.STOP else exits.at_target()
    return order if condition is None else conditional(order, condition)


def group_of(trade: TradeState) -> str:
    """The exit group of the contract that the trade is in."""
    return exit_group(trade.id, trade.contract if trade.rolled_at else "")


def _retry_at(turn: Turn, trade: TradeState) -> int:
    """When an exit may be sent again after a send that failed."""
    failed = [o.since for o in (turn.state.orders[i] for i in trade.orders) if o.status is OrderStatus.LOST]
    return max(failed) + turn.world.settings.send_retry_wait if failed else 0


def may_send(turn: Turn, trade: TradeState) -> bool:
    """Not into a link that is down (its return leads here again), and not at once after a failure: time does."""
    return turn.state.link_up and turn.at >= _retry_at(turn, trade)


def room(turn: Turn, trade: TradeState, role: OrderRole, ahead: Ahead | None = None) -> int:
    """How many more contracts of exits of a role the broker's position can bear, where its books differ from ours.

    ``ahead``: of the contract in which a spread has opened a part of the trade. An exit for what is not there would open a
    position when it fills: a fill may be missing that the broker tells no more.
    """
    state = turn.state
    contract, wanted = (trade.contract, trade.open_quantity) if ahead is None else (ahead.contract, ahead.open_quantity)
    theirs = state.held_there.get(place_of(turn, trade.instrument, contract))
    if theirs is None:
        return wanted
    front = state.fronts.get(trade.instrument)
    beside = state.foreign.get(trade.instrument, 0) if front is None or front.name == contract else 0
    held = trade.side.sign * (theirs - beside)
    same = (trade.instrument, trade.side)
    rivals = [t for t in map(state.trades.__getitem__, state.open_trades) if (t.instrument, t.side) == same]
    known = [(state.orders[o], t.contract) for t in rivals for o in t.orders]
    orders = [each for each, where in known if (each.order.contract or where) == contract]
    awake = [o for o in orders if not o.order.parent or state.orders[o.order.parent].status is OrderStatus.FILLED]
    return max(0, held - sum(o.open_quantity for o in awake if o.order.role is role))


def place_of(turn: Turn, instrument: int, contract: str) -> str:
    """Where a position is held, as differences name it: a symbol, and of one that rolls the contract."""
    symbol = turn.world.instruments[instrument].symbol
    return f"{symbol} {contract}" if instrument in turn.state.fronts else symbol


def _just_refused(turn: Turn, held: OrderState) -> bool:
    """A venue that refuses once refuses the same again: time leads here, or its books do; a link that is down, while it is."""
    if not held.refused_at:
        return False
    return not turn.state.link_up or turn.at < held.refused_at + turn.world.settings.refused_wait(held.refusals)


def place_exit(turn: Turn, trade: TradeState, quantity: int, role: OrderRole, side: Side, reason: str) -> None:
    """Approve an exit that the trade needs, put it on record and send it."""
    ticket = Ticket((exit_order(turn, trade, quantity, role, side),))
    approved = approve_reduction(ticket, trade.side.sign * trade.open_quantity)
    if isinstance(approved, Refused):
        turn.alert("page", "exit_refused", f"trade {trade.id}: {approved.text}")
        return
    turn.emit(OrdersIntended(turn.at, trade.id, approved, reason))
    turn.effects.append(PlaceTicket(approved))


def _shrink(turn: Turn, trade: TradeState, held: OrderState, cut: int) -> None:
    """Make a resting exit smaller, or cancel it when nothing would be left."""
    if cut >= held.open_quantity:
        cancel(turn, held, "surplus exit")
        return
    order = held.order
    smaller = Amendment(order=order.id, quantity=order.quantity - cut, limit=order.limit, stop=order.stop, trail=order.trail)
    approved = approve_amendment(smaller, order, trade.open_quantity)
    if isinstance(approved, Refused):
        turn.alert("page", "amend_refused", f"trade {trade.id}: {approved.text}")
        return
    turn.emit(AmendIntended(turn.at, approved, "surplus exit"))
    turn.effects.append(AmendOrder(approved))


def cancel(turn: Turn, held: OrderState, reason: str) -> None:
    """Ask the venue to cancel a live order, once; what it has refused, not again at once."""
    if held.status is OrderStatus.CANCELLING or _just_refused(turn, held):
        return
    turn.emit(CancelIntended(turn.at, held.order.id, reason))
    turn.effects.append(CancelOrder(held.order.id, adds_risk=held.order.role is OrderRole.ENTRY))
