"""A person's commands. The halt comes first and needs nothing else to work; a repeat gets the recorded outcome."""

from collections.abc import Callable

from theo.domain.asked import Asked, ChangeAsked, CheckAsked, ExitAsked, MarginTold, PromotionAsked, SignalAsked
from theo.domain.effects import LatchHalt
from theo.domain.facts import BreakerReset, CommandDone, Halted, PositionAdopted, Resumed, ScanPaused, ScanResumed
from theo.domain.inputs import Command
from theo.engine.decide.asked_changes import change_order
from theo.engine.decide.asked_entries import check_entries, place_entries
from theo.engine.decide.asked_exits import cancel_asked, place_exit
from theo.engine.decide.asked_signals import cancel_signal, create_signal, process_signal
from theo.engine.decide.asking import ask_book
from theo.engine.decide.closing import cancel_entries, close_trade, flatten, open_trades
from theo.engine.decide.tend import tend
from theo.engine.decide.wishes import Answer, UnfitError, within_bounds
from theo.engine.turn import Turn


def on_command(turn: Turn, command: Command) -> None:
    """Carry the command out once, and record what came of it."""
    if command.id in turn.state.commands:
        return
    answer = _carried_out(turn, command)
    done = (answer.accepted, answer.text, answer.orders, answer.refused)
    turn.emit(CommandDone(turn.at, command.id, command.name, command.actor, *done))


def _carried_out(turn: Turn, command: Command) -> Answer:
    """What is asked of orders stands in the payload; everything else goes by its name."""
    try:
        if command.payload is not None:
            return _asked(turn, command.payload, command.margins)
        if command.name == "cancel_order":
            return cancel_asked(turn, command.subject)
        if command.name == "cancel_signal":
            return cancel_signal(turn, command.subject, command.actor, command.reason)
    except UnfitError as error:
        return Answer(accepted=False, text=error.refused.text, refused=error.refused)
    handler = COMMANDS.get(command.name)
    if handler is None:
        return Answer(
            accepted=False, text=f"unknown command {command.name}; known are cancel_order, cancel_signal, {', '.join(COMMANDS)}"
        )
    accepted, text = handler(turn, command)
    return Answer(accepted=accepted, text=text)


def _asked(turn: Turn, asked: Asked, margins: tuple[MarginTold, ...]) -> Answer:
    within_bounds(asked)
    if isinstance(asked, ExitAsked):
        return place_exit(turn, asked)
    if isinstance(asked, ChangeAsked):
        return change_order(turn, asked)
    if isinstance(asked, CheckAsked):
        return check_entries(turn, asked, margins)
    if isinstance(asked, SignalAsked):
        return create_signal(turn, asked)
    if isinstance(asked, PromotionAsked):
        return process_signal(turn, asked, margins)
    return place_entries(turn, asked, margins)


def halt(turn: Turn, actor: str, reason: str) -> None:
    """The kill switch: cancel what adds risk, keep protective stops, let nothing new through."""
    turn.emit(Halted(turn.at, actor, reason))
    turn.effects.append(LatchHalt(turn.state.halted))
    cancel_entries(turn, f"halted by {actor}")
    turn.alert("page", "halted", f"trading halted by {actor}: {reason}")


def _halt(turn: Turn, command: Command) -> tuple[bool, str]:
    halt(turn, command.actor, command.reason)
    return True, "halted: entries are cancelled, protective stops rest"


def _resume(turn: Turn, command: Command) -> tuple[bool, str]:
    if not turn.state.halted:
        return False, "nothing to resume: trading is not halted"
    if not command.reason:
        return False, "a resume needs a reason"
    turn.emit(Resumed(turn.at, command.actor, command.reason))
    for trade in open_trades(turn):
        tend(turn, trade)
    return True, "resumed"


def _pause_scan(turn: Turn, command: Command) -> tuple[bool, str]:
    """``subject`` is the configuration. Its entries that wait are cancelled; what it has open is tended as ever."""
    config = command.subject
    if config not in turn.world.scans:
        return False, f"no configuration {config!r} is scanned"
    if config not in turn.state.paused:
        turn.emit(ScanPaused(turn.at, config, command.actor, command.reason))
    cancel_entries(turn, f"{config} is paused", config)
    return True, f"{config} opens nothing from now on"


def _resume_scan(turn: Turn, command: Command) -> tuple[bool, str]:
    config = command.subject
    if config not in turn.state.paused:
        return False, f"nothing to resume: {config!r} is not paused"
    turn.emit(ScanResumed(turn.at, config, command.actor, command.reason))
    return True, f"{config} may open trades again"


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
    """The contract behind an instrument ends: nothing is carried over, waiting entries neither.

    ``subject`` is the instrument's id, and after a blank the contract where only that one ends.
    """
    instrument, _, contract = command.subject.partition(" ")
    trades = [t for t in open_trades(turn) if str(t.instrument) == instrument and contract in {"", t.contract}]
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
    "pause_scan": _pause_scan,
    "resume_scan": _resume_scan,
    "reset_breaker": _reset_breaker,
    "close_trade": _close_trade,
    "reconcile": _reconcile,
    "adopt": _adopt,
    "roll": _roll,
}
