"""Which option a run trades in: by session and price while nothing is open in it, and never one that ends in the session."""

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.gateway.conftest import SPEED, START
from tests.ib.conftest import Told
from tests.live.option_platform import OPTIONS, RULES, OptionPlatform, state_of, written
from tests.unit.gateway.tables import at
from theo.adapters.system.clock import PacedClock
from theo.domain.facts import Rolled, SignalClosed, TradeClosed
from theo.domain.market_data import MINUTE, SECOND, TickKind
from theo.domain.option_contract import option_contract
from theo.gateway.building import Gateway, build
from theo.gateway.contracts.book import Contracts
from theo.gateway.desk import GatewaySettings
from theo.gateway.market.synthetic import SyntheticMarket
from theo.gateway.server import GatewayServer
from theo.runtime import delivery
from theo.runtime.choosing import OptionChoosing

SPY = 756733
WAITS = RULES.replace('op = ">", right = 0', 'op = "<", right = 0')  # no signal
HOLDS = RULES.replace("percent = 0.02", "percent = 3")


@pytest.fixture
def begins(request: pytest.FixtureRequest) -> int:
    """When the gateway begins: as a test's parameter says."""
    return at(request.param) if hasattr(request, "param") else START


@pytest.fixture
def gateway(contracts: Contracts, begins: int) -> Gateway:
    return build(GatewaySettings(), contracts, SyntheticMarket(7, contracts.listings(), begins), begins)


@pytest.fixture
async def server(gateway: Gateway, begins: int) -> AsyncIterator[GatewayServer]:
    made = GatewayServer(gateway.simulator, PacedClock(begins, SPEED), port=0)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def platform(
    tmp_path: Path, server: GatewayServer, gateway: Gateway, clock: PacedClock, told: Told
) -> AsyncIterator[OptionPlatform]:
    async with written(OptionPlatform(tmp_path, server, gateway, clock, told), WAITS) as made:
        yield made


def rolled(platform: OptionPlatform) -> list[str]:
    return [fact.contract for fact in platform.facts if isinstance(fact, Rolled)]


def listened(platform: OptionPlatform) -> list[str]:
    """The options whose quotes come."""
    return [each.contract for each in platform.standings() if each.contract]


def pages(platform: OptionPlatform) -> list[str]:
    return [text for severity, _, text in platform.told.messages if severity == "page"]


def coming(contracts: Contracts, since: int, after: int) -> Decimal:
    """A price of SPY that it will cross once ``after`` seconds have passed, and does not cross before."""
    market = SyntheticMarket(7, contracts.listings(), since + 40 * MINUTE)
    trades = [t for t in market.ticks(SPY, since, since + 40 * MINUTE) if t.kind == TickKind.TRADE]
    early = [t.price for t in trades if t.timestamp < since + after * SECOND]
    low, high = min(early) - 500, max(early) + 500
    return next(Decimal(t.price).scaleb(-4) for t in trades if not low <= t.price <= high)


async def test_it_follows_the_price_while_nothing_is_open(platform: OptionPlatform, contracts: Contracts) -> None:
    """The band begins so that the strike changes where SPY's own way will lead."""
    price = coming(contracts, START, 240)
    near = price - price // 5 * 5 + 5
    platform.write(rules=WAITS, options=OPTIONS.replace("near = 5", f"near = {near}"))
    await platform.begin()
    await platform.until(lambda _state: len(rolled(platform)) == 2)
    first, second = (option_contract(name) for name in rolled(platform))
    assert first.expiry == second.expiry
    assert abs(first.strike - second.strike) == 5
    (*_, why) = platform.texts("option_chosen")
    assert f"CALL {second.strike:.1f} is" in why
    (only,) = (each for each in platform.standings() if each.contract)
    assert only.contract == rolled(platform)[-1], "the old one's quotes are dropped"
    await platform.until(lambda _state: len({each.listing.con_id for each in platform.gateway.streams.lines.register}) == 1)
    await platform.end()
    assert not pages(platform)
    assert platform.compare().first_difference is None


async def test_what_is_open_keeps_its_option_whatever_the_price_does(platform: OptionPlatform, contracts: Contracts) -> None:
    price = coming(contracts, START, 240)
    near = price - price // 5 * 5 + 5
    platform.write(rules=HOLDS, options=OPTIONS.replace("near = 5", f"near = {near}"))
    await platform.begin()
    await platform.until(lambda state: bool(state.positions.get(platform.one)))
    before = rolled(platform)

    first = state_last(platform)
    await platform.until(lambda _state: (state_last(platform) > price) != (first > price))
    ends = platform.clock.now() + 90 * SECOND
    await platform.until(lambda state: platform.clock.now() > ends and state.agreed)
    assert rolled(platform) == before == listened(platform)
    await platform.end()
    assert not [fact for fact in platform.facts if isinstance(fact, TradeClosed)]
    assert not pages(platform)


def state_last(platform: OptionPlatform) -> Decimal:
    """The last price of SPY that the run has."""
    assert platform.live is not None
    core = platform.live.shell.core
    spy = next(front.underlying for front in core.world.options.values())
    return spy.decimal(core.world.market.last[spy.id])


@pytest.mark.parametrize("begins", ["2026-11-25 15:58"], indirect=True)  # a Wednesday; Thursday is a holiday
@pytest.mark.parametrize("holds", [False, True])
async def test_with_the_session_the_series_changes_unless_something_is_open(platform: OptionPlatform, *, holds: bool) -> None:
    platform.write(rules=HOLDS if holds else WAITS)
    await platform.begin()
    await platform.until(lambda state: bool(state.positions.get(platform.one)) if holds else bool(rolled(platform)))
    assert option_contract(rolled(platform)[0]).expiry.isoformat() == "2026-11-27"
    if holds:
        closes = at("2026-11-25 16:00")
        await platform.until(lambda _state: platform.clock.now() > closes + 60 * SECOND)
        assert len(rolled(platform)) == 1
        assert listened(platform) == rolled(platform)
    else:
        await platform.until(lambda _state: len(rolled(platform)) == 2)
        assert option_contract(rolled(platform)[1]).expiry.isoformat() == "2026-12-04"
    assert not pages(platform)


async def test_a_chain_that_is_missing_is_told_once_and_again_when_it_is_there(
    platform: OptionPlatform, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as without:
        without.setattr(gateway.simulator.desk.contracts, "options_on", lambda _con_id: {})
        await platform.begin()
        await platform.until(lambda _state: bool(platform.texts("no_option")))
        ends = platform.clock.now() + 150 * SECOND
        await platform.until(lambda _state: platform.clock.now() > ends)
    (text,) = platform.texts("no_option")
    assert "IB lists no options on SPY; its signals are refused until one is chosen" in text
    assert not rolled(platform)
    await platform.until(lambda _state: bool(rolled(platform)) and bool(platform.texts("option_again")))


async def test_what_no_strike_fits_is_told_with_its_reason(platform: OptionPlatform) -> None:
    platform.write(rules=HOLDS, options=OPTIONS.replace("near = 5", "near = 9000").replace("far = 60", "far = 9999"))
    await platform.begin()
    await platform.until(lambda _state: bool(platform.texts("no_option")))
    assert "no ITM strike is listed" in platform.texts("no_option")[0]
    await platform.until(lambda _state: any(isinstance(fact, SignalClosed) for fact in platform.facts))
    assert not platform.executions()
    ends = platform.clock.now() + 60 * SECOND
    await platform.until(lambda _state: platform.clock.now() > ends)
    assert len(platform.texts("no_option")) == 1, "whatever the price does"


async def test_a_strike_that_the_series_lacks_gives_way_to_the_next(
    platform: OptionPlatform, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A chain names the strikes of all expiries: here the nearest series has no 815."""
    book = gateway.simulator.desk.contracts
    found = book.find_listed  # type: ignore[attr-defined]  # of the gateway's own book

    def lacking(asked: object) -> list[object]:
        rows = found(asked)
        return [each for each in rows if each.listing.contract.sec_type != "OPT" or each.listing.contract.strike != 815.0]

    monkeypatch.setattr(book, "find_listed", lacking)
    await platform.begin()
    await platform.until(lambda _state: bool(rolled(platform)))
    assert option_contract(rolled(platform)[0]).strike == 810
    assert "815.0 is not listed" in platform.texts("option_chosen")[0]


@pytest.mark.parametrize("begins", ["2026-12-14 10:00"], indirect=True)  # the next Friday ends the weekly and the monthly series
async def test_two_that_ask_for_the_same_option_do_not_share_it(platform: OptionPlatform, tmp_path: Path) -> None:
    other = tmp_path / "monthly.toml"
    other.write_text(WAITS.replace('"calls"', '"monthly"').replace('"weekly"', '"monthly"'), encoding="utf-8")
    platform.more.append(other)
    await platform.begin()
    await platform.until(lambda _state: len(rolled(platform)) == 2)
    first, second = (option_contract(name) for name in rolled(platform))
    assert first.expiry == second.expiry
    assert first.strike != second.strike
    assert "is what another one stands for" in platform.texts("option_chosen")[1]


async def test_nothing_is_carried_into_its_expiry(platform: OptionPlatform, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process without the guard bought an option that ends today: the next one sells it, and buys no other like it."""
    platform.write(rules=HOLDS)
    today = option_contract("SPY   261120C00800000").expiry
    with monkeypatch.context() as unguarded:
        unguarded.setattr(delivery, "OPTION_DAYS", -1)
        unguarded.setattr(OptionChoosing, "_after", lambda _self, _under: today)
        await platform.begin()
        await platform.until(lambda state: bool(state.positions.get(platform.one)))
        assert option_contract(rolled(platform)[0]).expiry == today
        await platform.end()
    await platform.begin()
    await platform.until(lambda state: not state.positions.get(platform.one) and state.agreed)
    await platform.until(lambda _state: len(rolled(platform)) == 2)
    assert option_contract(rolled(platform)[1]).expiry > today
    (text,) = platform.texts("delivery")
    assert "nothing is carried into its expiry" in text
    assert ("warning", "delivery") in {(severity, code) for severity, code, _ in platform.told.messages}
    state = state_of(platform)
    assert platform.chosen(state) == rolled(platform)[1]
    await platform.end()
    assert platform.compare().first_difference is None
