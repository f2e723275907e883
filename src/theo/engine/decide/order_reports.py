"""What a broker's report of one order makes known. Every report may come twice, late, or out of order."""

from theo.domain import reports as r
from theo.domain.facts import AmendRefused, OrderMoved, OrderResized
from theo.engine import order_life
from theo.engine.decide.asking import ask_book
from theo.engine.decide.fills import learn_charges, learn_correction, learn_fill
from theo.engine.decide.tend import tend
from theo.engine.order_life import OrderEvent, OrderStatus
from theo.engine.state import OrderState
from theo.engine.turn import Turn

REFUSALS_TOLD = 5  # of cancels and changes of one order, in a row
DUPLICATE_ID = 103  # IB: duplicate order id
NAMELESS = r.OrderAccepted(0, "", "")  # a broker said nothing of what it calls an order
EVENT_OF = {
    r.OrderAccepted: OrderEvent.ACCEPTED,
    r.OrderRejected: OrderEvent.REJECTED,
    r.OrderCancelled: OrderEvent.CANCELLED,
    r.OrderExpired: OrderEvent.EXPIRED,
    r.SendFailed: OrderEvent.ABSENT,
    r.SendUnknown: OrderEvent.UNANSWERED,
    r.ActionRejected: OrderEvent.CANCEL_REFUSED,
}


def on_report(turn: Turn, report: r.OrderReport) -> None:
    """Learn from the report, then tend the trade that the order belongs to."""
    held = turn.state.orders.get(report.order)
    if held is None:
        if isinstance(report, r.ChargesReported):
            return  # of an order that is forgotten
        turn.alert("page", "foreign_order", f"the broker reported an order that is not ours: {report.order}")
        return
    if isinstance(report, r.OrderFilled):
        learn_fill(turn, held.order, report)
    elif isinstance(report, r.FillCorrected):
        learn_correction(turn, held.order, report)
    elif isinstance(report, r.ChargesReported):
        learn_charges(turn, held.order, report.execution, report.charges)
    elif isinstance(report, r.OrderAmended):
        _learn_amendment(turn, held, report)
    else:
        _learn_event(turn, held, report)
    tend(turn, turn.state.trades[held.order.trade])


def _learn_amendment(turn: Turn, held: OrderState, report: r.OrderAmended) -> None:
    order = held.order
    now = (order.quantity, order.limit, order.stop, order.trail)
    if held.amending_since or now != (report.quantity, report.limit, report.stop, report.trail):
        turn.emit(
            OrderResized(
                at=turn.at,
                order=order.id,
                quantity=report.quantity,
                limit=report.limit,
                stop=report.stop,
                trail=report.trail,
            )
        )


def _learn_event(turn: Turn, held: OrderState, report: r.OrderReport) -> None:
    """Move the order along its life cycle; a repeat that changes nothing leaves no fact."""
    if isinstance(report, r.ActionRejected) and report.action != "cancel":
        turn.emit(AmendRefused(turn.at, report.order, report.reason))
        turn.alert("warning", "amend_refused", f"{report.order}: {report.reason}")
        _tell_stuck(turn, held)
        return
    if isinstance(report, r.OrderRejected) and report.code == DUPLICATE_ID:
        ask_book(turn, f"the venue already knows {report.order}")  # it refuses the repeat, not the order
        return
    names = report if isinstance(report, r.OrderAccepted) else NAMELESS
    learn(turn, held, EVENT_OF[type(report)], getattr(report, "reason", ""), names)


def _tell_stuck(turn: Turn, held: OrderState) -> None:
    """A person is told once of an order that can be neither changed nor cancelled; it is tried ever more seldom."""
    if held.refusals == REFUSALS_TOLD:
        turn.alert(
            "page", "order_stuck", f"{held.order.role} order {held.order.id} cannot be changed or cancelled: do it by hand"
        )


def learn(turn: Turn, held: OrderState, event: OrderEvent, reason: str = "", names: r.OrderAccepted = NAMELESS) -> None:
    """Move an order by an event that the broker made known; ``names`` is what it calls the order, if that was told with it."""
    before = held.status
    following = order_life.next_status(before, event)
    if following is before and names.broker_id in {"", held.broker_id}:
        return
    known = (names.broker_id, names.broker, names.client_id, names.handle)
    turn.emit(OrderMoved(turn.at, held.order.id, event, reason, *known))
    if event is OrderEvent.REJECTED and before not in order_life.ENDED:
        turn.alert("warning", "order_rejected", f"{held.order.role} order {held.order.id} was rejected: {reason}")
    if event is OrderEvent.ABSENT and before not in order_life.ENDED:
        turn.alert("warning", "send_failed", f"{held.order.role} order {held.order.id} was not sent: {reason}")
    if event is OrderEvent.CANCEL_REFUSED and before is OrderStatus.CANCELLING:
        _tell_stuck(turn, held)
        ask_book(turn, f"a cancel of {held.order.id} was refused")
    if event is OrderEvent.UNANSWERED:
        turn.alert("warning", "order_unknown", f"{held.order.role} order {held.order.id} has no answer: {reason}")
        if turn.state.agreed:  # else they are asked for again by time
            ask_book(turn, f"order {held.order.id} has no answer")
