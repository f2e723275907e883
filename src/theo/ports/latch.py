"""The durable halt latch: a file of its own, because the kill switch needs nothing else to work."""

from typing import Protocol


class HaltLatch(Protocol):
    """Present means halted, whatever else the platform believes."""

    def set(self, reason: str) -> None:
        """Write and fsync at once. Raises HaltRequiredError when even that fails; trading stops all the same."""

    def reason(self) -> str:
        """Why trading is halted, "" when it is not."""

    def clear(self) -> None:
        """Lift the latch."""
