"""`theo gateway`: a simulated TWS on a port, for any client of IB's protocol."""

import asyncio
import contextlib
from functools import partial
from pathlib import Path

import msgspec

from theo.adapters.system.clock import LeapingClock, PacedClock, WallClock
from theo.app.gateway.data_choice import DataChoice, DataWishes
from theo.app.gateway.making import Made, Resumed, made
from theo.app.gateway.screen import Serving, showing
from theo.app.home.layout import open_home
from theo.app.terminal.interrupts import on_interrupt
from theo.domain.errors import ConfigError
from theo.gateway.admin import AdminPort
from theo.gateway.building import Gateway
from theo.gateway.desk import NEVER, GatewaySettings
from theo.gateway.memory_file import MemoryFile
from theo.gateway.overview import Overview, overview
from theo.gateway.server import GatewayServer

LOOPBACK = "127.0.0.1"
MAX = "max"
WAITING_MAX = 256 * 1024  # bytes: a client for which more is waiting has not kept up, and time is not leapt over


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """The command's options, as typed."""

    port: int
    admin_port: int
    seed: int
    speed: str
    start: str
    scenario: Path | None
    incidents: tuple[str, ...]
    plain: bool
    state: Path | None
    data: DataWishes
    settings: GatewaySettings


def run(path: Path, asked: Asked) -> int:
    """Serve until interrupted."""
    pace = pace_of(asked.speed)
    home = open_home(path)
    choice = DataChoice(home, asked.data)
    memory = None if asked.state is None else MemoryFile(asked.state, WallClock())
    try:
        playing = choice.playing() if asked.data.specs else None
        gateway = made(
            home,
            asked.settings,
            playing,
            seed=asked.seed,
            start=asked.start,
            scenario=asked.scenario,
            incidents=asked.incidents,
            goes_on=None if memory is None else resumed(memory, pace),
        )
        for text in () if playing is None else playing.lines():
            print(text, flush=True)
        return asyncio.run(serve(gateway, asked, pace, memory))
    finally:
        choice.close()


def resumed(memory: MemoryFile, pace: float | None) -> Resumed | None:
    """What the file holds, and the time that it is now; None when the gateway begins. Raises CorruptionError."""
    found = memory.read()
    return None if found is None else Resumed(found, partial(memory.resumed_at, found, pace))


def pace_of(text: str) -> float | None:
    """Times the true pace; None for "max". Raises ConfigError."""
    if text == MAX:
        return None
    try:
        pace = float(text)
    except ValueError:
        pace = 0.0
    if not 0 < pace < float("inf"):
        raise ConfigError(f"speed is {text}", remedy="Use 1 for true time, more for faster, max for as fast as it goes")
    return pace


def may_leap(gateway: Gateway) -> bool:
    """Whether time may go faster than it does: somebody takes data, all keep up, and there is something to come."""
    simulator = gateway.simulator
    listened = gateway.streams.subscriptions() or gateway.history.subscriptions()
    kept_up = all(client.waiting_bytes < WAITING_MAX for client in simulator.clients.values())
    return bool(listened) and kept_up and simulator.desk.market.next_at() < NEVER


async def serve(made: Made, asked: Asked, pace: float | None, memory: MemoryFile | None = None) -> int:
    """Listen until SIGINT or SIGTERM; show who is there. What is told of orders is in the memory first."""
    gateway = made.gateway
    clock = LeapingClock(made.start, lambda: may_leap(gateway)) if pace is None else PacedClock(made.start, pace)

    def keep() -> None:
        if memory is not None:
            memory.keep(gateway, made.began, clock.now())

    server = GatewayServer(gateway.simulator, clock, host=LOOPBACK, port=asked.port, before_sending=keep)
    admin = AdminPort(server, gateway, asked.admin_port) if asked.admin_port >= 0 else None
    ended = asyncio.Event()
    on_interrupt(ended.set)
    await _listen(server, asked.port)
    print(f"simulated TWS on {LOOPBACK}:{server.port}, {made.market}, {overview(gateway).when}", flush=True)
    try:
        if admin is not None:
            await _listen(admin, asked.admin_port)
            print(f"admin on {LOOPBACK}:{admin.port}", flush=True)
        serving = Serving(f"{LOOPBACK}:{server.port}", made.market, asked.speed)

        def look() -> Overview:
            server.catch_up()
            return overview(gateway, server.behind)

        with showing(serving, look, plain=asked.plain) as (show, seconds):
            while not ended.is_set():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(seconds):
                        await ended.wait()
                show()
                server.check()
    finally:
        if admin is not None:
            await admin.stop()
        await server.stop()
    return 0


async def _listen(listening: GatewayServer | AdminPort, port: int) -> None:
    try:
        await listening.start()
    except OSError as error:
        raise ConfigError(
            f"port {port} cannot be listened on: {error.strerror}", remedy="Use another one, or end what listens there"
        ) from error
