"""Books that do not come are asked for ever less often: each ask makes a broker that answers slowly begin anew."""

from tests.closing import tick_market
from theo.domain.effects import AskBook
from theo.domain.inputs import LinkChanged, Started, TimerFired
from theo.domain.market_data import SECOND
from theo.domain.reports import BookReported
from theo.drive.assembly import assemble


def test_each_ask_without_an_answer_leaves_the_next_more_time_and_an_answer_begins_anew() -> None:
    plan = tick_market.plan(1)
    core = assemble(plan)
    began = next(iter(tick_market.ticks(plan, 1, 4))).at
    core.step(Started(at=began, key=plan.key, build="t", cash=plan.cash, world="{}"))
    core.step(LinkChanged(began, up=True, reason="connected"))

    def asked(until: int) -> list[int]:
        times = []
        while core.timer <= until:
            at = core.timer
            _, effects = core.step(TimerFired(at))
            times += [at for effect in effects if isinstance(effect, AskBook)]
        return times

    times = asked(began + 800 * SECOND)
    assert [(later - earlier) // SECOND for earlier, later in zip([began, *times], times, strict=False)] == [
        10,
        20,
        40,
        80,
        160,
        160,
        160,
        160,
    ]
    now = core.at + SECOND
    core.step(BookReported(at=now, orders=(), executions=(), positions={tick_market.INDEX: 3}))  # not ours: they do not agree
    assert not core.state.agreed
    assert asked(now + 15 * SECOND)


def test_books_that_differ_and_took_longer_than_the_next_ask_would_have_waited_are_asked_for_again() -> None:
    plan = tick_market.plan(1)
    core = assemble(plan)
    began = next(iter(tick_market.ticks(plan, 1, 4))).at
    core.step(Started(at=began, key=plan.key, build="t", cash=plan.cash, world="{}"))
    core.step(LinkChanged(began, up=True, reason="connected"))
    core.step(TimerFired(began + 10 * SECOND))  # asked for once more
    late = began + 10 * SECOND + 15 * SECOND
    core.step(BookReported(at=late, orders=(), executions=(), positions={tick_market.INDEX: 3}))  # not ours
    assert not core.state.agreed
    assert core.timer <= late + 10 * SECOND
    _, effects = core.step(TimerFired(core.timer))
    assert any(isinstance(effect, AskBook) for effect in effects)
