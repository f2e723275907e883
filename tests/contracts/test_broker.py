"""What every Broker must do: the simulated exchange in the same process, and Interactive Brokers' adapter over a gateway."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from tests.gateway.conftest import SPEED, START, contracts
from tests.ib.conftest import running
from tests.ib.trading import Told, make_desk, until
from theo.adapters.ib.link import Link
from theo.adapters.ib.settings import IbSettings
from theo.adapters.instruments.catalogue import catalogue
from theo.adapters.paper.broker import PaperBroker
from theo.adapters.system.clock import PacedClock
from theo.domain.approval import Approved
from theo.domain.inputs import Input
from theo.domain.market_data import Tick, TickKind
from theo.domain.orders import Amendment, OcaType, Order, OrderRole, OrderType, Side, Ticket, TimeInForce
from theo.domain.reports import (
    ActionRejected,
    BookReported,
    OrderAccepted,
    OrderAmended,
    OrderCancelled,
    OrderFilled,
    OrderRejected,
)
from theo.gateway.building import build
from theo.gateway.contracts.book import Contracts
from theo.gateway.desk import GatewaySettings
from theo.gateway.market.synthetic import SyntheticMarket
from theo.gateway.server import GatewayServer
from theo.ports.broker import Broker
from theo.venue.exchange import Venue, VenueSettings
from theo.venue.fees import schedule

__all__ = ["contracts"]

LISTED = catalogue()
MES = LISTED["MES"].instrument
FEES = {listed.instrument.id: schedule(listed.fees) for listed in LISTED.values()}


class Trading:
    """A broker, what it has told, and the last price of MES there."""

    def __init__(self, broker: Broker, heard: list[Input], last: int) -> None:
        self.broker, self.heard, self.last = broker, heard, last

    async def hear(self, kind: type[Input], order: str = "") -> Input:
        """Wait for a report of a kind, of an order."""
        found: list[Input] = []

        def came() -> bool:
            found[:] = [each for each in self.heard if isinstance(each, kind) and getattr(each, "order", "") == order]
            return bool(found)

        await until(came)
        return found[-1]

    def kinds(self, order: str) -> list[str]:
        """The names of what was told of an order."""
        return [type(each).__name__ for each in self.heard if getattr(each, "order", "") == order]


Opened = Callable[[Contracts], AbstractAsyncContextManager[Trading]]


@asynccontextmanager
async def on_the_simulated_exchange(_contracts: Contracts) -> AsyncIterator[Trading]:
    venue = Venue({MES.id: MES}, {}, FEES, VenueSettings(latency=0))
    broker, heard = PaperBroker(venue), list[Input]()
    await broker.connect(heard.append)
    for kind, price in ((TickKind.TRADE, 650_000), (TickKind.BID, 649_975), (TickKind.ASK, 650_025)):
        for item in broker.market(Tick(MES.id, START, START, 0, kind, price, 50)):
            heard.append(item)
    yield Pumped(broker, heard, 650_000)


class Pumped(Trading):
    """The simulated exchange moves only with its market: each look is a tick."""

    async def hear(self, kind: type[Input], order: str = "") -> Input:
        broker = self.broker
        assert isinstance(broker, PaperBroker)
        at = broker.at + 1
        for tick_kind, price in ((TickKind.BID, 649_975), (TickKind.ASK, 650_025), (TickKind.TRADE, 650_000)):
            self.heard.extend(broker.market(Tick(MES.id, at, at, 0, tick_kind, price, 50)))
        return await super().hear(kind, order)


@asynccontextmanager
async def on_a_gateway(contracts: Contracts) -> AsyncIterator[Trading]:
    gateway = build(GatewaySettings(), contracts, SyntheticMarket(7, contracts.listings(), START), START)
    clock = PacedClock(START, SPEED)
    server = GatewayServer(gateway.simulator, clock, port=0)
    await server.start()
    told = Told()
    link = Link(IbSettings(port=server.port), clock, told)
    desk = make_desk(link, gateway, server, {symbol: listed.instrument for symbol, listed in LISTED.items()}, told)
    await desk.broker.connect(desk.heard.append)
    async with running(link):
        yield Trading(desk.broker, desk.heard, desk.last("MES"))
        await desk.broker.close()
    await server.stop()


@pytest.fixture(params=[on_the_simulated_exchange, on_a_gateway], ids=["simulated", "interactive brokers"])
async def trading(request: pytest.FixtureRequest, contracts: Contracts) -> AsyncIterator[Trading]:
    opened: Opened = request.param
    async with opened(contracts) as made:
        yield made


def order(name: str, **fields: object) -> Order:
    """A day's buy of one MES at the market, or what the fields say."""
    values = {
        "side": Side.BUY,
        "type": OrderType.MARKET,
        "quantity": 1,
        "tif": TimeInForce.DAY,
        "role": OrderRole.ENTRY,
        "trade": "t",
        "account": "",
        "instrument": MES.id,
    }
    return Order(id=name, **{**values, **fields})  # type: ignore[arg-type]  # a test names what it wants


async def send(trading: Trading, *orders: Order) -> None:
    await trading.broker.place(Approved(Ticket(orders), ("by hand",)))


async def book_of(trading: Trading) -> BookReported:
    trading.heard[:] = [each for each in trading.heard if not isinstance(each, BookReported)]
    await trading.broker.ask_book()
    found = await trading.hear(BookReported)
    assert isinstance(found, BookReported)
    return found


async def test_a_market_order_is_accepted_then_filled_once(trading: Trading) -> None:
    await send(trading, order("a-1"))
    fill = await trading.hear(OrderFilled, "a-1")
    assert isinstance(fill, OrderFilled)
    assert (fill.quantity, fill.charges > 0) == (1, True)
    assert trading.kinds("a-1") == ["OrderAccepted", "OrderFilled"]
    book = await book_of(trading)
    assert [(each.order, each.execution, each.price) for each in book.executions] == [("a-1", fill.execution, fill.price)]
    assert (book.positions, [(each.order.id, each.status) for each in book.orders]) == ({MES.id: 1}, [("a-1", "filled")])


async def test_a_resting_order_is_changed_and_cancelled(trading: Trading) -> None:
    far = trading.last - 8_000
    await send(trading, order("a-1", type=OrderType.LIMIT, limit=far))
    await trading.hear(OrderAccepted, "a-1")
    await trading.broker.amend(Approved(Amendment(order="a-1", quantity=2, limit=far + 25), ("by hand",)))
    amended = await trading.hear(OrderAmended, "a-1")
    assert isinstance(amended, OrderAmended)
    assert (amended.quantity, amended.limit) == (2, far + 25)
    (entry,) = (await book_of(trading)).orders
    assert (entry.status, entry.order.quantity, entry.order.limit) == ("working", 2, far + 25)
    await trading.broker.cancel("a-1")
    await trading.hear(OrderCancelled, "a-1")
    assert trading.kinds("a-1") == ["OrderAccepted", "OrderAmended", "OrderCancelled"]


async def test_a_price_off_the_grid_is_rejected_with_its_code(trading: Trading) -> None:
    await send(trading, order("a-1", type=OrderType.LIMIT, limit=trading.last - 8_001))
    rejected = await trading.hear(OrderRejected, "a-1")
    assert isinstance(rejected, OrderRejected)
    assert rejected.code == 110
    assert (await book_of(trading)).positions == {}


async def test_the_same_id_is_not_taken_twice(trading: Trading) -> None:
    resting = order("a-1", type=OrderType.LIMIT, limit=trading.last - 8_000)
    await send(trading, resting)
    await trading.hear(OrderAccepted, "a-1")
    await send(trading, resting)
    rejected = await trading.hear(OrderRejected, "a-1")
    assert isinstance(rejected, OrderRejected)
    assert rejected.code == 103
    assert len((await book_of(trading)).orders) == 1


async def test_what_is_not_there_cannot_be_cancelled_or_changed(trading: Trading) -> None:
    await trading.broker.cancel("never")
    refused = await trading.hear(ActionRejected, "never")
    assert isinstance(refused, ActionRejected)
    assert refused.action == "cancel"
    await trading.broker.amend(Approved(Amendment(order="never-2", quantity=1), ("by hand",)))
    refused = await trading.hear(ActionRejected, "never-2")
    assert isinstance(refused, ActionRejected)
    assert refused.action == "amend"


async def test_a_bracket_sleeps_and_dies_with_its_parent(trading: Trading) -> None:
    far = trading.last - 8_000
    group = {"parent": "a-1", "oca_group": "g", "oca_type": OcaType.REDUCE_NON_BLOCK, "side": Side.SELL, "tif": TimeInForce.GTC}
    await send(
        trading,
        order("a-1", type=OrderType.LIMIT, limit=far),
        order("a-2", type=OrderType.STOP, stop=far - 4_000, role=OrderRole.STOP, **group),
        order("a-3", type=OrderType.LIMIT, limit=far + 4_000, role=OrderRole.TARGET, **group),
    )
    for name in ("a-1", "a-2", "a-3"):
        await trading.hear(OrderAccepted, name)
    await trading.broker.cancel("a-1")
    for name in ("a-1", "a-2", "a-3"):
        await trading.hear(OrderCancelled, name)
    assert {each.status for each in (await book_of(trading)).orders} <= {"cancelled"}


async def test_a_filled_parent_wakes_its_exits_and_one_ends_the_other(trading: Trading) -> None:
    group = {"parent": "a-1", "oca_group": "g", "oca_type": OcaType.REDUCE_NON_BLOCK, "side": Side.SELL, "tif": TimeInForce.GTC}
    await send(
        trading,
        order("a-1"),
        order("a-2", type=OrderType.STOP, stop=trading.last - 4_000, role=OrderRole.STOP, **group),
        order("a-3", type=OrderType.LIMIT, limit=trading.last - 2_000, role=OrderRole.TARGET, **group),
    )
    await trading.hear(OrderFilled, "a-1")
    await trading.hear(OrderFilled, "a-3")
    await trading.hear(OrderCancelled, "a-2")
    assert (await book_of(trading)).positions == {}
