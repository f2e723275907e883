"""A small market made by hand, and a client of a simulator that talks through both ends of a real link."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any

import msgspec

from tests.unit.gateway.tables import tables
from theo.domain.market_data import DAY, Bar, Tick, TickKind
from theo.gateway.client import Client
from theo.gateway.contracts.book import Contracts
from theo.gateway.desk import NEVER, GatewaySettings, Listing, Quote, Room
from theo.gateway.session.room import SessionRoom
from theo.gateway.simulator import Simulator
from theo.gateway.wire.connection import ClientLink
from theo.gateway.wire.messages.contract import Contract
from theo.gateway.wire.messages.session import ErrorMessage, StartApi
from theo.gateway.wire.schema import Message
from theo.market.sessions import Hours

BOOK = Contracts(tables(), date(2026, 11, 24))


def listed(symbol: str, sec_type: str, **more: object) -> Listing:
    (found,) = BOOK.find(msgspec.convert({"symbol": symbol, "sec_type": sec_type, **more}, Contract))
    return found


SPY, VIX = listed("SPY", "STK"), listed("VIX", "IND")
EUR = listed("EUR", "CASH", currency="USD")
MES = listed("MES", "FUT", last_trade_date_or_contract_month="202612")


def tick(listing: Listing, at: int, kind: TickKind, price: str, volume: int = 0) -> Tick:
    return Tick(listing.con_id, at, at, 0, kind, listing.instrument.units(price), volume)


def trade(listing: Listing, at: int, price: str, volume: int = 100) -> Tick:
    return tick(listing, at, TickKind.TRADE, price, volume)


def quoted(listing: Listing, at: int, bid: str, ask: str, sizes: tuple[int, int] = (300, 500)) -> list[Tick]:
    return [tick(listing, at, TickKind.BID, bid, sizes[0]), tick(listing, at, TickKind.ASK, ask, sizes[1])]


class HandMarket:
    """Plays given ticks; its past is what it has played. A bar is all trades of an interval, a daily one of a session."""

    def __init__(self, ticks: Iterable[Tick] = (), heads: dict[int, int] | None = None) -> None:
        self.coming = sorted(ticks, key=lambda t: t.timestamp)
        self.played: list[Tick] = []
        self.quotes: dict[int, Quote] = {}
        self.heads = heads or {}

    def add(self, *ticks: Tick) -> None:
        self.coming = sorted([*self.coming, *ticks], key=lambda t: t.timestamp)

    def next_at(self) -> int:
        return self.coming[0].timestamp if self.coming else NEVER

    def advance(self, until: int) -> Iterator[Tick]:
        while self.coming and self.coming[0].timestamp <= until:
            found = self.coming.pop(0)
            self.played.append(found)
            self._quote(found)
            yield found

    def _quote(self, found: Tick) -> None:
        quote = self.quotes.get(found.instrument, Quote())
        if found.kind == TickKind.BID:
            new = msgspec.structs.replace(quote, bid=found.price, bid_size=found.volume)
        elif found.kind == TickKind.ASK:
            new = msgspec.structs.replace(quote, ask=found.price, ask_size=found.volume)
        else:
            volume = quote.volume + found.volume
            new = msgspec.structs.replace(quote, last=found.price, last_size=found.volume, last_at=found.timestamp, volume=volume)
        self.quotes[found.instrument] = new

    def quote(self, con_id: int) -> Quote:
        return self.quotes.get(con_id, Quote())

    def bars(self, con_id: int, length: int, start: int, end: int, *, regular: bool) -> Sequence[Bar]:
        listing = BOOK.listing(con_id)
        assert listing is not None
        groups: dict[tuple[int, int, int], list[Tick]] = {}
        for found in self.played:
            session = listing.hours.session_at(found.timestamp)
            if found.instrument != con_id or found.kind in {TickKind.BID, TickKind.ASK} or session is None:
                continue
            hours = Hours(listing.hours.table, listing.hours.scope)
            spans = session.regular if regular else session.full
            if any(opens <= found.timestamp < closes for opens, closes in spans):
                opened, closes = spans[0][0], spans[-1][1]
                low, high = hours.bar_bounds(session, found.timestamp, length) if length else (opened, closes)
                groups.setdefault((max(low, opened), high, session.date), []).append(found)
        return [
            _bar(con_id, key, ticks) for key, ticks in sorted(groups.items(), key=lambda each: each[0]) if start <= key[0] < end
        ]

    def ticks(self, con_id: int, start: int, end: int) -> Sequence[Tick]:
        return [t for t in self.played if t.instrument == con_id and start <= t.timestamp < end]

    def head(self, con_id: int) -> int:
        return self.heads.get(con_id, 0)


def _bar(con_id: int, key: tuple[int, int, int], ticks: list[Tick]) -> Bar:
    prices = [t.price for t in ticks]
    volume = sum(t.volume for t in ticks)
    ends = prices[0], max(prices), min(prices), prices[-1]
    return Bar(con_id, key[1], "", key[0], key[1], *ends, volume, session_date=key[2])


class Peer:
    """A client that has started: what it hears is decoded by the library's own end of the link.

    ``greeting`` is what it was told when it started.
    """

    def __init__(self, simulator: Simulator, client_id: int = 1, version: int = 178) -> None:
        self.simulator, self.link = simulator, ClientLink(157, version)
        self.client: Client = simulator.connect()
        simulator.receive(self.client, self.link.hello())
        self.hear()
        self.greeting = self.ask(StartApi(client_id))

    def hear(self) -> list[Any]:
        return list(self.link.receive(self.client.take()))

    def ask(self, *requests: Message) -> list[Any]:
        """What has come so far, and what the requests are answered with at once."""
        for request in requests:
            self.simulator.receive(self.client, self.link.encode(request))
        return self.hear()

    def wait(self, until: int) -> list[Any]:
        self.simulator.advance(until)
        return self.hear()


def gateway(room: Room | tuple[Room, ...], market: HandMarket, now: int, **settings: object) -> Simulator:
    """A simulator with a room, or more, beside that of the session, at a time; the market has played up to then."""
    rooms = room if isinstance(room, tuple) else (room,)
    made = msgspec.convert({"accounts": ("DU1",), "messages_a_second_max": 10_000, **settings}, GatewaySettings)
    simulator = Simulator(made, BOOK, market, [SessionRoom(lambda _client: 1), *rooms], now - DAY)
    simulator.advance(now)
    return simulator


def codes(heard: Iterable[object]) -> list[int]:
    """The codes of all errors among what was heard."""
    return [message.code for message in heard if isinstance(message, ErrorMessage)]
