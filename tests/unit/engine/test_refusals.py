"""What a venue refused is not asked for again at once; what lives at the broker after its end is cancelled."""

from tests.unit.engine.test_revised_fills import AT, Run, world
from theo.domain import facts as f
from theo.domain.effects import CancelOrder
from theo.domain.market_data import SECOND
from theo.domain.reports import ActionRejected, BookOrder, BookReported
from theo.engine.apply import apply
from theo.engine.decide.books import on_book
from theo.engine.decide.order_reports import on_report
from theo.engine.decide.tend import tend
from theo.engine.order_life import OrderEvent
from theo.engine.turn import Turn


def cancels(turn: Turn) -> list[str]:
    return [effect.order for effect in turn.effects if isinstance(effect, CancelOrder)]


def test_a_refused_cancel_is_asked_for_again_after_a_while() -> None:
    run = Run()
    apply(run.state, f.OrderMoved(AT, run.order, OrderEvent.ACCEPTED))
    apply(run.state, f.Halted(AT, "owner", "lunch"))
    trade = run.state.trades[run.trade]
    first = Turn(run.state, world(), AT)
    tend(first, trade)
    assert cancels(first) == [run.order]
    refused = Turn(run.state, world(), AT + 1)
    on_report(refused, ActionRejected(AT + 1, run.order, "cancel", "161: not now"))
    assert cancels(refused) == []
    apply(run.state, f.OrderMoved(AT + 2, run.order, OrderEvent.ACCEPTED, "from the broker's books"))
    for wait, expected in ((2 * SECOND - 1, []), (2 * SECOND, [run.order])):
        later = Turn(run.state, world(), AT + 1 + wait)
        tend(later, trade)
        assert cancels(later) == expected


def test_an_order_that_lives_after_its_end_is_cancelled() -> None:
    run = Run()
    apply(run.state, f.OrderMoved(AT, run.order, OrderEvent.REJECTED, "no"))
    apply(run.state, f.BookAsked(AT + 10, "in doubt"))
    order = run.state.orders[run.order].order
    turn = Turn(run.state, world(), AT + 20)
    alive = BookOrder(order, "7", "working", 0)
    on_book(turn, BookReported(at=AT + 20, orders=(alive,), executions=(), positions={}))
    assert cancels(turn) == [run.order]
    assert [fact.kind for fact in turn.facts if isinstance(fact, f.Differed)] == ["order_alive"]
