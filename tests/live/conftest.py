"""Fixtures of the live platform on a whole gateway."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.gateway.conftest import contracts, gateway, server
from tests.ib.conftest import Told, clock, told
from tests.live.platform import Platform
from theo.adapters.system.clock import PacedClock
from theo.gateway.building import Gateway
from theo.gateway.server import GatewayServer

__all__ = ["clock", "contracts", "gateway", "server", "told"]


@pytest.fixture
async def platform(
    tmp_path: Path, server: GatewayServer, gateway: Gateway, clock: PacedClock, told: Told
) -> AsyncIterator[Platform]:
    made = Platform(tmp_path, server, gateway, clock, told)
    yield made
    if made.live is not None:
        await made.end()
