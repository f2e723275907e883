"""Tending a trade: compare what it should have at the venue with what it has, and decide the difference.

Called after everything that touches a trade. It waits while an order's fate is uncertain: acting on a guess is how a position
doubles. The order of business: nothing is open -> clear up and close; too much was filled out -> flatten back; a close was
asked -> a closing order of the right size; otherwise -> a resting stop of the right size.
"""

from theo.domain.approval import Refused
from theo.domain.effects import LatchHalt
from theo.domain.facts import CloseAsked, Halted, SignalClosed, TradeClosed
from theo.domain.orders import OrderRole, OrderType, Side
from theo.engine.decide.asking import ask_book
from theo.engine.decide.exits import cancel, group_settled, may_send, place_exit, room, trim
from theo.engine.decide.next_leg import next_leg
from theo.engine.decide.spread import carries, go_on, protect_ahead, settled, why_not
from theo.engine.order_life import LIVE, UNCERTAIN, OrderStatus
from theo.engine.scan import NEVER
from theo.engine.state import Ahead, OrderState, TradeState
from theo.engine.trade_life import TradeStatus
from theo.engine.turn import Turn
from theo.engine.world import World

PROTECTION_TRIES_MAX = 3  # a stop that the venue refuses thrice will not be taken
CLOSE_TRIES_MAX = 3
LEAVING = frozenset({TradeStatus.CLOSING, TradeStatus.ROLLING})
HOW = {OrderRole.STOP: "stop", OrderRole.TARGET: "target"}


def tend(turn: Turn, trade: TradeState) -> None:
    """Decide what the trade needs now."""
    orders = [turn.state.orders[o] for o in trade.orders]
    live = [o for o in orders if o.status in LIVE]
    if trade.over:
        for held in live:  # an answer later than every bound: a ghost
            cancel(turn, held, "its trade is over")
        return
    _stop_entries(turn, live)
    if any(o.status in UNCERTAIN for o in orders):
        return
    ahead = trade.ahead
    if ahead is not None:
        protect_ahead(turn, trade, ahead, [o for o in live if o.order.contract == ahead.contract])
        orders, live = ([o for o in found if o.order.contract != ahead.contract] for found in (orders, live))
    if trade.open_quantity == 0:
        _wind_up(turn, trade, orders, live)
    elif trade.open_quantity < 0:
        _undo_excess(turn, trade, live)
    elif trade.status in LEAVING:
        _ensure_close(turn, trade, live)
    else:
        _protect(turn, trade, live)


def _stop_entries(turn: Turn, live: list[OrderState]) -> None:
    if turn.state.halted or turn.state.breaker is not None:
        for held in live:
            if held.order.role is OrderRole.ENTRY:
                cancel(turn, held, "its answer came during a halt")


def _wind_up(turn: Turn, trade: TradeState, orders: list[OrderState], live: list[OrderState]) -> None:
    """Flat: see that nothing is left at the venue; when nothing is left the trade is over, or goes on in the next contract."""
    if trade.ahead is not None and _is_carried(turn, trade, trade.ahead, live):
        return
    if trade.status is TradeStatus.ROLLING:
        _roll_on(turn, trade, orders, live)
        return
    entries = [o for o in live if o.order.role is OrderRole.ENTRY]
    if entries and trade.in_quantity == 0 and trade.status is TradeStatus.WAITING and turn.at < entry_until(turn.world, trade):
        return  # the entry still works
    for held in entries:
        waited = trade.status is TradeStatus.WAITING and trade.in_quantity == 0
        cancel(turn, held, trade.close_reason or ("not filled at the ask in time" if waited else "the trade is flat"))
    if live:
        if group_settled(turn, trade) and not entries:
            for held in live:
                cancel(turn, held, "the trade is flat")
        return
    _close(turn, trade, next((o for o in orders if o.order.role is OrderRole.ENTRY), orders[0]))


def _is_carried(turn: Turn, trade: TradeState, ahead: Ahead, live: list[OrderState]) -> bool:
    """Whether the spread decides how a trade goes on that is flat in the old contract: not once it has brought nothing."""
    if live:
        for held in live if group_settled(turn, trade) else ():
            cancel(turn, held, "the trade leaves its contract")
    elif settled(turn, trade):
        if not ahead.in_quantity:
            return False
        if may_send(turn, trade):  # else its exits could not be sent: nothing goes on without them
            go_on(turn, trade, ahead)
            tend(turn, trade)
    return True


def _roll_on(turn: Turn, trade: TradeState, orders: list[OrderState], live: list[OrderState]) -> None:
    """Flat in the contract that it leaves: once nothing of it works any more, open as much in the next one, with its exits.

    What a stop or target took meanwhile is not opened again.
    """
    if live:
        for held in live if group_settled(turn, trade) else ():
            cancel(turn, held, "the trade leaves its contract")
        return
    closed = sum(o.filled for o in orders if o.order.role is OrderRole.CLOSE) - trade.closed_before_roll
    if closed <= 0:
        _close(turn, trade, orders[0])
        return
    books_open = turn.state.agreed and turn.state.link_up
    if not books_open and turn.at < rolls_until(turn.world, trade):
        return
    done = next_leg(turn, trade, closed)
    if isinstance(done, Refused):
        turn.alert(
            "page", "roll_failed", f"trade {trade.id} ends flat: {trade.contract} is closed, the next is not opened: {done.text}"
        )
        _close(turn, trade, orders[0])


def entry_until(world: World, trade: TradeState) -> int:
    """How long the entry of a trade may wait to be filled: in an option not for long, its price was that of a moment."""
    front = None if trade.exits is None else world.options.get(trade.instrument)
    return NEVER if front is None else trade.opened_at + front.bounds.entry_wait


def rolls_until(world: World, trade: TradeState) -> int:
    """How long a trade that is flat between two contracts waits for the broker's books."""
    return trade.last_fill_at + world.settings.roll_wait


def _close(turn: Turn, trade: TradeState, entry: OrderState) -> None:
    if trade.in_quantity:
        asked = "roll" if trade.status is TradeStatus.ROLLING else "manual"
        how = HOW.get(trade.last_out_role, trade.close_reason or asked)
    else:
        how = "roll" if trade.rolled_at else str(entry.status)
        if trade.rolled_at:
            text = f"trade {trade.id} ends flat: the entry in {trade.contract} is {entry.status}"
            turn.alert("page", "roll_failed", text)
    unit_value = turn.world.unit_values[trade.instrument]
    turn.emit(
        TradeClosed(
            at=turn.at,
            id=trade.id,
            how=how,
            quantity=trade.in_quantity,
            entry_sum=trade.in_sum,
            exit_sum=trade.out_sum,
            gross=trade.side.sign * (trade.out_sum - trade.in_sum) * unit_value,
            charges=trade.charges,
            rolled_deals=trade.rolled_deals,
            rolled_gross=trade.rolled_gross,
            rolled_charges=trade.rolled_charges,
        )
    )
    if trade.signal in turn.state.signals:
        status = "CANCELLED" if entry.status in {OrderStatus.CANCELLED, OrderStatus.EXPIRED} else "FAILED"
        turn.emit(SignalClosed(trade.signal, status, f"the entry order is {entry.status}"))


def _undo_excess(turn: Turn, trade: TradeState, live: list[OrderState]) -> None:
    """More was filled out than in (both legs of an exit group, a ghost): take it back, and say so.

    Unless fills of the entry may not have been told: the broker is asked, and stops stay until it has answered.
    """
    state = turn.state
    if any(o.order.role is OrderRole.ENTRY and o.filled < o.order.quantity for o in map(state.orders.__getitem__, trade.orders)):
        if state.agreed and state.asked_book_at < trade.last_fill_at:
            ask_book(turn, f"trade {trade.id}: an exit was filled before its entry")
        if not state.agreed:
            return
    for held in live:
        if held.order.side is not trade.side:
            cancel(turn, held, "exits were filled in excess")
    wanted = -trade.open_quantity - sum(o.open_quantity for o in live if o.order.side is trade.side)
    if wanted > 0 and may_send(turn, trade) and not _given_up(turn, trade, trade.side, "take back what was filled in excess"):
        turn.alert("page", "excess_fill", f"trade {trade.id}: exits were filled {wanted} in excess; flattening back")
        place_exit(turn, trade, wanted, OrderRole.CLOSE, trade.side, "excess")


def _ensure_close(turn: Turn, trade: TradeState, live: list[OrderState]) -> None:
    """Cancel what adds or takes profit; let a spread take the rest along, or one market order in the stop's group close it."""
    for held in live:
        if held.order.role in {OrderRole.ENTRY, OrderRole.TARGET} or _waits_for_a_price(held):
            cancel(turn, held, f"closing: {_leaves(trade)}")
    if any(o.order.role is OrderRole.ENTRY for o in live):
        return  # its final fill decides the size
    if trade.ahead is not None and carries(turn, trade, trade.ahead, live):
        return
    closing = [o for o in live if o.order.role is OrderRole.CLOSE and not _waits_for_a_price(o)]
    wanted = min(trade.open_quantity - sum(o.open_quantity for o in closing), room(turn, trade, OrderRole.CLOSE))
    side = trade.side.opposite
    if wanted > 0 and may_send(turn, trade) and not _given_up(turn, trade, side, "close it"):
        if trade.ahead is not None and trade.status is TradeStatus.ROLLING:
            text = f"trade {trade.id} was not carried into {trade.ahead.contract} by one order: {why_not(turn, trade)}"
            turn.alert("warning", "spread_failed", f"{text}. It is closed in {trade.contract}, and opened anew")
        place_exit(turn, trade, wanted, OrderRole.CLOSE, side, _leaves(trade))


def _refused_lately(turn: Turn, held: OrderState) -> bool:
    """Whether the venue refused it after the link came up, and after a person resumed: before, it may have refused everything."""
    return held.status is OrderStatus.REJECTED and held.since >= turn.state.tries_since


def _given_up(turn: Turn, trade: TradeState, side: Side, what: str) -> bool:
    """Whether the venue has refused market orders of this side too often: then everything halts, and a person must do it."""
    tried = (turn.state.orders[o] for o in trade.orders)
    closing = [o for o in tried if o.order.role is OrderRole.CLOSE and o.order.side is side and not o.order.spread]
    refused = [o for o in closing if _refused_lately(turn, o)]
    if len(refused) < CLOSE_TRIES_MAX:
        return False
    if not turn.state.halted or refused[-1].since == turn.at:
        turn.alert("page", "close_refused", f"trade {trade.id}: the venue refuses to {what}; do it by hand")
    if not turn.state.halted:
        turn.emit(Halted(turn.at, "theo", f"trade {trade.id}: the venue refuses to {what}"))
        turn.effects.append(LatchHalt(turn.state.halted))
    return True


def _waits_for_a_price(held: OrderState) -> bool:
    """Whether a person asked for this close, at a price that may never come: it and the market order reduce each other."""
    return held.order.role is OrderRole.CLOSE and held.order.type is not OrderType.MARKET


def _leaves(trade: TradeState) -> str:
    """Why a trade leaves the market, or only its contract."""
    return trade.close_reason or "roll"


def _protect(turn: Turn, trade: TradeState, live: list[OrderState]) -> None:
    """See that a stop of the open size rests at the venue."""
    entries = [o for o in live if o.order.role is OrderRole.ENTRY]
    if entries:
        _protect_partial(turn, trade, entries, live)
        return
    dying = [o for o in live if o.order.parent and turn.state.orders[o.order.parent].status is not OrderStatus.FILLED]
    for held in dying if group_settled(turn, trade) else ():
        cancel(turn, held, "its parent ended before it was wholly filled")
    for role in (OrderRole.STOP, OrderRole.TARGET):
        resting = [o for o in live if o.order.role is role and o.status is not OrderStatus.CANCELLING and o not in dying]
        surplus = sum(o.open_quantity for o in resting) - trade.open_quantity
        if surplus > 0 and group_settled(turn, trade):
            trim(turn, trade, resting, surplus)
        missing = min(-surplus, room(turn, trade, role))
        if role is OrderRole.STOP and missing > 0 and may_send(turn, trade):
            _replace_stop(turn, trade, missing)


def _replace_stop(turn: Turn, trade: TradeState, missing: int) -> None:
    """Place the stop that is missing; when the venue keeps refusing it, close the trade rather than stand unprotected."""
    made = [o for o in map(turn.state.orders.__getitem__, trade.orders) if not o.order.spread]
    refused = [o for o in made if _refused_lately(turn, o)]
    if any(turn.state.orders[o].order.role is OrderRole.STOP for o in trade.orders):  # else it follows the fill, as it was asked
        turn.alert("page", "unprotected", f"trade {trade.id}: {missing} without a resting stop")
    if len(refused) < PROTECTION_TRIES_MAX:
        place_exit(turn, trade, missing, OrderRole.STOP, trade.side.opposite, "protection")
    else:
        turn.emit(CloseAsked(turn.at, trade.id, "unprotected"))
        tend(turn, trade)


def _protect_partial(turn: Turn, trade: TradeState, entries: list[OrderState], live: list[OrderState]) -> None:
    """A parent that stays partly filled leaves its children asleep: rest own exits for what is filled, then cancel it."""
    if not trade.partial_since or turn.at < trade.partial_since + turn.world.settings.partial_fill_wait:
        return
    own = [o for o in live if o.order.role is OrderRole.STOP and not o.order.parent]
    wanted = min(trade.open_quantity - sum(o.open_quantity for o in own), room(turn, trade, OrderRole.STOP))
    if wanted > 0 and may_send(turn, trade):
        place_exit(turn, trade, wanted, OrderRole.STOP, trade.side.opposite, "partly filled entry")
        if trade.has_target:
            place_exit(turn, trade, wanted, OrderRole.TARGET, trade.side.opposite, "partly filled entry")
    for held in entries:
        cancel(turn, held, "partly filled for too long")
