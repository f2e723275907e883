"""Changes that a person asks for of working orders: an entry that waits, and the stop, target and closing orders of a trade.

An entry that waits is judged anew by every rule, in its new form. A stop may be tightened always, and moved away only as far as
the limits on risk let it. Nothing is sent unless all of what was asked for may be done.
"""

import msgspec

from theo.domain.approval import Approved, Refused
from theo.domain.asked import ChangeAsked
from theo.domain.effects import AmendOrder, PlaceTicket
from theo.domain.facts import AmendIntended, OrdersIntended
from theo.domain.instrument import Instrument
from theo.domain.orders import Amendment, Order, OrderRole, OrderType, Ticket
from theo.domain.signals import Proposal
from theo.engine.account import account_view
from theo.engine.decide.asked_exits import exit_of, link_is_up
from theo.engine.decide.wishes import (
    MANUAL,
    Answer,
    UnfitError,
    countable,
    last_price,
    level_of,
    open_trade_of,
    passed,
    price_of,
    wrong_side,
)
from theo.engine.order_life import LIVE, OrderStatus
from theo.engine.state import OrderState, State, TradeState
from theo.engine.trade_life import TradeStatus
from theo.engine.turn import Turn
from theo.engine.world import World
from theo.risk.approve import (
    approve_amendment,
    approve_entry_change,
    approve_exit,
    approve_exit_change,
    approve_looser_stop,
)
from theo.risk.entry import Entry

CHANGEABLE = frozenset({OrderStatus.WORKING, OrderStatus.PARTIAL})
NOTHING = "nothing is to be changed: name a quantity, limit, trigger, trail, stop or target"


def change_order(turn: Turn, asked: ChangeAsked) -> Answer:
    """Change what was asked for, all of it or nothing. Raises UnfitError."""
    state = turn.state
    link_is_up(state)
    held, trade = _found(state, asked.id)
    if trade.exits is not None:
        text = f"trade {trade.id} is in an option: its exits follow the underlying's price; close the trade instead"
        raise UnfitError("order", text)
    asked = _as_of_trade(asked, held)
    own = asked.quantity, asked.limit, asked.trigger, asked.trail
    if not any((*own, asked.stop, asked.target)):
        raise UnfitError("amendment", NOTHING)
    changes: list[Approved[Amendment]] = []
    target: Approved[Ticket] | None = None
    if trade.status is TradeStatus.WAITING:
        changes += _entry_changes(state, turn.world, asked, trade)
    else:
        if any(own):
            changes.append(_own_change(turn.world, asked, held, trade))
        if asked.stop:
            changes.append(_stop_change(state, turn.world, asked.stop, trade))
        if asked.target:
            resting, price = _resting(state, trade, OrderRole.TARGET), _target(turn.world, asked.target, trade)
            if resting is None:
                target = _new_target(state, turn.world, price, trade)
            else:
                changes.append(_target_change(turn.world, price, resting, trade))
    return _send(turn, trade, changes, target)


def _send(turn: Turn, trade: TradeState, changes: list[Approved[Amendment]], target: Approved[Ticket] | None) -> Answer:
    orders = [change.subject.order for change in changes]
    for change in changes:
        turn.emit(AmendIntended(turn.at, change, MANUAL))
        turn.effects.append(AmendOrder(change))
    if target is not None:
        turn.emit(OrdersIntended(turn.at, trade.id, target, MANUAL))
        turn.effects.append(PlaceTicket(target))
        orders.append(target.subject.orders[0].id)
    if not orders:
        raise UnfitError("amendment", f"trade {trade.id} has these values already")
    return Answer(accepted=True, text=f"changing {', '.join(orders)} of trade {trade.id}", orders=tuple(orders))


def _found(state: State, subject: str) -> tuple[OrderState, TradeState]:
    """The order, or the entry of the trade, that is meant."""
    held = state.orders.get(subject)
    if held is None:
        trade = open_trade_of(state, subject) if subject in state.trades else None
        if trade is None:
            raise UnfitError("order", f"no order and no trade {subject!r:.60}; `theo order list` shows them")
        held = state.orders[trade.orders[0]]
    return held, open_trade_of(state, held.order.trade)


def _as_of_trade(asked: ChangeAsked, held: OrderState) -> ChangeAsked:
    """The trigger of a protective stop is its trade's stop, the limit of a target its trade's target."""
    if asked.id != held.order.id:
        return asked
    if held.order.role is OrderRole.STOP and asked.trigger and not asked.stop:
        return msgspec.structs.replace(asked, stop=asked.trigger, trigger="")
    if held.order.role is OrderRole.TARGET and asked.limit and not asked.target:
        return msgspec.structs.replace(asked, target=asked.limit, limit="")
    return asked


def _changeable(held: OrderState) -> None:
    """Raise UnfitError for an order that cannot be changed now."""
    order = held.order
    if held.status not in CHANGEABLE:
        raise UnfitError("order", f"order {order.id} is {held.status}: it cannot be changed")
    if order.spread:
        raise UnfitError("order", f"order {order.id} is a leg of a spread: it cannot be changed")
    if held.amending_since:
        raise UnfitError("order", f"order {order.id} is being changed already: wait for the broker's answer")


# A trade that waits for its entry


def _entry_changes(state: State, world: World, asked: ChangeAsked, trade: TradeState) -> tuple[Approved[Amendment], ...]:
    instrument = world.instruments[trade.instrument]
    held = [state.orders[o] for o in trade.orders]
    for each in held:
        _changeable(each)
    entry = held[0].order
    if asked.id not in {trade.id, entry.id} and any((asked.quantity, asked.limit, asked.trigger, asked.trail)):
        raise UnfitError(
            "amendment", f"order {asked.id} goes with its entry {entry.id}: change that, or its trade's stop and target"
        )
    if held[0].filled:
        raise UnfitError("order", f"entry {entry.id} is partly filled: cancel what is left of it")
    before = Ticket(tuple(each.order for each in held))
    changed = _changed(entry, asked, instrument)
    wrong_side(changed.type, changed.side, changed.stop, last_price(world, instrument), instrument)
    proposal = _proposal(asked, trade, changed, instrument)
    countable(instrument, changed.quantity, proposal.entry, proposal.stop, proposal.target)
    after = Ticket((changed, *(_follows(o, changed.quantity, proposal, trade) for o in before.orders[1:])))
    risk = changed.quantity * abs(proposal.entry - proposal.stop) * instrument.unit_value
    risk += world.costs(instrument, max(changed.quantity, 0), proposal.entry)
    account = account_view(state, world, without=trade.id)
    return passed(approve_entry_change(proposal, instrument, before, after, account, world.limits, risk))


def _changed(order: Order, asked: ChangeAsked, instrument: Instrument) -> Order:
    """The order with its own new values; which prices its type has is for the rules to say."""
    trail, stop = price_of(asked.trail, instrument), price_of(asked.trigger, instrument)
    if stop is not None and order.type is OrderType.TRAILING_STOP:
        raise UnfitError("amendment", f"order {order.id} trails: change the amount (trail), its level follows the market")
    limit = price_of(asked.limit, instrument)
    return msgspec.structs.replace(
        order,
        quantity=asked.quantity or order.quantity,
        limit=order.limit if limit is None else limit,
        stop=order.stop if stop is None else stop,
        trail=order.trail if trail is None else trail,
    )


def _proposal(asked: ChangeAsked, trade: TradeState, entry: Order, instrument: Instrument) -> Proposal:
    planned = trade.entry
    if entry.type is not OrderType.TRAILING_STOP:
        planned = next((price for price in (entry.limit, entry.stop) if price is not None), trade.entry)
    stop = level_of(asked.stop, instrument, planned, trade.side, -1)
    target = level_of(asked.target, instrument, planned, trade.side, 1)
    if target is not None and trade.target is None:
        raise UnfitError("bracket", f"trade {trade.id} has no target: name one once its entry has filled")
    return Proposal(
        instrument=trade.instrument,
        side=trade.side,
        type=entry.type,
        entry=planned,
        stop=trade.stop if stop is None else stop,
        target=trade.target if target is None else target,
        reason=MANUAL,
    )


def _follows(order: Order, quantity: int, proposal: Proposal, trade: TradeState) -> Order:
    """A child with the size of its entry, at the trade's stop or target."""
    if order.role is OrderRole.STOP and order.type is OrderType.TRAILING_STOP and proposal.stop != trade.stop:
        raise UnfitError("amendment", f"the stop {order.id} trails: it cannot be set to a price")
    price = {"stop": proposal.stop} if order.role is OrderRole.STOP else {"limit": proposal.target}
    return msgspec.structs.replace(order, quantity=quantity, **price)


# A trade that runs


def _own_change(world: World, asked: ChangeAsked, held: OrderState, trade: TradeState) -> Approved[Amendment]:
    """A closing order or a target in its own values; an entry that has filled has none any more."""
    order, instrument = held.order, world.instruments[trade.instrument]
    if order.role is OrderRole.ENTRY:
        raise UnfitError("order", f"trade {trade.id} is {trade.status}: its entry cannot be changed; change its stop or target")
    if order.role is OrderRole.STOP and order.type is not OrderType.TRAILING_STOP:
        raise UnfitError(
            "amendment", f"order {order.id} protects trade {trade.id}: it has the size of the position; move its trigger"
        )
    _changeable(held)
    changed = _changed(order, asked, instrument)
    wanted = Amendment(order=order.id, quantity=changed.quantity, limit=changed.limit, stop=changed.stop, trail=changed.trail)
    if order.role is OrderRole.STOP:
        return passed(approve_amendment(wanted, order, trade.open_quantity))
    wrong_side(order.type, order.side, changed.stop, last_price(world, instrument), instrument)
    return passed(approve_exit_change(wanted, order, instrument, held.filled + trade.open_quantity))


def _resting(state: State, trade: TradeState, role: OrderRole) -> OrderState | None:
    """The trade's only working order of a role; None when there is none."""
    found = [o for o in map(state.orders.__getitem__, trade.orders) if o.order.role is role and o.status in LIVE]
    if len(found) > 1:
        raise UnfitError("order", f"trade {trade.id} has {len(found)} orders of role {role}: change one by its own id")
    return found[0] if found else None


def _stop_change(state: State, world: World, text: str, trade: TradeState) -> Approved[Amendment]:
    held, instrument = _resting(state, trade, OrderRole.STOP), world.instruments[trade.instrument]
    if held is None:
        raise UnfitError("order", f"trade {trade.id} has no working stop yet: ask again in a moment")
    _changeable(held)
    order = held.order
    if order.type is OrderType.TRAILING_STOP:
        raise UnfitError("amendment", f"the stop {order.id} trails: change its amount (trail)")
    entry = trade.in_sum // trade.in_quantity if trade.in_quantity else trade.entry
    stop = level_of(text, instrument, instrument.nearest_tick(entry), trade.side, -1)
    wrong_side(order.type, order.side, stop, last_price(world, instrument), instrument)
    wanted = Amendment(order=order.id, quantity=order.quantity, limit=order.limit, stop=stop, trail=order.trail)
    tighter = approve_amendment(wanted, order, trade.open_quantity)
    if stop is None or not isinstance(tighter, Refused):
        return passed(tighter)
    distance = max(0, trade.side.sign * (entry - stop))
    risk = trade.open_quantity * distance * instrument.unit_value
    risk += world.costs(instrument, trade.open_quantity, entry)
    plan = Proposal(
        instrument=trade.instrument,
        side=trade.side,
        type=OrderType.MARKET,
        entry=stop + trade.side.sign * distance,
        stop=stop,
        reason=MANUAL,
    )
    whole = msgspec.structs.replace(order, quantity=trade.open_quantity)
    account = account_view(state, world, without=trade.id)
    as_risk = Entry(plan, instrument, Ticket((whole,)), account, world.limits, risk)
    return passed(approve_looser_stop(wanted, order, as_risk, trade.open_quantity))


def _target(world: World, text: str, trade: TradeState) -> int:
    """A target's price, which the market has not reached yet."""
    instrument = world.instruments[trade.instrument]
    entry = trade.in_sum // trade.in_quantity if trade.in_quantity else trade.entry
    target = level_of(text, instrument, instrument.nearest_tick(entry), trade.side, 1)
    last = last_price(world, instrument)
    if target is None or trade.side.sign * (target - last) <= 0:
        raise UnfitError(
            "prices", f"{instrument.symbol}: a target of {text} is not beyond the last price {instrument.text(last)}"
        )
    return target


def _target_change(world: World, price: int, held: OrderState, trade: TradeState) -> Approved[Amendment]:
    _changeable(held)
    wanted = Amendment(order=held.order.id, quantity=held.order.quantity, limit=price)
    open_quantity = held.filled + trade.open_quantity
    return passed(approve_exit_change(wanted, held.order, world.instruments[trade.instrument], open_quantity))


def _new_target(state: State, world: World, price: int, trade: TradeState) -> Approved[Ticket]:
    """A target for a trade that has none."""
    if trade.status is not TradeStatus.RUNNING or trade.open_quantity <= 0:
        raise UnfitError("trade", f"trade {trade.id} is {trade.status}: a target cannot be added")
    made = exit_of(state, trade, OrderRole.TARGET, OrderType.LIMIT, trade.open_quantity)
    ticket = Ticket((msgspec.structs.replace(made, limit=price),))
    position = trade.side.sign * trade.open_quantity
    return passed(approve_exit(ticket, world.instruments[trade.instrument], position))
