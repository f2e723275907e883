"""Calls of stores on threads of their own: the event loop never waits for a disk, and never for more than a few of them."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from theo.domain.errors import HaltRequiredError

Result = TypeVar("Result")
THREADS: Final = 4  # stores answer in milliseconds; more threads would only share one interpreter
WAITING_MAX: Final = 64  # calls that have begun or wait: at some ms each, the last waits about a tenth of a second


class BoundedThreads:
    """Implements ports.blocking.BlockingCalls; refuses what would wait behind too many."""

    def __init__(self, threads: int = THREADS, waiting_max: int = WAITING_MAX) -> None:
        self._pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="api-store")
        self._held, self._waiting_max = 0, waiting_max

    async def run(self, call: Callable[[], Result]) -> Result:
        """The call's result, or what it raises. Raises HaltRequiredError, at once, when too many wait.

        Cancelled, it lets the call that has begun go on, and counts it until it ends.
        """
        if self._held >= self._waiting_max:
            raise HaltRequiredError(
                f"{self._held} requests wait already", why="the stores answer more slowly than they are asked", remedy="Ask again"
            )
        self._held += 1
        future = asyncio.get_running_loop().run_in_executor(self._pool, call)
        future.add_done_callback(self._ended)
        return await asyncio.shield(future)

    def _ended(self, future: "asyncio.Future[Result]") -> None:
        self._held -= 1
        if not future.cancelled():
            future.exception()  # nobody may wait for it any more

    def close(self) -> None:
        """Wait for the calls that have begun; those that wait are dropped."""
        self._pool.shutdown(cancel_futures=True)
