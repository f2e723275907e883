"""One live platform on one gateway while an incident happens: what is done to it, and what must hold afterwards."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import msgspec

from tests.closing.kill_live import contradictions, unprotected
from tests.ib.conftest import Told
from tests.live.platform import WAIT_SECONDS, Platform
from tests.live.work_clock import WorkClock
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.app.recorded.run import recorded_items
from theo.domain.asked import Asked
from theo.domain.facts import Decided, Fact, Filled, OrderMoved, SignalClosed, TradeIntended
from theo.domain.inputs import Command
from theo.domain.instrument import Instrument
from theo.domain.market_data import SECOND, MarketData
from theo.domain.orders import OrderRole
from theo.engine.state import State
from theo.gateway.books import Booked, OrderBooked, booked
from theo.gateway.building import Gateway
from theo.gateway.incidents.incident import Value
from theo.gateway.server import GatewayServer
from theo.market.trust import TRUSTED
from theo.ports.feed import FeedState, Standing
from theo.runtime.session_gate import SessionGate

HELD = """
name = "held"
strategy = "rules"
timeframe = "1min"
session = "RTH"
[symbols]
primary = "MES"
[entry]
long = [{ left = "close", op = ">", right = 0 }]
[stop]
percent = 0.5
[target]
percent = 0.5
[size]
quantity = 2
[trading]
style = "positional"
"""  # two contracts, and levels that no minute reaches: the trade is there while something happens to it
WITH_INDEX = HELD.replace('primary = "MES"', 'primary = "MES"\npartners = ["VIX"]').replace(
    "right = 0 }]", 'right = 0 }, { left = "VIX close", op = ">", right = 0 }]'
)  # an index has a sampled line: no quotes, nothing tick by tick
EITHER = WITH_INDEX.replace("long = [", "long = [{ any = [").replace(
    "right = 0 }]", "right = 0 }] }]"
)  # both are awaited all the same
MES = 4
FLOWING = {FeedState.LIVE, FeedState.DELAYED}


class IncidentWorld(Platform):
    """A platform whose one trade stays open until an incident, or a person, closes it."""

    def __init__(
        self,
        home: Path,
        server: GatewayServer,
        gateway: Gateway,
        clock: WorkClock,
        told: Told,
        *,
        ib: str = "",
        rules: str = HELD,
    ) -> None:
        super().__init__(home, server, gateway, clock, told)
        self.clock: WorkClock = clock
        ib = f"[ib]\nport = {server.port}\n{ib}\n"
        limits = '[limits]\ntrades_per_day_max = "unlimited"\n'
        self.home.configuration.write_text(f'mode = "paper"\n{ib}{limits}', encoding="utf-8")
        self.rules.write_text(rules, encoding="utf-8")
        self.over_at = 0
        self.trusted_at: list[int] = []  # when something was decided on bars that are all trusted
        self.doubled = False  # the gateway makes two orders of one: what counts of the second is that it lives no more
        self._commands = 0

    def _watch(self, at: int, facts: list[Fact]) -> None:
        super()._watch(at, facts)
        if self.live is not None and any(isinstance(fact, Decided) for fact in facts):
            core = self.live.shell.core
            if all(one.standing.trust in TRUSTED for scan in core.world.scans.values() for one in scan.standings(at)):
                self.trusted_at.append(at)

    async def until(self, holds: Callable[[State], bool]) -> None:
        """Wait until the trading state is so, as long as this may take of the market's time. Raises TimeoutError."""
        live, task = self.live, self._task
        assert live is not None
        assert task is not None
        ends = self.clock.now() + round(WAIT_SECONDS * self.clock.speed * SECOND)
        while not task.done() and not holds(live.shell.core.state):
            if self.clock.now() >= ends:
                raise TimeoutError
            await asyncio.sleep(0)  # a turn of the loop: what is waited for is done in it, and has no event
        if task.done():
            task.result()

    # What happens

    async def holding(self) -> None:
        """Begin, and wait for the open trade with its stop at the gateway."""
        await self.begin()
        await self.until(lambda state: bool(state.positions.get(MES)) and state.agreed)
        await self.until(lambda _state: not self.wrong())

    def play(self, name: str, lasts: float | None = None, **arguments: Value) -> None:
        """Begin an incident; when it has no end it is over at once."""
        self.server.act(lambda simulator: self.gateway.incidents.play(simulator.desk, name, lasts, arguments))
        self.over_at = self.clock.now()

    def over(self, name: str) -> None:
        """End it."""
        self.server.act(lambda simulator: self.gateway.incidents.end(simulator.desk, name))
        self.over_at = self.clock.now()

    async def passes(self, seconds: float) -> None:
        """So much of the market's time."""
        at = self.clock.now() + round(seconds * SECOND)
        await self.until(lambda _state: self.clock.now() >= at)

    def fill(self, role: OrderRole, quantity: int | None = None) -> None:
        """The newest live order of this role fills at the exchange, whatever the market says."""
        order = self.live_order(role)
        self.server.act(lambda simulator: self.gateway.trading.fill_now(simulator.desk, order.perm_id, quantity))

    def command(self, name: str, payload: Asked | None = None) -> None:
        """A person's command."""
        assert self.live is not None
        self._commands += 1
        at = self.clock.now()
        self.live.inbox.post(
            Command(at=at, id=f"test-{at}-{self._commands}", actor="test", name=name, reason="test", payload=payload)
        )

    # What is so

    def live_gate(self) -> SessionGate:
        """The gate in front of the core."""
        assert self.live is not None
        return self.live.run._gate

    def instrument(self) -> Instrument:
        """What is traded."""
        assert self.live is not None
        return self.live.shell.core.world.instruments[MES]

    def books(self) -> Booked:
        """The gateway's."""
        return booked(self.gateway)

    def refusals(self) -> list[str]:
        """Why signals were refused for their data, in order."""
        closed = [fact for fact in self.facts if isinstance(fact, SignalClosed)]
        return [fact.reason for fact in closed if fact.refused is not None and fact.refused.rule == "data_trust"]

    def standing(self, symbol: str) -> Standing:
        """How a subscription stands."""
        assert self.live is not None
        return next(each for each in self.live.feed.standings() if each.symbol == symbol)

    def state(self) -> State:
        """The platform's."""
        assert self.live is not None
        return self.live.shell.core.state

    def taken(self) -> list[MarketData]:
        """The market data that the journal holds."""
        store = SqlJournalStore(self.folder)
        try:
            return list(recorded_items(store))
        finally:
            store.close()

    async def first_trusted_bar(self) -> float:
        """Market seconds from the end of the incident until something is decided on bars that are all trusted."""
        try:
            await self.until(lambda _state: bool(self.trusted_at) and self.trusted_at[-1] > self.over_at)
        except TimeoutError:
            raise AssertionError(self._why_not(lambda _state: False)) from None
        return (next(at for at in self.trusted_at if at > self.over_at) - self.over_at) / SECOND

    def live_order(self, role: OrderRole) -> OrderBooked:
        """The newest live order of this role, as the gateway has it."""
        roles = {
            order.id: order.role
            for fact in self.facts
            if isinstance(fact, TradeIntended)
            for order in fact.approved.subject.orders
        }
        return [order for order in self.books().orders if roles.get(order.ref) is role and not order.ended][-1]

    def told_facts(self) -> list[Fact]:
        """Without the decisions, which are many."""
        return [fact for fact in self.facts if not isinstance(fact, Decided)]

    def wrong(self, *, foreign: bool = False) -> list[str]:
        """In which ways our books are not the gateway's, and what is not protected there."""
        books = self.books()
        if self.doubled:
            books = msgspec.structs.replace(books, orders=tuple(each for each in books.orders if not dead_twin(each, books)))
        found = contradictions(self.told_facts(), books)
        return [
            text
            for text in found
            if not (foreign and text.startswith(("order ''", "order was", "positions", "execution", "deal")))
        ] + ([] if foreign else unprotected(books))

    def flows(self) -> bool:
        """Whether the data of all series come, and no hole waits."""
        assert self.live is not None
        standings = self.live.feed.standings()
        return bool(standings) and all(each.state in FLOWING and not each.hole_since for each in standings)

    def of(self, kind: type[Fact]) -> list[Fact]:
        """Facts of a kind."""
        return [fact for fact in self.facts if isinstance(fact, kind)]

    def fills_of(self, role: OrderRole) -> int:
        """How many executions of a role count."""
        return sum(isinstance(fact, Filled) and fact.role is role for fact in self.facts)

    def moved(self, event: str) -> int:
        """How many orders met an event."""
        return sum(isinstance(fact, OrderMoved) and fact.event == event for fact in self.facts)

    async def recovered(self, holds: Callable[[State], bool] = lambda _state: True, *, foreign: bool = False) -> float:
        """Wait until the link is up, the books agree and are the gateway's, and data flow; market seconds since it was over."""
        live = self.live
        assert live is not None

        def is_well(state: State) -> bool:
            return live.link.up and state.agreed and self.flows() and holds(state) and not self.wrong(foreign=foreign)

        try:
            await self.until(is_well)
        except TimeoutError:
            raise AssertionError(self._why_not(holds)) from None
        return (self.clock.now() - self.over_at) / SECOND

    def _why_not(self, holds: Callable[[State], bool]) -> str:
        assert self.live is not None
        state = self.live.shell.core.state
        parts = {
            "link": self.live.link.state,
            "agreed": state.agreed,
            "halted": state.halted,
            "holds": holds(state),
            "wrong": self.wrong(),
            "standings": [(each.symbol, each.state, each.why, each.hole_since) for each in self.live.feed.standings()],
            "told": self.told.messages[-8:],
            "facts": self.told_facts()[-8:],
        }
        return "not recovered: " + "; ".join(f"{name} {value}" for name, value in parts.items())

    async def alarmed(self, *codes: str) -> None:
        """Wait until a person was told of each."""
        try:
            await self.until(lambda _state: set(codes) <= set(self.told.codes()))
        except TimeoutError:
            raise AssertionError(f"not told: {set(codes) - set(self.told.codes())}; told {self.told.messages}") from None


def dead_twin(order: OrderBooked, books: Booked) -> bool:
    """Whether a second order of a name has ended and nothing of it was filled."""
    first = next(each for each in books.orders if each.ref == order.ref)
    return order.ended and not order.filled and first.perm_id != order.perm_id


async def ended(world: IncidentWorld) -> None:
    """Stop what still runs, whatever has happened."""
    if world.live is not None:
        async with asyncio.timeout(30):
            await world.end()
