"""A gateway that trades on a hand-made market, and orders and answers in few words, for the tests of the trading room.

SPY is quoted 599.90 / 600.10 with plenty on both sides and last traded at 600; MES 6799.75 / 6800.25.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import msgspec

from tests.unit.gateway.hand_market import BOOK, EUR, MES, SPY, HandMarket, Peer, codes, quoted, tick, trade
from tests.unit.gateway.tables import at
from theo.domain.market_data import MINUTE, SECOND, TickKind
from theo.gateway.accounts.ledger import Ledgers
from theo.gateway.accounts.room import AccountsRoom
from theo.gateway.desk import GatewaySettings, Listing, Room
from theo.gateway.session.room import SessionRoom
from theo.gateway.simulator import Simulator
from theo.gateway.trading.room import TradingRoom
from theo.gateway.wire.messages.contract import Contract
from theo.gateway.wire.messages.order import Order
from theo.gateway.wire.messages.orders import (
    CancelOrder,
    CommissionReport,
    ExecDetails,
    OpenOrder,
    OrderStatus,
    PlaceOrder,
)
from theo.gateway.wire.messages.session import ErrorMessage

__all__ = ["EUR", "MES", "SECOND", "SPY", "Peer", "at", "codes", "trade"]

OPEN = at("2026-11-24 10:00")  # a Tuesday
PLENTY = (1_000_000, 1_000_000)


class Pit:
    """A gateway with orders and accounts; ``peer`` is client 1."""

    def __init__(self, now: int = OPEN, version: int = 178, **settings: object) -> None:
        made = {"accounts": ("DU1",), "enforce_pacing": False, "status_copies": 1, **settings}
        self.settings = msgspec.convert(made, GatewaySettings)
        self.ledgers = Ledgers(self.settings.accounts, self.settings.cash)
        self.room = TradingRoom(self.settings, BOOK, self.ledgers)
        start = now - MINUTE
        self.market = HandMarket([
            trade(SPY, start, "600"),
            *quoted(SPY, start, "599.9", "600.1", PLENTY),
            trade(MES, start, "6800"),
            *quoted(MES, start, "6799.75", "6800.25", PLENTY),
            *quoted(EUR, start, "1.0999", "1.1001", PLENTY),
        ])  # fmt: skip
        rooms: list[Room] = [SessionRoom(self.room.next_order_id), self.room, AccountsRoom(self.ledgers)]
        self.simulator = Simulator(self.settings, BOOK, self.market, rooms, start)
        self.simulator.advance(now)
        self.peer = Peer(self.simulator, 1, version)

    @property
    def now(self) -> int:
        return self.simulator.desk.now

    def another(self, client_id: int) -> Peer:
        return Peer(self.simulator, client_id)

    def trades(self, price: str, listing: Listing = SPY, size: int = 1_000_000) -> list[Any]:
        """A second passes, and there is a trade; what client 1 hears until then."""
        self.market.add(trade(listing, self.now + SECOND, price, size))
        return self.peer.wait(self.now + SECOND)

    def quotes(self, bid: str, ask: str, listing: Listing = SPY, sizes: tuple[int, int] = PLENTY) -> list[Any]:
        """As trades, with a bid and an ask."""
        self.market.add(*quoted(listing, self.now + SECOND, bid, ask, sizes))
        return self.peer.wait(self.now + SECOND)

    def offers(self, ask: str, size: int, listing: Listing = SPY) -> list[Any]:
        """As trades, with an ask alone."""
        self.market.add(tick(listing, self.now + SECOND, TickKind.ASK, ask, size))
        return self.peer.wait(self.now + SECOND)


def placing(order_id: int, side: str, kind: str, quantity: float, listing: Listing = SPY, **more: Any) -> PlaceOrder:  # noqa: ANN401 - any field
    """An order as a client sends it: the day's, transmitted, unless told."""
    contract = Contract(con_id=listing.con_id, exchange=listing.contract.exchange)
    fields = {"tif": "DAY", "transmit": True, **more}
    order = Order(order_id=order_id, action=side, order_type=kind, total_quantity=Decimal(str(quantity)), **fields)
    return PlaceOrder(contract, order)


def cancelling(order_id: int) -> CancelOrder:
    return CancelOrder(order_id)


def words(heard: Iterable[Any]) -> list[str]:
    """What was said of orders: "open 1 Submitted", "status 1 Filled 5/0", "fill 1 BOT 5 @ 600.1", "commission", "error 1 201"."""
    return [text for text in map(_word, heard) if text]


def _word(message: object) -> str:
    if isinstance(message, OpenOrder):
        return f"open {message.order.order_id} {message.state.status}"
    if isinstance(message, OrderStatus):
        return f"status {message.order_id} {message.status} {message.filled}/{message.remaining}"
    if isinstance(message, ExecDetails):
        execution = message.execution
        return f"fill {execution.order_id} {execution.side} {execution.shares} @ {execution.price}"
    if isinstance(message, CommissionReport):
        return "commission"
    return f"error {message.req_id} {message.code}" if isinstance(message, ErrorMessage) and message.code < 2104 else ""


def statuses(heard: Iterable[Any], order_id: int) -> list[str]:
    """The states of an order, in their order."""
    return [m.status for m in heard if isinstance(m, OrderStatus) and m.order_id == order_id]


def fills(heard: Iterable[Any]) -> list[tuple[int, int, float]]:
    """(order id, quantity, price) of each execution."""
    return [(m.execution.order_id, int(m.execution.shares), m.execution.price) for m in heard if isinstance(m, ExecDetails)]
