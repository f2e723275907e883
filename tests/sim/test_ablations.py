"""Each safeguard is taken away once: the world must find the damage within a budget of seeds."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.sim.order_path.check import Violation
from tests.sim.order_path.crash import CrashPoints
from tests.sim.order_path.world import World
from theo.domain.effects import Effect
from theo.domain.facts import BookAsked
from theo.domain.orders import Order
from theo.domain.reports import OrderFilled
from theo.engine import core
from theo.engine.decide import books, clock, commands, fills, order_reports, tend
from theo.engine.decide.exits import cancel
from theo.engine.order_life import LIVE
from theo.engine.turn import Turn
from theo.risk import approve
from theo.runtime.shell import Shell

SEEDS_MAX = 40  # the first without any fault


class SendsFirst(Shell):
    """Orders leave before their record is durable."""

    async def _commit_before(self, effects: list[Effect]) -> None:
        pass


def nothing(*_args: object, **_kwargs: object) -> None:
    """The safeguard is gone."""


@contextmanager
def without(name: str, patch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:  # noqa: C901 - one branch a safeguard
    """The application without one safeguard."""
    options: dict[str, Any] = {}
    with patch.context() as p:
        if name == "intent first":
            options["make_shell"] = SendsFirst
        elif name == "executions are counted once":
            learn = fills.learn_fill

            def again(turn: Turn, order: Order, fill: OrderFilled) -> bool:
                turn.state.executions.pop(fill.execution, None)
                return learn(turn, order, fill)

            p.setattr(order_reports, "learn_fill", again)
            p.setattr(books, "learn_fill", again)
        elif name == "the broker is asked when in doubt":

            def forget_to_ask(turn: Turn, reason: str) -> None:
                turn.emit(BookAsked(turn.at, reason))

            for module in (core, clock, order_reports):
                p.setattr(module, "ask_book", forget_to_ask)
        elif name == "a halt keeps stops":

            def cancel_all(turn: Turn, reason: str) -> None:
                for held in [o for o in turn.state.orders.values() if o.status in LIVE]:
                    cancel(turn, held, reason)

            p.setattr(commands, "cancel_entries", cancel_all)
        elif name == "a halt refuses entries":
            p.setattr(approve, "ENTRY_RULES", tuple(r for r in approve.ENTRY_RULES if r.__name__ != "halted"))
        elif name == "what is open is protected":
            p.setattr(tend, "_protect", nothing)
        yield options


@pytest.mark.parametrize(
    "name",
    [
        "intent first",
        "executions are counted once",
        "the broker is asked when in doubt",
        "a halt keeps stops",
        "a halt refuses entries",
        "what is open is protected",
    ],
)
def test_a_missing_safeguard_is_found(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(SEEDS_MAX):
        folder = tmp_path / str(seed)
        folder.mkdir()
        with without(name, monkeypatch) as options:
            try:
                points = CrashPoints(name="place:after", nth=seed + 1) if name == "intent first" else CrashPoints()
                World(seed, folder, faults=seed > 0, points=points, **options).run()
            except Violation:
                return
    pytest.fail(f"{SEEDS_MAX} seeds without {name}: the world found nothing")
