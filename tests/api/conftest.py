"""A real server on loopback, over a real home, asked by the standard library's client."""

import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from fastapi import FastAPI

from tests.api.home import make_home, theo
from theo import __version__
from theo.api.access import Access
from theo.api.application import PACE, create_api
from theo.api.event_tail import Pace
from theo.api.serving import Server, server
from theo.app.api.making import open_sources
from theo.app.home.journals import usual_folder
from theo.app.home.layout import open_home

WAIT_S = 20


class Answered(msgspec.Struct, frozen=True):
    """Status, headers in small letters, and the body read as JSON."""

    status: int
    headers: dict[str, str]
    body: Any


class Asking(msgspec.Struct, frozen=True):
    """A client of a server on this machine."""

    port: int

    def get(self, path: str, headers: dict[str, str] | None = None, method: str = "GET", body: str | None = None) -> Answered:
        """One request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT_S)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            told = {name.lower(): value for name, value in response.getheaders()}
            raw = response.read()
            return Answered(response.status, told, json.loads(raw) if raw else None)
        finally:
            connection.close()


class Served(Asking, frozen=True):
    """A server that runs here."""

    home: Path
    server: Server
    app: FastAPI

    @property
    def streams(self) -> int:
        """How many clients are told events."""
        return int(self.app.state.tail.streams)

    @property
    def connections(self) -> int:
        """How many the server holds."""
        return len(self.server.server_state.connections)

    def end(self) -> None:
        """As a signal does."""
        self.server.should_exit = True


Serving = Callable[..., AbstractContextManager[Served]]


@contextmanager
def serving(home: Path, access: Access | None = None, folder: Path | None = None, pace: Pace = PACE) -> Iterator[Served]:
    """The interface over a home, until the context ends."""
    opened_home = open_home(home)
    opened = open_sources(opened_home, folder or usual_folder(opened_home), access or Access())
    app = create_api(opened.sources, __version__, pace)
    running = server(app, opened.records.replaced)
    try:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
            thread.start()
            try:
                yield Served(listener.getsockname()[1], home, running, app)
            finally:
                running.should_exit = True
                thread.join(WAIT_S)
                assert not thread.is_alive()
    finally:
        opened.close()


@pytest.fixture(scope="session")
def traded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with bars and a backtest over them. For reading only."""
    folder = tmp_path_factory.mktemp("api")
    home = make_home(folder)
    theo(home, "backtest", folder / "trend.toml")
    theo(home, "levels", "compute")
    return home


@pytest.fixture(scope="session")
def served(traded: Path) -> Iterator[Served]:
    """The interface over it, without a key."""
    with serving(traded) as found:
        yield found
