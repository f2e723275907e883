"""Time and the wish to wait for it."""

from typing import Protocol


class Clock(Protocol):
    """The only source of time below the composition root."""

    def now(self) -> int:
        """Microseconds since the UTC epoch."""

    async def sleep_until(self, at: int) -> None:
        """Return at ``at``, or at once when it has passed."""
