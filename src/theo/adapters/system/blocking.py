"""The seam for blocking calls: where they are, or on a thread of their own."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")


class Inline:
    """Runs calls where they are. A group commit takes about a millisecond, less than a change of threads under load."""

    async def run(self, call: Callable[[], Result]) -> Result:
        """The call's result, or what it raises."""
        return call()


class OneThread:
    """Runs calls one after the other on a thread: whoever waits for them waits alone."""

    def __init__(self, name: str) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)

    async def run(self, call: Callable[[], Result]) -> Result:
        """The call's result, or what it raises. Cancelled, it lets the call that has begun go on."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)

    def close(self) -> None:
        """Wait for the call that has begun."""
        self._thread.shutdown()
