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

from tests.api.home import make_home, theo
from theo import __version__
from theo.api.access import Access
from theo.api.application import create_api
from theo.api.serving import server
from theo.app.api_making import open_sources
from theo.app.home import open_home
from theo.app.journals import usual_folder

WAIT_S = 20


class Answered(msgspec.Struct, frozen=True):
    """Status, headers in small letters, and the body read as JSON."""

    status: int
    headers: dict[str, str]
    body: Any


class Served(msgspec.Struct, frozen=True):
    """A server that runs."""

    port: int
    home: Path

    def get(self, path: str, headers: dict[str, str] | None = None, method: str = "GET") -> Answered:
        """One request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT_S)
        try:
            connection.request(method, path, headers=headers or {})
            response = connection.getresponse()
            told = {name.lower(): value for name, value in response.getheaders()}
            raw = response.read()
            return Answered(response.status, told, json.loads(raw) if raw else None)
        finally:
            connection.close()


Serving = Callable[..., AbstractContextManager[Served]]


@contextmanager
def serving(home: Path, access: Access | None = None, run: str = "") -> Iterator[Served]:
    """The interface over a home, until the context ends."""
    opened_home = open_home(home)
    opened = open_sources(opened_home, usual_folder(opened_home, run), access or Access())
    running = server(create_api(opened.sources, __version__))
    try:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
            thread.start()
            try:
                yield Served(listener.getsockname()[1], home)
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
