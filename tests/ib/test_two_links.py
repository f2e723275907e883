"""Market data on a socket of its own: what happens to it leaves the path of orders alone, and the other way round."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import msgspec
import pytest

from tests.ib.conftest import Told, running, until
from tests.ib.feed_world import FeedWorld
from tests.ib.trading import Desk, make_desk
from theo.adapters.ib.link import Link, data_link
from theo.adapters.ib.settings import IbSettings
from theo.adapters.system.clock import PacedClock
from theo.app.configuration.broker import IbTable, LiveTable, ib_settings
from theo.domain.errors import ConfigError
from theo.domain.inputs import LinkChanged
from theo.domain.instrument import Instrument
from theo.domain.orders import Side
from theo.domain.reports import OrderFilled
from theo.gateway.building import Gateway
from theo.gateway.contracts.book import Contracts as Book
from theo.gateway.server import GatewayServer
from theo.gateway.simulator import Simulator

ORDERS, DATA = 1, 7


@pytest.fixture
def orders(server: GatewayServer, clock: PacedClock, told: Told) -> Link:
    """With a client id for market data; nobody runs it yet."""
    return Link(IbSettings(port=server.port, client_id=ORDERS, data_client_id=DATA), clock, told)


@pytest.fixture
async def both(
    orders: Link, gateway: Gateway, server: GatewayServer, contracts: Book, instruments: dict[str, Instrument], told: Told
) -> AsyncIterator[tuple[Desk, FeedWorld]]:
    """A broker on the one link, and MES listened to on the other."""
    desk = make_desk(orders, gateway, server, instruments, told)
    world = FeedWorld(gateway, server, contracts, data_link(orders), instruments, told)
    await desk.broker.connect(desk.heard.append)
    async with running(orders), world.feeding(world.wish("MES")) as feed:
        await world.lives(feed, "MES")
        yield desk, world
        await desk.broker.close()


def cut(server: GatewayServer, *ids: int) -> None:
    """TWS hangs up on these client ids."""

    def hang_up(simulator: Simulator) -> None:
        for client in list(simulator.clients.values()):
            if client.id in ids:
                client.cut_off("by the test")

    server.act(hang_up)


def downs(desk: Desk) -> int:
    return sum(1 for each in desk.of(LinkChanged) if not each.up)


async def test_orders_go_on_while_the_data_s_socket_is_cut(both: tuple[Desk, FeedWorld], orders: Link) -> None:
    desk, world = both
    assert world.link is not orders
    before = downs(desk)
    cut(desk.server, DATA)
    await until(lambda: not world.link.up)
    order = desk.order("MES", Side.BUY, 1)
    await desk.place(order)
    await desk.hear(OrderFilled, order)
    assert orders.up
    assert downs(desk) == before
    await until(lambda: world.link.up)
    await world.more("MES", 5)


async def test_data_go_on_while_the_orders_socket_is_cut(both: tuple[Desk, FeedWorld], orders: Link) -> None:
    desk, world = both
    before = downs(desk)
    cut(desk.server, ORDERS)
    await until(lambda: not orders.up)
    assert downs(desk) == before + 1
    await world.more("MES", 5)
    assert world.link.up
    await until(lambda: orders.up)


async def test_both_come_back_by_themselves(both: tuple[Desk, FeedWorld], orders: Link) -> None:
    desk, world = both
    cut(desk.server, ORDERS, DATA)
    await until(lambda: not orders.up and not world.link.up)
    await until(lambda: orders.up and world.link.up)
    await world.more("MES", 5)
    order = desk.order("MES", Side.BUY, 1)
    await desk.place(order)
    await desk.hear(OrderFilled, order)


async def test_both_spend_of_one_budget(orders: Link) -> None:
    """IB counts what comes from all sockets."""
    assert data_link(orders).budget is orders.budget
    alone = Link(msgspec.structs.replace(orders.settings, data_client_id=None), orders.clock, orders.notifier)
    assert data_link(alone) is alone


@pytest.mark.parametrize(("taken", "said"), [(ORDERS, "client id 1 is in use"), (DATA, "client id 7 for market data is in use")])
async def test_the_id_that_is_in_use_is_named(
    orders: Link, clock: PacedClock, server: GatewayServer, told: Told, taken: int, said: str
) -> None:
    """Told once, however often it is tried; the other link is up meanwhile."""
    market = data_link(orders)
    blocked, free = (orders, market) if taken == ORDERS else (market, orders)
    for link in (orders, market):
        link.settings = msgspec.structs.replace(link.settings, connect_seconds=0.2)
    async with running(Link(IbSettings(port=server.port, client_id=taken), clock, Told())), running(free):
        run = asyncio.create_task(blocked.run())
        await until(blocked.failed.is_set)
        await clock.sleep_until(clock.now() + 10_000_000)
        run.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await run
        assert free.up
    (text,) = [text for _, code, text in told.messages if code == "client_id_in_use"]
    assert text.startswith(said)


def test_the_two_ids_must_differ() -> None:
    table = IbTable(client_id=3, data_client_id=4)
    assert ib_settings("paper", table, LiveTable(), "theo.toml").data_client_id == 4
    assert ib_settings("paper", IbTable(client_id=3), LiveTable(), "theo.toml").data_client_id is None
    with pytest.raises(ConfigError, match="data_client_id and client_id are both 3"):
        ib_settings("paper", table.model_copy(update={"data_client_id": 3}), LiveTable(), "theo.toml")
