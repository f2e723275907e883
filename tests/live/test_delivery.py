"""A week before a future's last trade the live platform holds nothing in it, by the gateway's own books."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.gateway.conftest import SPEED
from tests.ib.conftest import Told
from tests.live.platform import QUICK, Platform
from tests.unit.gateway.tables import at
from theo.adapters.system.clock import PacedClock
from theo.engine.order_life import OrderStatus
from theo.gateway.building import Gateway, build
from theo.gateway.contracts.book import Contracts
from theo.gateway.desk import GatewaySettings
from theo.gateway.market.synthetic import SyntheticMarket
from theo.gateway.server import GatewayServer

BEGIN = at("2026-12-11 10:00")  # MESZ6 trades for the last time on Friday, 18 December: five trading days are left


@pytest.fixture
def gateway(contracts: Contracts) -> Gateway:
    return build(GatewaySettings(), contracts, SyntheticMarket(7, contracts.listings(), BEGIN), BEGIN)


@pytest.fixture
async def late_server(gateway: Gateway) -> AsyncIterator[GatewayServer]:
    made = GatewayServer(gateway.simulator, PacedClock(BEGIN, SPEED), port=0)
    await made.start()
    yield made
    await made.stop()


def held(platform: Platform) -> int:
    """The position by the gateway's executions."""
    return sum(n * quantity * (1 if side == "BUY" else -1) for (_, quantity, side), n in platform.executions().items())


@pytest.mark.slow
async def test_a_position_is_closed_and_none_is_opened(
    tmp_path: Path, late_server: GatewayServer, gateway: Gateway, told: Told
) -> None:
    """It was opened by a process that did not look: here the guard of the first one is off."""
    clock = late_server._clock
    assert isinstance(clock, PacedClock)
    platform = Platform(tmp_path, late_server, gateway, clock, told)
    platform.rules.write_text(QUICK.replace("percent = 0.02", "percent = 2"), encoding="utf-8")  # its own exits stay away
    await platform.begin()
    assert platform.live is not None
    platform.live.run._delivery._days = -1
    await platform.until(lambda state: any(state.positions.values()))
    await platform.end()
    assert held(platform) == 1
    await platform.begin()
    await platform.until(lambda state: not any(state.positions.values()) and state.agreed)
    bought = platform.executions().total()
    await platform.until(lambda state: any(o.status is OrderStatus.REJECTED for o in state.orders.values()))
    await platform.end()
    assert (held(platform), platform.executions().total()) == (0, bought)
    assert ("page", "delivery") in {(severity, code) for severity, code, _ in told.messages}
    assert platform.compare().first_difference is None
