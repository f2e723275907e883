"""The gateway without sockets and clocks: connections, bytes and time go in, bytes come out.

One thread, one order of events: what the market and the rooms have due happens in order of time, a client's bytes when they are
given. The same calls give the same bytes.
"""

from collections.abc import Callable, Sequence

from theo.gateway.client import NO_REQUEST, WAITING_BYTES_MAX, Client
from theo.gateway.desk import NEVER, ContractBook, Desk, GatewaySettings, Handler, Room, SimulatedMarket
from theo.gateway.session.pacing import Pacing
from theo.gateway.session.room import NOT_CONNECTED
from theo.gateway.times import connection_time
from theo.gateway.wire.connection import Opened
from theo.gateway.wire.faults import Fault
from theo.gateway.wire.messages.session import StartApi
from theo.gateway.wire.schema import Message

Before = Callable[[Desk, Message], None]


class Simulator:
    """``clients`` are all connections, also those that have not named themselves yet, by their number.

    ``before`` sees each request before it is worked off: incidents that wait for one begin there.
    """

    def __init__(
        self,
        settings: GatewaySettings,
        contracts: ContractBook,
        market: SimulatedMarket,
        rooms: Sequence[Room],
        now: int,
        before: Before | None = None,
    ) -> None:
        self.desk = Desk(settings, contracts, market, rooms, now)
        self.clients: dict[int, Client] = {}
        self._before = before
        self._pacing: dict[int, Pacing] = {}
        self._connections = 0
        self._handlers: dict[type[Message], Handler] = {}
        for room in rooms:
            self._handlers.update(room.handlers)

    @property
    def accepts(self) -> bool:
        """Whether a connection is taken now; not while the gateway restarts."""
        return self.desk.now >= self.desk.refuses_until

    def connect(self, address: str = "") -> Client:
        """A new connection, from an address where it has one."""
        self._connections += 1
        client = self.clients[self._connections] = Client(self._connections, address)
        self._pacing[client.number] = Pacing()
        return client

    def receive(self, client: Client, data: bytes) -> None:
        """Bytes of a client. While it is stalled they wait; too many of them end the connection."""
        if client.stalled:
            client.unread += data
            client.closes = client.closes or len(client.unread) > WAITING_BYTES_MAX
            return
        data, client.unread = client.unread + data, b""
        for event in client.link.receive(data):
            if isinstance(event, Opened):
                client.queue(client.link.open(connection_time(self.desk.now, self.desk.settings.time_zone)))
            elif isinstance(event, Fault):
                client.queue(client.link.fault_bytes(event))
                client.closes = client.closes or event.closes
            else:
                self._request(client, event)
            if client.closes:
                return

    def _request(self, client: Client, request: Message) -> None:
        desk = self.desk
        client.requests += 1
        if desk.settings.enforce_pacing and not self._pacing[client.number].allows(client, desk.now, desk.settings):
            return
        if client.id is None and not isinstance(request, StartApi):
            client.error(NO_REQUEST, NOT_CONNECTED, "Not connected")
            return
        if self._before is not None:
            self._before(desk, request)
        handler = self._handlers.get(type(request))
        if handler is None:
            client.error(
                getattr(request, "req_id", NO_REQUEST),
                321,
                f"Error validating request.-'{type(request).__name__}' : not supported",
            )
            return
        handler(desk, client, request)

    def disconnected(self, client: Client) -> None:
        """The connection is gone, from either side."""
        if self.clients.pop(client.number, None) is None:
            return
        del self._pacing[client.number]
        for room in self.desk.rooms:
            room.on_gone(self.desk, client)

    @property
    def next_due(self) -> int:
        """When time alone does something next; NEVER when it does not."""
        return min([self.desk.market.next_at(), *(room.next_due() for room in self.desk.rooms)], default=NEVER)

    def advance(self, until: int) -> None:
        """Let time pass: ticks and what is due, in order of time; of one moment ticks first."""
        desk = self.desk
        for client in [c for c in self.clients.values() if c.unread and not c.stalled]:
            self.receive(client, b"")
        while (at := self.next_due) <= until:
            desk.now = max(desk.now, at)
            for tick in desk.market.advance(at):
                for room in desk.rooms:
                    room.on_tick(desk, tick)
            for room in desk.rooms:
                if room.next_due() <= at:
                    room.on_time(desk, at)
        desk.now = max(desk.now, until)
