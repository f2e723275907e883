"""Exits that a person asks for: closing orders in their trade's exit group, and cancels. The protective stop always rests."""

import msgspec

from theo.domain.asked import ExitAsked
from theo.domain.effects import PlaceTicket
from theo.domain.facts import OrdersIntended
from theo.domain.orders import OcaType, Order, OrderRole, OrderType, Ticket, TimeInForce
from theo.engine.decide.closing import close_trade
from theo.engine.decide.exits import cancel, group_of
from theo.engine.decide.wishes import (
    MANUAL,
    Answer,
    UnfitError,
    last_price,
    open_trade_of,
    passed,
    price_of,
    wrong_side,
)
from theo.engine.order_life import LIVE
from theo.engine.state import OrderState, State, TradeState
from theo.engine.trade_life import TradeStatus
from theo.engine.turn import Turn
from theo.engine.world import World
from theo.risk.approve import approve_exit


def place_exit(turn: Turn, asked: ExitAsked) -> Answer:
    """Close a trade or a part of it. Raises UnfitError."""
    trade = open_trade_of(turn.state, asked.trade)
    if asked.type is OrderType.MARKET and asked.quantity in {0, trade.open_quantity}:
        close_trade(turn, trade.id, MANUAL)
        return Answer(accepted=True, text=f"closing {trade.id}")
    ticket = plan_exit(turn.state, turn.world, asked)
    instrument = turn.world.instruments[trade.instrument]
    working = [turn.state.orders[o] for o in trade.orders]
    exits = [held.order for held in working if held.status in LIVE and held.order.role is not OrderRole.ENTRY]
    approved = passed(approve_exit(ticket, instrument, trade.side.sign * trade.open_quantity, exits))
    turn.emit(OrdersIntended(turn.at, trade.id, approved, MANUAL))
    turn.effects.append(PlaceTicket(approved))
    order = ticket.orders[0]
    text = (
        f"{order.side} {order.quantity} {instrument.symbol} {order.type} {order.tif} closes of trade {trade.id}; order {order.id}"
    )
    return Answer(accepted=True, text=text, orders=(order.id,))


def plan_exit(state: State, world: World, asked: ExitAsked) -> Ticket:
    """The closing order that is asked for, not judged yet. Raises UnfitError."""
    trade = open_trade_of(state, asked.trade)
    if trade.status is not TradeStatus.RUNNING or trade.open_quantity <= 0:
        raise UnfitError(
            "trade", f"trade {trade.id} is {trade.status} with {trade.open_quantity} open: there is nothing to reduce"
        )
    link_is_up(state)
    instrument = world.instruments[trade.instrument]
    trigger = price_of(asked.trigger, instrument)
    wrong_side(asked.type, trade.side.opposite, trigger, last_price(world, instrument), instrument)
    made = exit_of(state, trade, OrderRole.CLOSE, asked.type, asked.quantity or trade.open_quantity)
    limit, trail = price_of(asked.limit, instrument), price_of(asked.trail, instrument)
    return Ticket((msgspec.structs.replace(made, tif=asked.tif, limit=limit, stop=trigger, trail=trail),))


def exit_of(state: State, trade: TradeState, role: OrderRole, kind: OrderType, quantity: int) -> Order:
    """An exit without prices in the trade's exit group, whose orders reduce each other: a fill leaves the rest protected."""
    return Order(
        id=f"{state.journal}-{state.issued}-0",
        account=trade.key.account,
        instrument=trade.instrument,
        side=trade.side.opposite,
        type=kind,
        quantity=quantity,
        tif=TimeInForce.GTC,
        role=role,
        trade=trade.id,
        oca_group=group_of(trade),
        oca_type=OcaType.REDUCE_NON_BLOCK,
        outside_rth=state.orders[trade.orders[0]].order.outside_rth,
        route=state.orders[trade.orders[0]].order.route,
        contract=trade.contract,
    )


def link_is_up(state: State) -> None:
    """Raise UnfitError while nothing can be sent."""
    if not state.link_up:
        raise UnfitError("link", "the broker's link is down: nothing can be sent. Protective stops rest at the broker", 0, 1)


def cancel_asked(turn: Turn, subject: str) -> Answer:
    """Cancel a working order, or the entry of a trade that waits for it. Raises UnfitError."""
    state = turn.state
    held = state.orders.get(subject) or _entry_of(state, subject)
    if held is None:
        raise UnfitError("order", f"no order {subject!r:.60}; `theo order list` shows them")
    order, trade = held.order, state.trades[held.order.trade]
    if held.ended:
        raise UnfitError("order", f"order {order.id} is {held.status} already")
    if held.status not in LIVE:
        raise UnfitError("order", f"order {order.id} is {held.status}: nobody has confirmed it yet, ask again in a moment")
    if order.role is OrderRole.STOP:
        text = f"order {order.id} protects trade {trade.id}: move it with `theo order modify`, or close the trade"
        raise UnfitError("protection", text, 0, 1)
    if order.role is OrderRole.CLOSE and trade.status is TradeStatus.CLOSING:
        raise UnfitError("trade", f"order {order.id} closes trade {trade.id}, whose close was asked for ({trade.close_reason})")
    link_is_up(state)
    before = held.status
    cancel(turn, held, MANUAL)
    if held.status is before:
        raise UnfitError("order", f"order {order.id} is {before}, and the broker has refused a cancel just now: ask again later")
    return Answer(accepted=True, text=f"cancelling {order.role} order {order.id}", orders=(order.id,))


def _entry_of(state: State, trade_id: str) -> OrderState | None:
    trade: TradeState | None = state.trades.get(trade_id)
    if trade is None:
        return None
    return next((held for held in map(state.orders.__getitem__, trade.orders) if held.order.role is OrderRole.ENTRY), None)
