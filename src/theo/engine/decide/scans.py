"""Running the due scans: look, record what was seen, fired or not, and hand a proposal on."""

from theo.domain.approval import Refused
from theo.domain.facts import Decided, SignalClosed, SignalRaised
from theo.domain.market_data import MINUTE
from theo.domain.signals import Exit, Proposal
from theo.engine.decide.closing import close_trade, open_trades
from theo.engine.decide.entries import promote
from theo.engine.scan import Scan
from theo.engine.state import State, TradeState
from theo.engine.trade_life import TradeStatus
from theo.engine.turn import Turn
from theo.risk.rules.data_trust import data_trust
from theo.strategy.looks import CATCH_UP_MAX, Missed

LOOKS_PER_SIGNAL = 16  # what a signal costs, as so many looks at which nothing happens


def run_scan(turn: Turn, scan: Scan) -> int:
    """Evaluate the bar end that is due, once; what it cost, in looks."""
    end = scan.cohort.waiting_for
    turn.world.decided(scan)
    for source in scan.lagging:
        source.catch_up()
    trade = open_trade(turn.state, scan.key.config) if turn.state.open_trades else None
    seen = scan.strategy.evaluate(end, 0 if trade is None else trade.side.sign * trade.quantity)
    missed = scan.terms.looks.missed(end, turn.at)
    verdict = seen.verdict if missed is None else f"{seen.verdict}, {missed}"
    turn.facts.append(Decided(scan.key.config, end, verdict, seen.numbers, seen.truths))  # changes no state
    if seen.action is None:
        return 1
    _act(turn, scan, end, trade, seen.action)
    return LOOKS_PER_SIGNAL


def open_trade(state: State, config: str) -> TradeState | None:
    """The configuration's trade that is not over: one position per configuration and symbol."""
    for trade_id in state.open_trades:
        trade = state.trades[trade_id]
        if trade.key.config == config:
            return trade
    return None


def position_of(state: State, config: str) -> int:
    """The signed quantity of the configuration's trade, as its strategy sees it."""
    trade = open_trade(state, config)
    return 0 if trade is None else trade.side.sign * trade.quantity


def _act(turn: Turn, scan: Scan, end: int, trade: TradeState | None, action: Proposal | Exit) -> None:
    signal = f"{turn.state.journal}-s{turn.state.signals_issued}"
    turn.emit(SignalRaised(signal, scan.key, end, action))
    if isinstance(action, Exit):
        if trade is None:
            turn.emit(SignalClosed(signal, "CANCELLED", "nothing to close"))
            return
        turn.emit(SignalClosed(signal, "EXECUTED", f"closing {trade.id}"))
        close_trade(turn, trade.id, action.reason or "exit_rule")
    elif trade is not None and not (_may_reverse(turn, scan, trade) and action.side is not trade.side):
        turn.emit(SignalClosed(signal, "CANCELLED", f"trade {trade.id} is open: recorded, not traded"))
    elif (refused := _bad_data(turn, scan, end) or _missed(turn, scan, end)) is not None:
        turn.emit(SignalClosed(signal, "FAILED", refused.text, refused))  # nothing is reversed either
    else:
        if trade is not None:
            close_trade(turn, trade.id, "reverse")
        promote(turn, scan, signal, action)


def _bad_data(turn: Turn, scan: Scan, end: int) -> Refused | None:
    """What speaks against the data that the bar end is decided on."""
    refused = data_trust(scan.standings(turn.at))
    return scan.gate.refusal(end) if refused is None and scan.gate is not None else refused


def _missed(turn: Turn, scan: Scan, end: int) -> Refused | None:
    """An entry that nobody looked for in time is taken only where it is caught up, and the trade would not end at once."""
    missed = scan.terms.looks.missed(end, turn.at)
    if missed is Missed.CAUGHT_UP and turn.at >= scan.terms.flat_at(end):
        missed = Missed.TOO_LATE
    if missed is None or missed is Missed.CAUGHT_UP:
        return None
    late, most = (turn.at - end) / MINUTE, (CATCH_UP_MAX if missed is Missed.TOO_LATE else scan.terms.looks.on_time) / MINUTE
    return Refused("missed_look", late, most, f"{missed}: looked at {late:.0f} minutes after the bar's end")


def _may_reverse(turn: Turn, scan: Scan, trade: TradeState) -> bool:
    """One position per configuration: a reversal waits for an earlier one, whose close may still be on its way."""
    held = [t for t in open_trades(turn) if t.key.config == scan.key.config]
    return scan.terms.reverse and held == [trade] and trade.status is TradeStatus.RUNNING
