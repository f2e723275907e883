"""The platform with one scan that buys calls on SPY, beside a whole gateway."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.live.platform import QUICK, Platform
from theo.engine.state import State
from theo.ports.feed import Standing

BUYS = """
[scan]
placeholder = "OPTION"
option_category = "ITM"
expiry = "weekly"
"""
CALLS = QUICK.replace('"quick"', '"calls"').replace('"MES"', '"SPY"').replace("quantity = 1", "quantity = 2")
RULES = CALLS.rstrip() + BUYS
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
        options = self.live.shell.core.world.options
        return next(one for one, front in options.items() if front.instrument.symbol == FRONT)

    def chosen(self, state: State) -> str:
        """The option that it stands for."""
        front = state.fronts.get(self.one)
        return "" if front is None else front.name

    def standings(self) -> tuple[Standing, ...]:
        """How its subscriptions stand."""
        assert self.live is not None
        return self.live.feed.standings()

    def texts(self, code: str) -> list[str]:
        """What a person was told under a code."""
        return [text for _, each, text in self.told.messages if each == code]


@asynccontextmanager
async def written(platform: OptionPlatform, rules: str = RULES) -> AsyncIterator[OptionPlatform]:
    """With its configuration and its scan; ended afterwards, where a test has not."""
    platform.write(rules=rules)
    yield platform
    if platform.live is not None:
        await platform.end()


def state_of(platform: OptionPlatform) -> State:
    assert platform.live is not None
    return platform.live.shell.core.state
