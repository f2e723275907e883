"""What an execution changes: counted once by its id, corrected by another one, or paid for later than it was told."""

from theo.domain import reports as r
from theo.domain.facts import Filled, FillRevised, SignalClosed
from theo.domain.orders import Order, OrderRole
from theo.engine.decide.closing import give_up_other
from theo.engine.turn import Turn


def learn_fill(turn: Turn, order: Order, fill: r.OrderFilled) -> bool:
    """Count an execution once, by its id. Returns whether it was new."""
    state = turn.state
    if fill.execution in state.executions:
        return False
    unit_value = turn.world.unit_values[order.instrument]
    turn.emit(
        Filled(
            at=turn.at,
            timestamp=fill.timestamp,
            order=order.id,
            trade=order.trade,
            execution=fill.execution,
            instrument=order.instrument,
            role=order.role,
            side=order.side,
            quantity=fill.quantity,
            price=fill.price,
            value=order.side.sign * fill.quantity * fill.price * unit_value,
            charges=fill.charges,
            ahead=_is_ahead(turn, order),
        )
    )
    if order.role is OrderRole.ENTRY and order.oca_group:
        give_up_other(turn, order)
    if order.id in state.trades[order.trade].past_orders:
        text = f"trade {order.trade}: {order.side} {fill.quantity} was filled in {order.contract or 'a contract'} that was left"
        turn.alert("page", "past_contract_fill", f"{text}: look at the account, and close what is held there by hand")
    signal = state.trades[order.trade].signal
    if order.role is OrderRole.ENTRY and signal in state.signals:
        why = state.trades[order.trade].why
        turn.emit(SignalClosed(signal, "EXECUTED", f"filled: {why}" if why else "filled"))
    return True


def learn_correction(turn: Turn, order: Order, fill: r.FillCorrected) -> bool:
    """An execution in the place of earlier ones: what was counted of them changes. Returns whether it was new."""
    known = turn.state.executions
    if fill.execution in known:
        return False
    counted = next((known[e] for e in fill.replaces if e in known and not known[e].replaced), None)
    if counted is None:
        as_told = r.OrderFilled(
            at=fill.at,
            order=fill.order,
            execution=fill.execution,
            timestamp=fill.timestamp,
            quantity=fill.quantity,
            price=fill.price,
            charges=fill.charges,
            final=fill.final,
        )
        learn_fill(turn, order, as_told)
        counted = known[fill.execution]
    _revise(
        turn,
        order,
        fill.execution,
        fill.replaces,
        price=fill.price,
        quantity=fill.quantity - counted.quantity,
        turnover=fill.quantity * fill.price - counted.quantity * counted.price,
        charges=fill.charges - counted.charges,
    )
    return True


def learn_charges(turn: Turn, order: Order, execution: str, charges: int) -> bool:
    """What an execution really cost; a repeat changes nothing. Returns whether it was other than counted."""
    counted = turn.state.executions.get(execution)
    if counted is None or counted.replaced or counted.charges == charges:
        return False
    _revise(turn, order, execution, (), price=counted.price, quantity=0, turnover=0, charges=charges - counted.charges)
    return True


def _revise(
    turn: Turn,
    order: Order,
    execution: str,
    replaces: tuple[str, ...],
    *,
    price: int,
    quantity: int,
    turnover: int,
    charges: int,
) -> None:
    turn.emit(
        FillRevised(
            at=turn.at,
            order=order.id,
            trade=order.trade,
            execution=execution,
            replaces=replaces,
            instrument=order.instrument,
            side=order.side,
            price=price,
            quantity=quantity,
            turnover=turnover,
            value=order.side.sign * turnover * turn.world.unit_values[order.instrument],
            charges=charges,
            ahead=_is_ahead(turn, order),
        )
    )


def _is_ahead(turn: Turn, order: Order) -> bool:
    """Whether an order is of the contract into which a spread carries its trade."""
    ahead = turn.state.trades[order.trade].ahead
    return ahead is not None and order.contract == ahead.contract
