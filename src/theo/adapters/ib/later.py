"""What is to be done after a while unless something better happens first: the bounds of answers that may never come."""

import asyncio
from collections.abc import Callable

from theo.adapters.ib.link import Link

WAITING_MAX = 100_000  # bounds that run at a time: each order and execution has one or two


class Later:
    """Runs actions by the link's clock. What one raises ends the link, as what a callback raises does."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._tasks: set[asyncio.Task[None]] = set()

    def after(self, wait: int, action: Callable[[], None]) -> None:
        """Do it ``wait`` microseconds from now; at once when too much waits already."""
        if len(self._tasks) >= WAITING_MAX:
            action()
            return
        task = asyncio.get_running_loop().create_task(self._run(self._link.clock.now() + wait, action))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, at: int, action: Callable[[], None]) -> None:
        await self._link.clock.sleep_until(at)
        try:
            action()
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not be lost in a task
            self._link.callbacks.failed(error)

    def close(self) -> None:
        """Nothing of it happens any more."""
        for task in self._tasks:
            task.cancel()
