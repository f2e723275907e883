"""Signals that become options, on the whole platform beside a whole gateway: chosen, bought, protected, sold, and restarted."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.ib.conftest import Told
from tests.live.platform import Platform
from theo.adapters.system.clock import PacedClock
from theo.domain.facts import Filled, TradeIntended
from theo.domain.orders import OrderRole, OrderType
from theo.engine.state import State
from theo.gateway.building import Gateway
from theo.gateway.server import GatewayServer

RULES = """
name = "calls"
strategy = "rules"
timeframe = "1min"
session = "RTH"
[symbols]
primary = "SPY"
[entry]
long = [{ left = "close", op = ">", right = 0 }]
[stop]
percent = 0.02
[target]
percent = 0.02
[size]
quantity = 2
[trading]
style = "positional"
[scan]
placeholder = "OPTION"
option_category = "ITM"
expiry = "weekly"
"""
OPTIONS = """
[options.SPY]
near = 5
far = 60
[limits]
trades_per_day_max = "unlimited"
"""
FRONT = "SPY-CALL-ITM-weekly"


class OptionPlatform(Platform):
    """A platform whose one scan buys calls."""

    def write(self, *, rules: str = RULES, options: str = OPTIONS) -> None:
        """Its configuration and its scan."""
        text = f'mode = "paper"\n[ib]\nport = {self.server.port}\n{options}'
        self.home.configuration.write_text(text, encoding="utf-8")
        self.rules.write_text(rules, encoding="utf-8")

    @property
    def one(self) -> int:
        """Our id of what stands for the option."""
        assert self.live is not None
        return self.live.shell.core.world.market and next(
            i for i, front in self.live.shell.core.world.options.items() if front.instrument.symbol == FRONT
        )

    def chosen(self, state: State) -> str:
        """The option that it stands for."""
        front = state.fronts.get(self.one)
        return "" if front is None else front.name

    def texts(self, code: str) -> list[str]:
        """What a person was told under a code."""
        return [text for _, each, text in self.told.messages if each == code]


@pytest.fixture
async def platform(
    tmp_path: Path, server: GatewayServer, gateway: Gateway, clock: PacedClock, told: Told
) -> AsyncIterator[OptionPlatform]:
    made = OptionPlatform(tmp_path, server, gateway, clock, told)
    made.write()
    yield made
    if made.live is not None:
        await made.end()


def closed(state: State) -> int:
    return sum(trade.over for trade in state.trades.values())


async def test_a_signal_becomes_a_bought_option_that_its_underlying_closes(platform: OptionPlatform) -> None:
    await platform.begin()
    await platform.until(lambda state: closed(state) >= 2 and state.agreed)
    state = platform.live.shell.core.state  # type: ignore[union-attr]  # it has begun
    name = platform.chosen(state)
    await platform.end()
    print(platform.told.messages)
    intended = [fact for fact in platform.facts if isinstance(fact, TradeIntended)]
    for fact in intended:
        parent, stop, target = fact.approved.subject.orders
        assert (parent.type, parent.contract, parent.quantity) == (OrderType.LIMIT, name, 2)
        assert (stop.type, stop.role, target.role) == (OrderType.MARKET, OrderRole.STOP, OrderRole.TARGET)
    assert platform.fills() == platform.executions()
    assert {fact.role for fact in platform.facts if isinstance(fact, Filled)} >= {OrderRole.ENTRY}
    assert platform.compare().first_difference is None
    assert not [text for severity, _, text in platform.told.messages if severity == "page"]
