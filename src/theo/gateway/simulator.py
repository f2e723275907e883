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
from theo.gateway.wire.connection import Event, Opened
from theo.gateway.wire.faults import Fault
from theo.gateway.wire.messages.session import StartApi
from theo.gateway.wire.schema import Message

UNNAMED_MAX = 64  # connections that have not said START_API: a client does it at once

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
        self._stalled: dict[int, Client] = {}  # those of which something waits for the end of a stall
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
        unnamed = [each for each in self.clients.values() if each.id is None and not each.closes]
        if len(unnamed) > UNNAMED_MAX:
            unnamed[0].cut_off(f"it has not named itself, and {UNNAMED_MAX} newer connections have not either")
        return client

    def receive(self, client: Client, data: bytes) -> None:
        """Bytes of a client. While it is stalled they wait; too many of them end the connection."""
        if client.stalled:
            client.unread += data
            self._stalled[client.number] = client
            if len(client.unread) > WAITING_BYTES_MAX:
                client.cut_off(f"more than {WAITING_BYTES_MAX:,} bytes came while nothing was read")
            return
        client.coming += client.link.receive(data)
        self._work_off(client)

    def _work_off(self, client: Client) -> None:
        """What has come, up to the end of the connection or the begin of a stall, in which the rest waits."""
        while client.coming and not client.closes:
            if client.stalled:
                self._stalled[client.number] = client
                return
            self._happened(client, client.coming.popleft())

    def _resume(self) -> None:
        """Go on with those whose stall is over."""
        for client in [each for each in self._stalled.values() if not each.stalled]:
            del self._stalled[client.number]
            client.coming += client.link.receive(bytes(client.unread))
            client.unread.clear()
            self._work_off(client)

    def _happened(self, client: Client, event: Event) -> None:
        if isinstance(event, Opened):
            client.queue(client.link.open(connection_time(self.desk.now, self.desk.settings.time_zone)))
        elif not isinstance(event, Fault):
            self._request(client, event)
        elif event.closes:
            client.queue(client.link.fault_bytes(event))
            client.cut_off(event.text)
        elif self._allowed(client):
            client.queue(client.link.fault_bytes(event))

    def _allowed(self, client: Client) -> bool:
        """Whether the pacing of a client's messages, good or bad, lets one more be answered."""
        settings = self.desk.settings
        return not settings.enforce_pacing or self._pacing[client.number].allows(client, self.desk.now, settings)

    def _request(self, client: Client, request: Message) -> None:
        desk = self.desk
        client.requests += 1
        if not self._allowed(client):
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
        self._stalled.pop(client.number, None)
        for room in self.desk.rooms:
            room.on_gone(self.desk, client)

    @property
    def next_due(self) -> int:
        """When time alone does something next; NEVER when it does not."""
        return min([self.desk.market.next_at(), *(room.next_due() for room in self.desk.rooms)], default=NEVER)

    def advance(self, until: int) -> None:
        """Let time pass: ticks and what is due, in order of time; of one moment ticks first."""
        desk = self.desk
        self._resume()
        while (at := self.next_due) <= until:
            desk.now = max(desk.now, at)
            for tick in desk.market.advance(at):
                for room in desk.rooms:
                    room.on_tick(desk, tick)
            for room in desk.rooms:
                if room.next_due() <= at:
                    room.on_time(desk, at)
            if self._stalled:
                self._resume()
        desk.now = max(desk.now, until)
