"""`theo incident`: plays an incident on a simulated gateway that runs, ends one, or lists what there is."""

import socket
from typing import TypeVar

import msgspec

from theo.app.terminal.output import json_text
from theo.app.terminal.wide_table import table_lines
from theo.domain.errors import ConfigError
from theo.gateway.incidents.scenario import read_play

LOOPBACK = "127.0.0.1"
WAIT_SECONDS = 10.0
ANSWER_BYTES_MAX = 1024 * 1024
PIECE_BYTES = 64 * 1024


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the admin port says of a line that plays, ends or lists."""

    played: str = ""
    ended: str = ""
    waiting: tuple[str, ...] = ()
    incidents: dict[str, str] = {}


class Refusal(msgspec.Struct, frozen=True):
    """What it says of a line that cannot be."""

    error: str = ""


class Standing(msgspec.Struct, frozen=True):
    """What it says of incidents that go on."""

    lasting: tuple[str, ...]
    waiting: tuple[str, ...]


class Listed(msgspec.Struct, frozen=True):
    """An incident; ``now``: whether it lasts or waits."""

    incident: str
    now: str
    what: str


A = TypeVar("A")


def run(text: str, admin_port: int, *, end: bool, json: bool) -> int:
    """Play or end what a text names; without one, list what there is. Raises ConfigError where that cannot be."""
    if not text:
        listed = _listed(asked(admin_port, {"list": True}, Answer), asked(admin_port, {"status": True}, Standing))
        rows = [msgspec.structs.astuple(each) for each in listed]
        head = ("incident", "now", "what happens")
        print(json_text(listed) if json else "\n".join(table_lines(head, rows)))
        return 0
    name, lasts, args = read_play(text)
    answer = asked(admin_port, {"end": name} if end else {"play": name, "for": lasts, "args": args}, Answer)
    print(json_text(answer) if json else _told(answer))
    return 0


def asked(port: int, line: dict[str, object], kind: type[A]) -> A:
    """What the gateway answers to a line. Raises ConfigError when it refuses, or when none is there."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=WAIT_SECONDS) as link:
            link.sendall(msgspec.json.encode(line) + b"\n")
            answer = _line(link)
        refused = msgspec.json.decode(answer, type=Refusal)
        found = None if refused.error else msgspec.json.decode(answer, type=kind)
    except (OSError, msgspec.DecodeError) as error:
        raise ConfigError(
            f"no gateway answers on {LOOPBACK}:{port}: {error}", remedy=f"Start one with theo gateway --admin-port {port}"
        ) from error
    if found is None:
        raise ConfigError(refused.error)
    return found


def _line(link: socket.socket) -> bytes:
    found = b""
    while not found.endswith(b"\n") and len(found) < ANSWER_BYTES_MAX:
        piece = link.recv(PIECE_BYTES)
        if not piece:
            break
        found += piece
    return found


def _told(answer: Answer) -> str:
    if answer.ended:
        return f"{answer.ended} has ended"
    return f"{answer.played} waits for an order" if answer.played in answer.waiting else f"{answer.played} has begun"


def _listed(answer: Answer, standing: Standing) -> list[Listed]:
    state = dict.fromkeys(standing.lasting, "lasts") | dict.fromkeys(standing.waiting, "waits")
    return [Listed(name, state.get(name, ""), what) for name, what in answer.incidents.items()]
