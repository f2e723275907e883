"""The whole live platform beside a whole gateway in one process: one clock, a real socket, real files."""

import asyncio
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests.ib.conftest import Told, until
from theo.adapters.ib.probe import probe
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.adapters.sql.market.store import SqlMarketStore
from theo.app.build import BUILD
from theo.app.configuration.file import configured
from theo.app.home.layout import Home, open_home
from theo.app.recorded.run import decide_again
from theo.app.runs.beside_making import Virtual
from theo.app.runs.live_making import Live, open_live
from theo.app.runs.live_plans import beside_plan, live_plan
from theo.app.stored.keeping import Keeping
from theo.domain.facts import Fact, Filled
from theo.domain.inputs import Started
from theo.domain.market_data import Tick
from theo.drive.redecide import Compared
from theo.engine.codec import decode_batch
from theo.engine.journal import MARKET
from theo.engine.state import State
from theo.gateway.building import Gateway
from theo.gateway.server import GatewayServer
from theo.ports.clock import Clock
from theo.ports.market_store import TickRange

QUICK = """
name = "quick"
strategy = "rules"
timeframe = "1min"
session = "RTH"
[symbols]
primary = "MES"
[entry]
long = [{ left = "close", op = ">", right = 0 }]
[stop]
percent = 0.02
[target]
percent = 0.02
[size]
quantity = 1
[trading]
style = "positional"
"""
WAIT_SECONDS = 60.0


class Platform:
    """`theo live` on one home; ``begin`` and ``end`` as often as a test likes."""

    def __init__(self, home: Path, server: GatewayServer, gateway: Gateway, clock: Clock, told: Told) -> None:
        self.home: Home = open_home(home)
        self.gateway, self.server, self.clock, self.told = gateway, server, clock, told
        self.facts: list[Fact] = []
        self.facts_beside: list[Fact] = []
        self.more: list[Path] = []  # rule sets beside the first
        self.home.configuration.write_text(f'mode = "paper"\n[ib]\nport = {server.port}\n', encoding="utf-8")
        self.rules = home / "quick.toml"
        self.rules.write_text(QUICK, encoding="utf-8")
        self.live: Live | None = None
        self._task: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Boot, connect, listen."""
        settings = configured(self.home.configuration)
        probed = await probe(settings.ib, self.clock, self.told)
        plan = live_plan(self.home, settings, [str(rules) for rules in (self.rules, *self.more)], probed, self.clock.now())
        self.folder = self.home.runs / plan.key.run
        beside = beside_plan(self.home, settings, [str(rules) for rules in (self.rules, *self.more)], plan, self.clock.now())
        virtual = None if beside is None else Virtual(beside, self._watch_beside)
        self._keeping = Keeping(self.home.place(self.folder), plan.instruments.values(), self.clock, self.told)
        self.live = open_live(
            self.home, self.folder, plan, settings, self.clock, self.told, self._watch, self._keeping, virtual=virtual
        )
        started = Started(at=self.clock.now(), key=plan.key, build=BUILD, cash=plan.cash, world=plan.record())
        self._task = asyncio.create_task(self.live.run.run(started))

    def _watch(self, _at: int, facts: list[Fact]) -> None:
        self.facts += facts

    def _watch_beside(self, _at: int, facts: list[Fact]) -> None:
        self.facts_beside += facts

    async def end(self) -> None:
        """Stop in order, as on SIGTERM."""
        assert self.live is not None
        assert self._task is not None
        self.live.run.stop()
        await self._task
        self.live.close()
        self._keeping.close()
        self.live = None

    async def until(self, holds: Callable[[State], bool]) -> None:
        """Wait until the trading state is so. A run that ends before raises what ended it."""
        live, task = self.live, self._task
        assert live is not None
        assert task is not None
        await until(lambda: task.done() or holds(live.shell.core.state), WAIT_SECONDS)
        if task.done():
            task.result()

    def compare(self) -> Compared:
        """Decide the journal again with this build."""
        store = SqlJournalStore(self.folder)
        try:
            return decide_again(self.home, self.folder, store)
        finally:
            store.close()

    def ticks(self) -> tuple[list[Tick], list[Tick]]:
        """What the journal holds of the ticks that were taken, and what the market database does."""
        journal, market = SqlJournalStore(self.folder), SqlMarketStore(self.folder)
        taken = [item for record in journal.read(MARKET) for item in decode_batch(record).items if isinstance(item, Tick)]
        stored = [tick for each in market.instruments() for tick in market.ticks(TickRange(instrument=each.id))]
        journal.close()
        market.close()
        return sorted(taken, key=repr), sorted(stored, key=repr)

    # The gateway's own books

    def executions(self) -> Counter[tuple[str, int, str]]:
        """Every execution that the gateway's exchange made: the order's orderRef, quantity, side."""
        blotter = self.gateway.trading._dealing.blotter
        placed = [(blotter.orders[deal.perm_id].order, deal) for deal in blotter.deals]
        return Counter((order.order_ref, deal.quantity, order.action) for order, deal in placed)

    def fills(self) -> Counter[tuple[str, int, str]]:
        """The same as our facts have it."""
        return Counter((fact.order, fact.quantity, str(fact.side)) for fact in self.facts if isinstance(fact, Filled))
