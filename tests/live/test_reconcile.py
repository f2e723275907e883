"""`theo reconcile` asks a running trader for a comparison with the broker's books, and says what came of it."""

import asyncio
import json

import pytest

from tests.live.platform import Platform
from theo.app.commands.reconcile import run


async def reconciled(platform: Platform, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, object]]:
    capsys.readouterr()
    code = await asyncio.to_thread(run, platform.home.path, "", json=True)
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return code, found


async def test_a_running_trader_compares_when_it_is_asked(platform: Platform, capsys: pytest.CaptureFixture[str]) -> None:
    await platform.begin()
    await platform.until(lambda state: state.agreed and bool(state.world))
    code, found = await reconciled(platform, capsys)
    assert (code, found["agreed"], found["differences"]) == (0, True, [])


async def test_an_order_typed_into_tws_is_named(platform: Platform, capsys: pytest.CaptureFixture[str]) -> None:
    await platform.begin()
    await platform.until(lambda state: state.agreed and bool(state.positions.get(4)))
    platform.server.act(lambda simulator: platform.gateway.incidents.play(simulator.desk, "tws-order"))
    code, found = await reconciled(platform, capsys)
    differences = found["differences"]
    assert isinstance(differences, list)
    assert {"order_unknown", "position"} & {one["kind"] for one in differences}
    assert code == (0 if found["agreed"] else 1)


async def test_nobody_runs(platform: Platform, capsys: pytest.CaptureFixture[str]) -> None:
    await platform.begin()
    await platform.until(lambda state: state.agreed)
    await platform.end()
    code, found = await reconciled(platform, capsys)
    assert (code, found["agreed"]) == (1, None)
    assert "not running" in str(found["problem"])
