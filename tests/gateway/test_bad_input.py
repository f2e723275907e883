"""Whatever a client sends or leaves unread: the gateway goes on, its memory is bounded, and the other clients do not notice."""

import asyncio
import logging
import socket
import struct
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from tests.gateway.conftest import START
from tests.unit.gateway.abuse import SPY, Abuser
from tests.unit.gateway.raw_peer import WAIT_SECONDS, Peer
from theo.gateway.building import Gateway, build
from theo.gateway.client import NO_REQUEST, WAITING_BYTES_MAX, Client
from theo.gateway.contracts.book import Contracts
from theo.gateway.desk import GatewaySettings
from theo.gateway.market.synthetic import SyntheticMarket
from theo.gateway.server import WRITE_BUFFER_MAX, GatewayServer
from theo.gateway.simulator import UNNAMED_MAX, Simulator
from theo.gateway.wire.codec import REQUEST_FIELDS_MAX
from theo.gateway.wire.connection import ClientLink
from theo.gateway.wire.faults import FaultCode
from theo.gateway.wire.frames import KEPT_BYTES_MAX, framed
from theo.gateway.wire.messages.market_data import ReqMktData, TickPrice
from theo.gateway.wire.messages.session import CurrentTime, ErrorMessage, NextValidId, ReqCurrentTime
from theo.gateway.wire.schema import Message

Dial = Callable[[int | None], Awaitable[Peer]]

SEEDS = range(8)
CONNECTIONS, FRAMES = 15, 10  # of one abuser; of each connection
SHORT = 100  # bytes: such a frame is sent one by one


@pytest.fixture
def gateway(contracts: Contracts) -> Gateway:
    """One that takes any number of messages a second: what they do is the question here."""
    settings = GatewaySettings(messages_a_second_max=1_000_000)
    return build(settings, contracts, SyntheticMarket(7, contracts.listings(), START), START)


@pytest.fixture
async def dial(server: GatewayServer) -> AsyncIterator[Dial]:
    """Connects; one without an id stays before the handshake. All have left in the end."""
    peers: list[Peer] = []

    async def connected(client_id: int | None) -> Peer:
        peer = Peer(*await asyncio.open_connection("127.0.0.1", server.port), ClientLink())
        peers.append(peer)
        if client_id is not None:
            await peer.begin(client_id)
            await peer.until(NextValidId)
        return peer

    yield connected
    for peer in peers:
        await peer.leave()


@pytest.fixture
async def calm(dial: Dial) -> Peer:
    """A client that behaves, and looks at a price."""
    peer = await dial(100)
    peer.send(ReqMktData(1, SPY))
    return peer


async def is_served(peer: Peer) -> bool:
    """Whether a client's question is answered."""
    peer.send(ReqCurrentTime())
    return any(isinstance(message, CurrentTime) for message in await peer.until(CurrentTime))


def told(messages: list[Message]) -> list[int]:
    return [message.code for message in messages if isinstance(message, ErrorMessage)]


async def gone(server: GatewayServer, calm: Peer, connections: int) -> None:
    """Until no more connections than these are left; all the while the calm client is served."""
    async with asyncio.timeout(WAIT_SECONDS):
        while len(server.simulator.clients) > connections:
            assert await is_served(calm)


def flood(client: Client, messages: int) -> Callable[[Simulator], None]:
    """Something that makes the gateway tell a client so many messages of fifty thousand bytes."""

    def act(_simulator: Simulator) -> None:
        for _ in range(messages):
            client.error(NO_REQUEST, 2104, "x" * 50_000)

    return act


def deafened(peer: Peer) -> None:
    """A client that reads no more."""
    transport = peer.writer.transport
    assert isinstance(transport, asyncio.ReadTransport)
    transport.pause_reading()


@pytest.mark.parametrize("seed", SEEDS)
async def test_rubbish_disturbs_nobody(
    seed: int, server: GatewayServer, dial: Dial, calm: Peer, caplog: pytest.LogCaptureFixture
) -> None:
    abuser = Abuser(seed)
    for n in range(CONNECTIONS):
        rude = await dial(1 if n % 3 else None)
        for data in [abuser.frame() for _ in range(FRAMES)]:
            piece = 1 if len(data) < SHORT else len(data)
            for at in range(0, len(data), piece):
                rude.writer.write(data[at : at + piece])
        if n % 2:  # read what comes; the others leave without having read anything
            rude.writer.write_eof()
            await rude.end()
        await rude.leave()
        await gone(server, calm, 1)
    assert any(isinstance(message, TickPrice) for message in await calm.until(TickPrice))
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


@pytest.mark.parametrize(
    "first", [b"GET / HTTP/1.1\r\n\r\n", b"\0" * 20, b"API\0" + b"\xff" * 4, b"API\0" + framed(b"v1..2"), b"API"]
)
async def test_who_does_not_greet_as_a_client_is_not_served(first: bytes, server: GatewayServer, dial: Dial, calm: Peer) -> None:
    rude = await dial(None)
    rude.writer.write(first)
    rude.writer.write_eof()
    await rude.end()
    await rude.leave()
    await gone(server, calm, 1)
    assert await is_served(calm)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (framed(b""), FaultCode.READING_REQUEST),
        (framed(b"999\0"), FaultCode.UNKNOWN_MESSAGE_ID),
        (framed(b"1\0" * (REQUEST_FIELDS_MAX + 1)), FaultCode.READING_REQUEST),
        (framed(b"1\0" * 1_000_000), FaultCode.READING_REQUEST),
        ((1 << 31).to_bytes(4, "big"), FaultCode.BAD_LENGTH),
        (((1 << 32) - 1).to_bytes(4, "big"), FaultCode.BAD_LENGTH),
    ],
    ids=["length 0", "unknown id", "ten thousand fields", "a million fields", "length 2^31", "length 2^32-1"],
)
async def test_each_mistake_has_its_error(data: bytes, code: FaultCode, server: GatewayServer, dial: Dial, calm: Peer) -> None:
    rude = await dial(1)
    rude.writer.write(data)
    rude.send(ReqCurrentTime())  # the answer, or the end
    assert code in told(await rude.until(CurrentTime))
    await rude.leave()
    assert await is_served(calm)


async def test_what_is_too_long_is_not_gathered(server: GatewayServer, dial: Dial, calm: Peer) -> None:
    """Sixteen frames of sixteen megabytes each; the bound is what one connection may keep, twice, and what is on the way."""
    rude = await dial(1)
    piece = b"1\0" * 32_000
    tracemalloc.start()
    try:
        for _ in range(16):
            rude.writer.write((len(piece) * 256).to_bytes(4, "big"))
            for _ in range(256):
                rude.writer.write(piece)
                await rude.writer.drain()
        assert await is_served(calm)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    await rude.leave()
    assert peak < 2 * KEPT_BYTES_MAX + 1_000_000


async def test_who_never_reads_is_cut_off_and_told_in_the_log(
    server: GatewayServer, dial: Dial, gateway: Gateway, calm: Peer, caplog: pytest.LogCaptureFixture
) -> None:
    deaf = await dial(1)
    deafened(deaf)
    client = gateway.simulator.desk.clients[1]
    most = 0
    with caplog.at_level(logging.WARNING):
        while not client.closes:
            server.act(flood(client, 20))
            most = max(most, client.waiting_bytes)
            assert await is_served(calm)
        await gone(server, calm, 1)
    assert WRITE_BUFFER_MAX < most <= WAITING_BYTES_MAX
    (text,) = [record.getMessage() for record in caplog.records]
    assert "client 1 from 127.0.0.1" in text
    assert "it does not read" in text
    async with asyncio.timeout(WAIT_SECONDS):
        await server.stop()  # and is not waited for


async def test_a_gateway_stops_although_somebody_never_reads(server: GatewayServer, dial: Dial, gateway: Gateway) -> None:
    deaf = await dial(1)
    deafened(deaf)
    server.act(flood(gateway.simulator.desk.clients[1], 200))
    async with asyncio.timeout(WAIT_SECONDS):
        await server.stop()


async def test_a_reset_connection_is_forgotten(server: GatewayServer, dial: Dial, calm: Peer) -> None:
    rude = await dial(1)
    raw = rude.writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # close sends a reset
    rude.writer.transport.abort()
    await gone(server, calm, 1)
    assert await is_served(calm)


async def test_connections_that_say_nothing_make_room_for_newer_ones(server: GatewayServer, dial: Dial, calm: Peer) -> None:
    silent: list[Peer] = []
    for _ in range(UNNAMED_MAX + 20):
        silent.append(await dial(None))
        await silent[-1].begin(None)
        await silent[-1].more()
    await gone(server, calm, UNNAMED_MAX + 1)
    newest = await dial(2)
    assert await is_served(newest)
