"""Exits of a bought option at the broker: placed again when they are taken away, fitted to what was filled, never doubled."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from tests.ib.conftest import Told
from tests.live.option_platform import OPTIONS, RULES, OptionPlatform, state_of, written
from theo.adapters.system.clock import PacedClock
from theo.domain.facts import Reconciled
from theo.domain.orders import OrderRole
from theo.engine.order_life import OrderStatus
from theo.gateway.building import Gateway
from theo.gateway.server import GatewayServer
from theo.gateway.trading.working import Phase, Worked
from theo.gateway.wire.messages.order import PriceCondition

FAR = RULES.replace("percent = 0.02", "percent = 3").replace("quantity = 2", "quantity = 4")


@pytest.fixture
async def platform(
    tmp_path: Path, server: GatewayServer, gateway: Gateway, clock: PacedClock, told: Told
) -> AsyncIterator[OptionPlatform]:
    async with written(OptionPlatform(tmp_path, server, gateway, clock, told), FAR) as made:
        yield made


def resting(platform: OptionPlatform) -> list[Worked]:
    """Exits that wait at the gateway for SPY's price."""
    return [each for each in platform.gateway.trading.orders.values() if each.phase is Phase.ARMED and each.order.conditions]


def protected(platform: OptionPlatform, quantity: int) -> bool:
    """Whether a stop and a target of this size rest, each with its own price."""
    found = resting(platform)
    return [each.terms.quantity for each in found] == [quantity] * 2 and len({each.order.conditions for each in found}) == 2


async def test_an_exit_that_is_taken_away_is_placed_again_with_its_condition_though_the_first_try_is_refused(
    platform: OptionPlatform,
) -> None:
    trading = platform.gateway.trading
    await platform.begin()
    await platform.until(lambda state: state.positions.get(platform.one) == 4 and protected(platform, 4))
    conditions = {each.order.conditions for each in resting(platform)}
    gone = resting(platform)[0]

    def take_away() -> None:
        trading.reject_next(1, "the exchange is not taking orders")
        trading._dealing.end(platform.gateway.simulator.desk, gone, "Order was cancelled by the system: corporate action")

    platform.server.act(lambda _simulator: take_away())
    await platform.until(lambda _state: protected(platform, 4) and gone not in resting(platform))
    assert {each.order.conditions for each in resting(platform)} == conditions
    await platform.until(lambda state: state.agreed)
    refused = [held for held in state_of(platform).orders.values() if held.status is OrderStatus.REJECTED]
    assert [held.order.role for held in refused] == [OrderRole.STOP]
    await platform.end()
    assert platform.compare().first_difference is None


async def test_a_part_that_is_filled_has_exits_of_its_size(platform: OptionPlatform) -> None:
    """More is asked for than the market offers: after two seconds the rest is given up, and what was filled is protected."""
    names = ("option_contracts", "contracts_per_trade", "trade_risk_percent", "total_risk_percent", "leverage")
    limits = "".join(f'{name}_max = "unlimited"\n' for name in (*names, "exposure_per_instrument_cash", "trades_per_day"))
    many = FAR.replace("quantity = 4", "quantity = 150")
    platform.write(rules=many, options=f"{OPTIONS.split('[limits]', maxsplit=1)[0]}[limits]\n{limits}")
    await platform.begin()
    await platform.until(lambda state: 0 < state.positions.get(platform.one, 0) < 150)
    await platform.until(lambda state: protected(platform, state.positions.get(platform.one, 0)) and state.agreed)
    state = state_of(platform)
    (trade,) = state.open_trades
    entry = state.orders[state.trades[trade].orders[0]]
    await platform.until(lambda _state: entry.status is OrderStatus.CANCELLED)
    assert entry.filled == state.positions[platform.one] < 150
    assert protected(platform, entry.filled)
    await platform.end()
    assert platform.compare().first_difference is None


async def test_an_exit_that_waits_for_something_else_at_the_next_start_is_told_once(platform: OptionPlatform) -> None:
    """Somebody changed it in TWS while the platform was away."""
    await platform.begin()
    await platform.until(lambda state: state.positions.get(platform.one) == 4 and protected(platform, 4) and state.agreed)
    await platform.end()
    changed = resting(platform)[0]
    (condition,) = changed.order.conditions
    assert isinstance(condition, PriceCondition)
    other = msgspec.structs.replace(condition, price=condition.price - 50)
    changed.order = msgspec.structs.replace(changed.order, conditions=(other,))
    await platform.begin()
    await platform.until(lambda state: "other_condition" in platform.told.codes() and state.agreed)
    compared = sum(isinstance(fact, Reconciled) for fact in platform.facts)
    platform.server.act(lambda simulator: platform.gateway.incidents.play(simulator.desk, "server-lost", 2.0, {}))
    await platform.until(lambda _state: sum(isinstance(fact, Reconciled) for fact in platform.facts) > compared)
    (text,) = platform.texts("other_condition")
    assert changed.order.order_ref in text
    await platform.end()
    assert platform.compare().first_difference is None
