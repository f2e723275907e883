"""Orders that the venue lets nobody cancel, of trades that are flat: each could open a position that nobody wants.

The broker may show an order and have forgotten the handle by which it takes its cancel. One way is left, which takes every order
of the login. It is gone only when the broker's books show nothing beside what is to go; else trading halts and a person is told
what to do. An order that may protect an open trade is never taken away: what it fills in excess is taken back.
"""

from theo.domain.effects import CancelEverything, LatchHalt
from theo.domain.facts import CancelIntended, Halted
from theo.domain.reports import BookReported
from theo.engine.decide.order_reports import REFUSALS_TOLD
from theo.engine.order_life import LIVE, OrderStatus
from theo.engine.state import OrderState, TradeState
from theo.engine.turn import Turn

NAMED_MAX = 5  # of the orders that stand in the way, in a message


def free_stuck(turn: Turn, book: BookReported) -> None:
    """After books that agree: cancel everything, or halt and say why not. Nothing while no order is stuck."""
    orders = turn.state.orders.values()
    stuck = [held for held in orders if held.status in LIVE and held.refusals >= REFUSALS_TOLD and _unwanted(turn, held)]
    if not stuck:
        return
    names = ", ".join(held.order.id for held in stuck)
    others = _in_the_way(turn, book)
    if others:
        _give_up(turn, names, others)
        return
    turn.alert("page", "global_cancel", f"{names}: no cancel is taken; nothing else rests, so everything is cancelled at once")
    for held in stuck:
        if held.status is not OrderStatus.CANCELLING:
            turn.emit(CancelIntended(turn.at, held.order.id, "cancelled with everything"))
    turn.effects.append(CancelEverything(f"{names} cannot be cancelled alone"))


def _unwanted(turn: Turn, held: OrderState) -> bool:
    """Whether nothing of the order's trade is to be left at the venue."""
    trade = turn.state.trades[held.order.trade]
    return trade.over or (trade.open_quantity == 0 and trade.ahead is None and _ends(turn, trade))


def _ends(turn: Turn, trade: TradeState) -> bool:
    """Whether a flat trade is one that was open, or whose entry must not be filled any more."""
    return trade.in_quantity > 0 or bool(trade.close_reason or turn.state.halted) or turn.state.breaker is not None


def _in_the_way(turn: Turn, book: BookReported) -> list[str]:
    """What would be lost: orders of ours that are wanted, or not settled, and every working order that is not ours."""
    ours = [held.order.id for held in turn.state.orders.values() if not held.ended and not _unwanted(turn, held)]
    theirs = [entry.order.id for entry in book.orders if entry.status == "working" and entry.order.id not in turn.state.orders]
    elsewhere = [f"{book.elsewhere} in other accounts"] if book.elsewhere else []
    return ours + theirs + elsewhere


def _give_up(turn: Turn, names: str, others: list[str]) -> None:
    if turn.state.halted:
        return
    listed = ", ".join(others[:NAMED_MAX]) + (f" and {len(others) - NAMED_MAX} more" if len(others) > NAMED_MAX else "")
    text = f"{names}: the trade is flat, and no cancel is taken. IB's global cancel would take {listed} too"
    turn.alert("page", "order_stuck", f"{text}. Cancel {names} in TWS, then `theo resume`")
    turn.emit(Halted(turn.at, "theo", f"{names} cannot be cancelled"))
    turn.effects.append(LatchHalt(turn.state.halted))
