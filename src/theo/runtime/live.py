"""A run beside a real broker: the comparison of the books, then whatever comes first: market data, answers, time, a person.

The wall clock drives it. Each input is decided, made durable and performed by the shell before the next; when nothing is left to
do, what waits is committed.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence

from theo.domain.inputs import Started, TimerFired
from theo.domain.market_data import SECOND
from theo.ports.broker import Broker
from theo.ports.clock import Clock
from theo.ports.store import JournalStore
from theo.runtime.boot import Booted, keep_snapshot
from theo.runtime.delivery import Delivery
from theo.runtime.failing import first_of
from theo.runtime.operator import Operator
from theo.runtime.run import CONTROL_INTERVAL, SNAPSHOT_INTERVAL
from theo.runtime.session_gate import SessionGate
from theo.runtime.shell import Shell

Service = Callable[[], Coroutine[object, object, None]]  # what runs all the while: keeping the link, listening to the market


class LiveRun:
    """Owns one shell for its life. ``stop`` may be called from a signal handler: the run ends after the input in work.

    ``begun`` posts what follows the start before anything else, given its time.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - the outside world, one port each
        self,
        booted: Booted,
        shell: Shell,
        broker: Broker,
        gate: SessionGate,
        delivery: Delivery,
        operator: Operator,
        store: JournalStore,
        clock: Clock,
        build: str,
        services: Sequence[Service] = (),
        begun: Callable[[int], None] | None = None,
    ) -> None:
        self._booted, self._shell, self._broker = booted, shell, broker
        self._gate, self._delivery, self._operator = gate, delivery, operator
        self._store, self._clock, self._build = store, clock, build
        self._services, self._begun = services, begun
        self._looked_at = self._kept_at = clock.now()
        self._stopping = False

    def stop(self) -> None:
        """End after the input in work."""
        self._stopping = True
        self._shell.arrived.set()

    async def run(self, started: Started) -> None:
        """From the comparison of the books to the end. What ends a service ends the run, and is raised."""
        try:
            await self._run(started)
        except BaseExceptionGroup as group:
            raise first_of(group) from group

    async def _run(self, started: Started) -> None:
        async with asyncio.TaskGroup() as group:
            self._shell.post(started)
            if self._begun is not None:
                self._begun(started.at)
            await self._broker.connect(self._gate.hear)
            await self._shell.pump()
            tasks = [group.create_task(service()) for service in self._services]
            while not self._stopping:
                await self._turn()
            await self._end()
            for task in tasks:
                task.cancel()

    async def _turn(self) -> None:
        """Wait for what comes first, then work it off."""
        now = self._clock.now()
        if now - self._looked_at >= CONTROL_INTERVAL:
            self._looked_at = now
            self._gate.look()
            self._delivery.look(self._shell.core, self._shell.post)
            await self._operator.look()
        if now - self._kept_at >= SNAPSHOT_INTERVAL:
            await self._keep()
        timer = self._shell.core.timer
        if timer <= now:
            self._shell.post(TimerFired(now))
        if not self._shell.arrived.is_set():
            await self._wait_until(min(timer, self._looked_at + CONTROL_INTERVAL))
        await self._shell.pump()
        if self._shell.core.timer > now:
            await self._shell.idle()
        else:
            await asyncio.sleep(0)  # more is due already: what comes from outside goes in between

    async def _wait_until(self, at: int) -> None:
        """Until something arrives, or the clock shows ``at``."""
        arrived = self._shell.arrived
        timer = asyncio.get_running_loop().call_later(max(0, at - self._clock.now()) / SECOND, arrived.set)
        try:
            await arrived.wait()
        finally:
            timer.cancel()

    async def _keep(self) -> None:
        await self._shell.idle()
        keep_snapshot(self._store, self._booted, self._build)
        self._kept_at = self._clock.now()

    async def _end(self) -> None:
        """Everything durable, a snapshot kept, the link closed. Protective orders rest at the broker."""
        await self._keep()
        self._operator.close()
        await self._broker.close()
