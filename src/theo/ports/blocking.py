"""The one seam through which synchronous stores are called from the event loop."""

from collections.abc import Callable
from typing import Protocol, TypeVar

Result = TypeVar("Result")


class BlockingCalls(Protocol):
    """Live: one writer thread, so that a slow disk never holds the loop. Simulated time: inline, with a seeded delay."""

    async def run(self, call: Callable[[], Result]) -> Result:
        """The call's result, or what it raises."""
