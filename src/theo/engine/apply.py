"""apply(state, fact): the only code that changes trading state. It never refuses: a fact has happened."""

import hashlib
from collections.abc import Callable
from typing import Any

import msgspec

from theo.domain import facts as f
from theo.domain.market_data import DAY
from theo.domain.orders import Order, OrderRole, OrderType, Side, Ticket
from theo.domain.signals import Exit
from theo.engine import order_life, signal_life, trade_life
from theo.engine.order_life import OrderEvent, OrderStatus
from theo.engine.signal_life import SignalEvent
from theo.engine.state import Ahead, Counted, Day, FrontContract, OrderState, Outcome, SignalState, State, TradeState
from theo.engine.trade_life import TradeEvent, TradeStatus

KEEP_DAYS = 2  # ended trades with their executions, command outcomes: IB reports executions of today and the day before


def _run_started(state: State, fact: f.RunStarted) -> None:
    state.key, state.cash = fact.key, fact.cash
    state.high_water = fact.cash
    state.world = world_hash(fact.world)


def _restarted(state: State, fact: f.Restarted) -> None:
    state.paused.clear()  # what a person has disabled no process begins with
    state.agreed = False
    state.link_up = True  # a new process has a new connection; one that is down is told of anew
    if fact.world:
        state.world = world_hash(fact.world)


def world_hash(world: str) -> str:
    """What stands for a configuration in the state."""
    return hashlib.sha256(world.encode()).hexdigest()


def _decided(_state: State, _fact: f.Decided) -> None:
    """An explanation changes nothing."""


def _signal_raised(state: State, fact: f.SignalRaised) -> None:
    state.signals_issued += 1
    state.signals[fact.id] = SignalState(fact.id, fact.key.config, fact.action)


def _signal_created(state: State, fact: f.SignalCreated) -> None:
    state.signals_issued += 1
    state.signal_created_at = fact.created_at
    state.signals[fact.id] = SignalState(
        fact.id, fact.key.config, fact.action, asked=fact.asked, created_at=fact.created_at, expires_at=fact.expires_at
    )


def _signal_closed(state: State, fact: f.SignalClosed) -> None:
    signal = state.signals.pop(fact.id)
    signal_life.closed(signal.status, fact.status, exits=isinstance(signal.action, Exit))


def _add_orders(state: State, at: int, ticket: Ticket, trade: TradeState) -> None:
    state.issued += 1
    for order in ticket.orders:
        state.orders[order.id] = OrderState(order, OrderStatus.INTENDED, at)
        state.unanswered[order.id] = None
        trade.orders.append(order.id)


def _trade_intended(state: State, fact: f.TradeIntended) -> None:
    trade = TradeState(
        id=fact.id,
        key=fact.key,
        signal=fact.signal,
        instrument=fact.instrument,
        side=fact.side,
        quantity=fact.quantity,
        entry=fact.entry,
        stop=fact.stop,
        target=fact.target,
        risk=fact.risk,
        status=TradeStatus.WAITING,
        opened_at=fact.at,
        orders=[],
        contract=fact.approved.subject.orders[0].contract,
        exits=fact.exits,
        why=fact.why,
    )
    state.trades[fact.id] = trade
    state.open_trades[fact.id] = None
    signal = state.signals.get(fact.signal)
    if signal is not None:
        signal.trade = fact.id
        signal.status = signal_life.next_status(signal.status, SignalEvent.PROMOTED)
    state.day.trades += 1
    state.day.promotions[fact.key.config] = state.day.promotions.get(fact.key.config, 0) + 1
    _add_orders(state, fact.at, fact.approved.subject, trade)


def _orders_intended(state: State, fact: f.OrdersIntended) -> None:
    trade, ticket = state.trades[fact.trade], fact.approved.subject
    _add_orders(state, fact.at, ticket, trade)
    for order in ticket.orders:
        if order.role is OrderRole.TARGET and order.condition is None:
            trade.target = order.limit


def _amend_intended(state: State, fact: f.AmendIntended) -> None:
    held = state.orders[fact.approved.subject.order]
    held.amending_since = fact.at
    _await(state, held)


def _amend_refused(state: State, fact: f.AmendRefused) -> None:
    held = state.orders[fact.order]
    held.amending_since = 0
    _refused(held, fact.at)
    _await(state, held)


def _refused(held: OrderState, at: int) -> None:
    held.refused_at, held.refusals = at, held.refusals + 1


def _close_asked(state: State, fact: f.CloseAsked) -> None:
    trade = state.trades[fact.trade]
    trade.status = trade_life.next_status(trade.status, TradeEvent.CLOSE_ASKED)
    trade.close_reason = trade.close_reason or fact.reason


def _cancel_intended(state: State, fact: f.CancelIntended) -> None:
    _move(state, fact.at, fact.order, OrderEvent.CANCEL_ASKED)


def _move(state: State, at: int, order: str, event: OrderEvent) -> None:
    held = state.orders[order]
    following = order_life.next_status(held.status, event)
    if following is not held.status:
        held.status, held.since = following, at
        if held.ended:
            held.amending_since = 0
        _await(state, held)


def _await(state: State, held: OrderState) -> None:
    if held.waits_since:
        state.unanswered[held.order.id] = None
    else:
        state.unanswered.pop(held.order.id, None)


def _order_moved(state: State, fact: f.OrderMoved) -> None:
    _move(state, fact.at, fact.order, OrderEvent(fact.event))
    if fact.event == OrderEvent.CANCEL_REFUSED:
        _refused(state.orders[fact.order], fact.at)
    if fact.broker_id:
        state.orders[fact.order].broker_id = fact.broker_id


def _order_resized(state: State, fact: f.OrderResized) -> None:
    held = state.orders[fact.order]
    held.amending_since = held.refusals = 0
    _await(state, held)
    o = held.order
    held.order = msgspec.structs.replace(
        o,
        quantity=fact.quantity,
        limit=o.limit if fact.limit is None else fact.limit,
        stop=o.stop if fact.stop is None else fact.stop,
        trail=o.trail if fact.trail is None else fact.trail,
    )
    if held.filled >= fact.quantity:  # what was left of it was taken away after its last fill
        _move(state, fact.at, fact.order, OrderEvent.FULL_FILL)
    _replan(state.trades[o.trade], held.order, fact)


def _replan(trade: TradeState, order: Order, fact: f.OrderResized) -> None:
    """The trade's plan follows the orders that carry it."""
    if order.role is OrderRole.STOP and fact.stop is not None:
        trade.stop = fact.stop
    elif order.role is OrderRole.TARGET and fact.limit is not None:
        trade.target = fact.limit
    elif order.role is OrderRole.ENTRY:
        trade.quantity = fact.quantity
        price = fact.limit if fact.limit is not None else fact.stop
        if price is not None and order.type is not OrderType.TRAILING_STOP:
            trade.entry = price


def _filled(state: State, fact: f.Filled) -> None:
    state.executions[fact.execution] = Counted(fact.at, fact.quantity, fact.price, fact.charges)
    held = state.orders[fact.order]
    held.filled += fact.quantity
    event = OrderEvent.FULL_FILL if held.filled >= held.order.quantity else OrderEvent.PART_FILL
    _move(state, fact.at, fact.order, event)
    trade = state.trades[fact.trade]
    past = _hold(state, trade, fact.order, fact.side, fact.quantity)
    _pay(state, fact.charges + fact.value)
    if past:
        return  # of a contract that it left: a person was told
    trade.last_fill_at = fact.at
    _count(trade.ahead if fact.ahead and trade.ahead is not None else trade, trade.side, fact, fact.quantity * fact.price)
    if fact.ahead and trade.ahead is not None:
        trade.ahead.last_out_role = trade.ahead.last_out_role if fact.side is trade.side else fact.role
    elif fact.side is trade.side:
        trade.status = trade_life.next_status(trade.status, TradeEvent.FILLED_IN)
        full = trade.in_quantity >= trade.quantity
        trade.partial_since = 0 if full else trade.partial_since or fact.at
    else:
        trade.status = trade_life.next_status(trade.status, TradeEvent.FILLED_OUT)
        trade.last_out_role = fact.role
    state.open_trades[fact.trade] = None


def _count(sums: TradeState | Ahead, side: Side, fact: f.Filled | f.FillRevised, turnover: int) -> None:
    """Add an execution, or what changes of one, to the deal that it belongs to."""
    sums.charges += fact.charges
    if fact.side is side:
        sums.in_quantity, sums.in_sum = sums.in_quantity + fact.quantity, sums.in_sum + turnover
    else:
        sums.out_quantity, sums.out_sum = sums.out_quantity + fact.quantity, sums.out_sum + turnover


def _pay(state: State, amount: int) -> None:
    state.cash -= amount
    if state.cash > state.high_water and not any(state.positions.values()):
        state.high_water = state.cash  # flat: cash is the equity, exactly


def _fill_revised(state: State, fact: f.FillRevised) -> None:
    """What was counted of an execution changes; a trade that was over runs again, and ends with its sums as they are now."""
    names = (fact.execution, *fact.replaces)
    before = next(c for c in map(state.executions.get, names) if c is not None and not c.replaced)
    state.executions.update(dict.fromkeys(fact.replaces, Counted(fact.at, 0, 0, 0, replaced=True)))
    counted = Counted(fact.at, before.quantity + fact.quantity, fact.price, before.charges + fact.charges)
    state.executions[fact.execution] = counted
    trade = state.trades[fact.trade]
    entering = fact.side is trade.side
    if fact.order in trade.past_orders:
        _hold(state, trade, fact.order, fact.side, fact.quantity)
        _pay(state, fact.charges + fact.value)
        return
    if trade.over:
        trade.status = trade_life.next_status(trade.status, TradeEvent.FILLED_IN if entering else TradeEvent.FILLED_OUT)
        state.open_trades[trade.id] = None
    _count(trade.ahead if fact.ahead and trade.ahead is not None else trade, trade.side, fact, fact.turnover)
    if fact.quantity:
        held = state.orders[fact.order]
        held.filled += fact.quantity
        if held.filled >= held.order.quantity:
            _move(state, fact.at, fact.order, OrderEvent.FULL_FILL)
        trade.last_fill_at = fact.at
        _hold(state, trade, fact.order, fact.side, fact.quantity)
    _pay(state, fact.charges + fact.value)


def _hold(state: State, trade: TradeState, order: str, side: Side, quantity: int) -> bool:
    """The position moves by a fill; whether it is of a contract that the trade has left."""
    held = state.orders[order].order
    signed = side.sign * quantity
    state.positions[trade.instrument] = state.positions.get(trade.instrument, 0) + signed
    front = state.fronts.get(trade.instrument)
    past = order in trade.past_orders
    left = past and (front is None or held.contract != front.name)
    if front is not None and front.previous and (left or (held.contract or trade.contract) == front.previous):
        front.leaving += signed
    return past


def _rolled(state: State, fact: f.Rolled) -> None:
    held = state.positions.get(fact.instrument, 0) if fact.previous else 0
    state.fronts[fact.instrument] = FrontContract(fact.contract, fact.previous, fact.difference, held, fact.why)
    for trade in (state.trades[t] for t in state.open_trades):
        if trade.instrument == fact.instrument and not trade.contract:
            trade.contract = fact.previous or fact.contract


def _roll_asked(state: State, fact: f.RollAsked) -> None:
    trade = state.trades[fact.trade]
    trade.status = trade_life.next_status(trade.status, TradeEvent.ROLL_ASKED)
    closing = [held for held in (state.orders[o] for o in trade.orders) if held.order.role is OrderRole.CLOSE]
    trade.closed_before_roll = sum(held.filled for held in closing)
    if fact.spread:
        trade.ahead = Ahead(fact.contract, fact.at, fact.stop, fact.target, fact.trail)


def _leg_rolled(state: State, fact: f.LegRolled) -> None:
    trade = state.trades[fact.trade]
    trade.status = trade_life.next_status(trade.status, TradeEvent.LEG_ROLLED)
    here = [o for o in map(state.orders.__getitem__, trade.orders) if o.order.contract == fact.contract]
    kept = [o.order.id for o in here if o.filled or not o.ended]  # what the others fill yet is nobody's wish
    trade.past_orders, trade.orders = trade.past_orders + [o for o in trade.orders if o not in kept], kept
    trade.contract, trade.rolled_at, trade.quantity = fact.contract, fact.at, fact.reopened
    trade.entry, trade.stop, trade.target = trade.entry + fact.difference, fact.stop, fact.target
    trade.rolled_deals += 1
    trade.rolled_gross, trade.rolled_charges = trade.rolled_gross + fact.gross, trade.rolled_charges + fact.charges
    done, trade.ahead = trade.ahead or Ahead(fact.contract, 0, 0), None
    trade.in_quantity, trade.in_sum, trade.out_quantity, trade.out_sum = (
        done.in_quantity,
        done.in_sum,
        done.out_quantity,
        done.out_sum,
    )
    trade.charges, trade.partial_since, trade.last_out_role = done.charges, 0, done.last_out_role
    if fact.carried:
        trade.status = trade_life.next_status(trade.status, TradeEvent.FILLED_IN)


def _trade_closed(state: State, fact: f.TradeClosed) -> None:
    trade = state.trades[fact.id]
    unfilled = TradeEvent.NOT_REOPENED if fact.rolled_deals else TradeEvent.NEVER_FILLED
    trade.status = trade_life.next_status(trade.status, TradeEvent.FLAT if fact.quantity else unfilled)
    trade.closed_at = fact.at
    if trade.ahead is not None:  # it ended before a spread took anything along
        far = [o for o in trade.orders if state.orders[o].order.contract == trade.ahead.contract]
        trade.past_orders, trade.orders = trade.past_orders + far, [o for o in trade.orders if o not in far]
        trade.ahead = None
    state.open_trades.pop(fact.id, None)


def _day_began(state: State, fact: f.DayBegan) -> None:
    state.told.clear()
    state.day = Day(number=fact.day, equity=fact.equity, promotions={})
    state.high_water = max(state.high_water, fact.equity)
    oldest = fact.at - KEEP_DAYS * DAY
    for trade in [t for t in state.trades.values() if t.over and t.closed_at < oldest]:
        del state.trades[trade.id]
        for order in (*trade.past_orders, *trade.orders):
            del state.orders[order]
            state.unanswered.pop(order, None)
    reported = min((trade.opened_at for trade in state.trades.values()), default=oldest)  # of an order held, a repeat may come
    for execution in [e for e, counted in state.executions.items() if counted.at < min(oldest, reported)]:
        del state.executions[execution]
    for command in [c for c, outcome in state.commands.items() if outcome.at < oldest]:
        del state.commands[command]


def _breaker_tripped(state: State, fact: f.BreakerTripped) -> None:
    state.breaker, state.breaker_holds_until = fact.refused, fact.holds_until


def _breaker_reset(state: State, _fact: f.BreakerReset) -> None:
    state.breaker, state.breaker_holds_until = None, 0


def _scan_paused(state: State, fact: f.ScanPaused) -> None:
    state.paused[fact.config] = f"{fact.actor}: {fact.reason}" if fact.reason else fact.actor


def _scan_resumed(state: State, fact: f.ScanResumed) -> None:
    state.paused.pop(fact.config, None)


def _halted(state: State, fact: f.Halted) -> None:
    state.halted = state.halted or f"{fact.actor}: {fact.reason}"


def _resumed(state: State, fact: f.Resumed) -> None:
    state.halted = ""
    state.tries_since = fact.at


def _link_known(state: State, fact: f.LinkKnown) -> None:
    state.link_up = fact.up
    state.tries_since = fact.at
    state.agreed = False
    state.book_asks = 0


def _book_looked(state: State, fact: f.BookLooked) -> None:
    state.asked_book_at = fact.at


def _book_asked(state: State, fact: f.BookAsked) -> None:
    state.agreed = False
    state.asked_book_at = fact.at
    state.book_asks += 1


def _differed(state: State, fact: f.Differed) -> None:
    state.told[difference(fact.kind, fact.subject)] = f"{fact.ours}, {fact.theirs}"  # what was done has facts of its own
    if fact.kind == "position" and fact.ours == fact.theirs:
        state.held_there.pop(fact.subject, None)
    elif fact.kind == "position":
        state.held_there[fact.subject] = int(fact.theirs)


def difference(kind: str, subject: str) -> str:
    """The name under which a difference was told."""
    return f"{kind} {subject}"


def _position_adopted(state: State, fact: f.PositionAdopted) -> None:
    state.foreign.pop(fact.instrument, None)
    if fact.quantity:
        state.foreign[fact.instrument] = fact.quantity


def _reconciled(state: State, fact: f.Reconciled) -> None:
    state.book_asks = 0
    state.agreed = fact.agreed
    if fact.agreed:
        for name in [name for name in state.told if name.startswith(difference("position", ""))]:
            del state.told[name]  # it is over: the same one would be another
        state.held_there.clear()


def _alerted(_state: State, _fact: f.Alerted) -> None:
    """Telling a person changes nothing here."""


def _command_done(state: State, fact: f.CommandDone) -> None:
    rule = "" if fact.refused is None else fact.refused.rule
    state.commands[fact.id] = Outcome(fact.at, fact.accepted, fact.text, fact.orders, rule)


def _time_went_back(_state: State, _fact: f.TimeWentBack) -> None:
    """Core time stood still."""


def _data_known(_state: State, _fact: f.DataKnown) -> None:
    """Trust of data is market state (theo.market.trust)."""


APPLY: dict[type, Callable[[State, Any], None]] = {
    f.RunStarted: _run_started,
    f.Restarted: _restarted,
    f.Decided: _decided,
    f.SignalRaised: _signal_raised,
    f.SignalCreated: _signal_created,
    f.SignalClosed: _signal_closed,
    f.TradeIntended: _trade_intended,
    f.OrdersIntended: _orders_intended,
    f.AmendIntended: _amend_intended,
    f.AmendRefused: _amend_refused,
    f.CloseAsked: _close_asked,
    f.CancelIntended: _cancel_intended,
    f.OrderMoved: _order_moved,
    f.OrderResized: _order_resized,
    f.Filled: _filled,
    f.FillRevised: _fill_revised,
    f.TradeClosed: _trade_closed,
    f.Rolled: _rolled,
    f.RollAsked: _roll_asked,
    f.LegRolled: _leg_rolled,
    f.DayBegan: _day_began,
    f.BreakerTripped: _breaker_tripped,
    f.BreakerReset: _breaker_reset,
    f.ScanPaused: _scan_paused,
    f.ScanResumed: _scan_resumed,
    f.Halted: _halted,
    f.Resumed: _resumed,
    f.LinkKnown: _link_known,
    f.BookAsked: _book_asked,
    f.BookLooked: _book_looked,
    f.Differed: _differed,
    f.PositionAdopted: _position_adopted,
    f.Reconciled: _reconciled,
    f.Alerted: _alerted,
    f.CommandDone: _command_done,
    f.TimeWentBack: _time_went_back,
    f.DataKnown: _data_known,
}


def apply(state: State, fact: f.Fact) -> None:
    """Change the state by what has happened."""
    APPLY[type(fact)](state, fact)
