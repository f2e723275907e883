"""The gateway on a real socket: start, ids, pacing, slow and rude clients. Prices and orders have tests of their own."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from tests.unit.gateway.nothing import Nothing
from tests.unit.gateway.raw_peer import Peer
from theo.adapters.system.clock import WallClock
from theo.gateway.client import WAITING_BYTES_MAX, Client
from theo.gateway.desk import GatewaySettings
from theo.gateway.server import GatewayServer
from theo.gateway.session.room import SessionRoom
from theo.gateway.simulator import Simulator
from theo.gateway.wire.connection import ClientLink
from theo.gateway.wire.faults import FaultCode
from theo.gateway.wire.frames import framed
from theo.gateway.wire.messages.session import (
    CurrentTime,
    ErrorMessage,
    ManagedAccounts,
    NextValidId,
    ReqCurrentTime,
    ReqIds,
)
from theo.gateway.wire.schema import Message

SETTINGS = GatewaySettings(accounts=("DU1", "DU2"), messages_a_second_max=10, breaches_max=1)


def simulator(settings: GatewaySettings = SETTINGS) -> Simulator:
    return Simulator(settings, Nothing(), Nothing(), [SessionRoom(lambda _client: 7)], WallClock().now())


Dial = Callable[[int | None], Awaitable[Peer]]


@pytest.fixture
async def dial() -> AsyncIterator[Dial]:
    """Connects a client to a gateway that is stopped afterwards."""
    server = GatewayServer(simulator(), WallClock(), port=0)
    await server.start()
    peers: list[Peer] = []

    async def connected(client_id: int | None) -> Peer:
        peer = Peer(*await asyncio.open_connection("127.0.0.1", server.port), ClientLink())
        peers.append(peer)
        await peer.begin(client_id)
        return peer

    yield connected
    await server.stop()
    for peer in peers:
        peer.writer.close()
        await peer.writer.wait_closed()


async def test_a_client_is_told_accounts_ids_and_farms(dial: Dial) -> None:
    peer = await dial(3)
    peer.send(ReqCurrentTime())
    heard = await peer.until(CurrentTime)
    assert heard[:2] == [ManagedAccounts("DU1,DU2"), NextValidId(7)]
    assert [m.code for m in heard if isinstance(m, ErrorMessage)] == [2104, 2106, 2158]
    assert abs(heard[-1].time_s - WallClock().now() // 1_000_000) <= 1  # type: ignore[attr-defined]  # it is the awaited kind


async def test_a_client_id_in_use_is_refused_and_free_again_when_its_owner_leaves(dial: Dial) -> None:
    first = await dial(3)
    await first.until(NextValidId)
    second = await dial(3)
    refused = await second.until(NextValidId)
    assert [m.code for m in refused if isinstance(m, ErrorMessage)] == [326]
    first.writer.close()
    await first.writer.wait_closed()
    async with asyncio.timeout(10):
        while NextValidId(7) not in await (await dial(3)).until(NextValidId):
            pass  # the server has not read of the leaving yet


async def test_nothing_is_answered_before_the_start(dial: Dial) -> None:
    peer = await dial(None)
    await peer.more()
    peer.send(ReqIds(1))
    assert [m.code for m in await peer.until(ErrorMessage) if isinstance(m, ErrorMessage)] == [504]


async def test_too_many_messages_are_told_then_cut_off_and_others_do_not_notice(dial: Dial) -> None:
    calm, rude = await dial(1), await dial(2)
    await calm.until(NextValidId)
    await rude.until(NextValidId)
    rude.send(*[ReqIds(1)] * 100)
    heard = [m async for m in _to_the_end(rude)]
    assert [m.code for m in heard if isinstance(m, ErrorMessage) and m.code == 100] == [100]
    assert sum(isinstance(m, NextValidId) for m in heard) <= SETTINGS.messages_a_second_max
    calm.send(ReqCurrentTime())
    assert any(isinstance(m, CurrentTime) for m in await calm.until(CurrentTime))


async def test_messages_that_nobody_understands_count_as_others_do(dial: Dial) -> None:
    rude = await dial(1)
    await rude.until(NextValidId)
    rude.writer.write(framed(b"999\0") * 30)
    codes = [m.code async for m in _to_the_end(rude) if isinstance(m, ErrorMessage)]
    assert 0 < codes.count(FaultCode.UNKNOWN_MESSAGE_ID) < SETTINGS.messages_a_second_max
    assert codes[-1] == 100


async def test_random_bytes_end_one_connection_only(dial: Dial) -> None:
    calm = await dial(1)
    await calm.until(NextValidId)
    rude = await dial(None)
    rude.writer.write(bytes(range(256)) * 50)
    calm.send(ReqCurrentTime())
    assert any(isinstance(m, CurrentTime) for m in await calm.until(CurrentTime))


def test_a_client_that_never_reads_is_cut_off_at_a_bound() -> None:
    gateway = simulator()
    client: Client = gateway.connect()
    for _ in range(WAITING_BYTES_MAX // 65_536 + 1):
        client.queue(bytes(65_536))
    assert client.closes
    assert client.waiting_bytes == 0


async def _to_the_end(peer: Peer) -> AsyncIterator[Message]:
    await peer.end()
    for message in await peer.until(ErrorMessage):
        yield message
