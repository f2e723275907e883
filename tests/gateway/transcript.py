"""Three clients' session with a gateway in simulated time: market data, history, orders and incidents. What each hears, as bytes.

Run: python -m tests.gateway.transcript SEED PIECE STEP_MS: bytes are handed over in pieces of so many, time passes in steps of so
many milliseconds. Prints a hash and a count of bytes for each connection.
"""

import sys
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from hashlib import sha256

from tests.unit.gateway.abuse import CALL, EUR, MES, SPY, VIX
from tests.unit.gateway.hand_market import BOOK
from tests.unit.gateway.tables import at
from theo.domain.market_data import SECOND
from theo.gateway.building import build
from theo.gateway.client import Client
from theo.gateway.desk import GatewaySettings
from theo.gateway.incidents.scenario import read_scenario
from theo.gateway.market.synthetic import SyntheticMarket
from theo.gateway.simulator import Simulator
from theo.gateway.wire.connection import ClientLink
from theo.gateway.wire.messages import account, contracts, history, market_data, orders
from theo.gateway.wire.messages.order import Order
from theo.gateway.wire.messages.session import ReqCurrentTime, ReqIds, StartApi
from theo.gateway.wire.schema import Message

START = at("2026-11-24 10:00")
SCENARIO = """
[[step]]
incident = "half-open"  # in the midst of what a client sends at once
on = "ReqMatchingSymbols"
for = 3

[[step]]
incident = "duplicate-callbacks"
at = 8
for = 20

[[step]]
incident = "duplicate-and-late-ticks"
at = 10
for = 10

[[step]]
incident = "server-lost"
at = 22
for = 4

[[step]]
incident = "corrected-execution"
at = 30

[[step]]
incident = "farm-blip"
at = 33
for = 3

[[step]]
incident = "nightly-restart"
at = 41
for = 3
"""
Line = tuple[float, str, Sequence[Message]]  # seconds after the start, who, what


def bracket(first: int, low: float, high: float) -> tuple[Message, ...]:
    """A parent at the market and its two children."""
    parent = Order(order_id=first, action="BUY", total_quantity=Decimal(2), order_type="MKT", tif="DAY", transmit=False)
    target = Order(
        order_id=first + 1, action="SELL", total_quantity=Decimal(2), order_type="LMT", lmt_price=high, parent_id=first,
        tif="GTC", transmit=False,
    )  # fmt: skip
    stop = Order(
        order_id=first + 2, action="SELL", total_quantity=Decimal(2), order_type="STP", aux_price=low, parent_id=first, tif="GTC"
    )
    return tuple(orders.PlaceOrder(MES, each) for each in (parent, target, stop))


def limit(order_id: int, price: float) -> Message:
    """An order that may rest."""
    return orders.PlaceOrder(
        SPY, Order(order_id=order_id, action="BUY", total_quantity=Decimal(100), order_type="LMT", lmt_price=price, tif="DAY")
    )


LINES: tuple[Line, ...] = (
    (0, "looks", (StartApi(1), market_data.ReqMktData(1, SPY, "100,233"), market_data.ReqMktData(2, VIX))),
    (0, "trades", (StartApi(0), orders.ReqAutoOpenOrders(auto_bind=True), account.ReqAccountUpdates(subscribe=True, account=""))),
    (0, "old", (StartApi(7), market_data.ReqMktData(1, CALL), market_data.ReqMktDepth(2, MES, 5))),
    (1, "looks", (market_data.ReqMktData(3, MES), market_data.ReqTickByTickData(4, MES, "BidAsk"))),
    (1.1, "looks", (market_data.ReqRealTimeBars(5, SPY, 5, "TRADES", use_rth=False), contracts.ReqContractDetails(6, MES))),
    (2, "looks", (history.ReqHistoricalData(7, SPY, "", "5 mins", "2 D", use_rth=True, what_to_show="TRADES"),)),
    (2, "old", (history.ReqHistoricalData(8, EUR, "", "1 hour", "1 W", use_rth=False, what_to_show="MIDPOINT"),)),
    (2.1, "looks", (history.ReqHistoricalData(11, MES, "", "5 secs", "300 S", False, "TRADES", keep_up_to_date=True),)),
    (3, "trades", (limit(1, 100.0), limit(2, 9_000.0), account.ReqPositions(), account.ReqPnL(9, "DU1234567", ""))),
    (3.3, "trades", bracket(3, 1_000.0, 90_000.0)),
    (4, "looks", (contracts.ReqMatchingSymbols(10, "S"), ReqCurrentTime(), contracts.ReqMarketRule(26), ReqIds(1))),
    (12, "trades", (limit(1, 101.0), orders.CancelOrder(4), orders.ReqExecutions(11))),
    (13, "old", (orders.ReqAllOpenOrders(), orders.ReqCompletedOrders(api_only=False))),
    (24, "trades", (limit(20, 9_000.0), orders.CancelOrder(1))),
    (29, "old", (orders.ReqGlobalCancel(), account.ReqAccountSummary(12, "All", "NetLiquidation,BuyingPower"))),
    (46, "again", (StartApi(0), orders.ReqOpenOrders(), orders.ReqExecutions(1), account.ReqPositions(), ReqIds(1))),
    (47, "again", (limit(40, 9_000.0), market_data.ReqMktData(2, MES))),
)  # fmt: skip
ENDS_SECONDS = 60
VERSIONS = {"old": 157}  # of the others it is the newest


class Talker:
    """A client of the simulator: its requests in pieces, and everything that it hears."""

    def __init__(self, simulator: Simulator, name: str, piece: int) -> None:
        self._simulator, self._piece = simulator, piece
        self._link = ClientLink(157, VERSIONS.get(name, 178))
        self._client: Client = simulator.connect()
        self.heard = bytearray()
        self._send(self._link.hello())
        self.listen()
        self._link.receive(bytes(self.heard))

    def say(self, requests: Iterable[Message]) -> None:
        """All of them at once."""
        self._send(b"".join(self._link.encode(request) for request in requests))

    def _send(self, data: bytes) -> None:
        for begin in range(0, len(data), self._piece):
            self._simulator.receive(self._client, data[begin : begin + self._piece])

    def listen(self) -> None:
        """Read all that waits; a connection that the gateway closes ends."""
        self.heard += self._client.take()
        if self._client.closes:
            self._simulator.disconnected(self._client)


def played(seed: int, piece: int, step: int) -> dict[str, bytes]:
    """What each connection heard. ``piece``: bytes handed over at once; ``step``: microseconds of one advance at most."""
    gateway = build(
        GatewaySettings(),
        BOOK,
        SyntheticMarket(seed, BOOK.listings(), START),
        START,
        lambda known, requests: read_scenario(SCENARIO, "transcript", known, requests),
    )
    simulator, talkers = gateway.simulator, dict[str, Talker]()
    for seconds, name, requests in LINES:
        _advance(simulator, talkers.values(), START + round(seconds * SECOND), step)
        if name not in talkers:
            talkers[name] = Talker(simulator, name, piece)
        talkers[name].say(requests)
    _advance(simulator, talkers.values(), START + ENDS_SECONDS * SECOND, step)
    return {name: bytes(talker.heard) for name, talker in talkers.items()}


def _advance(simulator: Simulator, talkers: Iterable[Talker], until: int, step: int) -> None:
    while simulator.desk.now < until:
        simulator.advance(min(until, simulator.desk.now + step))
        for talker in talkers:
            talker.listen()


def main(write: Callable[[str], object] = sys.stdout.write) -> None:
    """Play it as the arguments say."""
    seed, piece, step_ms = map(int, sys.argv[1:4])
    for name, heard in played(seed, piece, step_ms * 1_000).items():
        write(f"{name} {len(heard)} {sha256(heard).hexdigest()}\n")


if __name__ == "__main__":
    main()
