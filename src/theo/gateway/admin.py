"""The admin port: one JSON object a line in, one out. Plays incidents and tells what is going on; loopback only.

{"play": "server-lost", "for": 20}     {"end": "silent-streams"}     {"list": true}     {"status": true}     {"books": true}
"""

import asyncio

import msgspec

from theo.domain.errors import TheoError
from theo.gateway.books import booked
from theo.gateway.building import Gateway
from theo.gateway.overview import overview
from theo.gateway.server import GatewayServer

LINE_BYTES_MAX = 64 * 1024
LOOPBACK = "127.0.0.1"


class Asked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"lasts": "for"}):
    """One line: exactly one of play, end, list, status, books."""

    play: str = ""
    end: str = ""
    list: bool = False
    status: bool = False
    books: bool = False
    lasts: float | None = None
    args: dict[str, int | float | str] = {}


class AdminPort:
    """Listens beside the gateway and acts on it."""

    def __init__(self, serving: GatewayServer, gateway: Gateway, port: int) -> None:
        self._serving, self._gateway, self._port = serving, gateway, port
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """The port that is listened on."""
        assert self._server is not None, "not started"
        return int(self._server.sockets[0].getsockname()[1])

    async def start(self) -> None:
        """Listen. Raises OSError when the port is taken."""
        self._server = await asyncio.start_server(self._serve, LOOPBACK, self._port, limit=LINE_BYTES_MAX)

    async def stop(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                writer.write(msgspec.json.encode(self._answer(line)) + b"\n")
                await writer.drain()
        except (ConnectionError, ValueError):
            pass  # gone, or a line longer than any command
        finally:
            writer.close()

    def _answer(self, line: bytes) -> dict[str, object]:
        try:
            asked = msgspec.json.decode(line, type=Asked)
        except msgspec.DecodeError as error:
            return {"error": f"no command: {error}"}
        if sum(map(bool, (asked.play, asked.end, asked.list, asked.status, asked.books))) != 1:
            return {"error": "say one of play, end, list, status, books"}
        try:
            return self._act(asked)
        except TheoError as error:
            return {"error": error.sentence()}

    def _act(self, asked: Asked) -> dict[str, object]:
        room = self._gateway.incidents
        if asked.list:
            return {"incidents": {name: incident.what for name, incident in sorted(room.incidents.items())}}
        if asked.play:
            self._serving.act(lambda simulator: room.play(simulator.desk, asked.play, asked.lasts, asked.args))
            return {"played": asked.play, "waiting": room.waiting}
        if asked.end:
            self._serving.act(lambda simulator: room.end(simulator.desk, asked.end))
            return {"ended": asked.end}
        if asked.books:
            self._serving.catch_up()
            return msgspec.structs.asdict(booked(self._gateway))
        return msgspec.structs.asdict(overview(self._gateway, self._serving.behind))
