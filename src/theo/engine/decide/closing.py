"""Asking for the close of trades, and giving up entries: by a person, by a rule, by the other one of a pair."""

from theo.domain.facts import CloseAsked
from theo.domain.orders import Order, OrderRole
from theo.engine.decide.exits import cancel
from theo.engine.decide.tend import tend
from theo.engine.order_life import LIVE
from theo.engine.state import TradeState
from theo.engine.turn import Turn

ONE_CANCELS_OTHER = "oco"


def cancel_entries(turn: Turn, reason: str, config: str = "") -> None:
    """Cancel every working order that would open or enlarge a position, or those of one configuration."""
    for trade in (each for each in open_trades(turn) if config in {"", each.key.config}):
        for order in trade.orders:
            held = turn.state.orders[order]
            if held.order.role is OrderRole.ENTRY and held.status in LIVE:
                cancel(turn, held, reason)


def flatten(turn: Turn, reason: str) -> int:
    """Close every open trade; returns how many."""
    trades = open_trades(turn)
    for trade in trades:
        close_trade(turn, trade.id, reason)
    return len(trades)


def close_trade(turn: Turn, trade_id: str, reason: str) -> None:
    """Ask for a trade's close and decide what that needs; a second ask changes nothing."""
    trade = turn.state.trades[trade_id]
    if not trade.close_reason:
        turn.emit(CloseAsked(turn.at, trade_id, reason))
    tend(turn, trade)


def open_trades(turn: Turn) -> list[TradeState]:
    """The trades that are not over, oldest first."""
    return [turn.state.trades[t] for t in turn.state.open_trades]


def give_up_other(turn: Turn, filled: Order) -> None:
    """An entry of a pair was filled: the other one is given up, and closed again where both were filled in a race.

    The venue does the same by the orders' group; what it has not done, or did too late, is done here. The first fill decides.
    """
    own = turn.state.trades[filled.trade]
    if own.close_reason == ONE_CANCELS_OTHER:
        turn.alert("page", "both_filled", f"trade {own.id} was given up for the other of its pair, and filled: closing it")
        return
    for trade in open_trades(turn):
        entry = turn.state.orders[trade.orders[0]].order
        if entry.oca_group == filled.oca_group and trade.id != own.id and not trade.close_reason:
            close_trade(turn, trade.id, ONE_CANCELS_OTHER)
