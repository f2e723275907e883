"""Blocking calls off the event loop: one thread, so that writes keep their order."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")


class WriterThread:
    """Runs stores' calls one after the other on a thread of its own."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")

    async def run(self, call: Callable[[], Result]) -> Result:
        """The call's result, or what it raises."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, call)

    def close(self) -> None:
        """Wait for the last call."""
        self._pool.shutdown(wait=True)


class Inline:
    """Runs calls where they are: for sources that are faster than a change of threads, and for tests."""

    async def run(self, call: Callable[[], Result]) -> Result:
        """The call's result, or what it raises."""
        return call()
