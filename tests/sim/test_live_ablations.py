"""Each safeguard of the live platform is taken away once: the world beside the gateway must find the damage."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ib_async.order import Order as IbOrder

from tests.sim.live_world import market
from tests.sim.live_world.draws import Rates
from tests.sim.live_world.world import World
from tests.sim.order_path.check import Violation
from theo.adapters.ib import broker as ib_broker
from theo.adapters.ib import order_fields
from theo.adapters.ib.executions import Executions
from theo.adapters.ib.liveness import Rhythm
from theo.domain.effects import Effect
from theo.domain.market_data import MINUTE
from theo.domain.orders import Order
from theo.domain.reports import OrderFilled
from theo.engine.decide import books, fills, order_reports
from theo.engine.turn import Turn
from theo.runtime.shell import Shell

SEEDS_MAX = 200
SHORT = market.OPEN + 45 * MINUTE
NEVER = 1 << 62
RATES = {"intent first": Rates(append_fails=0.0, outcome_unknown=0.0, crash=0.03, stall=0.0)}  # a crash between send and record
FAULTS = {  # with which each is to be found
    "identity by orderRef": frozenset[str](),
    "executions are asked for after a lost link": frozenset({"fills-during-1100"}),
    "executions are counted once": frozenset({"fills-during-1100", "reset"}),
    "intent first": frozenset[str](),
    "silent streams are noticed": frozenset({"farm-blip", "blind-after-1102"}),
}


@contextmanager
def without(name: str, patch: pytest.MonkeyPatch) -> Iterator[None]:
    """The platform without one safeguard."""
    with patch.context() as p:
        if name == "identity by orderRef":

            def nameless(*given: Any, **more: Any) -> IbOrder:  # noqa: ANN401 - handed through
                made = order_fields.to_ib(*given, **more)
                made.orderRef = ""
                return made

            p.setattr(ib_broker, "to_ib", nameless)
        elif name == "executions are asked for after a lost link":
            p.setattr(Executions, "in_book", lambda _self, _rows: ())
        elif name == "executions are counted once":
            learn = fills.learn_fill

            def again(turn: Turn, order: Order, fill: OrderFilled) -> bool:
                turn.state.executions.pop(fill.execution, None)
                return learn(turn, order, fill)

            p.setattr(order_reports, "learn_fill", again)
            p.setattr(books, "learn_fill", again)
        elif name == "intent first":

            async def sends_first(_self: Shell, _waiting: list[Effect]) -> None:
                pass

            p.setattr(Shell, "_commit_before", sends_first)
        elif name == "silent streams are noticed":
            p.setattr(Rhythm, "due", lambda _self, _since, _now: NEVER)
        yield


@pytest.mark.slow
@pytest.mark.parametrize("name", FAULTS)
def test_a_missing_safeguard_is_found(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sessions").mkdir()
    for seed in range(1, SEEDS_MAX + 1):
        folder = tmp_path / str(seed)
        folder.mkdir()
        with without(name, monkeypatch):
            try:
                World(seed, folder, tmp_path / "sessions", FAULTS[name], SHORT, RATES.get(name)).run()
            except Violation:
                return
    pytest.fail(f"{SEEDS_MAX} seeds without {name}: the world found nothing")
