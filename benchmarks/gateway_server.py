"""The process of `gateway_load` that is measured: a whole gateway on a port, a hundred shares, a thousand ticks a second in all.

Beside the clients on sockets stands a witness inside: it asks for the same and gets its bytes without a socket, so what it hears
is what the gateway meant to send to each.
"""

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from hashlib import blake2b
from multiprocessing.connection import Connection
from pathlib import Path

import msgspec

from theo.adapters.calendars.stored import session_table
from theo.adapters.system.clock import PacedClock
from theo.domain.market_data import SECOND, TickKind
from theo.gateway.building import Gateway, build
from theo.gateway.client import NO_REQUEST, Client
from theo.gateway.contracts.book import Contracts
from theo.gateway.contracts.rows import SpotRow, listings_text, parse_listings
from theo.gateway.desk import GatewaySettings, Listing
from theo.gateway.market.synthetic import SyntheticMarket
from theo.gateway.server import GatewayServer
from theo.gateway.simulator import Simulator
from theo.gateway.wire.connection import ClientLink
from theo.gateway.wire.messages.contract import Contract
from theo.gateway.wire.messages.market_data import ReqMktData, ReqTickByTickData
from theo.gateway.wire.messages.session import StartApi
from theo.gateway.wire.schema import Message

SEED = 7
START = int(datetime(2026, 11, 20, 15, tzinfo=UTC).timestamp()) * SECOND  # a Friday, ten in the morning in New York
SYMBOLS = 100
SYMBOL_TICKS_A_SECOND = 10.0
EXACT_STREAMS = 5  # tick by tick, as many as a login may have
FIRST_CON_ID = 910_000_000
MARKS = (b"\0mark 1\0\0", b"\0mark 2\0\0")  # the end of a notice: its text, and an empty advice about orders
CALENDARS = ("NYSE", "CME_EQUITY", "CFE", "VIX")
ASK_SECONDS = 0.03  # between two requests: 50 a second are allowed
DRAIN_SECONDS = 0.05


class Stretch:
    """The bytes of one client between two marks, as a hash and a length; ``frames`` sees them all, where it is given."""

    def __init__(self, frames: Callable[[bytes], None] | None = None) -> None:
        self.passed, self.length = 0, 0  # marks
        self.digest = blake2b()
        self._tail, self._frames = b"", frames

    def feed(self, data: bytes) -> None:
        """The next bytes."""
        if self.passed == len(MARKS):
            return
        data, mark = self._tail + data, MARKS[self.passed]
        found = data.find(mark)
        cut = found if found >= 0 else max(len(data) - len(mark) + 1, 0)
        if self.passed:
            self._take(data[:cut])
        self._tail = data[cut:]
        if found >= 0:
            self.passed += 1
            self._tail = b""
            self.feed(data[found + len(mark) :])

    def _take(self, data: bytes) -> None:
        self.digest.update(data)
        self.length += len(data)
        if self._frames is not None:
            self._frames(data)


def symbol(number: int) -> str:
    """The name of a made-up share."""
    return f"LOAD{number:02d}"


def requests() -> Iterator[Message]:
    """What every client asks for."""
    contracts = [Contract(symbol=symbol(n), sec_type="STK", exchange="SMART", currency="USD") for n in range(SYMBOLS)]
    for n, contract in enumerate(contracts):
        yield ReqMktData(n + 1, contract)
    for n, contract in enumerate(contracts[:EXACT_STREAMS]):
        yield ReqTickByTickData(SYMBOLS + n + 1, contract, "AllLast")


def contracts(folder: Path) -> Contracts:
    """A contract book that lists the made-up shares too."""
    day = datetime.fromtimestamp(START // SECOND, UTC).date()
    tables = {name: session_table(name, date(2026, 6, 1), date(2027, 6, 1), folder) for name in CALENDARS}
    file = parse_listings(listings_text())
    model = next(row for row in file.spot if row.symbol == "SPY")
    made = [_share(model, n) for n in range(SYMBOLS)]
    return Contracts(tables, day, msgspec.structs.replace(file, spot=(*file.spot, *made)))


def _share(model: SpotRow, number: int) -> SpotRow:
    return msgspec.structs.replace(model, con_id=FIRST_CON_ID + number, symbol=symbol(number), isin="", derivatives=())


def shares(book: Contracts) -> list[Listing]:
    """The made-up shares."""
    return [each for each in book.listings() if each.contract.symbol.startswith("LOAD")]


def market(listings: list[Listing]) -> SyntheticMarket:
    """A thousand ticks a second in all."""
    return SyntheticMarket(SEED, listings, START, ticks_a_second=SYMBOL_TICKS_A_SECOND)


def trades_between(listings: list[Listing], first: int, last: int) -> list[int]:
    """How many trades each exactly streamed share had from the second ``first`` to ``last``, without; by another market."""
    again = market(listings)
    list(again.advance(last * SECOND))
    return [
        sum(tick.kind == TickKind.TRADE for tick in again.ticks(each.con_id, first * SECOND, last * SECOND))
        for each in listings[:EXACT_STREAMS]
    ]


class Witness:
    """A client of the simulator without a socket."""

    def __init__(self, gateway: Gateway) -> None:
        self._simulator = gateway.simulator
        self._client: Client = self._simulator.connect("inside")
        self.stretch = Stretch()

    async def ask(self) -> None:
        """Ask for the same as every client, as fast as TWS allows."""
        link = ClientLink()
        self._simulator.receive(self._client, link.hello())
        link.receive(self._client.take())
        for request in (StartApi(0), *requests()):
            self._simulator.receive(self._client, link.encode(request))
            await asyncio.sleep(ASK_SECONDS)

    async def listen(self) -> None:
        """Until it is cancelled: a little bound to what waits."""
        while True:
            self.stretch.feed(self._client.take())
            await asyncio.sleep(DRAIN_SECONDS)

    def report(self) -> tuple[str, int, int]:
        """What it has heard between the marks, and all messages so far."""
        self.stretch.feed(self._client.take())
        return self.stretch.digest.hexdigest(), self.stretch.length, self._client.messages


def serve(folder: str, speed: float, clients: int, pipe: Connection) -> None:
    """The process: tells its port, then answers each number on the pipe: of a mark that is sent to all, or -1 for the end."""
    asyncio.run(_serve(Path(folder), speed, clients, pipe))


async def _serve(folder: Path, speed: float, clients: int, pipe: Connection) -> None:
    book = contracts(folder)
    listings = shares(book)
    gateway = build(GatewaySettings(clients_max=clients + 1), book, market(listings), START)
    server = GatewayServer(gateway.simulator, PacedClock(START, speed), port=0)
    await server.start()
    witness = Witness(gateway)
    listening = asyncio.create_task(witness.listen())
    pipe.send(server.port)
    await witness.ask()
    asked: asyncio.Queue[int] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    loop.add_reader(pipe.fileno(), lambda: asked.put_nowait(pipe.recv()))
    while (number := await asked.get()) >= 0:
        server.act(lambda simulator, number=number: _mark(simulator, number))  # type: ignore[misc]  # the number of this turn
        pipe.send((*witness.report(), server.behind, [client.messages for client in gateway.simulator.clients.values()]))
    loop.remove_reader(pipe.fileno())
    listening.cancel()
    await server.stop()


def _mark(simulator: Simulator, number: int) -> None:
    for client in simulator.clients.values():
        client.error(NO_REQUEST, 2104, MARKS[number].decode().strip("\0"))
