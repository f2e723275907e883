"""What falls due by time alone.

The account day, unanswered orders, partly filled brackets, exit groups, session ends, the breaker's rest. ``next_due`` says
when to look again; drivers deliver a timer for it.
"""

from theo.domain.facts import AmendRefused, BreakerReset, BreakerTripped, DayBegan, OrderMoved
from theo.engine.account import account_view, equity
from theo.engine.decide.asked_signals import expire_signals, expiries
from theo.engine.decide.asking import ask_book, look_at_book
from theo.engine.decide.closing import cancel_entries, close_trade, flatten
from theo.engine.decide.spread import carried_by
from theo.engine.decide.tend import entry_until, rolls_until, tend
from theo.engine.order_life import AWAITING, ENDED, OrderEvent, OrderStatus
from theo.engine.scan import NEVER
from theo.engine.state import State, TradeState
from theo.engine.trade_life import TradeStatus
from theo.engine.turn import Turn
from theo.engine.world import World
from theo.risk.approve import breaker_check
from theo.risk.rules.losses import loss_floor

BOOK_DOUBLINGS_MAX = 4  # of the wait for an answer: 160 s at most


def begin_day(turn: Turn) -> None:
    """A new account day: its number and the equity that daily limits compare with. None before the first run began."""
    number, _end = turn.world.account_day(turn.at)
    if turn.state.world and number != turn.state.day.number:
        turn.emit(DayBegan(turn.at, number, equity(turn.state, turn.world)))


def run_due(turn: Turn) -> None:
    """Work off everything that fell due by now."""
    state = turn.state
    begin_day(turn)
    if state.breaker is not None and turn.at >= state.breaker_holds_until:
        turn.emit(BreakerReset(turn.at, "theo", "the next account day opened"))
    expire_signals(turn)
    _unanswered(turn)
    if not state.agreed and state.link_up and turn.at >= _book_again_at(state, turn.world):
        ask_book(turn, "the books do not agree yet")
    elif _look_due(state, turn.world, turn.at):
        look_at_book(turn)
    _session_ends(turn)
    for trade in [state.trades[t] for t in state.open_trades]:
        tend(turn, trade)


def check_breaker(turn: Turn) -> None:
    """On a breach of a loss limit: stop, cancel entries, flatten, tell."""
    state, world = turn.state, turn.world
    if state.breaker is not None or not state.open_trades:
        return
    if equity(state, world) >= loss_floor(state.day.equity, state.high_water, world.limits):
        return
    refused = breaker_check(account_view(turn.state, turn.world), turn.world.limits)
    if refused is None:
        return
    turn.emit(BreakerTripped(turn.at, refused, turn.world.breaker_opens(turn.at)))
    cancel_entries(turn, f"breaker: {refused.rule}")
    flatten(turn, "breaker")
    turn.alert("page", "breaker", f"circuit breaker: {refused.text}")


def _unanswered(turn: Turn) -> None:
    """No answer within the bound: UNKNOWN, and ask the broker; never send again on a guess."""
    bound = turn.at - turn.world.settings.answer_wait
    silent = [held for held in (turn.state.orders[o] for o in turn.state.unanswered) if held.waits_since <= bound]
    for held in silent:
        if held.status in AWAITING:
            turn.emit(OrderMoved(turn.at, held.order.id, OrderEvent.UNANSWERED, "no answer within the bound"))
        if held.amending_since:
            turn.emit(AmendRefused(turn.at, held.order.id, "no answer within the bound: the books say what it is"))
    if silent:
        turn.alert("warning", "order_unknown", f"{len(silent)} orders have no answer: asking the broker")
        ask_book(turn, "orders without an answer")


def _session_ends(turn: Turn) -> None:
    """Intraday configurations are flat before the session's close."""
    for trade in [turn.state.trades[t] for t in turn.state.open_trades]:
        if not trade.close_reason and turn.at >= turn.world.flat_at(trade.key.config, trade.opened_at):
            close_trade(turn, trade.id, "session_end")


def _book_again_at(state: State, world: World) -> int:
    """When books that were not answered, or did not agree, are asked for again.

    Each ask makes the broker's adapter begin anew: on a slow line the next must leave it more time, or none is ever whole.
    """
    return state.asked_book_at + (world.settings.book_retry_wait << min(max(state.book_asks - 1, 0), BOOK_DOUBLINGS_MAX))


def _look_due(state: State, world: World, at: int) -> bool:
    """Whether the broker's books are to be looked at though nothing is amiss."""
    interval = world.settings.book_interval
    return bool(interval) and state.agreed and state.link_up and at >= state.asked_book_at + interval


def next_due(state: State, world: World, at: int) -> int:
    """The earliest time after ``at`` at which something falls due.

    What is over was seen to when it fell due; but an answer of the broker may have taken longer than the next ask had to wait.
    """
    settings = world.settings
    waits = [world.account_day(at)[1]]
    if state.breaker is not None:
        waits.append(state.breaker_holds_until)
    if not state.agreed and state.link_up:
        waits.append(max(at + 1, _book_again_at(state, world)))
    elif settings.book_interval and state.link_up:
        waits.append(max(at + 1, state.asked_book_at + settings.book_interval))
    waits += expiries(state)
    waits += [state.orders[o].waits_since + settings.answer_wait for o in state.unanswered]
    for trade in [state.trades[t] for t in state.open_trades]:
        waits += _waits_of(state, world, trade)
    return min([wait for wait in waits if wait > at], default=NEVER)


def _waits_of(state: State, world: World, trade: TradeState) -> list[int]:
    """When something of an open trade falls due, past times among them."""
    settings = world.settings
    waits = [world.flat_at(trade.key.config, trade.opened_at), trade.last_fill_at + settings.exit_group_wait]
    if trade.status is TradeStatus.ROLLING:
        waits.append(rolls_until(world, trade))
    if trade.status is TradeStatus.WAITING:
        waits.append(entry_until(world, trade))
    if trade.ahead is not None:
        waits.append(carried_by(world, trade.ahead))
    if trade.partial_since:
        waits.append(trade.partial_since + settings.partial_fill_wait)
    for held in [state.orders[o] for o in trade.orders]:
        if held.refused_at and held.status not in ENDED:
            waits.append(held.refused_at + settings.refused_wait(held.refusals))
        if held.status in ENDED:
            waits.append(held.since + settings.exit_group_wait)
            if held.status is OrderStatus.LOST:
                waits.append(held.since + settings.send_retry_wait)
    return waits
