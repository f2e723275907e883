"""Every incident of session, feed and orders, on the whole platform; docs/reference/incidents.md is measured by a run of them."""

from pathlib import Path

import pytest

from tests.ib.conftest import Told
from tests.live.incident_world import IncidentWorld, ended
from tests.live.incidents import CASES, Case, flat, outcome
from tests.live.incidents_page import PAGE, page, times_on
from theo.adapters.system.clock import PacedClock
from theo.domain.facts import TradeIntended
from theo.domain.orders import OrderRole
from theo.gateway.building import Gateway
from theo.gateway.server import GatewayServer


@pytest.mark.slow  # in all: most wait for a minute's bar, at twenty times the true pace
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_incident(case: Case, tmp_path: Path, gateway: Gateway) -> None:
    took, told = await outcome(case, tmp_path, gateway)
    assert set(case.alarms) <= {code for _, code, _ in told}
    assert took >= 0


async def test_a_bar_of_which_the_feed_missed_the_most_is_not_traded(
    tmp_path: Path, server: GatewayServer, gateway: Gateway, clock: PacedClock, told: Told
) -> None:
    """Seen in competing-session: the data are lost four seconds into a minute, and the signal of that minute is traded."""
    world = IncidentWorld(tmp_path, server, gateway, clock, told)
    try:
        await world.holding()
        world.play("competing-session")
        await world.alarmed("feed_competing")
        world.fill(OrderRole.TARGET)
        await world.until(flat)
        before = len(world.of(TradeIntended))
        await world.passes(70)
        assert len(world.of(TradeIntended)) == before
    finally:
        await ended(world)


def test_the_page_says_what_the_tests_do() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert page(times_on(text)) == text, "run: python -m tests.live.incidents_page"
