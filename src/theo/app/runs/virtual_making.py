"""A run on the simulated exchange with the live feed and nothing beside it: the broker's gateway is read, and nothing is sent.

Its bars and their levels are built of its ticks, as those of every live run.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import msgspec

from theo.adapters.ib.link import Link
from theo.adapters.system.clock import SteadyClock
from theo.adapters.system.clock_steps import ClockSteps
from theo.app.configuration.file import Configured
from theo.app.home.auditing import note_configuration
from theo.app.home.layout import Home
from theo.app.runs.beside_making import Beside, Virtual, open_beside
from theo.app.runs.live_market import LiveMarket
from theo.app.stored.building import Building
from theo.domain.errors import HaltRequiredError
from theo.drive.assembly import assemble
from theo.ports.clock import Clock
from theo.ports.notifier import Notifier
from theo.runtime.live import Service
from theo.runtime.sharing import Reading


class VirtualAlone:
    """``run`` until ``stop``, or until something ends it, which is raised."""

    def __init__(
        self, beside: Beside, market: LiveMarket, building: Building, links: Sequence[Link], services: Sequence[Service]
    ) -> None:
        self.beside, self.market = beside, market
        self._building, self._links, self._services = building, links, services
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        """End after the item in work. May be called from a signal handler."""
        self._stopped.set()

    async def run(self) -> None:
        """Connect, read what is missing, listen and trade."""
        building = asyncio.ensure_future(self._building.run())  # its end is not the run's
        tasks = [asyncio.ensure_future(service()) for service in self._services]
        tasks.append(asyncio.ensure_future(self._until_stopped()))
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
            if self.beside.run.ended:
                raise HaltRequiredError(self.beside.run.ended)
        finally:
            for task in (building, *reversed(tasks)):
                task.cancel()
            await asyncio.gather(building, *tasks, return_exceptions=True)
            for link in self._links:
                await link.close()

    async def _until_stopped(self) -> None:
        await self._stopped.wait()

    def close(self) -> None:
        """Give up the lease and the files."""
        self._building.close()
        self.beside.close()


def open_alone(
    home: Home, virtual: Virtual, settings: Configured, clock: Clock, notifier: Notifier, account: str
) -> VirtualAlone:
    """Boot the plan on its journal, with the gateway's market data. Raises what a boot raises."""
    note_configuration(home)
    nothing = Reading(assemble(replace(virtual.plan, rulesets=[], from_ticks=False)), {})
    beside = open_beside(home, virtual, nothing, clock, notifier)
    try:
        link = Link(msgspec.structs.replace(settings.ib, account=account), clock, notifier)
        market = LiveMarket(home, settings, virtual.plan, link, nothing, beside, clock, notifier)
        begun, listening = market.listen(beside.shell, market.delivery(notifier), beside.store)
        links = tuple(dict.fromkeys((link, market.link)))
        building = beside.building(home, settings.levels, clock)
        services = [*(each.run for each in links), *listening]
        if isinstance(clock, SteadyClock):
            services.append(ClockSteps(clock, notifier).run)
        begun(clock.now())
    except BaseException:
        beside.close()
        raise
    return VirtualAlone(beside, market, building, links, services)
