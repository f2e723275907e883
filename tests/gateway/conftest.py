"""A whole gateway on a free port, at ten in the morning, twenty times as fast as life."""

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import pytest

from tests.gateway.stand import OPEN, PLENTY, HandStand, Stand, drawn
from tests.unit.gateway.hand_market import EUR, MES, SPY, quoted, trade
from tests.unit.gateway.tables import at
from theo.adapters.calendars.stored import session_table
from theo.adapters.system.clock import PacedClock
from theo.domain.market_data import MINUTE
from theo.gateway.building import Gateway, build
from theo.gateway.contracts.book import Contracts
from theo.gateway.desk import GatewaySettings
from theo.gateway.market.synthetic import SyntheticMarket
from theo.gateway.server import GatewayServer

START = at("2026-11-20 10:00")  # a Friday, New York trades
SPEED = 20.0
FIRST, LAST = date(2026, 6, 1), date(2027, 1, 15)


@pytest.fixture(scope="module")
def contracts(tmp_path_factory: pytest.TempPathFactory) -> Contracts:
    folder: Path = tmp_path_factory.mktemp("sessions")
    tables = {name: session_table(name, FIRST, LAST, folder) for name in ("NYSE", "CME_EQUITY", "CFE", "VIX")}
    return Contracts(tables, date(2026, 11, 20))


@pytest.fixture
def gateway(contracts: Contracts) -> Gateway:
    return build(GatewaySettings(), contracts, SyntheticMarket(7, contracts.listings(), START), START)


@pytest.fixture
async def server(gateway: Gateway) -> AsyncIterator[GatewayServer]:
    made = GatewayServer(gateway.simulator, PacedClock(START, SPEED), port=0)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def stand() -> AsyncIterator[HandStand]:
    """Prices and time by hand: SPY is quoted 599.90 / 600.10 and last traded at 600; MES 6799.75 / 6800.25."""
    before = OPEN - MINUTE
    made = HandStand(
        trade(SPY, before, "600"),
        *quoted(SPY, before, "599.9", "600.1", PLENTY),
        trade(MES, before, "6800"),
        *quoted(MES, before, "6799.75", "6800.25", PLENTY),
        *quoted(EUR, before, "1.0999", "1.1001", PLENTY),
        now=before - MINUTE,
    )
    await made.start()
    await made.passes(120)
    yield made
    await made.stop()


@pytest.fixture
async def seeded() -> AsyncIterator[Stand]:
    """Prices from a seed, time by hand."""
    made = drawn()
    await made.start()
    yield made
    await made.stop()
