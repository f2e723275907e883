"""Reconciliation: the broker's books against ours. The normal path at start, after each reconnect, and when in doubt.

First executions (a fill that we missed), then orders (what became of those we are not sure of), then positions. Only when
all three agree may new risk be taken.
"""

from collections.abc import Iterator

from theo.domain.approval import Refused
from theo.domain.effects import CancelOrder, PlaceTicket
from theo.domain.facts import Differed, OrderMoved, OrderResized, Reconciled
from theo.domain.orders import Order, OrderRole, Ticket
from theo.domain.reports import BookOrder, BookReported, FillCorrected, OrderAccepted, OrderFilled
from theo.engine.apply import difference
from theo.engine.decide.entries import enter_again, still_valid
from theo.engine.decide.exits import place_of
from theo.engine.decide.fills import learn_charges, learn_correction, learn_fill
from theo.engine.decide.order_reports import learn
from theo.engine.decide.stuck import free_stuck
from theo.engine.decide.tend import tend
from theo.engine.order_life import ENDED, LIVE, UNCERTAIN, OrderEvent, OrderStatus
from theo.engine.state import OrderState, TradeState
from theo.engine.turn import Turn
from theo.risk.approve import approve_reduction, approve_spread_again

REMEDY = "close it in TWS, or leave it alone with `theo adopt`"
FORGOTTEN = (
    "no exit is sent for what is not there. IB Gateway forgets executions at midnight: connect to a TWS that is set to show the "
    "trades of seven days, which tells them, or restore the position by hand"
)
EVENT_OF_STATUS = {
    "working": OrderEvent.ACCEPTED,
    "filled": OrderEvent.FULL_FILL,
    "cancelled": OrderEvent.CANCELLED,
    "rejected": OrderEvent.REJECTED,
    "expired": OrderEvent.EXPIRED,
}


def on_book(turn: Turn, book: BookReported) -> None:
    """Compare, repair what can be repaired, and say what was found."""
    found = _compare_executions(turn, book) + _compare_orders(turn, book)
    never_sent = [trade for trade in turn.state.trades.values() if _entry_never_arrived(turn, book, trade)]
    to_send = {order for trade in never_sent for order in trade.orders}
    unknown = any(o.status is OrderStatus.UNKNOWN and o.order.id not in to_send for o in turn.state.orders.values())
    unsettled = unknown or _outdated(turn, book)
    wrong = 0 if unsettled else _compare_positions(turn, book)
    agreed = not unsettled and not wrong
    turn.emit(Reconciled(turn.at, found + wrong, agreed))
    if agreed:
        for trade in never_sent:
            enter_again(turn, trade)
        working = {entry.order.id for entry in book.orders if entry.status == "working"} & turn.state.orders.keys()
        late = {turn.state.orders[order].order.trade: None for order in sorted(working)}  # of trades that are over: ghosts
        for trade in [turn.state.trades[t] for t in {**turn.state.open_trades, **late}]:
            tend(turn, trade)
        if not never_sent:
            free_stuck(turn, book)


def _outdated(turn: Turn, book: BookReported) -> bool:
    """Whether a fill or an order was reported since we asked that the answer does not hold yet: it was written before."""
    known = {fill.execution for fill in book.executions}
    listed = {entry.order.id for entry in book.orders}
    since = turn.state.asked_book_at
    counted = turn.state.executions.items()
    fills = any(c.at >= since and not c.replaced and execution not in known for execution, c in counted)
    orders = turn.state.orders.items()
    return fills or any(held.since >= since and held.status in LIVE and order not in listed for order, held in orders)


def _compare_executions(turn: Turn, book: BookReported) -> int:
    """Fills that never reached us count now, by the time the exchange gave them; so do corrections, and late charges."""
    found = 0
    for fill in book.executions:
        held = turn.state.orders.get(fill.order)
        if held is None:
            continue
        if _learn(turn, held.order, fill):
            turn.emit(Differed(turn.at, "execution_missed", fill.execution, "unknown", f"{fill.quantity}", "counted"))
            found += 1
        elif fill.final:
            learn_charges(turn, held.order, fill.execution, fill.charges)
    return found


def _learn(turn: Turn, order: Order, fill: OrderFilled | FillCorrected) -> bool:
    return learn_correction(turn, order, fill) if isinstance(fill, FillCorrected) else learn_fill(turn, order, fill)


def _compare_orders(turn: Turn, book: BookReported) -> int:
    theirs = {entry.order.id: entry for entry in book.orders}
    found = 0
    for held in list(turn.state.orders.values()):
        entry = theirs.pop(held.order.id, None)
        if entry is not None:
            found += _settle(turn, held, entry)
            if book.nothing_in_flight and held.status is OrderStatus.CANCELLING:  # our cancel never left
                turn.effects.append(CancelOrder(held.order.id, adds_risk=held.order.role is OrderRole.ENTRY))
        elif held.status not in ENDED:
            found += _missing(turn, book, held)
    for order_id, entry in theirs.items():
        if order_id.startswith(f"{turn.state.journal}-"):
            continue  # ours, of a trade that ended days ago
        if turn.state.told.get(difference("order_unknown", order_id)) != f"not ours, {entry.status}":
            turn.emit(Differed(turn.at, "order_unknown", order_id, "not ours", entry.status, "reported"))
            turn.alert("warning", "foreign_order", f"the broker holds an order that is not ours: {order_id}")
        found += 1
    return found


def _settle(turn: Turn, held: OrderState, entry: BookOrder) -> int:
    """Bring the order to what the broker says of it."""
    before, theirs = held.status, entry.order
    ours = held.order
    if (theirs.quantity, theirs.limit, theirs.stop, theirs.trail) != (ours.quantity, ours.limit, ours.stop, ours.trail):
        turn.emit(
            OrderResized(
                at=turn.at, order=ours.id, quantity=theirs.quantity, limit=theirs.limit, stop=theirs.stop, trail=theirs.trail
            )
        )
    if entry.status == "working" and not held.filled and theirs.condition != ours.condition:
        _tell_condition(turn, ours, theirs)
    if entry.status != "filled":  # fills are counted from executions, never from a status
        names = OrderAccepted(turn.at, ours.id, entry.broker_id, entry.broker, entry.client_id, entry.handle)
        learn(turn, held, EVENT_OF_STATUS[entry.status], "from the broker's books", names)
    if entry.status == "working" and before in ENDED - {OrderStatus.LOST} and held.since < turn.state.asked_book_at:
        turn.emit(Differed(turn.at, "order_alive", ours.id, str(before), entry.status, "cancelled"))
        turn.alert("page", "ghost_order", f"{ours.role} order {ours.id} is {before}, and works at the broker: cancelling it")
        turn.effects.append(CancelOrder(ours.id, adds_risk=ours.role is OrderRole.ENTRY))
        return 1
    if held.status is before:
        return 0
    turn.emit(Differed(turn.at, "order", held.order.id, str(before), entry.status, "followed the broker"))
    return 1


def _tell_condition(turn: Turn, ours: Order, theirs: Order) -> None:
    """The broker waits for something else than we asked for: it cannot be changed from here, so a person must look."""
    at_broker = f"{theirs.condition or 'nothing'}"
    if turn.state.told.get(difference("condition", ours.id)) != f"{ours.condition}, {at_broker}":
        turn.emit(Differed(turn.at, "condition", ours.id, f"{ours.condition}", at_broker, "reported"))
        text = f"{ours.role} order {ours.id} waits for {at_broker} at the broker, and for {ours.condition} here"
        turn.alert("page", "other_condition", f"{text}: look at it in TWS, or close the trade with `theo trade close`")


def _may_arrive(turn: Turn, book: BookReported, held: OrderState) -> bool:
    """Whether an order that nobody confirmed, and that the books lack, may still be on its way."""
    if held.status is OrderStatus.INTENDED and held.since >= turn.state.asked_book_at:
        return True  # sent after the answer was written
    return not book.nothing_in_flight and turn.at < held.since + turn.world.settings.late_answer_wait


def _entry_never_arrived(turn: Turn, book: BookReported, trade: TradeState) -> bool:
    """Whether no order of a trade that is still wanted has reached the broker: its entry is sent again once the books agree."""
    orders = [turn.state.orders[o] for o in trade.orders]
    if any(o.status is not OrderStatus.UNKNOWN or _may_arrive(turn, book, o) for o in orders):
        return False
    return orders[0].order.role is OrderRole.ENTRY and still_valid(turn, trade)


def _missing(turn: Turn, book: BookReported, held: OrderState) -> int:
    """The broker does not know the order. Before the bound its answer may still come; after it, it never arrived."""
    if held.status in UNCERTAIN:
        if _may_arrive(turn, book, held) or _entry_never_arrived(turn, book, turn.state.trades[held.order.trade]):
            return 0
        if _exit_wanted(turn, held) and _send_again(turn, held):
            return 1
    elif held.since >= turn.state.asked_book_at:
        return 0  # confirmed after the answer was written
    before = str(held.status)
    turn.emit(OrderMoved(turn.at, held.order.id, OrderEvent.ABSENT, "not in the broker's books"))
    turn.emit(Differed(turn.at, "order_missing", held.order.id, before, "absent", "counted as never arrived"))
    return 1


def _exit_wanted(turn: Turn, held: OrderState) -> bool:
    """An exit of its own is always worth sending again while its trade is open; a bracket's child goes with its parent."""
    trade = turn.state.trades[held.order.trade]
    return held.order.role is not OrderRole.ENTRY and not held.order.parent and trade.open_quantity > 0


def _send_again(turn: Turn, held: OrderState) -> bool:
    """The same order under the same id: should both arrive, the venue refuses the second.

    False when the trade has become smaller than the order: then that one is given up, and tending places one that fits.
    """
    trade = turn.state.trades[held.order.trade]
    position = trade.side.sign * trade.open_quantity
    sent = [held] if not held.order.spread else [held, turn.state.orders[held.order.spread]]
    if len(sent) > 1 and any(o.status is not OrderStatus.UNKNOWN or o.filled for o in sent):
        return False
    ticket = Ticket(tuple(o.order for o in sent))
    approved = approve_reduction(ticket, position) if len(sent) == 1 else approve_spread_again(ticket, position)
    if isinstance(approved, Refused):
        return False
    for each in sent:
        turn.emit(OrderMoved(turn.at, each.order.id, OrderEvent.RESENT, "the broker's books lack it"))
    turn.effects.append(PlaceTicket(approved))
    return True


def _compare_positions(turn: Turn, book: BookReported) -> int:
    """What we hold by our fills against what the broker says we hold."""
    wrong, again = 0, dict[str, str]()
    for symbol, ours, theirs in _held_and_told(turn, book):
        if ours == theirs and symbol in turn.state.held_there:
            again[symbol] = str(ours)
        if ours != theirs:
            wrong += 1
            if turn.state.told.get(difference("position", symbol)) != f"{ours}, {theirs}":
                turn.emit(Differed(turn.at, "position", symbol, str(ours), str(theirs), "no new risk until a person decides"))
                less = abs(theirs) < abs(ours) or ours * theirs < 0
                text = f"{symbol}: our fills say {ours}, the broker says {theirs}: {FORGOTTEN if less else REMEDY}"
                turn.alert("page", "position_differs", text)
    for symbol, quantity in again.items() if wrong else ():
        turn.emit(Differed(turn.at, "position", symbol, quantity, quantity, "they agree again"))
    return wrong


def _held_and_told(turn: Turn, book: BookReported) -> Iterator[tuple[str, int, int]]:
    """What is compared, ours and theirs: each instrument, and of one that rolls the contract before and the front, each alone."""
    state = turn.state
    for instrument in sorted(turn.world.instruments):
        ours, foreign = state.positions.get(instrument, 0), state.foreign.get(instrument, 0)
        front = state.fronts.get(instrument)
        if book.months is None or front is None:
            yield turn.world.instruments[instrument].symbol, ours + foreign, book.positions.get(instrument, 0)
            continue
        months = book.months.get(instrument, {})
        if front.previous:
            yield place_of(turn, instrument, front.previous), front.leaving, months.get(front.previous, 0)
        yield place_of(turn, instrument, front.name), ours - front.leaving + foreign, months.get(front.name, 0)
