"""A broker that lives on the same market data as the core: shown the data first, in lock-step."""

from typing import Protocol

from theo.domain.inputs import Input
from theo.domain.market_data import Bar, ContractRolled, Tick
from theo.ports.broker import Broker


class VirtualBroker(Broker, Protocol):
    """A simulated exchange behind the broker port."""

    def market(self, item: Tick | Bar | ContractRolled) -> tuple[Input, ...]:
        """Reports that follow from market data: posted before the data itself."""

    def time(self, at: int) -> tuple[Input, ...]:
        """Reports that follow from time alone."""

    def next_due(self) -> int:
        """When time alone changes something next."""
