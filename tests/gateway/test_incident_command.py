"""`theo gateway --incident`, and `theo incident` against a gateway that runs."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from theo.adapters.system.clock import PacedClock
from theo.app.commands import incident
from theo.app.gateway.making import made
from theo.app.home.layout import open_home
from theo.domain.errors import ConfigError
from theo.domain.market_data import SECOND
from theo.gateway.admin import AdminPort
from theo.gateway.building import Gateway
from theo.gateway.server import GatewayServer

START = "2026-11-20T10:00"
WAIT_SECONDS = 20


def test_every_incident_can_be_asked_for_when_the_gateway_starts(tmp_path: Path, gateway: Gateway) -> None:
    names = sorted(gateway.incidents.incidents)
    texts = [f"{name}@{n},for=1" for n, name in enumerate(names)]
    found = made(open_home(tmp_path), start=START, incidents=texts)
    room, simulator = found.gateway.incidents, found.gateway.simulator
    simulator.advance(found.start + len(names) * SECOND)
    began = {name for _, name in room.played}
    assert began.isdisjoint(room.waiting)
    assert {*began, *room.waiting} >= set(names)
    assert room.failed == []
    with pytest.raises(ConfigError, match="Did you mean 'server-lost'"):
        made(open_home(tmp_path), start=START, incidents=["servr-lost"])


@pytest.fixture
def admin_port(gateway: Gateway) -> Iterator[int]:
    """Of a gateway that runs in a thread of its own."""
    ready, ports, loop, ended = threading.Event(), list[int](), asyncio.new_event_loop(), asyncio.Event()

    async def serve() -> None:
        server = GatewayServer(gateway.simulator, PacedClock(gateway.simulator.desk.now, 1.0), port=0)
        admin = AdminPort(server, gateway, 0)
        await server.start()
        await admin.start()
        ports.append(admin.port)
        ready.set()
        await ended.wait()
        await admin.stop()
        await server.stop()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    assert ready.wait(WAIT_SECONDS)
    yield ports[0]
    loop.call_soon_threadsafe(ended.set)
    thread.join(WAIT_SECONDS)
    loop.close()


def test_a_running_gateway_is_told(admin_port: int, gateway: Gateway, capsys: pytest.CaptureFixture[str]) -> None:
    incident.run("server-lost,for=3600", admin_port, end=False, json=False)
    incident.run("oco-both-fill", admin_port, end=False, json=False)
    incident.run("advisory-codes,code=10090", admin_port, end=False, json=True)
    assert capsys.readouterr().out.splitlines() == [
        "server-lost has begun",
        "oco-both-fill waits for an order",
        '{"played":"advisory-codes","waiting":["oco-both-fill"]}',
    ]
    incident.run("", admin_port, end=False, json=True)
    listed = msgspec.json.decode(capsys.readouterr().out, type=list[incident.Listed])
    assert {each.incident for each in listed} == set(gateway.incidents.incidents)
    now = {each.incident: each.now for each in listed if each.now}
    assert now == {"server-lost": "lasts", "advisory-codes": "lasts", "oco-both-fill": "waits"}
    incident.run("", admin_port, end=False, json=False)
    assert "server-lost" in capsys.readouterr().out
    incident.run("server-lost", admin_port, end=True, json=False)
    assert capsys.readouterr().out == "server-lost has ended\n"


@pytest.mark.parametrize(
    ("what", "text", "said"),
    [
        ("play", "nightly-restrat", "Did you mean 'nightly-restart'"),
        ("end", "server-lost", "is not being played"),
        ("play", "server-lost@5", "happens at once"),
        ("play", "server-lost,for", "'for' is no KEY=VALUE"),
        ("play", "not-subscribed,code=1", "1 refuses no data"),
    ],
)
def test_a_mistake_is_told(admin_port: int, what: str, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        incident.run(text, admin_port, end=what == "end", json=False)
    assert said in caught.value.sentence()


def test_where_no_gateway_runs_it_is_said_how_to_start_one() -> None:
    with pytest.raises(ConfigError, match="theo gateway --admin-port 1"):
        incident.run("server-lost", 1, end=False, json=False)
