"""An execution is known for as long as its order is: a broker that reports it once more must not count it twice."""

import msgspec

from tests.unit.report.journal import BEGIN, closed, day, filled, intended, started
from theo.domain.facts import Fact
from theo.domain.keys import Key
from theo.domain.market_data import DAY
from theo.domain.orders import Side
from theo.engine.apply import apply
from theo.engine.state import State


def test_executions_go_with_their_trade() -> None:
    state = State(key=Key(), journal="j")
    trade = intended(0)
    entry = filled(trade, Side.BUY, 2, 650_000, at=BEGIN + 1)
    leave = filled(trade, Side.SELL, 2, 650_100, at=BEGIN + 4 * DAY)
    leave = msgspec.structs.replace(leave, order=entry.order)  # the bracket of the plan holds its entry alone
    life: list[tuple[Fact, int]] = [  # what happens, and how many executions are known after it
        (started(), 0),
        (trade, 0),
        (entry, 1),
        (day(3, 0), 1),
        (leave, 2),
        (closed(trade, [entry, leave], "exit_rule", at=BEGIN + 4 * DAY), 2),
        (day(5, 0), 2),
        (day(7, 0), 0),
    ]
    for fact, known in life:
        apply(state, fact)
        assert len(state.executions) == known, fact
    assert not state.orders
