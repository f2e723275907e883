"""How long the comparison with the broker's books takes at a start: 1,000 open orders, 5,000 executions that nobody told.

Run: python -m benchmarks.reconciliation
The adapter is the real one, on a simulated gateway in the same process over TCP, at IB's limits of messages a second and at the
true pace. So the times hold what the gateway spends on writing its books too.
"""

import asyncio
import contextlib
import gc
import resource
import sys
import tempfile
import time
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import msgspec

from benchmarks.gateway_server import START, contracts
from benchmarks.live_recovery import running, until
from tests.closing import tick_market
from theo.adapters.ib.broker import IbBroker
from theo.adapters.ib.contracts import Contracts
from theo.adapters.ib.link import Link, Up
from theo.adapters.ib.settings import IbSettings
from theo.adapters.instruments.catalogue import catalogue
from theo.adapters.system.clock import PacedClock
from theo.adapters.system.log import Nobody
from theo.domain.approval import Approved
from theo.domain.facts import Fact, OrderMoved, Reconciled, TradeIntended
from theo.domain.inputs import Input, LinkChanged, Started
from theo.domain.market_data import SECOND
from theo.domain.orders import Order, OrderRole, OrderType, Side, Ticket, TimeInForce
from theo.domain.reports import BookReported
from theo.drive.assembly import assemble
from theo.engine.apply import apply
from theo.engine.core import Core
from theo.gateway.building import Gateway, build
from theo.gateway.contracts.book import Contracts as Book
from theo.gateway.desk import GatewaySettings
from theo.gateway.market.synthetic import SyntheticMarket
from theo.gateway.server import GatewayServer
from theo.gateway.wire.connection import ClientLink
from theo.gateway.wire.messages.contract import Contract as WireContract
from theo.gateway.wire.messages.order import Order as WireOrder
from theo.gateway.wire.messages.orders import PlaceOrder
from theo.gateway.wire.messages.session import StartApi
from theo.venue.fees import schedule

ORDERS, FILLED, FILLS_EACH = 1_000, 500, 10
QUANTITY, LIMIT = 20, 400_000  # price units: far below the market
CLIENT = 1
MES = msgspec.structs.replace(catalogue()["MES"].instrument, id=tick_market.INDEX)


def ref(number: int) -> str:
    """Our id of an order."""
    return f"k-{number}-0"


def full_gateway(folder: Path) -> Gateway:
    """One that works a thousand orders, of which half were filled in ten parts each; who sent them is gone."""
    book = contracts(folder)
    settings = GatewaySettings(cash=10_000_000_000, working_orders_max=10 * ORDERS, enforce_pacing=False)
    gateway = build(settings, book, SyntheticMarket(7, book.listings(), START, ticks_a_second=0.0), START)
    simulator, link = gateway.simulator, ClientLink()
    client = simulator.connect("inside")
    simulator.receive(client, link.hello())
    link.receive(client.take())
    simulator.receive(client, link.encode(StartApi(CLIENT)))
    contract = front_month(book)
    for number in range(1, ORDERS + 1):
        simulator.receive(client, link.encode(PlaceOrder(contract, wire_order(number, settings.accounts[0]))))
        for _ in range(FILLS_EACH if number <= FILLED else 0):
            gateway.trading.fill_now(simulator.desk, max(gateway.trading.orders), 1)
        client.take()
    assert len(gateway.trading.orders) == ORDERS
    simulator.disconnected(client)
    return gateway


def front_month(book: Book) -> WireContract:
    """The next MES contract."""
    today = f"{datetime.fromtimestamp(START / SECOND, UTC):%Y%m%d}"
    months = (each.contract for each in book.listings() if (each.contract.symbol, each.contract.sec_type) == ("MES", "FUT"))
    return min(
        (each for each in months if each.last_trade_date_or_contract_month >= today),
        key=lambda each: each.last_trade_date_or_contract_month,
    )


def wire_order(number: int, account: str) -> WireOrder:
    """A limit order that rests."""
    return WireOrder(
        order_id=number,
        action="BUY",
        total_quantity=Decimal(QUANTITY),
        order_type="LMT",
        lmt_price=LIMIT / 100,
        tif="GTC",
        order_ref=ref(number),
        account=account,
    )


def knowing_core() -> Core:
    """A core that has the orders as working and has heard of no execution."""
    plan = tick_market.plan(1)
    at = next(iter(tick_market.ticks(plan, 1, 4))).at
    plan.instruments["SIM-MES"] = msgspec.structs.replace(MES, symbol="SIM-MES", calendar="NYSE")
    core = assemble(plan)
    core.step(Started(at=at, key=plan.key, build="bench", cash=plan.cash, world="{}"))
    for number in range(1, ORDERS + 1):
        order = Order(
            id=ref(number),
            account=plan.key.account,
            instrument=MES.id,
            side=Side.BUY,
            type=OrderType.LIMIT,
            quantity=QUANTITY,
            tif=TimeInForce.GTC,
            role=OrderRole.ENTRY,
            trade=f"k-t{number}",
            limit=LIMIT,
        )
        intended = TradeIntended(
            at=at,
            id=order.trade,
            key=plan.key,
            signal="",
            instrument=MES.id,
            side=Side.BUY,
            quantity=QUANTITY,
            entry=LIMIT,
            stop=LIMIT - 2_000,
            target=None,
            risk=0,
            approved=Approved(Ticket((order,)), ("bench",)),
        )
        apply(core.state, intended)
        apply(core.state, OrderMoved(at, order.id, "accepted", "", str(number)))
    return core


async def read_books(gateway: Gateway) -> BookReported:
    """Connect, read the books twice, and say how long it took and how many messages were sent; the last book."""
    clock = PacedClock(START, 1.0)
    server = GatewayServer(gateway.simulator, clock, port=0)
    await server.start()
    link = Link(IbSettings(port=server.port, client_id=CLIENT), clock, Nobody())
    known, heard = Contracts(link), list[Input]()

    async def resolve(_up: Up) -> None:
        await known.resolve([MES], f"{datetime.fromtimestamp(START / SECOND, UTC):%Y%m%d}")

    link.on_up.append(resolve)
    broker = IbBroker(link, known, {MES.id: schedule("futures_mes")})
    await broker.connect(heard.append)
    begun = time.perf_counter()
    async with running(link.run):
        await until(lambda: any(isinstance(each, LinkChanged) and each.up for each in heard))
        told("from the first byte until the link is up and the orders' handles are known", time.perf_counter() - begun)
        for name in ("first", "second"):
            before, begun = _requests(gateway), time.perf_counter()
            await read_again(broker, heard)
            told(f"the {name} reading of the books, {_requests(gateway) - before} messages sent", time.perf_counter() - begun)
        with contextlib.suppress(ConnectionError):
            await broker.close()
    await server.stop()
    return next(each for each in reversed(heard) if isinstance(each, BookReported))


async def read_again(broker: IbBroker, heard: list[Input]) -> None:
    """Ask for the books and wait for them."""
    count = _books(heard)
    await broker.ask_book()
    await until(lambda: _books(heard) > count)


def _books(heard: list[Input]) -> int:
    return sum(isinstance(each, BookReported) for each in heard)


def _requests(gateway: Gateway) -> int:
    return sum(client.requests for client in gateway.simulator.desk.clients.values())


def compare(book: BookReported, name: str, core: Core) -> None:
    """What the core makes of a book, in one step."""
    at = core.at + SECOND
    begun = time.perf_counter()
    facts: list[Fact] = core.step(msgspec.structs.replace(book, at=at))[0]
    took = time.perf_counter() - begun
    (done,) = [fact for fact in facts if isinstance(fact, Reconciled)]
    told(f"compared, {name}: {done.differences:,} differences, agreed {done.agreed}, {len(facts):,} facts", took)


def told(what: str, seconds: float) -> None:
    """One line of the answer."""
    sys.stdout.write(f"{what}: {seconds:.3f} s\n")
    sys.stdout.flush()


def megabytes() -> float:
    """The most memory that this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """All of it."""
    with tempfile.TemporaryDirectory() as folder:
        gateway = full_gateway(Path(folder))
    before = megabytes()
    book = asyncio.run(read_books(gateway))
    working = sum(entry.status == "working" for entry in book.orders)
    print(f"{working:,} working orders, {len(book.executions):,} executions; {megabytes() - before:.0f} MB more at most")
    core = knowing_core()
    core.step(LinkChanged(core.at, up=True, reason="bench"))
    gc.collect()
    compare(book, "every execution missed", core)
    compare(book, "nothing new", core)


if __name__ == "__main__":
    main()
