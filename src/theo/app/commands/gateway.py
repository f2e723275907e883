"""`theo gateway`: a simulated TWS on a port, for any client of IB's protocol."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from theo.adapters.calendars.stored import session_table
from theo.adapters.system.clock import PacedClock, WallClock
from theo.app.gateway_screen import line
from theo.app.home import open_home
from theo.app.times import parse_time
from theo.domain.errors import ConfigError
from theo.domain.market_data import SECOND, SessionScope
from theo.gateway.admin import AdminPort
from theo.gateway.building import Gateway, build
from theo.gateway.contracts.book import Contracts
from theo.gateway.desk import GatewaySettings
from theo.gateway.incidents.scenario import Step, load_scenario
from theo.gateway.market.synthetic import SyntheticMarket
from theo.gateway.overview import overview
from theo.gateway.server import GatewayServer
from theo.market.sessions import Hours, SessionTable

CALENDARS = ("NYSE", "CME_EQUITY", "CFE", "VIX")
YEARS_BACK, YEARS_AHEAD = 2, 2
LOOPBACK = "127.0.0.1"
REPORT_SECONDS = 10.0


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """The command's options."""

    port: int
    admin_port: int
    seed: int
    speed: float
    start: str
    scenario: Path | None
    settings: GatewaySettings


def run(path: Path, asked: Asked) -> int:
    """Serve until interrupted."""
    if asked.speed <= 0:
        raise ConfigError(f"speed is {asked.speed:g}", remedy="Use 1 for true time, more for faster")
    home = open_home(path)
    now = WallClock().now()
    today = datetime.fromtimestamp(now // SECOND, UTC).date()
    first, last = today - timedelta(days=366 * YEARS_BACK), today + timedelta(days=366 * YEARS_AHEAD)
    tables = {name: session_table(name, first, last, home.sessions) for name in CALENDARS}
    start = parse_time(asked.start) if asked.start else trading_moment(tables["NYSE"], now)
    gateway = simulated(asked, tables, start)
    return asyncio.run(serve(gateway, asked, start))


def simulated(asked: Asked, tables: dict[str, SessionTable], start: int) -> Gateway:
    """The gateway that the options ask for. Raises ConfigError for a wrong scenario."""
    day = datetime.fromtimestamp(start // SECOND, UTC).date()
    contracts = Contracts(tables, day)
    market = SyntheticMarket(asked.seed, contracts.listings(), start)
    return build(asked.settings, contracts, market, start, lambda known, requests: _steps(asked.scenario, known, requests))


def _steps(path: Path | None, known: Mapping[str, object], requests: frozenset[str]) -> tuple[Step, ...]:
    return () if path is None else load_scenario(path, known, requests)


def trading_moment(table: SessionTable, now: int) -> int:
    """Now while New York trades, else the open of its newest session: so that there is a market on a Sunday."""
    hours = Hours(table, SessionScope.RTH)
    if hours.is_open(now):
        return now
    day = now // (86_400 * SECOND)
    sessions = [s for s in hours.sessions_between(day - 10, day) if s.regular and s.regular[0][0] <= now]
    return sessions[-1].regular[0][0]


async def serve(gateway: Gateway, asked: Asked, start: int) -> int:
    """Listen until SIGINT or SIGTERM; tell now and then who is there."""
    server = GatewayServer(gateway.simulator, PacedClock(start, asked.speed), host=LOOPBACK, port=asked.port)
    admin = AdminPort(server, gateway, asked.admin_port) if asked.admin_port >= 0 else None
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    try:
        await server.start()
    except OSError as error:
        raise ConfigError(
            f"port {asked.port} cannot be listened on: {error.strerror}", remedy="Use another --port, or end what listens there"
        ) from error
    if admin is not None:
        await admin.start()
    print(f"simulated TWS on {LOOPBACK}:{server.port}, seed {asked.seed}, {overview(gateway).when}", flush=True)
    if admin is not None:
        print(f"admin on {LOOPBACK}:{admin.port}", flush=True)
    while not ended.is_set():
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(REPORT_SECONDS):
                await ended.wait()
        print(line(overview(gateway, server.behind)), file=sys.stderr, flush=True)
    if admin is not None:
        await admin.stop()
    await server.stop()
    return 0
