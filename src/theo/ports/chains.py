"""Listed options on what is traded: chains as the broker has them, and which contract an instrument stands for."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Protocol

from theo.domain.instrument import Instrument
from theo.ports.market_questions import OptionSeries


class Chains(Protocol):
    """Questions raise TheoError when they are refused or not answered. ``front``: what stands for the option that is chosen."""

    async def chain(self, underlying: Instrument) -> Sequence[OptionSeries]:
        """All classes on an underlying, exchange by exchange."""

    async def price(self, underlying: Instrument) -> Decimal | None:
        """What the underlying costs now; None where the market has no price."""

    async def listed(self, front: Instrument, trading_class: str, expiry: date, strike: Decimal) -> str:
        """The name of one option; "" for one that is not listed: a chain names strikes that not every expiry has."""

    def taken(self, name: str) -> bool:
        """Whether the account holds some of it that nothing here stands for: somebody else's, by hand."""

    def trade(self, instrument: int, name: str) -> None:
        """The instrument means this option from now on, wherever none is named. It has been asked for by ``listed``."""
