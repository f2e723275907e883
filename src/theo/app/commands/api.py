"""`theo api`: the HTTP interface, served until a signal ends it."""

import socket
from pathlib import Path
from typing import Final

from theo import __version__
from theo.api.access import Access, is_loopback
from theo.api.application import create_api
from theo.api.serving import server
from theo.app.api.making import api_key, open_sources
from theo.app.configuration.file import configured
from theo.app.home.journals import journal_folders, run_name, usual_folder
from theo.app.home.layout import Home, open_home
from theo.domain.errors import UserError

BACKLOG: Final = 128  # connections that wait to be taken


def run(path: Path, host: str, port: int, run_id: str) -> int:
    """Serve until SIGINT or SIGTERM. Raises UserError for an address that cannot be had, or one that needs a key."""
    home = open_home(path)
    settings = configured(home.configuration).api
    access = Access(hosts=frozenset(settings.hosts), key=api_key(settings.key_file))
    if access.key is None and not is_loopback(host):
        raise UserError(
            f"without a key the API listens on this machine only, not on {host}",
            where="--host",
            remedy="Set THEO_API_KEY, or [api] key_file in theo.toml",
        )
    folder = _folder(home, run_id)
    with _listening(host, port) as listener:
        _say_where(listener, keyed=access.key is not None)
        while _serve(home, folder, access, listener):
            print(f"another run has begun in the place of {run_name(home, folder)}: it is served from now on", flush=True)
    return 0


def _serve(home: Home, folder: Path, access: Access, listener: socket.socket) -> bool:
    """Serve a run until a signal ends that (False), or until another run has taken its place (True)."""
    opened = open_sources(home, folder, access)
    try:
        serving = server(create_api(opened.sources, __version__), opened.records.replaced)
        serving.run(sockets=[listener.dup()])
        return not serving.should_exit
    finally:
        opened.close()


def _say_where(listener: socket.socket, *, keyed: bool) -> None:
    address, number = listener.getsockname()[:2]
    shown = f"[{address}]" if ":" in address else address
    print(f"API on http://{shown}:{number}, {'with a key' if keyed else 'without a key, for this machine alone'}")
    print(f"what it serves: http://{shown}:{number}/openapi.json", flush=True)


def _folder(home: Home, run_id: str) -> Path:
    """The run that is served: the named one, else the usual one, else the home's own that has not begun yet."""
    return usual_folder(home, run_id) if run_id or journal_folders(home) else home.store


def _listening(host: str, port: int) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except OSError as error:
        raise UserError(
            f"cannot listen on {host} port {port}: {error.strerror or error}",
            where="--port",
            remedy="Choose another --port, or 0",
        ) from error
