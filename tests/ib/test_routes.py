"""Where orders are executed, as the gateway read it from the wire; and orders of a contract month that is over."""

import asyncio

import pytest

from tests.ib.conftest import running
from tests.ib.test_broker_incidents import resting
from tests.ib.trading import Desk, Told, make_desk
from theo.adapters.ib.link import Link
from theo.adapters.ib.settings import IbSettings
from theo.domain.errors import ConfigError
from theo.domain.instrument import Instrument
from theo.domain.orders import Order, OrderType, Route, Side, TimeInForce
from theo.domain.reports import OrderAccepted, OrderAmended, OrderFilled, OrderRejected
from theo.gateway.building import Gateway
from theo.gateway.server import GatewayServer

NEXT_YEAR = "20270104"


def bid(desk: Desk, symbol: str, route: Route) -> Order:
    return desk.order(symbol, Side.BUY, 2, OrderType.LIMIT, limit=desk.half(symbol), route=route, tif=TimeInForce.GTC)


@pytest.mark.parametrize(
    ("symbol", "route", "exchange"),
    [
        ("SPY", Route.USUAL, "SMART"),
        ("SPY", Route.SMART, "SMART"),
        ("SPY", Route.DIRECT, "ARCA"),
        ("SPY", Route.ARCA, "ARCA"),
        ("SPY", Route.NYSE, "NYSE"),
        ("SPY", Route.NASDAQ, "NASDAQ"),
        ("SPY", Route.CBOE, "CBOE"),
        ("MES", Route.CME, "CME"),
        ("MES", Route.DIRECT, "CME"),
    ],
)
async def test_an_order_goes_where_it_is_routed(desk: Desk, symbol: str, route: Route, exchange: str) -> None:
    order = bid(desk, symbol, route)
    await desk.place(order)
    await desk.hear(OrderAccepted, order)
    (worked,) = desk.worked(order)
    assert worked.contract.exchange == exchange
    (told,) = desk.of(OrderAccepted, order)
    assert (told.broker, told.broker_id) == ("IB", str(worked.perm_id))
    assert (told.client_id, told.handle) == (worked.client_id, worked.order_id)


async def test_a_change_goes_where_the_order_is(desk: Desk) -> None:
    order = bid(desk, "SPY", Route.ARCA)
    await desk.place(order)
    await desk.hear(OrderAccepted, order)
    await desk.amend(order, quantity=1, limit=order.limit or 0)
    await desk.hear(OrderAmended, order)
    assert [(each.terms.quantity, each.contract.exchange) for each in desk.worked(order)] == [(1, "ARCA")]


async def test_a_route_that_the_contract_does_not_have_is_refused_before_it_leaves(desk: Desk) -> None:
    order = bid(desk, "MES", Route.ARCA)
    await desk.place(order)
    rejected = await desk.hear(OrderRejected, order)
    assert "cannot be routed ARCA" in rejected.reason
    assert "Use one of DIRECT, CME" in rejected.reason
    assert desk.worked(order) == []


async def test_the_configuration_routes_what_names_no_route(
    idle_link: Link, gateway: Gateway, server: GatewayServer, instruments: dict[str, Instrument], told: Told
) -> None:
    idle_link.settings = IbSettings(port=server.port, routes={"SPY": Route.NYSE})
    desk = make_desk(idle_link, gateway, server, instruments, told)
    await desk.broker.connect(desk.heard.append)
    async with running(idle_link):
        usual, own = bid(desk, "SPY", Route.USUAL), bid(desk, "SPY", Route.ARCA)
        await desk.place(usual)
        await desk.place(own)
        await desk.hear(OrderAccepted, own)
        assert [each[0].contract.exchange for each in map(desk.worked, (usual, own))] == ["NYSE", "ARCA"]
        await desk.broker.close()


async def test_a_route_of_the_configuration_that_cannot_be_ends_the_start(
    idle_link: Link, gateway: Gateway, server: GatewayServer, instruments: dict[str, Instrument], told: Told
) -> None:
    idle_link.settings = IbSettings(port=server.port, routes={"SPY": Route.CME})
    make_desk(idle_link, gateway, server, instruments, told)
    async with asyncio.timeout(20):
        with pytest.raises(ConfigError, match="SPY cannot be routed CME"):
            await idle_link.run()


async def test_executions_and_orders_of_a_month_that_is_over_are_ours(
    desk: Desk, gateway: Gateway, server: GatewayServer, instruments: dict[str, Instrument]
) -> None:
    """A process that begins after the last trade day knows the next contract; what was done in the one before still counts."""
    filled, left = desk.order("MES", Side.BUY, 1), resting(desk, 2, tif=TimeInForce.GTC)
    await desk.place(filled)
    await desk.hear(OrderFilled, filled)
    await desk.place(left)
    await desk.hear(OrderAccepted, left)
    desk.broker._link.settings = IbSettings(port=1)  # the first process is gone, and does not come back
    await desk.broker._link.close()
    link = Link(IbSettings(port=server.port), desk.broker._link.clock, Told())
    later = make_desk(link, gateway, server, instruments, Told(), NEXT_YEAR)
    await later.broker.connect(later.heard.append)
    async with running(link):
        month = later.broker._contracts.contract(filled.instrument).lastTradeDateOrContractMonth
        assert month > desk.broker._contracts.contract(filled.instrument).lastTradeDateOrContractMonth
        book = await later.book()
        assert [fill.order for fill in book.executions] == [filled.id]
        assert book.positions == {filled.instrument: 1}
        assert [(e.order.id, e.order.instrument) for e in book.orders if e.status == "working"] == [(left.id, left.instrument)]
        await later.amend(left, quantity=1, limit=left.limit or 0)
        await later.hear(OrderAmended, left)
        assert [each.terms.quantity for each in desk.worked(left)] == [1]
        await later.broker.close()
