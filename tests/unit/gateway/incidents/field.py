"""A whole gateway on a hand-made market, in simulated time, with a client that talks through both ends of a real link."""

from collections.abc import Iterable
from typing import Any

import msgspec

from tests.unit.gateway.hand_market import BOOK, EUR, MES, SPY, VIX, HandMarket, Peer, quoted, trade
from tests.unit.gateway.trading.pit import OPEN, PLENTY, Pit
from theo.domain.market_data import MINUTE, SECOND
from theo.gateway.building import REQUESTS, build
from theo.gateway.desk import GatewaySettings, Listing
from theo.gateway.incidents.scenario import Step, check
from theo.gateway.wire.messages.history import ReqHistoricalData
from theo.gateway.wire.messages.market_data import ReqMktData, TickPrice
from theo.gateway.wire.messages.session import ErrorMessage

LAST = 4  # the tick type of a last price; delayed it is 68
DELAYED_LAST = 68
NOTICES = frozenset({2104, 2106, 2158})  # told to everybody who connects


class Field(Pit):
    """The gateway of `theo.gateway.building`; ``peer`` is client 1. SPY last traded at 600, MES at 6800, VIX at 17."""

    def __init__(self, *steps: Step, now: int = OPEN, **settings: object) -> None:
        made = {"accounts": ("DU1",), "enforce_pacing": False, "status_copies": 1, **settings}
        self.settings = msgspec.convert(made, GatewaySettings)
        start = now - MINUTE
        self.market = HandMarket([
            trade(SPY, start, "600"),
            *quoted(SPY, start, "599.9", "600.1", PLENTY),
            trade(MES, start, "6800"),
            *quoted(MES, start, "6799.75", "6800.25", PLENTY),
            *quoted(EUR, start, "1.0999", "1.1001", PLENTY),
            trade(VIX, start, "17"),
        ])  # fmt: skip
        self.gateway = build(self.settings, BOOK, self.market, start, lambda known, requests: _checked(steps, known, requests))
        self.simulator, self.room, self.incidents = self.gateway.simulator, self.gateway.trading, self.gateway.incidents
        self.simulator.advance(now)
        self.peer = Peer(self.simulator, 1)

    @property
    def lasting(self) -> list[str]:
        return list(self.incidents.lasting)

    @property
    def waiting(self) -> list[str]:
        return list(self.incidents.waiting)

    def play(self, name: str, lasts: float | None = None, **args: Any) -> list[Any]:  # noqa: ANN401 - also what is refused
        """Begin an incident by hand; what client 1 hears of it."""
        self.incidents.play(self.simulator.desk, name, lasts, args)
        return self.peer.hear()

    def end(self, name: str) -> list[Any]:
        """End it by hand; what client 1 hears of it."""
        self.incidents.end(self.simulator.desk, name)
        return self.peer.hear()

    def wait(self, seconds: float) -> list[Any]:
        """What client 1 hears in that time."""
        return self.peer.wait(self.now + round(seconds * SECOND))

    def trades(self, price: str, listing: Listing = SPY, size: int = 1_000_000) -> list[Any]:
        """As ever, and a second more: a line is sampled after the trade."""
        return [*super().trades(price, listing, size), *self.wait(1)]

    def part(self) -> None:
        """The server ends the connections that are to be closed."""
        for client in [each for each in self.simulator.clients.values() if each.closes]:
            self.simulator.disconnected(client)

    def reconnect(self) -> list[Any]:
        """Client 1 connects anew, as soon as the port takes it; what it hears before it asks for anything."""
        self.simulator.disconnected(self.peer.client)
        assert self.simulator.accepts
        self.peer = Peer(self.simulator, 1)
        return self.peer.greeting


def line(req_id: int = 7, listing: Listing = SPY) -> ReqMktData:
    return ReqMktData(req_id, listing.contract)


def minutes(req_id: int = 9, *, size: str = "1 min", keep: bool = False) -> ReqHistoricalData:
    """An hour of bars."""
    return ReqHistoricalData(req_id, SPY.contract, "", size, "3600 S", False, "TRADES", 1, keep)


def last_prices(heard: Iterable[object]) -> list[float]:
    """The last prices that were told, live or delayed, in their order."""
    return [m.price for m in heard if isinstance(m, TickPrice) and m.tick_type in {LAST, DELAYED_LAST}]


def told(heard: Iterable[object]) -> list[int]:
    """The codes of errors and notices, without what everybody is told who connects."""
    return [m.code for m in heard if isinstance(m, ErrorMessage) and m.code not in NOTICES]


def _checked(steps: Iterable[Step], known: Any, requests: frozenset[str]) -> tuple[Step, ...]:  # noqa: ANN401 - a mapping of incidents
    assert requests == REQUESTS
    for step in steps:
        check(step, step.incident, known, requests)
    return tuple(steps)
