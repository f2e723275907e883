"""The virtual mode: live or replayed market data against the simulated exchange, in lock-step.

The order of events is that of theo.drive.lockstep, so that the same data leads to the same orders, fills and deals.
"""

from theo.domain.inputs import TimerFired
from theo.domain.market_data import Bar, ContractRolled, Tick
from theo.ports.virtual_broker import VirtualBroker
from theo.runtime.shell import Shell


class VirtualMarket:
    """Feeds one market data item at a time: timers due before it, the exchange's reports, the item."""

    def __init__(self, shell: Shell, broker: VirtualBroker) -> None:
        self._shell, self._broker = shell, broker

    async def take(self, item: Tick | Bar | ContractRolled) -> None:
        """One item, and everything that follows from it."""
        shell = self._shell
        await self.advance(item.at)
        for report in self._broker.market(item):
            shell.post(report)
        shell.post(item)
        await shell.pump()

    async def advance(self, until: int) -> None:
        """Deliver what is due before ``until``, in order of time."""
        shell, broker = self._shell, self._broker
        while (at := min(shell.core.timer, broker.next_due())) < until:
            for report in broker.time(at):
                shell.post(report)
            await shell.pump()
            if shell.core.timer <= at:
                shell.post(TimerFired(at))
                await shell.pump()
