"""Every incident of session, feed and orders, on the whole platform; docs/reference/incidents.md is measured by a run of them."""

from pathlib import Path

import pytest

from tests.live.incident_cases import CASES, Case, outcome
from tests.live.incident_world import IncidentWorld
from tests.live.incidents import flat
from tests.live.incidents_page import HELD_BY, PAGE, ROOT, page, times_on
from theo.domain.facts import TradeIntended
from theo.domain.orders import OrderRole
from theo.gateway.building import Gateway
from theo.gateway.incidents.catalogue import ELSEWHERE
from theo.runtime.marking import Marking


@pytest.mark.slow  # in all: most wait for a minute's bar, at twenty times the true pace
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_incident(case: Case, tmp_path: Path, gateway: Gateway) -> None:
    found = await outcome(case, tmp_path, gateway)
    assert set(case.alarms) <= {code for _, code, _ in found.told}
    assert found.took >= 0
    assert (found.bar is not None) == case.data


@pytest.mark.slow  # as above
@pytest.mark.parametrize("marked", [True, False])
async def test_a_bar_of_which_the_feed_missed_the_most_is_not_traded(
    *, marked: bool, tmp_path: Path, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The data are lost seconds into a minute, whose bar closes all the same; without the marks of the feed it is traded."""
    if not marked:
        monkeypatch.setattr(Marking, "_mark", lambda *_said: None)
    traded: list[bool] = []

    async def play(world: IncidentWorld) -> float:
        await world.holding()
        world.play("competing-session")
        await world.alarmed("feed_competing")
        world.fill(OrderRole.TARGET)
        await world.until(flat)
        before = len(world.of(TradeIntended))
        await world.passes(70)
        traded.append(len(world.of(TradeIntended)) > before)
        return 0.0

    await outcome(Case("cut-short", "", (), play), tmp_path, gateway)
    assert traded == [not marked]


def test_the_page_says_what_the_tests_do() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert page(times_on(text)) == text, "run: python -m tests.live.incidents_page"


def test_every_incident_has_a_case_or_a_test_that_holds_it() -> None:
    names = [case.name for case in CASES] + list(HELD_BY)
    assert len(names) == len(set(names))
    assert set(ELSEWHERE) <= set(names)
    for file, test in (each.split("::") for _, held in HELD_BY.values() for each in held):
        assert f"def {test}(" in (ROOT / file).read_text(encoding="utf-8"), f"{file} has no {test}"
