"""A person's commands. The halt comes first and needs nothing else to work; a repeat gets the recorded outcome."""

from collections.abc import Callable

from theo.domain.effects import LatchHalt
from theo.domain.facts import BreakerReset, CloseAsked, CommandDone, Halted, PositionAdopted, Resumed
from theo.domain.inputs import Command
from theo.domain.orders import OrderRole
from theo.engine.decide.asking import ask_book
from theo.engine.decide.tend import cancel, tend
from theo.engine.order_life import LIVE
from theo.engine.state import TradeState
from theo.engine.turn import Turn


def on_command(turn: Turn, command: Command) -> None:
    """Carry the command out once, and record what came of it."""
    if command.id in turn.state.commands:
        return
    handler = COMMANDS.get(command.name)
    if handler is None:
        accepted, text = False, f"unknown command {command.name}; known are {', '.join(COMMANDS)}"
    else:
        accepted, text = handler(turn, command)
    turn.emit(CommandDone(turn.at, command.id, command.name, command.actor, accepted, text))


def halt(turn: Turn, actor: str, reason: str) -> None:
    """The kill switch: cancel what adds risk, keep protective stops, let nothing new through."""
    turn.emit(Halted(turn.at, actor, reason))
    turn.effects.append(LatchHalt(turn.state.halted))
    cancel_entries(turn, f"halted by {actor}")
    turn.alert("page", "halted", f"trading halted by {actor}: {reason}")


def cancel_entries(turn: Turn, reason: str) -> None:
    """Cancel every working order that would open or enlarge a position."""
    for trade in open_trades(turn):
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


def _halt(turn: Turn, command: Command) -> tuple[bool, str]:
    halt(turn, command.actor, command.reason)
    return True, "halted: entries are cancelled, protective stops rest"


def _resume(turn: Turn, command: Command) -> tuple[bool, str]:
    if not turn.state.halted:
        return False, "nothing to resume: trading is not halted"
    if not command.reason:
        return False, "a resume needs a reason"
    turn.emit(Resumed(turn.at, command.actor, command.reason))
    return True, "resumed"


def _flatten(turn: Turn, _command: Command) -> tuple[bool, str]:
    count = flatten(turn, "flatten")
    return True, f"closing {count} trades"


def _reset_breaker(turn: Turn, command: Command) -> tuple[bool, str]:
    if turn.state.breaker is None:
        return False, "nothing to reset: the breaker is not tripped"
    if not command.reason:
        return False, "a reset needs a reason"
    turn.emit(BreakerReset(turn.at, command.actor, command.reason))
    return True, "breaker reset"


def _close_trade(turn: Turn, command: Command) -> tuple[bool, str]:
    if command.subject not in turn.state.open_trades:
        return False, f"no open trade {command.subject}"
    close_trade(turn, command.subject, "manual")
    return True, f"closing {command.subject}"


def _roll(turn: Turn, command: Command) -> tuple[bool, str]:
    """The contract behind an instrument ends: nothing is carried over, waiting entries neither."""
    trades = [t for t in open_trades(turn) if str(t.instrument) == command.subject]
    for trade in trades:
        close_trade(turn, trade.id, "roll")
    return True, f"closing {len(trades)} trades before the contract ends"


def _reconcile(turn: Turn, command: Command) -> tuple[bool, str]:
    ask_book(turn, f"asked by {command.actor}")
    return True, "asked the broker for its books"


def _adopt(turn: Turn, command: Command) -> tuple[bool, str]:
    """``subject`` is SYMBOL=QUANTITY: what the broker says that the account holds, in all."""
    symbol, _, text = command.subject.partition("=")
    known = {instrument.symbol: instrument.id for instrument in turn.world.instruments.values()}
    if symbol not in known or not text.lstrip("+-").isdigit():
        return False, f"{command.subject!r} is not SYMBOL=QUANTITY of {', '.join(known)}"
    if not command.reason:
        return False, "an adoption needs a reason"
    foreign = int(text) - turn.state.positions.get(known[symbol], 0)
    turn.emit(PositionAdopted(turn.at, known[symbol], foreign, command.actor, command.reason))
    ask_book(turn, f"{symbol} was adopted by {command.actor}")
    return True, f"{foreign:+d} {symbol} are left alone beside ours; the books are compared again"


COMMANDS: dict[str, Callable[[Turn, Command], tuple[bool, str]]] = {
    "halt": _halt,
    "resume": _resume,
    "flatten": _flatten,
    "reset_breaker": _reset_breaker,
    "close_trade": _close_trade,
    "reconcile": _reconcile,
    "adopt": _adopt,
    "roll": _roll,
}
