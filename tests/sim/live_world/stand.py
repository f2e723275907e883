"""The gateway simulator on the simulated loop: bytes in and out, its time is the loop's, and what comes after each event."""

import asyncio
import errno
from collections.abc import Callable

from tests.sim.live_world.wire import Far, NetLoop, Pipe
from theo.domain.market_data import SECOND
from theo.gateway.building import Gateway
from theo.gateway.client import Client
from theo.gateway.desk import NEVER

DRIP = 2_000  # microseconds between two drops of a slow line


class GatewayStand:
    """``after`` is called when something has happened, ``begin`` starts its time."""

    def __init__(self, gateway: Gateway, loop: NetLoop, after: Callable[[], None]) -> None:
        self.gateway, self._loop, self._after = gateway, loop, after
        self._ends: dict[int, _End] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._armed = NEVER
        loop.dial = self._accept

    def begin(self) -> None:
        """From now on the market runs."""
        self.turn()

    def act(self, action: Callable[[], None]) -> None:
        """Do something to the gateway, then send what follows."""
        self.gateway.simulator.advance(self._loop.now)
        action()
        self.turn()

    def turn(self) -> None:
        """Catch up with the loop's time, send what waits, and sleep until something is due."""
        simulator = self.gateway.simulator
        simulator.advance(self._loop.now)
        drips = False
        for client in list(simulator.clients.values()):
            end = self._ends.get(client.number)
            if end is None:
                continue
            if client.waiting and (data := client.take()):
                end.pipe.say(data)
            drips |= bool(client.drip and client.waiting)
            if client.closes and not client.waiting:
                end.close()
        self._after()
        due = self._loop.now + DRIP if drips else max(simulator.next_due, self._loop.now)
        if due < self._armed or self._armed <= self._loop.now:
            if self._timer is not None:
                self._timer.cancel()
            self._armed = due
            self._timer = None if due >= NEVER else self._loop.call_at(due / SECOND, self._timed)

    def _timed(self) -> None:
        self._armed = 0
        self.turn()

    def _accept(self, pipe: Pipe) -> Far:
        simulator = self.gateway.simulator
        simulator.advance(self._loop.now)
        if not simulator.accepts:
            raise ConnectionRefusedError(errno.ECONNREFUSED, "the gateway restarts")
        client = simulator.connect()
        end = self._ends[client.number] = _End(self, client, pipe)
        return end

    def pipe_of(self, client_id: int) -> Pipe | None:
        """The connection of a client id."""
        clients = self.gateway.simulator.clients
        return next(
            (end.pipe for number, end in self._ends.items() if number in clients and clients[number].id == client_id), None
        )

    def forget(self, client: Client) -> None:
        """Its connection is gone."""
        self._ends.pop(client.number, None)
        self.gateway.simulator.disconnected(client)


class _End:
    """The gateway's end of one connection."""

    def __init__(self, stand: GatewayStand, client: Client, pipe: Pipe) -> None:
        self._stand, self._client, self.pipe = stand, client, pipe

    def heard(self, data: bytes) -> None:
        """Bytes of the client."""
        self._stand.gateway.simulator.advance(self._stand._loop.now)
        self._stand.gateway.simulator.receive(self._client, data)
        self._stand.turn()

    def gone(self) -> None:
        """The client or the net has ended it."""
        self._stand.forget(self._client)
        self._stand.turn()

    def close(self) -> None:
        """The gateway ends it."""
        self.pipe.end()
        self._stand.forget(self._client)
