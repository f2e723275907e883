"""The gateway on a real socket: a thin shell that carries bytes and time between asyncio and the simulator."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable

from theo.gateway.client import Client
from theo.gateway.simulator import Simulator
from theo.ports.clock import Clock

READ_BYTES_MAX = 64 * 1024
WRITE_BUFFER_MAX = 1024 * 1024  # in a socket's buffer; what is beyond waits in the client, which has a bound of its own
PARTING_SECONDS = 1.0  # how long a peer may go on sending, and then take to read the last words, before the socket is closed
STEP_MIN = 2_000  # microseconds: shorter waits between two ticks are not worth a wake-up
TURN_SECONDS = 0.02  # of work on the market before clients have their turn

LOG = logging.getLogger(__name__)


class GatewayServer:
    """Listens on one address. ``clock`` gives the simulator's time: true, accelerated, or simulated.

    When more happens than this machine can work off, the simulator's time falls ``behind`` the clock's, by so many microseconds:
    clients are served all the same, nothing is left out, and everything is told at the simulator's time.
    ``before_sending`` is called before anything is sent: what clients are told of can be made to last first.
    """

    def __init__(
        self,
        simulator: Simulator,
        clock: Clock,
        *,
        host: str = "127.0.0.1",
        port: int = 7497,
        before_sending: Callable[[], None] = lambda: None,
    ) -> None:
        self.simulator = simulator
        self._before_sending = before_sending
        self.behind = 0
        self._failure: Exception | None = None
        self._clock, self._host, self._port = clock, host, port
        self._writers: dict[int, asyncio.StreamWriter] = {}
        self._tasks: dict[int, asyncio.Task[object]] = {}  # until the socket is closed
        self._reading: set[int] = set()  # connections that go on, by number
        self._server: asyncio.Server | None = None
        self._market: asyncio.Task[None] | None = None
        self._moved = asyncio.Event()  # a request may have made something due sooner

    @property
    def port(self) -> int:
        """The port that is listened on."""
        assert self._server is not None, "not started"
        return int(self._server.sockets[0].getsockname()[1])

    async def start(self) -> None:
        """Listen, and let the market run. Raises OSError when the port is taken."""
        self._server = await asyncio.start_server(self._serve, self._host, self._port, limit=READ_BYTES_MAX)
        self._market = asyncio.create_task(self._run_market())

    async def stop(self) -> None:
        """Close every connection and the port; those who do not read have PARTING_SECONDS."""
        if self._market is not None:
            self._market.cancel()
            await asyncio.gather(self._market, return_exceptions=True)  # what has stopped it is told by check()
        if self._server is not None:
            self._server.close()
        serving = list(self._tasks.values())
        for number in list(self._reading):
            self._end(number)
        await asyncio.gather(*serving)
        if self._server is not None:
            await self._server.wait_closed()

    def check(self) -> None:
        """Raise what has stopped the market, if anything has: data that cannot be read any more."""
        if self._failure is not None:
            raise self._failure

    def act(self, action: Callable[[Simulator], None]) -> None:
        """Do something to the simulator (an incident), then send what follows from it."""
        self.catch_up()
        action(self.simulator)
        self._flush()

    def catch_up(self) -> None:
        """Bring the simulator to the clock's time, or as near as a turn's work gets it."""
        now, ends = self._clock.now(), time.monotonic() + TURN_SECONDS
        desk = self.simulator.desk
        try:
            while True:
                self.simulator.advance(min(now, max(self.simulator.next_due, desk.now) + STEP_MIN))
                if desk.now >= now or time.monotonic() > ends:
                    break
        except Exception as error:
            self._failure = self._failure or error
            raise
        self.behind = max(now - desk.now, 0)

    async def caught_up(self) -> None:
        """Return once the simulator has reached the clock's time: a test waits so after it has put the clock forward."""
        self.catch_up()
        while self.behind:
            await asyncio.sleep(0)
            self.catch_up()
        self._flush()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self.behind:
            self.catch_up()
        if not self.simulator.accepts:
            writer.close()
            return
        client = self.simulator.connect(_address(writer))
        self._writers[client.number] = writer
        task = asyncio.current_task()
        assert task is not None
        self._tasks[client.number] = task
        self._reading.add(client.number)
        self._flush()
        try:
            with contextlib.suppress(asyncio.CancelledError):  # we end it: a peer that does not read, a restart, the end of all
                await self._read(client, reader)
            task.uncancel()
            self._reading.discard(client.number)
            if client.closes:
                await self._part(client, reader, writer)
        except OSError:
            pass  # the peer is gone
        finally:
            self._reading.discard(client.number)
            del self._writers[client.number]
            self.simulator.disconnected(client)
            if client.cut_off_for:
                LOG.warning("client %s from %s is cut off: %s", _name(client), client.address, client.cut_off_for)
            await _close(writer)
            del self._tasks[client.number]

    async def _read(self, client: Client, reader: asyncio.StreamReader) -> None:
        """Hand on what a client sends, until it ends or is ended."""
        while not client.closes:
            data = await reader.read(READ_BYTES_MAX)
            if not data:
                break
            if not self.behind:
                self.catch_up()
            self.simulator.receive(client, data)
            self._flush(client)
            self._moved.set()

    async def _part(self, client: Client, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Let the peer read why: a socket closed over unread bytes would take the last words with it."""
        self._write(client)
        writer.write_eof()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PARTING_SECONDS):
                while await reader.read(READ_BYTES_MAX):
                    pass

    async def _run_market(self) -> None:
        """Bring the simulator to the clock's time whenever something is due."""
        while True:
            self.catch_up()
            self._flush()
            self._moved.clear()
            if self.behind:
                await asyncio.sleep(0)
                continue
            drips = any(client.drip and client.waiting for client in self.simulator.clients.values())
            due = max(0 if drips else self.simulator.next_due, self.simulator.desk.now + STEP_MIN)
            waiting = [asyncio.ensure_future(self._clock.sleep_until(due)), asyncio.ensure_future(self._moved.wait())]
            try:
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in waiting:
                    task.cancel()

    def _flush(self, own: Client | None = None) -> None:
        """Send what waits to all who can take it, and end the connections that are to be closed; ``own`` ends by itself."""
        self._before_sending()
        for client in list(self.simulator.clients.values()):
            if client.waiting:
                self._write(client)
            if client.closes and client is not own and client.number in self._reading:
                self._end(client.number)

    def _end(self, number: int) -> None:
        """Read no more of a connection: once, or the second time would cut its parting short."""
        self._reading.discard(number)
        self._tasks[number].cancel()

    def _write(self, client: Client) -> None:
        writer = self._writers.get(client.number)
        if writer is None or writer.is_closing():
            return
        if client.waiting and writer.transport.get_write_buffer_size() < WRITE_BUFFER_MAX:
            writer.write(client.take())


def _name(client: Client) -> str:
    return "without an id" if client.id is None else str(client.id)


async def _close(writer: asyncio.StreamWriter) -> None:
    """Close a socket once the peer has read everything; a peer that does not is not waited for."""
    writer.close()
    try:
        async with asyncio.timeout(PARTING_SECONDS):
            await writer.wait_closed()
    except TimeoutError:
        writer.transport.abort()
    except OSError:
        pass  # closed by the peer


def _address(writer: asyncio.StreamWriter) -> str:
    """Where a connection comes from; "" when it is gone already."""
    peer = writer.get_extra_info("peername")
    return f"{peer[0]}:{peer[1]}" if peer else ""
