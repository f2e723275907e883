"""Incidents where the socket is the point, with the real ib_async; and every incident by hand, over the admin port."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import ib_async
import pytest

from theo.gateway.admin import AdminPort
from theo.gateway.building import Gateway
from theo.gateway.server import GatewayServer

WAIT_SECONDS = 20.0


@pytest.fixture
async def ib(server: GatewayServer) -> AsyncIterator[ib_async.IB]:
    made = await connected(server)
    yield made
    made.disconnect()


async def spy(ib: ib_async.IB) -> ib_async.Contract:
    (found,) = await ib.qualifyContractsAsync(ib_async.Stock("SPY", "SMART", "USD"))
    assert isinstance(found, ib_async.Contract)
    return found


async def connected(server: GatewayServer) -> ib_async.IB:
    made = ib_async.IB()
    await made.connectAsync("127.0.0.1", server.port, clientId=1, timeout=WAIT_SECONDS)
    return made


def play(server: GatewayServer, gateway: Gateway, name: str, lasts: float | None = None, **args: Any) -> None:  # noqa: ANN401 - of an incident
    server.act(lambda simulator: gateway.incidents.play(simulator.desk, name, lasts, args))


async def until(ib: ib_async.IB, holds: Callable[[], bool]) -> None:
    """Wait until what the client hears makes it so."""
    async with asyncio.timeout(WAIT_SECONDS):
        while not holds():
            await ib.updateEvent


async def test_nightly_restart(server: GatewayServer, gateway: Gateway, ib: ib_async.IB) -> None:
    """The socket closes, the port refuses, and afterwards the client finds its order again under its permId."""
    trade = ib.placeOrder(await spy(ib), ib_async.LimitOrder("BUY", 1, 1.0, orderRef="mine"))
    await until(ib, lambda: trade.orderStatus.status == "Submitted")
    play(server, gateway, "nightly-restart", 3600.0)
    await asyncio.wait_for(ib.disconnectedEvent, WAIT_SECONDS)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    assert await asyncio.wait_for(reader.read(), WAIT_SECONDS) == b""  # refused
    writer.close()
    server.act(lambda simulator: gateway.incidents.end(simulator.desk, "nightly-restart"))
    again = await connected(server)
    found = again.openTrades()
    assert [(each.order.permId, each.order.orderRef) for each in found] == [(trade.order.permId, "mine")]
    again.disconnect()


async def test_half_open(server: GatewayServer, gateway: Gateway, ib: ib_async.IB) -> None:
    """The socket looks alive and answers nothing until it wakes."""
    play(server, gateway, "half-open")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(ib.reqCurrentTimeAsync(), 0.3)
    assert ib.isConnected()
    other = ib_async.IB()
    await other.connectAsync("127.0.0.1", server.port, clientId=2, timeout=WAIT_SECONDS)
    await asyncio.wait_for(other.reqCurrentTimeAsync(), WAIT_SECONDS)
    other.disconnect()
    asked = ib.reqCurrentTimeAsync()
    server.act(lambda simulator: gateway.incidents.end(simulator.desk, "half-open"))
    await asyncio.wait_for(asked, WAIT_SECONDS)


async def test_slow_drip(server: GatewayServer, gateway: Gateway, ib: ib_async.IB) -> None:
    """Seven bytes at a time: a whole start-up synchronisation and a contract's details arrive all the same."""
    play(server, gateway, "slow-drip", bytes=7)
    await asyncio.wait_for(ib.reqCurrentTimeAsync(), WAIT_SECONDS)
    other = ib_async.IB()
    await other.connectAsync("127.0.0.1", server.port, clientId=2, timeout=WAIT_SECONDS)
    (details,) = await asyncio.wait_for(other.reqContractDetailsAsync(ib_async.Stock("SPY", "SMART", "USD")), WAIT_SECONDS)
    assert details.contract is not None
    assert details.contract.symbol == "SPY"
    other.disconnect()


async def test_sent_no_answer(server: GatewayServer, gateway: Gateway, ib: ib_async.IB) -> None:
    contract = await spy(ib)
    play(server, gateway, "sent-no-answer")
    silent, loud = (ib.placeOrder(contract, ib_async.MarketOrder("BUY", n)) for n in (3, 4))
    await until(ib, loud.isDone)
    assert silent.orderStatus.status == "PendingSubmit"  # what the library itself writes
    filled = [each.execution.shares for each in await ib.reqExecutionsAsync()]
    assert sorted(filled) == [3, 4]


@pytest.fixture
async def admin(server: GatewayServer, gateway: Gateway) -> AsyncIterator[AdminPort]:
    made = AdminPort(server, gateway, 0)
    await made.start()
    yield made
    await made.stop()


async def said(admin: AdminPort, *lines: dict[str, object]) -> list[dict[str, Any]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", admin.port, limit=1024 * 1024)
    answers = []
    for line in lines:
        writer.write(json.dumps(line).encode() + b"\n")
        answers.append(json.loads(await asyncio.wait_for(reader.readline(), WAIT_SECONDS)))
    writer.close()
    return answers


async def test_every_incident_can_be_listed_played_and_ended_over_the_admin_port(admin: AdminPort, gateway: Gateway) -> None:
    (listed,) = await said(admin, {"list": True})
    assert set(listed["incidents"]) == set(gateway.incidents.incidents)
    for name in listed["incidents"]:
        played, standing, ended, after = await said(
            admin, {"play": name, "for": 1e6}, {"status": True}, {"end": name}, {"status": True}
        )
        assert played["played"] == name
        goes_on = name in (*standing["lasting"], *standing["waiting"])
        assert goes_on is (gateway.incidents.incidents[name].has_end or name in played["waiting"])
        assert ended == {"ended": name} if goes_on else "is not being played" in ended["error"]
        assert (after["lasting"], after["waiting"]) == ([], [])


async def test_mistakes_at_the_admin_port_are_told(admin: AdminPort) -> None:
    answers = await said(
        admin,
        {"play": "nightly-restrat"},
        {"end": "servr-lost"},
        {"play": "server-lost", "for": -1},
        {"play": "not-subscribed", "args": {"code": 1}},
        {"play": "server-lost", "end": "server-lost"},
        {"start": "server-lost"},
    )
    assert [answer["error"].partition(".")[0] for answer in answers[:4]] == [
        "no incident is named 'nightly-restrat'",
        "no incident is named 'servr-lost'",
        "server-lost cannot last -1",
        "1 refuses no data",
    ]
    assert "'nightly-restart'" in answers[0]["error"]
    assert "'server-lost'" in answers[1]["error"]
    assert answers[4]["error"] == "say one of play, end, list, status, books"
    assert answers[5]["error"].startswith("no command")
