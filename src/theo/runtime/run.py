"""A virtual run from beginning to end: boot, reconcile, take market data, watch for commands and the STOP file, stop in order."""

import asyncio
from collections.abc import AsyncIterator, Callable

from theo.domain.inputs import Command, Started
from theo.domain.market_data import SECOND, Bar, ContractRolled, Tick
from theo.ports.clock import Clock
from theo.ports.latch import HaltLatch
from theo.ports.store import CommandInbox, JournalStore
from theo.ports.virtual_broker import VirtualBroker
from theo.runtime.boot import Booted, keep_snapshot
from theo.runtime.failing import first_of
from theo.runtime.operator import Operator
from theo.runtime.shell import Shell
from theo.runtime.virtual import VirtualMarket

CONTROL_INTERVAL = SECOND // 10  # between two looks at the inbox and the STOP file: a halt acts within a second
SNAPSHOT_INTERVAL = 5 * 60 * SECOND


class VirtualRun:
    """Owns one shell for its life. ``stop`` may be called from a signal handler: the run ends after the item in work."""

    def __init__(
        self,
        booted: Booted,
        shell: Shell,
        broker: VirtualBroker,
        store: JournalStore,
        inbox: CommandInbox | None,
        latch: HaltLatch,
        clock: Clock,
        build: str,
    ) -> None:
        self._booted, self._shell, self._broker, self._store = booted, shell, broker, store
        self._operator, self._clock, self._build = Operator(shell, inbox, latch), clock, build
        self._market = VirtualMarket(shell, broker)
        self._looked_at = self._kept_at = clock.now()
        self._stopping = False
        self._turn = asyncio.Lock()  # one thing at a time: an item of the market, or a look at what people want

    def stop(self) -> None:
        """End after the item in work."""
        self._stopping = True

    async def begin(self, started: Started) -> None:
        """Tell the core that the process began, connect, and work off the comparison of the books."""
        self._shell.post(started)
        await self._broker.connect(self._shell.post)
        await self._shell.pump()
        await self._operator.look()

    async def take(
        self, items: AsyncIterator[Tick | Bar | ContractRolled | Command], seen: Callable[[], None] | None = None
    ) -> bool:
        """Market data until it ends (True) or the run is stopped (False). Resting orders stay where they are.

        What ends the looks at what people want ends the run, and is raised, also while the market has nothing.
        """
        try:
            async with asyncio.TaskGroup() as group:
                waiting = group.create_task(self._look_while_waiting())
                taken = await self._take_all(items, seen)
                waiting.cancel()
        except BaseExceptionGroup as failed:
            raise first_of(failed) from failed
        return taken

    async def _take_all(
        self, items: AsyncIterator[Tick | Bar | ContractRolled | Command], seen: Callable[[], None] | None
    ) -> bool:
        async for item in items:
            if self._stopping:
                return False
            async with self._turn:
                await self._take(item, seen)
        return True

    async def _take(self, item: Tick | Bar | ContractRolled | Command, seen: Callable[[], None] | None) -> None:
        if isinstance(item, Command):
            await self._market.advance(item.at)
            self._shell.post(item)
            await self._shell.pump()
        else:
            await self._market.take(item)
        now = self._clock.now()
        if now - self._looked_at >= CONTROL_INTERVAL:
            self._looked_at = now
            await self._operator.look()
            if seen is not None:
                seen()
        if now - self._kept_at >= SNAPSHOT_INTERVAL:
            await self.keep()

    async def _look_while_waiting(self) -> None:
        """The market may have nothing for minutes: a halt, or an order, is not to wait for it."""
        while True:
            await asyncio.sleep(CONTROL_INTERVAL / SECOND)
            if not self._turn.locked():
                async with self._turn:
                    await self._operator.look()
                    await self._shell.idle()

    async def keep(self) -> None:
        """Commit and store a snapshot."""
        await self._shell.idle()
        keep_snapshot(self._store, self._booted, self._build)
        self._kept_at = self._clock.now()

    async def end(self) -> None:
        """Stop in order: everything durable, a snapshot kept, the link closed. Protective orders rest."""
        await self.keep()
        self._operator.close()
        await self._broker.close()


async def one_by_one(
    items: AsyncIterator[Tick | Bar | ContractRolled | Command],
) -> AsyncIterator[Tick | Bar | ContractRolled | Command]:
    """Give the loop a turn now and then, so that signals and the screen are served while data is plentiful."""
    count = 0
    async for item in items:
        yield item
        count += 1
        if count % TURN_ITEMS == 0:
            await asyncio.sleep(0)


TURN_ITEMS = 64
