"""A trade is carried into the next contract by one order of two legs, which the venue fills together or not at all.

The near leg closes in the contract that is left, in the group of the stop there; the far leg opens in the next one. What it has
filled waits in ``TradeState.ahead`` until the trade is flat in the old contract, and exits of its own rest for it at once. Where
the spread is refused, or does not fill within its bound, the trade is closed and opened anew as without it.
"""

import msgspec

from theo.domain.approval import Refused
from theo.domain.effects import PlaceTicket
from theo.domain.facts import CloseAsked, OrdersIntended
from theo.domain.orders import Order, OrderRole, OrderType, Ticket, TimeInForce, far_leg
from theo.engine.account import account_view
from theo.engine.decide.asking import ask_book
from theo.engine.decide.bracket import exit_group
from theo.engine.decide.exits import cancel, exit_order, group_settled, may_send, room
from theo.engine.decide.next_leg import Levels, end_leg, next_bracket
from theo.engine.order_life import LIVE, OrderStatus
from theo.engine.state import Ahead, OrderState, TradeState
from theo.engine.trade_life import TradeStatus
from theo.engine.turn import Turn
from theo.engine.world import World
from theo.risk.approve import approve_reduction, approve_spread

EXIT_TRIES_MAX = 3  # an exit of the next contract that the venue refuses thrice will not be taken


def carried_by(world: World, ahead: Ahead) -> int:
    """Until when the spread may carry the trade over."""
    return ahead.since + world.settings.spread_wait


def legs(turn: Turn, trade: TradeState) -> list[OrderState]:
    """The legs of every spread that was to carry the trade into the next contract; not the one that brought it where it is."""
    made = [o for o in map(turn.state.orders.__getitem__, trade.orders) if o.order.spread]
    return [o for o in made if (o.order.role is OrderRole.CLOSE) is (o.order.contract == trade.contract)]


def carries(turn: Turn, trade: TradeState, ahead: Ahead, near: list[OrderState]) -> bool:
    """Whether the spread may still carry what is open: it is sent when that can be. ``near``: live orders of the old contract."""
    made, over = legs(turn, trade), turn.at >= carried_by(turn.world, ahead) or trade.status is not TradeStatus.ROLLING
    living = [o for o in made if o.status in LIVE]
    if living:
        for held in living if over else ():
            cancel(turn, held, trade.close_reason or "the spread is not filled")
        return True
    closing = [o for o in near if o.order.role is OrderRole.CLOSE and o.order.type is OrderType.MARKET]
    if over or closing or any(o.status is not OrderStatus.LOST for o in made):
        return False
    if not (turn.state.agreed and may_send(turn, trade)):
        return True
    return _send(turn, trade, ahead)


def why_not(turn: Turn, trade: TradeState) -> str:
    """What became of the spread that did not carry the trade."""
    made = legs(turn, trade)
    return f"it is {made[-1].status}" if made else "it was not sent"


def _send(turn: Turn, trade: TradeState, ahead: Ahead) -> bool:
    """Send it; whether that can be waited for."""
    quantity = min(trade.open_quantity, room(turn, trade, OrderRole.CLOSE))
    if quantity <= 0:
        return True  # by the broker's books it is not there: they are asked again
    proposal, opens = next_bracket(turn, trade, quantity, Levels(ahead.stop, ahead.target, ahead.trail))
    closes = exit_order(turn, trade, quantity, OrderRole.CLOSE, trade.side.opposite)
    name = far_leg(closes.id)
    near = msgspec.structs.replace(closes, tif=TimeInForce.DAY, spread=name)
    ticket = Ticket((near, msgspec.structs.replace(opens.orders[0], id=name, spread=near.id)))
    instrument, position = turn.world.instruments[trade.instrument], trade.side.sign * trade.open_quantity
    account = account_view(turn.state, turn.world)
    approved = approve_spread(ticket, opens, proposal, instrument, position, account, turn.world.limits)
    if isinstance(approved, Refused):
        turn.alert("warning", "spread_refused", f"trade {trade.id}: no spread into {ahead.contract}: {approved.text}")
        return False
    turn.emit(OrdersIntended(turn.at, trade.id, approved, "roll"))
    turn.effects.append(PlaceTicket(approved))
    return True


def protect_ahead(turn: Turn, trade: TradeState, ahead: Ahead, far: list[OrderState]) -> None:
    """See that exits rest for what the spread has opened. ``far``: live orders of the next contract."""
    for role in (OrderRole.STOP, OrderRole.TARGET):
        if role is OrderRole.TARGET and ahead.target is None:
            continue
        resting = [o for o in far if o.order.role is role and o.status is not OrderStatus.CANCELLING]
        missing = min(ahead.open_quantity - sum(o.open_quantity for o in resting), room(turn, trade, role, ahead))
        if missing > 0 and may_send(turn, trade):
            _place(turn, trade, ahead, missing, role, resting)


def _place(turn: Turn, trade: TradeState, ahead: Ahead, quantity: int, role: OrderRole, resting: list[OrderState]) -> None:
    made = [o for o in map(turn.state.orders.__getitem__, trade.orders) if o.order.contract == ahead.contract]
    refused = [o for o in made if o.order.role is role and o.status is OrderStatus.REJECTED and o.since >= turn.state.tries_since]
    if refused and role is OrderRole.TARGET:
        return
    if refused:
        turn.alert("page", "unprotected", f"trade {trade.id}: {quantity} without a resting stop in {ahead.contract}")
    if len(refused) >= EXIT_TRIES_MAX:
        if trade.status is not TradeStatus.CLOSING:
            turn.emit(CloseAsked(turn.at, trade.id, "unprotected"))
        return
    group = exit_group(trade.id, ahead.contract)
    order = _exit(turn, trade, ahead, quantity, role, f"{group}-{ahead.in_quantity}" if resting else group)
    approved = approve_reduction(Ticket((order,)), trade.side.sign * ahead.open_quantity)
    if isinstance(approved, Refused):
        turn.alert("page", "exit_refused", f"trade {trade.id}: {approved.text}")
        return
    turn.emit(OrdersIntended(turn.at, trade.id, approved, "protection"))
    turn.effects.append(PlaceTicket(approved))


def _exit(turn: Turn, trade: TradeState, ahead: Ahead, quantity: int, role: OrderRole, group: str) -> Order:
    """An exit of the next contract. What a later part of the spread brings has a group of its own: one reduces only its like."""
    made = exit_order(turn, trade, quantity, role, trade.side.opposite)
    is_stop = role is OrderRole.STOP
    trails = is_stop and ahead.trail is not None
    return msgspec.structs.replace(
        made,
        type=OrderType.TRAILING_STOP if trails else made.type,
        stop=ahead.stop if is_stop else None,
        limit=None if is_stop else ahead.target,
        trail=ahead.trail if is_stop else None,
        oca_group=group,
        contract=ahead.contract,
    )


def settled(turn: Turn, trade: TradeState) -> bool:
    """Whether all is known of the spread of a trade that is flat in the old contract. Legs that differ are asked about."""
    state, made = turn.state, legs(turn, trade)
    living = [o for o in made if o.status in LIVE]
    uneven = sum(o.filled if o.order.role is OrderRole.CLOSE else -o.filled for o in made) != 0
    if not living and not uneven:
        return True
    if state.agreed and state.asked_book_at < trade.last_fill_at and group_settled(turn, trade):
        ask_book(turn, f"trade {trade.id}: one leg of a spread was told, and not the other")
    for held in living if trade.status is TradeStatus.CLOSING else ():
        cancel(turn, held, trade.close_reason)
    told = state.agreed and state.asked_book_at >= trade.last_fill_at
    return not living and (told or turn.at >= trade.last_fill_at + turn.world.settings.roll_wait)


def go_on(turn: Turn, trade: TradeState, ahead: Ahead) -> None:
    """The trade is flat in the old contract: it goes on with what the spread has opened in the next one."""
    left = _left_behind(turn, trade)
    if left > 0:
        text = f"trade {trade.id}: {ahead.in_quantity} go on in {ahead.contract}, {left} were closed in {trade.contract}"
        turn.alert("page", "roll_short", f"{text}: the spread did not take them along")
    end_leg(turn, trade, ahead.in_quantity, ahead.stop, ahead.target)


def _left_behind(turn: Turn, trade: TradeState) -> int:
    """What closing orders took of the old contract that is not opened in the next one."""
    closing = [o for o in map(turn.state.orders.__getitem__, trade.orders) if o.order.role is OrderRole.CLOSE]
    closed = sum(o.filled for o in closing) - trade.closed_before_roll
    return closed - (0 if trade.ahead is None else trade.ahead.in_quantity)
