"""The server of an interface: one process, quiet, bounded, ended by a signal or by whoever started it."""

import asyncio
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn
from fastapi import FastAPI

CONNECTIONS_MAX: Final = 256
GRACE_S: Final = 5  # for answers and streams that are under way when it is ended
MESSAGE_BYTES_MAX: Final = 65_536  # of what a WebSocket's client sends
_ENDING: Final = (signal.SIGINT, signal.SIGTERM)


class Server(uvicorn.Server):
    """As uvicorn's, but a signal that ends it has done its work then, and is not raised once more."""

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


def server(app: FastAPI) -> Server:
    """Not begun yet: ``run(sockets=[...])`` serves until it is ended, ``should_exit`` ends it."""
    return Server(
        uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            server_header=False,
            ws="websockets-sansio",
            ws_max_size=MESSAGE_BYTES_MAX,
            limit_concurrency=CONNECTIONS_MAX,
            timeout_graceful_shutdown=GRACE_S,
        )
    )
