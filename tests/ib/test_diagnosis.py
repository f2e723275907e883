"""`theo doctor --broker`, on a whole gateway: each thing that is wrong is named with its remedy."""

import asyncio

import msgspec
import pytest

from tests.ib.conftest import TODAY, Told
from theo.adapters.ib.diagnosis import Finding, diagnose
from theo.adapters.ib.link import Link
from theo.adapters.ib.settings import IbSettings
from theo.adapters.system.clock import PacedClock
from theo.domain.instrument import Instrument
from theo.gateway.building import Gateway
from theo.gateway.server import GatewayServer
from theo.market.rolls import RollRule


async def found(
    server: GatewayServer, clock: PacedClock, instruments: dict[str, Instrument], **change: object
) -> dict[str, Finding]:
    settings = msgspec.structs.replace(IbSettings(port=server.port, client_id=7), **change)
    wanted = [instruments[symbol] for symbol in ("MES", "VIX", "SPY")]
    return {one.name: one for one in await diagnose(settings, wanted, clock, TODAY)}


async def test_nothing_is_wrong(server: GatewayServer, clock: PacedClock, instruments: dict[str, Instrument]) -> None:
    said = await found(server, clock, instruments)
    assert {one.level for one in said.values()} == {"ok"}
    assert list(said) == ["connection", "account", "clock", "orders", "data MES", "data VIX", "data SPY"]


async def test_what_a_future_rolls_to_is_named(
    server: GatewayServer, clock: PacedClock, instruments: dict[str, Instrument]
) -> None:
    settings = IbSettings(port=server.port, client_id=7)
    *_, roll = await diagnose(settings, [], clock, TODAY, [(instruments["MES"], RollRule(days=8))])
    assert (roll.name, roll.level) == ("roll MES", "ok")
    assert roll.text.startswith("MESZ6 trades for the last time on 2026-12-18, MESH7 is next")
    month = msgspec.structs.replace(instruments["MES"], expiry="20261218")
    *_, alone = await diagnose(settings, [], clock, TODAY, [(month, RollRule())])
    assert (alone.level, alone.text) == ("fail", "IB lists MESZ6 and none after it")


async def test_nobody_listens(server: GatewayServer, clock: PacedClock, instruments: dict[str, Instrument]) -> None:
    port = server.port
    await server.stop()
    (one,) = await diagnose(IbSettings(port=port), list(instruments.values()), clock, TODAY)
    assert (one.level, one.text) == ("fail", f"nothing listens on 127.0.0.1:{port}")
    assert "Enable ActiveX and Socket Clients" in one.fix


async def test_something_else_listens(clock: PacedClock, instruments: dict[str, Instrument]) -> None:
    async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    other = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with other:
        port = other.sockets[0].getsockname()[1]
        said = await diagnose(IbSettings(port=port), list(instruments.values()), clock, TODAY)
    assert [(one.name, one.level) for one in said] == [("connection", "fail")]
    assert "does not speak TWS's protocol" in said[0].text


async def test_the_client_id_is_in_use(
    link: Link, server: GatewayServer, clock: PacedClock, instruments: dict[str, Instrument]
) -> None:
    (one,) = (await found(server, clock, instruments, client_id=link.settings.client_id)).values()
    assert one.text == "client id 1 is in use"
    assert "client_id" in one.fix


async def test_the_account_is_of_the_other_kind(
    server: GatewayServer, clock: PacedClock, instruments: dict[str, Instrument]
) -> None:
    (one,) = (await found(server, clock, instruments, live=True)).values()
    assert (one.name, one.level) == ("account", "fail")
    assert 'mode = "paper"' in one.fix


@pytest.mark.parametrize(
    ("incident", "name", "level", "said"),
    [
        ("clock-skew", "clock", "warn", "s off ours"),
        ("not-subscribed", "data MES", "fail", "not subscribed"),
        ("advisory-codes", "data MES", "warn", ""),
        ("competing-session", "data MES", "fail", "another session"),
    ],
)
async def test_what_is_wrong_is_named(
    gateway: Gateway,
    server: GatewayServer,
    clock: PacedClock,
    instruments: dict[str, Instrument],
    incident: str,
    name: str,
    level: str,
    said: str,
) -> None:
    server.act(lambda simulator: gateway.incidents.play(simulator.desk, incident))
    one = (await found(server, clock, instruments))[name]
    assert one.level == level
    assert said in one.text
    assert one.fix


async def test_a_link_that_is_kept_is_closed_afterwards(
    server: GatewayServer, clock: PacedClock, instruments: dict[str, Instrument], told: Told
) -> None:
    await found(server, clock, instruments)
    said = await found(server, clock, instruments)  # the same client id again
    assert said["connection"].level == "ok"
    assert told.messages == []
