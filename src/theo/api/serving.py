"""The server of an interface: one process, quiet, bounded, ended by a signal or by whoever started it."""

import asyncio
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn
from fastapi import FastAPI
from uvicorn._types import ASGISendEvent  # the library gives it no public name
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

CONNECTIONS_MAX: Final = 256
GRACE_S: Final = 5  # for answers and streams that are under way when it is ended
MESSAGE_BYTES_MAX: Final = 65_536  # of what a WebSocket's client sends
WAITING_BYTES_MAX: Final = 65_536  # that the system holds for a WebSocket's client which does not read; the server holds as much
LAST_S_MAX: Final = 10.0  # for a client to read what was sent before its WebSocket ended
_ENDING: Final = (signal.SIGINT, signal.SIGTERM)


class WebSockets(WebSocketsSansIOProtocol):
    """As uvicorn's, but with a bounded buffer, and ended in time: uvicorn waits without end for a client that does not read."""

    last_s_max = LAST_S_MAX

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        super().connection_made(transport)
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, WAITING_BYTES_MAX)

    async def send(self, message: ASGISendEvent) -> None:
        """See uvicorn. The reason for an end does not wait for a client that does not read: it comes behind what waits."""
        if message["type"] == "websocket.close":
            self.writable.set()
        await super().send(message)

    async def run_asgi(self) -> None:
        """See uvicorn."""
        try:
            await super().run_asgi()
        finally:
            self.loop.call_later(self.last_s_max, self.transport.abort)


class Server(uvicorn.Server):
    """As uvicorn's, but a signal that ends it has done its work then, and is not raised once more.

    It ends too when ``outdated`` says that what it serves is no longer there; ``should_exit`` stays False then.
    """

    def __init__(self, config: uvicorn.Config, outdated: Callable[[], bool]) -> None:
        super().__init__(config)
        self._outdated = outdated

    async def on_tick(self, counter: int) -> bool:
        """See uvicorn: ten times a second."""
        return await super().on_tick(counter) or self._outdated()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """See uvicorn. On another thread than the main one there are no signals."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        for number in _ENDING:
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in _ENDING:
                loop.remove_signal_handler(number)


def server(app: FastAPI, outdated: Callable[[], bool]) -> Server:
    """Not begun yet: ``run(sockets=[...])`` serves until it is ended, ``should_exit`` ends it; the sockets are closed then."""
    return Server(
        uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            server_header=False,
            ws=WebSockets,
            ws_per_message_deflate=False,  # texts are short, and most clients are on this machine
            ws_max_size=MESSAGE_BYTES_MAX,
            limit_concurrency=CONNECTIONS_MAX,
            timeout_graceful_shutdown=GRACE_S,
        ),
        outdated,
    )
