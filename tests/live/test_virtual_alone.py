"""A rule set on the simulated exchange alone, with the live feed: the gateway is read, and sees no order."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.ib.conftest import Told, until
from tests.live.levels import levels_in, levels_of_every_bar
from tests.live.option_platform import OPTIONS, RULES
from tests.live.platform import QUICK
from tests.live.test_live_run import closed
from theo.adapters.ib.probe import probe
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.adapters.system.clock import PacedClock
from theo.app.configuration.file import configured
from theo.app.home.layout import open_home
from theo.app.recorded.run import decide_again
from theo.app.runs.beside_making import Virtual
from theo.app.runs.live_plans import virtual_plan
from theo.app.runs.virtual_making import VirtualAlone, open_alone
from theo.domain.errors import HaltRequiredError
from theo.domain.facts import Decided, Fact, Filled, Rolled, TradeIntended
from theo.domain.orders import OrderRole
from theo.gateway.building import Gateway
from theo.gateway.server import GatewayServer


class World:
    """A home whose configuration has no order path."""

    def __init__(self, folder: Path, server: GatewayServer, clock: PacedClock, told: Told) -> None:
        self.home, self.clock, self.told = open_home(folder), clock, told
        self.home.configuration.write_text(f"[ib]\nport = {server.port}\nread_only = true\n", encoding="utf-8")
        self.rules = folder / "quick.toml"
        self.rules.write_text(f'{QUICK}[scan]\nmode = "virtual"\n', encoding="utf-8")
        self.facts: list[Fact] = []

    async def opened(self) -> VirtualAlone:
        """Booted, not running yet."""
        settings = configured(self.home.configuration)
        probed = await probe(settings.ib, self.clock, self.told)
        plan = virtual_plan(self.home, settings, [str(self.rules)], probed, self.clock.now())
        virtual = Virtual(plan, lambda _at, facts: self.facts.extend(facts), "Nothing was sent")
        return open_alone(self.home, virtual, settings, self.clock, self.told, probed.account)


@pytest.fixture
def world(tmp_path: Path, server: GatewayServer, clock: PacedClock, told: Told) -> World:
    return World(tmp_path, server, clock, told)


async def traded(world: World, least: int) -> Path:
    """A process, until so many trades are closed; its folder."""
    alone = await world.opened()
    running = asyncio.create_task(alone.run())
    state = alone.beside.shell.core.state
    await until(lambda: running.done() or closed(state) >= least, 60.0)
    alone.stop()
    await running
    alone.close()
    return world.home.runs / alone.beside.plan.key.run


async def test_it_trades_goes_on_where_it_ended_and_sends_nothing(world: World, gateway: Gateway) -> None:
    folder = await traded(world, 1)
    assert await traded(world, 2) == folder
    assert folder.name.startswith("virtual-DU")
    assert sum(isinstance(fact, Decided) for fact in world.facts) > 500
    assert any(isinstance(fact, Filled) for fact in world.facts)
    assert not gateway.trading.orders
    store = SqlJournalStore(folder)
    try:
        assert decide_again(world.home, folder, store).first_difference is None
    finally:
        store.close()
    assert [severity for severity, _, _ in world.told.messages if severity == "page"] == []


async def test_it_builds_bars_and_levels_of_its_ticks(world: World) -> None:
    alone = await world.opened()
    running = asyncio.create_task(alone.run())
    folder = world.home.runs / alone.beside.plan.key.run
    await until(lambda: running.done() or levels_in(folder) > 1, 60.0)
    alone.stop()
    await running
    alone.close()
    levels_of_every_bar(world.home.path, folder.name)


async def test_what_ends_it_ends_the_process_and_pages(world: World) -> None:
    alone = await world.opened()
    running = asyncio.create_task(alone.run())
    await until(lambda: running.done() or bool(alone.beside.shell.core.world.market.every_series()[0].last_end), 60.0)
    with closing(sqlite3.connect(world.home.runs / alone.beside.plan.key.run / "journal.db")) as taken:
        taken.execute("UPDATE leases SET epoch = epoch + 1")  # another writer: its next record is refused
        taken.commit()
    with pytest.raises(HaltRequiredError):
        await running
    alone.close()
    (text,) = [text for severity, code, text in world.told.messages if (severity, code) == ("page", "virtual_ended")]
    assert text.endswith("Nothing was sent")


async def test_options_are_bought_on_the_simulated_exchange_alone_and_the_underlying_closes_them(
    world: World, gateway: Gateway, server: GatewayServer
) -> None:
    """Chosen and quoted by the gateway, which sees no order."""
    text = f"[ib]\nport = {server.port}\nread_only = true\n{OPTIONS}"
    world.home.configuration.write_text(text, encoding="utf-8")
    world.rules.write_text(f'{RULES}mode = "virtual"\n', encoding="utf-8")
    folder = await traded(world, 2)
    intended = [fact for fact in world.facts if isinstance(fact, TradeIntended)]
    chosen = {fact.contract for fact in world.facts if isinstance(fact, Rolled)}
    assert {order.contract for fact in intended for order in fact.approved.subject.orders} <= chosen
    roles = {fact.role for fact in world.facts if isinstance(fact, Filled) and fact.trade == intended[0].id}
    assert roles & {OrderRole.STOP, OrderRole.TARGET}
    assert not gateway.trading.orders
    store = SqlJournalStore(folder)
    try:
        assert decide_again(world.home, folder, store).first_difference is None
    finally:
        store.close()
    assert [text for severity, _, text in world.told.messages if severity == "page"] == []
