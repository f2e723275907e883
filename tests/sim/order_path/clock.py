"""Virtual time as the product's clock port."""

import asyncio


class SimClock:
    """Time is the simulated loop's."""

    def now(self) -> int:
        """Microseconds UTC."""
        loop = asyncio.get_running_loop()
        return loop.now  # type: ignore[attr-defined,no-any-return]  # the simulated loop has exact time

    async def sleep_until(self, at: int) -> None:
        """Return at ``at``."""
        wait = at - self.now()
        await asyncio.sleep(max(0, wait) / 1_000_000)
