"""What the rooms of the gateway share: time, clients, contracts, the market, and who handles which request.

A room is a set of handlers, functions of (desk, client, request), and what they remember. Rooms know each other only through
what stands here.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, Protocol

import msgspec

from theo.domain.instrument import Instrument
from theo.domain.market_data import Bar, Tick
from theo.gateway.client import Client
from theo.gateway.wire.messages.contract import Contract
from theo.gateway.wire.schema import Message
from theo.market.sessions import Hours

NEVER = 1 << 62  # later than any time


class DataAccess(StrEnum):
    """What the login may see of a contract's market, and so which of IB's errors answers a request for live data."""

    LIVE = "live"
    NOT_FOR_API = "not for api"  # 10089; delayed data are there for who asks for them
    DELAYED = "delayed"  # 10168, as NOT_FOR_API
    NONE = "none"  # 354, and nothing else


class GatewaySettings(msgspec.Struct, frozen=True, kw_only=True):
    """How the gateway behaves. Rates and counts are IB's."""

    accounts: tuple[str, ...] = ("DU1234567",)
    cash: int = 1_000_000  # of each account, US dollars
    read_only: bool = False
    master_client_id: int | None = None
    time_zone: str = "America/New_York"  # of the login: what texts of time are written in
    messages_a_second_max: int = 50
    breaches_max: int = 3  # of that rate, before the connection is closed
    lines_max: int = 100  # market data lines of the login
    depth_lines_max: int = 3
    clients_max: int = 32
    enforce_pacing: bool = True
    data_access: Mapping[int, DataAccess] = {}  # by conId; of all others everything is live
    account_groups: Mapping[str, tuple[str, ...]] = {}  # an advisor's, by name; "All" is known without
    status_copies: int = 2  # how many times each state of an order is told; TWS itself repeats two or three times
    working_orders_max: int = 20  # for each contract, side and account
    open_orders_on_connect: bool = True  # a client that starts is told of its open orders unasked
    preset_notices: bool = False  # 10349 on an order without a time in force


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """One contract that is listed. ``instrument.id`` is its conId, for life; ``contract`` is as contract details give it."""

    contract: Contract
    instrument: Instrument
    hours: Hours  # trading hours; liquid hours are its regular session
    long_name: str
    market_name: str
    min_tick: float
    time_zone: str
    valid_exchanges: tuple[str, ...]
    order_types: str
    market_rule_ids: tuple[int, ...]
    underlying: int = 0  # conId of what a future or option is on
    fees: str = "zero"  # name of a fee schedule of theo.venue.fees

    @property
    def con_id(self) -> int:
        """IB's number of the contract."""
        return self.contract.con_id


class ContractBook(Protocol):
    """What can be traded, and how a client's description of it is resolved."""

    def listing(self, con_id: int) -> Listing | None:
        """The contract of a conId."""

    def find(self, asked: Contract) -> Sequence[Listing]:
        """Every listing that fits a description: none is error 200, several are ambiguous where one is needed."""

    def listings(self) -> Sequence[Listing]:
        """Everything listed, by conId."""


class Quote(msgspec.Struct, frozen=True, gc=False):
    """A contract's market now, prices in price units, None where there is none; an index has last prices only."""

    bid: int | None = None
    ask: int | None = None
    bid_size: int = 0
    ask_size: int = 0
    last: int | None = None
    last_size: int = 0
    last_at: int = 0
    volume: int = 0
    open: int | None = None
    high: int | None = None
    low: int | None = None
    close: int | None = None  # of the session before


class SimulatedMarket(Protocol):
    """Where prices come from: seeded, imported, or recorded. Times are microseconds UTC, instruments are conIds."""

    def next_at(self) -> int:
        """When the next tick happens; NEVER when there is none left."""

    def advance(self, until: int) -> Iterator[Tick]:
        """Ticks up to and including ``until``, in order of time; quotes follow as they are taken."""

    def quote(self, con_id: int) -> Quote:
        """The market of a contract after the newest tick."""

    def bars(self, con_id: int, length: int, start: int, end: int, *, regular: bool) -> Sequence[Bar]:
        """Closed and open bars of trades with ``start`` <= start of bar < ``end``; a length of 0 is one bar a session."""

    def ticks(self, con_id: int, start: int, end: int) -> Sequence[Tick]:
        """Past ticks of all kinds."""

    def head(self, con_id: int) -> int:
        """The earliest time of which anything is known."""


Handler = Callable[["Desk", Client, Any], None]


class Room(Protocol):
    """A part of the gateway's behaviour."""

    handlers: Mapping[type[Message], Handler]

    def on_tick(self, desk: "Desk", tick: Tick) -> None:
        """The market moved; the desk's quotes are already those after the tick."""

    def on_time(self, desk: "Desk", at: int) -> None:
        """Work off what is due by time."""

    def next_due(self) -> int:
        """When ``on_time`` is wanted next; NEVER when it is not."""

    def on_started(self, desk: "Desk", client: Client) -> None:
        """A client has named itself with START_API."""

    def on_gone(self, desk: "Desk", client: Client) -> None:
        """A client's connection is closed."""


class Desk:
    """The gateway's inside. ``now`` moves only with ``theo.gateway.simulator``.

    ``clock_skew`` (microseconds) is how far the gateway's own clock, which clients may ask for, is from the true time. Until
    ``refuses_until`` the gateway restarts: nobody can connect.
    """

    __slots__ = ("clients", "clock_skew", "contracts", "market", "now", "refuses_until", "rooms", "settings")

    def __init__(
        self,
        settings: GatewaySettings,
        contracts: ContractBook,
        market: SimulatedMarket,
        rooms: Sequence[Room] = (),
        now: int = 0,
    ) -> None:
        self.settings, self.contracts, self.market, self.rooms, self.now = settings, contracts, market, rooms, now
        self.clients: dict[int, Client] = {}  # those that have named themselves, by client id
        self.clock_skew = 0
        self.refuses_until = 0

    def resolve(self, client: Client, req_id: int, asked: Contract) -> Listing | None:
        """The one listing that a request is about; None after the client was told error 200."""
        found = self.contracts.find(asked)
        if len(found) == 1:
            return found[0]
        text = "No security definition has been found for the request"
        if found:
            text = f"The contract description specified for {asked.symbol} is ambiguous."
        client.error(req_id, 200, text)
        return None
