"""The contracts of a future as the broker lists them, and which of them an instrument means."""

from collections.abc import Sequence
from typing import Protocol

import msgspec


class Month(msgspec.Struct, frozen=True):
    """One contract of a future; ``last_trade`` in days since the epoch."""

    name: str
    last_trade: int


class Months(Protocol):
    """By our instrument id."""

    def months(self, instrument: int) -> Sequence[Month]:
        """The contracts that are known, the first to end first; none of what is no future, or not resolved."""

    def trade(self, instrument: int, name: str) -> None:
        """The instrument means this contract from now on, wherever none is named."""
