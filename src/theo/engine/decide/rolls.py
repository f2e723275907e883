"""A future goes on with another contract: open trades follow it, or are closed; nothing is carried into delivery."""

from theo.domain.facts import RollAsked, Rolled
from theo.domain.market_data import ContractRolled
from theo.engine.decide.closing import close_trade, open_trades
from theo.engine.decide.next_leg import next_levels
from theo.engine.decide.tend import tend
from theo.engine.state import TradeState
from theo.engine.trade_life import TradeStatus
from theo.engine.turn import Turn


def on_rolled(turn: Turn, rolled: ContractRolled) -> None:
    """Name the contract; trades of another one are carried over or closed. An entry that waits for its fill is not carried."""
    turn.emit(
        Rolled(
            at=turn.at,
            instrument=rolled.instrument,
            previous=rolled.previous,
            contract=rolled.contract,
            difference=rolled.difference,
            why=rolled.why,
        )
    )
    for trade in open_trades(turn):
        if trade.instrument != rolled.instrument or trade.contract == rolled.contract:
            continue
        why = _not_carried(turn, rolled)
        if why:
            turn.alert("page", "not_carried", f"trade {trade.id} is closed, not rolled to {rolled.contract}: {why}")
        if why or not rolled.carry or trade.status is not TradeStatus.RUNNING:
            close_trade(turn, trade.id, "roll")
        else:
            turn.emit(_asked(turn, trade, rolled))
            tend(turn, trade)


def _asked(turn: Turn, trade: TradeState, rolled: ContractRolled) -> RollAsked:
    if not rolled.spread:
        return RollAsked(turn.at, trade.id, rolled.contract)
    levels = next_levels(turn, trade)
    return RollAsked(turn.at, trade.id, rolled.contract, True, levels.stop, levels.target, levels.trail)  # noqa: FBT003 - its fields


def _not_carried(turn: Turn, rolled: ContractRolled) -> str:
    """What forbids carrying a trade that would be carried; "" when nothing does."""
    if not rolled.carry:
        return ""
    return "trading is halted" if turn.state.halted else "the breaker holds" if turn.state.breaker is not None else ""
