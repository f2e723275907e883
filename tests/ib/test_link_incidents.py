"""The link through what happens to it: servers lost, sockets closed or half-open, restarts, ids in use, wrong accounts."""

import asyncio

import msgspec
import pytest

from tests.ib.conftest import SPEED, START, Told, running, until
from theo.adapters.ib.link import Link, LinkState, Up
from theo.adapters.ib.settings import IbSettings
from theo.adapters.system.clock import PacedClock
from theo.domain.errors import ConfigError, HaltRequiredError
from theo.domain.market_data import HOUR
from theo.gateway.books import booked
from theo.gateway.building import Gateway, build
from theo.gateway.contracts.book import Contracts
from theo.gateway.desk import GatewaySettings
from theo.gateway.market.synthetic import SyntheticMarket
from theo.gateway.server import GatewayServer


class Heard:
    """What a listener of the link hears, in order."""

    def __init__(self, link: Link) -> None:
        self.said: list[str] = []
        link.on_up.append(self.up)
        link.on_down.append(self.down)

    async def up(self, how: Up) -> None:
        """The link comes up."""
        self.said.append(f"up{' anew' if how.new_socket else ''}{', data lost' if how.data_lost else ''}")

    def down(self, reason: str) -> None:
        """The link goes down."""
        self.said.append(f"down: {reason[:4]}")


def play(gateway: Gateway, server: GatewayServer, name: str) -> None:
    server.act(lambda simulator: gateway.incidents.play(simulator.desk, name))


def end(gateway: Gateway, server: GatewayServer, name: str) -> None:
    server.act(lambda simulator: gateway.incidents.end(simulator.desk, name))


@pytest.mark.parametrize(
    ("name", "back"), [("server-lost", "up"), ("server-lost-data-lost", "up, data lost"), ("blind-after-1102", "up")]
)
async def test_lost_servers_are_a_link_that_is_down_until_they_are_back(
    idle_link: Link, gateway: Gateway, server: GatewayServer, name: str, back: str
) -> None:
    heard = Heard(idle_link)
    async with running(idle_link):
        play(gateway, server, name)
        await until(lambda: not idle_link.up)
        assert idle_link.state is LinkState.CUT
        end(gateway, server, name)
        await until(lambda: idle_link.up)
    assert heard.said[:3] == ["up anew, data lost", "down: 1100", back]


async def test_servers_that_are_back_once_more_were_lost_in_between(
    idle_link: Link, gateway: Gateway, server: GatewayServer
) -> None:
    heard = Heard(idle_link)
    async with running(idle_link):
        for name in ("server-lost", "weekly-2fa"):
            play(gateway, server, name)
        await until(lambda: not idle_link.up)
        for ended, name in enumerate(("server-lost", "weekly-2fa"), start=1):
            end(gateway, server, name)
            await until(lambda told=1 + 2 * ended: len(heard.said) >= told)  # type: ignore[misc]  # a bound value
    assert heard.said[:5] == ["up anew, data lost", "down: 1100", "up", "down: 1102", "up"]


async def test_after_the_nightly_restart_the_link_comes_back_by_itself(
    idle_link: Link, gateway: Gateway, server: GatewayServer
) -> None:
    heard = Heard(idle_link)
    async with running(idle_link):
        first = idle_link.next_id()
        play(gateway, server, "nightly-restart")
        await until(lambda: not idle_link.up)
        end(gateway, server, "nightly-restart")
        await until(lambda: idle_link.up)
        assert heard.said[:3] == ["up anew, data lost", "down: the ", "up anew, data lost"]
        assert idle_link.next_id() <= first  # ids begin anew: they are no identity


async def test_a_half_open_socket_is_found_out(gateway: Gateway, server: GatewayServer, clock: PacedClock, told: Told) -> None:
    link = Link(IbSettings(port=server.port, alive_seconds=1.0), clock, told)
    async with running(link):
        play(gateway, server, "half-open")
        await until(lambda: not link.up)
        assert "no answer to currentTime" in link.why
        end(gateway, server, "half-open")
        await until(lambda: link.up)


async def test_an_id_in_use_is_said_and_waited_for(link: Link, clock: PacedClock, server: GatewayServer, told: Told) -> None:
    settings = msgspec.structs.replace(link.settings, connect_seconds=0.2, lost_bound=0)
    second = Link(settings, clock, told)
    run = asyncio.create_task(second.run())
    await until(lambda: "link_lost" in told.codes())
    assert "326" in second.why
    await link.close()
    await until(lambda: second.up)
    run.cancel()
    await second.close()
    assert server.port == settings.port


@pytest.mark.parametrize(
    ("change", "said"),
    [({"account": "DU999"}, "not one of the login's"), ({"live": True}, "is a paper account, and the mode is live")],
)
async def test_the_wrong_account_ends_the_run_in_words(
    clock: PacedClock, server: GatewayServer, told: Told, change: dict[str, object], said: str
) -> None:
    settings = msgspec.structs.replace(IbSettings(port=server.port), **change)
    with pytest.raises(ConfigError, match=said):
        await Link(settings, clock, told).run()


async def test_a_login_of_real_money_ends_a_paper_run_before_anything_is_sent(contracts: Contracts, told: Told) -> None:
    """Behind the port that is usual for paper logins is somebody's money."""
    market = SyntheticMarket(7, contracts.listings(), START)
    gateway = build(GatewaySettings(accounts=("U1234567",)), contracts, market, START)
    clock = PacedClock(START, SPEED)
    real = GatewayServer(gateway.simulator, clock, port=0)
    await real.start()
    link, up = Link(IbSettings(port=real.port), clock, told), list[bool]()
    try:
        with pytest.raises(ConfigError, match="U1234567 is an account of real money, and the mode is not live"):
            await link.run()
        up.append(link.up)
    finally:
        await link.close()
        await real.stop()
    assert up == [False]
    assert not booked(gateway).orders


async def test_what_a_listener_cannot_handle_halts(idle_link: Link) -> None:
    def broken(*_arguments: object) -> None:
        raise ZeroDivisionError("a defect of ours")

    idle_link.callbacks.on("currentTime", broken)
    with pytest.raises(HaltRequiredError, match="a defect of ours"):
        await asyncio.wait_for(idle_link.run(), 20)


async def test_a_clock_that_differs_is_told_once(gateway: Gateway, server: GatewayServer, clock: PacedClock, told: Told) -> None:
    play(gateway, server, "clock-skew")
    link = Link(msgspec.structs.replace(IbSettings(port=server.port), heartbeat=HOUR // 60), clock, told)
    async with running(link):
        assert abs(link.clock_offset - 300_000_000) < 2_000_000
        assert told.codes() == ["clock_skew"]


async def test_servers_that_are_lost_again_while_the_link_comes_up_are_lost(
    idle_link: Link, gateway: Gateway, server: GatewayServer
) -> None:
    heard, again = Heard(idle_link), asyncio.Event()

    async def slow(how: Up) -> None:
        if not how.new_socket and not again.is_set():
            play(gateway, server, "server-lost")
            await until(lambda: idle_link.why.startswith("1100"))
            again.set()

    idle_link.on_up.append(slow)
    async with running(idle_link):
        play(gateway, server, "server-lost")
        await until(lambda: not idle_link.up)
        idle_link.why = ""
        end(gateway, server, "server-lost")
        await until(again.is_set)
        await until(lambda: heard.said.count("down: 1100") == 2)
        assert idle_link.state is LinkState.CUT
        end(gateway, server, "server-lost")
        await until(lambda: idle_link.up)
