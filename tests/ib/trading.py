"""One broker on a gateway, what it tells the core, and the gateway's own books to compare with."""

import asyncio
import itertools
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

from tests.gateway.conftest import START
from theo.adapters.ib.broker import IbBroker
from theo.adapters.ib.contracts import Contracts
from theo.adapters.ib.link import Link, Up
from theo.adapters.instruments.catalogue import catalogue
from theo.domain.approval import Approved
from theo.domain.inputs import Input
from theo.domain.instrument import Instrument
from theo.domain.orders import Amendment, OcaType, Order, OrderRole, OrderType, Side, Ticket, TimeInForce
from theo.domain.reports import BookReported, ChargesReported, FillCorrected, OrderFilled
from theo.gateway.building import Gateway
from theo.gateway.incidents.incident import Value
from theo.gateway.server import GatewayServer
from theo.gateway.trading.blotter import Deal
from theo.gateway.trading.working import Worked
from theo.venue.fees import schedule

T = TypeVar("T")
PASSED = ("by hand",)
SYMBOLS = ("MES", "SPY", "VIX")
WAIT_SECONDS = 20.0
TODAY = f"{datetime.fromtimestamp(START / 1_000_000, UTC):%Y%m%d}"


class Told:
    """A notifier that keeps what it was told: (severity, code, text)."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, str, str]] = []

    def tell(self, _at: int, severity: str, code: str, text: str) -> None:
        """Keep it."""
        self.messages.append((severity, code, text))

    def codes(self) -> list[str]:
        """What it was told of, in order."""
        return [code for _, code, _ in self.messages]


async def until(holds: Callable[[], bool], seconds: float = WAIT_SECONDS) -> None:
    """Wait, a turn of the loop at a time, until what arrives makes it so. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 - what arrives has no event of its own
            await asyncio.sleep(0)


class Desk:
    """What a test does with a broker, and what it sees."""

    def __init__(
        self, broker: IbBroker, gateway: Gateway, server: GatewayServer, instruments: dict[str, Instrument], told: Told
    ) -> None:
        self.broker, self.gateway, self.server = broker, gateway, server
        self.instruments, self.told = instruments, told
        self.heard: list[Input] = []
        self._numbers = itertools.count(1)

    # Orders

    def order(self, symbol: str, side: Side, quantity: int, type_: OrderType = OrderType.MARKET, **fields: object) -> Order:
        """An order with an id of its own; it opens a position unless ``role`` says otherwise."""
        defaults = {"tif": TimeInForce.DAY, "role": OrderRole.ENTRY, "trade": "t1", "account": ""}
        number = next(self._numbers)
        return Order(
            id=f"j-{number}-0",
            instrument=self.instruments[symbol].id,
            side=side,
            type=type_,
            quantity=quantity,
            **{**defaults, **fields},  # type: ignore[arg-type]  # a test names what it wants
        )

    def bracket(self, symbol: str, quantity: int, entry: int, stop: int, target: int) -> tuple[Order, Order, Order]:
        """A limit buy, its stop and its target."""
        parent = self.order(symbol, Side.BUY, quantity, OrderType.LIMIT, limit=entry)
        group = {"parent": parent.id, "oca_group": f"{parent.id}-exits", "oca_type": OcaType.REDUCE_NON_BLOCK}
        exits = {**group, "tif": TimeInForce.GTC}
        low = self.order(symbol, Side.SELL, quantity, OrderType.STOP, stop=stop, role=OrderRole.STOP, **exits)
        high = self.order(symbol, Side.SELL, quantity, OrderType.LIMIT, limit=target, role=OrderRole.TARGET, **exits)
        return parent, low, high

    async def place(self, *orders: Order) -> None:
        """Send them together."""
        await self.broker.place(Approved(Ticket(orders), PASSED))

    async def amend(self, order: Order, **values: int) -> None:
        """Change an order; its quantity stays unless it is named."""
        wanted = Amendment(order=order.id, **{"quantity": order.quantity, **values})
        await self.broker.amend(Approved(wanted, PASSED))

    # What the core is told

    def of(self, kind: type[T], order: Order | str | None = None) -> list[T]:
        """What was told of a kind, of one order or of all."""
        name = order.id if isinstance(order, Order) else order
        found = [each for each in self.heard if isinstance(each, kind)]
        return [each for each in found if name is None or getattr(each, "order", None) == name]

    async def hear(self, kind: type[T], order: Order | str | None = None, count: int = 1) -> T:
        """Wait until so many of a kind were told; the last of them."""
        try:
            await until(lambda: len(self.of(kind, order)) >= count)
        except TimeoutError:
            raise AssertionError(f"no {kind.__name__} of {order}; heard {self.heard}") from None
        return self.of(kind, order)[-1]

    def fills(self, order: Order | None = None) -> list[OrderFilled]:
        """The executions told, in order."""
        return self.of(OrderFilled, order)

    def told_sums(self) -> dict[str, tuple[int, int, int]]:
        """By order: quantity, price x quantity, charges, as a listener counts what it was told."""
        known: dict[str, OrderFilled | FillCorrected] = {}
        for item in self.heard:
            if isinstance(item, OrderFilled | FillCorrected):
                known.setdefault(item.execution, item)
        charges = {execution: fill.charges for execution, fill in known.items()}
        charges |= {item.execution: item.charges for item in self.heard if isinstance(item, ChargesReported)}
        gone = {old for fill in known.values() if isinstance(fill, FillCorrected) for old in fill.replaces}
        sums: dict[str, tuple[int, int, int]] = {}
        for execution, fill in known.items():
            if execution not in gone:
                quantity, turnover, cost = sums.get(fill.order, (0, 0, 0))
                more = (fill.quantity, fill.quantity * fill.price, charges[execution])
                sums[fill.order] = (quantity + more[0], turnover + more[1], cost + more[2])
        return sums

    async def book(self) -> BookReported:
        """Ask for the books; the answer."""
        count = len(self.of(BookReported))
        await self.broker.ask_book()
        return await self.hear(BookReported, count=count + 1)

    # The gateway's own books

    def worked(self, order: Order) -> list[Worked]:
        """Every order that the gateway has under our id, oldest first."""
        return [each for each in self.gateway.trading.orders.values() if each.order.order_ref == order.id]

    def true_sums(self) -> dict[str, tuple[int, int, int]]:
        """As ``told_sums``, from the gateway's deals: of each number the newest version."""
        newest: dict[int, Deal] = {}
        for deal in self.gateway.trading._dealing.blotter.deals:
            newest[deal.number] = deal
        sums: dict[str, tuple[int, int, int]] = {}
        for deal in newest.values():
            ref = self.gateway.trading.orders[deal.perm_id].order.order_ref
            quantity, turnover, cost = sums.get(ref, (0, 0, 0))
            sums[ref] = (quantity + deal.quantity, turnover + deal.quantity * deal.price, cost + deal.charges)
        return sums

    def last(self, symbol: str) -> int:
        """The last price at the gateway, price units, on the tick grid."""
        con_id = self.broker._contracts.contract(self.instruments[symbol].id).conId
        last = self.gateway.simulator.desk.market.quote(con_id).last
        assert last is not None
        return last

    def half(self, symbol: str) -> int:
        """Half of it, on the tick grid: a limit that is not reached."""
        return self.instruments[symbol].floor_to_tick(self.last(symbol) / 2)

    def play(self, name: str, lasts: float | None = None, **arguments: Value) -> None:
        """Begin an incident."""
        self.server.act(lambda simulator: self.gateway.incidents.play(simulator.desk, name, lasts, arguments))

    def end(self, name: str) -> None:
        """End an incident."""
        self.server.act(lambda simulator: self.gateway.incidents.end(simulator.desk, name))

    def fill(self, order: Order, quantity: int | None = None) -> None:
        """Let the gateway fill an order, whatever the market says."""
        perm_id = self.worked(order)[-1].perm_id
        self.server.act(lambda simulator: self.gateway.trading.fill_now(simulator.desk, perm_id, quantity))

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait for what arrives."""
        await until(holds)

    async def time(self, seconds: float) -> None:
        """Let so much of the gateway's time pass."""
        clock = self.broker._link.clock
        async with asyncio.timeout(WAIT_SECONDS):
            await clock.sleep_until(clock.now() + round(seconds * 1_000_000))


def make_desk(
    link: Link, gateway: Gateway, server: GatewayServer, instruments: dict[str, Instrument], told: Told, today: str = TODAY
) -> Desk:
    """A broker on a link that nobody runs yet; contracts are asked for before anything else, as the platform does."""
    contracts = Contracts(link)

    async def resolve(_up: Up) -> None:
        await contracts.resolve([instruments[symbol] for symbol in SYMBOLS], today)

    link.on_up.append(resolve)
    fees = {listed.instrument.id: schedule(listed.fees) for listed in catalogue().values()}
    return Desk(IbBroker(link, contracts, fees), gateway, server, instruments, told)
