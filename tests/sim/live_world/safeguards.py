"""The safeguards of the live platform: how each is taken away, in which world it shows, and the first seed that shows it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from ib_async.order import Order as IbOrder

from tests.sim.live_world import market
from tests.sim.live_world.draws import Rates
from tests.sim.live_world.wire import AT_ONCE
from tests.sim.live_world.world import ENTRIES, RESTART, World
from theo.adapters.ib import broker as ib_broker
from theo.adapters.ib import order_fields
from theo.adapters.ib.executions import Executions
from theo.adapters.ib.liveness import Rhythm
from theo.adapters.ib.order_names import Sent
from theo.adapters.ib.tick_line import Print, TickLine
from theo.domain.effects import Effect
from theo.domain.facts import OrderMoved
from theo.domain.market_data import MINUTE, SECOND
from theo.domain.orders import Order, OrderRole
from theo.domain.reports import OrderFilled, SendFailed
from theo.engine.decide import books, clock, fills, order_reports
from theo.engine.order_life import AWAITING, OrderEvent
from theo.engine.turn import Turn
from theo.risk import approve
from theo.risk.rules.reconciled import reconciled
from theo.runtime.marking import Marking
from theo.runtime.session_gate import SessionGate
from theo.runtime.shell import Shell

SHORT = market.OPEN + 45 * MINUTE
NEVER = 1 << 62
Patch = pytest.MonkeyPatch


class Safeguard(msgspec.Struct, frozen=True):
    """``faults`` of these kinds alone, the disk's by ``rates``; ``restart``, ``entries`` and ``whole`` as a world has them."""

    removed: Callable[[Patch], None]
    seed: int
    faults: frozenset[str] = frozenset()
    rates: Rates | None = None
    restart: str = RESTART
    entries: int = ENTRIES
    two_sockets: bool = False
    whole: bool = False

    def world(self, seed: int, folder: Path, sessions: Path) -> World:
        """The world in which its absence shows."""
        made = World(
            seed,
            folder,
            sessions,
            self.faults,
            SHORT,
            self.rates,
            restart=self.restart,
            entries=self.entries,
            two_sockets=self.two_sockets,
            whole=self.whole,
        )
        if self.whole:
            made.loop.wire = AT_ONCE
        return made


def _nameless(patch: Patch) -> None:
    def to_ib(*given: Any, **more: Any) -> IbOrder:  # noqa: ANN401 - handed through
        made = order_fields.to_ib(*given, **more)
        made.orderRef = ""
        return made

    patch.setattr(ib_broker, "to_ib", to_ib)


def _not_asked(patch: Patch) -> None:
    patch.setattr(Executions, "in_book", lambda _self, _rows: ())


def _counted_again(patch: Patch) -> None:
    learn = fills.learn_fill

    def again(turn: Turn, order: Order, fill: OrderFilled) -> bool:
        turn.state.executions.pop(fill.execution, None)
        return learn(turn, order, fill)

    patch.setattr(order_reports, "learn_fill", again)
    patch.setattr(books, "learn_fill", again)


def _sent_first(patch: Patch) -> None:
    async def sends_first(_self: Shell, _waiting: list[Effect]) -> None:
        pass

    patch.setattr(Shell, "_commit_before", sends_first)


def _failed_for_unknown(patch: Patch) -> None:
    def given_up(turn: Turn) -> None:
        bound = turn.at - turn.world.settings.answer_wait
        for held in [turn.state.orders[order] for order in turn.state.unanswered]:
            if held.waits_since <= bound and held.status in AWAITING:
                turn.emit(OrderMoved(turn.at, held.order.id, OrderEvent.ABSENT, "no answer"))

    patch.setattr(ib_broker, "SendUnknown", SendFailed)
    patch.setattr(clock, "_unanswered", given_up)


def _not_reconciled(patch: Patch) -> None:
    patch.setattr(approve, "ENTRY_RULES", tuple(rule for rule in approve.ENTRY_RULES if rule is not reconciled))


def _never_silent(patch: Patch) -> None:
    patch.setattr(Rhythm, "due", lambda _self, _since, _now: NEVER)


def _no_gate(patch: Patch) -> None:
    patch.setattr(SessionGate, "_closed_because", lambda self, _now: "" if self._link_up else self._why or "down")


def _without_stop(patch: Patch) -> None:
    send = ib_broker.IbBroker._send

    def bare(self: ib_broker.IbBroker, ticket: Sequence[Sent]) -> None:
        send(self, [sent for sent in ticket if sent.order.role is not OrderRole.STOP])

    patch.setattr(ib_broker.IbBroker, "_send", bare)


def _all_approved(patch: Patch) -> None:
    patch.setattr(approve, "ENTRY_RULES", ())


def _taken_twice(patch: Patch) -> None:
    missed = TickLine._missed

    def again(self: TickLine, past: Iterable[Print], at: int) -> int:
        prints = list(past)
        for each in prints:
            self._handed.pop(each.timestamp // SECOND, None)
        return missed(self, prints, at)

    patch.setattr(TickLine, "_missed", again)


def _not_marked(patch: Patch) -> None:
    patch.setattr(Marking, "_mark", lambda _self, _instrument, _said, _at: None)


SAFEGUARDS: Mapping[str, Safeguard] = {
    "identity by orderRef": Safeguard(_nameless, 1),
    "executions are asked for after a lost link": Safeguard(_not_asked, 6, frozenset({"fills-during-1100"})),
    "executions are counted once": Safeguard(_counted_again, 1, frozenset({"fills-during-1100", "reset"})),
    "intent first": Safeguard(_sent_first, 1, rates=Rates(intent_crash=0.2, append_fails=0, outcome_unknown=0, crash=0, stall=0)),
    "no answer is an outcome of its own": Safeguard(_failed_for_unknown, 2, frozenset({"never-answered"})),
    "books before risk": Safeguard(_not_reconciled, 2, frozenset({"orders-reset"}), two_sockets=True),
    "silent streams are noticed": Safeguard(_never_silent, 1, frozenset({"farm-blip", "blind-after-1102"})),
    "nothing is sent around the restart": Safeguard(_no_gate, 1, restart="10:00"),
    "stop with entry": Safeguard(_without_stop, 1),
    "approval": Safeguard(_all_approved, 1, entries=3),
    "prints are taken once": Safeguard(_taken_twice, 1, frozenset({"reset", "server-lost-data-lost"})),
    "data that broke off are marked": Safeguard(_not_marked, 13, frozenset({"competing-session"}), whole=True),
}
