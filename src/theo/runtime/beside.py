"""A run on the simulated exchange beside a broker's run, in its process: the same market, other orders.

It has no broker to send to. It works between what the broker's run does: one item at a time, its disk on a thread of its own.
What ends it pages a person, and ends nothing else.
"""

import asyncio
from collections import deque
from collections.abc import Callable

import msgspec

from theo.domain.errors import CorruptionError, HaltRequiredError
from theo.domain.inputs import Input, Started
from theo.domain.market_data import SECOND, DataMarked, MarketData, Tick
from theo.domain.reports import OrderFilled
from theo.drive.expected_fills import as_it_came
from theo.ports.blocking import BlockingCalls
from theo.ports.clock import Clock
from theo.ports.notifier import Notifier
from theo.ports.store import JournalStore
from theo.ports.virtual_broker import VirtualBroker
from theo.runtime.boot import Booted, keep_snapshot
from theo.runtime.delivery import Delivery
from theo.runtime.joining import Joining
from theo.runtime.operator import Operator
from theo.runtime.run import CONTROL_INTERVAL, SNAPSHOT_INTERVAL
from theo.runtime.sharing import Reading
from theo.runtime.shell import INPUTS_WAITING_MAX, Shell
from theo.runtime.virtual import VirtualMarket

ANOTHER_FRONT_MAX = 10 * SECOND  # that both runs may differ in the contract that trades: one of them has not heard of a roll yet


class Named:
    """A notifier that says which run tells."""

    def __init__(self, notifier: Notifier, name: str) -> None:
        self._notifier, self._name = notifier, name

    def tell(self, at: int, severity: str, code: str, text: str) -> None:
        """See the port."""
        self._notifier.tell(at, severity, code, f"{self._name}: {text}")


class BesideRun:
    """``post`` takes the shared market's items; ``run`` is a service of the broker's run.

    ``own`` and ``leading`` are what the two runs read. ``release`` gives up the lease and the files. ``goes_on``: what a person
    is told of the rest when this run ends before its time.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - the outside world, one port each
        self,
        booted: Booted,
        shell: Shell,
        broker: VirtualBroker,
        operator: Operator,
        store: JournalStore,
        blocking: BlockingCalls,
        own: Reading,
        leading: Reading,
        clock: Clock,
        notifier: Notifier,
        build: str,
        release: Callable[[], None],
        goes_on: str = "The broker's run goes on",
    ) -> None:
        self._booted, self.shell, self._broker, self._operator = booted, shell, broker, operator
        self._store, self._blocking, self._own, self._leading = store, blocking, own, leading
        self._clock, self._notifier, self._build, self._release = clock, notifier, build, release
        self._goes_on = goes_on
        self._market = VirtualMarket(shell, broker)
        self._waiting: deque[Input] = deque()
        self._arrived = asyncio.Event()
        self._looked_at = self._kept_at = self._agreed_at = clock.now()
        self._begun = self._stopping = False
        self._given_up: Exception | None = None
        self.ended = ""  # what ended it before its time

    def post(self, item: Input) -> None:
        """An item of the market. Never raises, never waits: whoever posts serves a broker's run."""
        if self.ended or self._given_up is not None:
            return
        self._waiting.append(item)
        self._arrived.set()
        if len(self._waiting) > INPUTS_WAITING_MAX:
            self.give_up(HaltRequiredError(f"{INPUTS_WAITING_MAX} inputs wait", why="it cannot keep up with the feed"))

    @property
    def busy(self) -> bool:
        """Whether something has arrived that is not worked off."""
        return bool(self._waiting) or self.shell.busy

    def give_up(self, error: Exception) -> None:
        """End it by this, after the item in work."""
        self._given_up = error
        self._arrived.set()

    async def run(self, started: Callable[[int], Started], joining: Joining, delivery: Delivery) -> None:
        """Until cancelled, then in order; or until something ends it, which is told and not raised."""
        working = asyncio.create_task(self._work(started, joining, delivery))
        try:
            await asyncio.shield(working)
        except asyncio.CancelledError:
            self._stopping = True
            self._arrived.set()
            if not self._begun:
                working.cancel()  # it may wait for a link that does not come back
            await working
            raise

    async def _work(self, started: Callable[[int], Started], joining: Joining, delivery: Delivery) -> None:
        try:
            await self._begin(started(joining.begins), joining)
            self._begun = True
            while not self._stopping:
                await self._turn(delivery)
            await self._end()
        except Exception as error:  # noqa: BLE001 - whatever it is, the broker's run goes on
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        """It is over, and said so; the broker's run goes on."""
        self.ended = f"{type(error).__name__}: {error}"
        self._waiting.clear()
        text = f"it has ended, and begins again with the next start: {self.ended}. {self._goes_on}"
        self._notifier.tell(self._clock.now(), "page", "virtual_ended", text)
        try:
            self._operator.close()
            self._release()
        except Exception as another:  # noqa: BLE001 - files that cannot be closed either
            self._notifier.tell(self._clock.now(), "warning", "virtual_ended", f"its files could not be closed: {another}")

    async def _begin(self, started: Started, joining: Joining) -> None:
        """From its journal's end to the beginning of the shared market."""
        self.shell.post(started)
        await self._broker.connect(self.shell.post)
        await self.shell.pump()
        await self._operator.look()
        for mark in joining.marks():
            await self._take(mark)
        for item in await joining.bars():
            await self._take_known(item, joining.begins)
        for record in joining.ticks():
            for known in record:
                await self._take_known(known, joining.begins)

    async def _take_known(self, item: MarketData, begins: int) -> None:
        """What happened before: were it learned of later, the clock would close bars whose ticks are still to come."""
        await self._take(msgspec.structs.replace(item, at=begins))
        await asyncio.sleep(0)

    async def _turn(self, delivery: Delivery) -> None:
        """One item of the market, or what time alone makes due; then the broker's run."""
        now = self._clock.now()
        if self._given_up is not None:
            raise self._given_up
        if now - self._looked_at >= CONTROL_INTERVAL:
            self._looked_at = now
            await self._operator.look()
            delivery.look(self.shell.core, self.shell.post)
            await self.shell.pump()
        if now - self._kept_at >= SNAPSHOT_INTERVAL:
            await self._keep()
        if self._waiting:
            item = self._waiting.popleft()
            assert isinstance(item, MarketData)
            await self._take(item)
            await asyncio.sleep(0)
            return
        self._compare_fronts(now)
        await self._market.advance(now)
        await self.shell.idle()
        if not self._waiting and not self._stopping and self._given_up is None:
            await self._wait_until(min(self.shell.core.timer, self._looked_at + CONTROL_INTERVAL))

    async def _take(self, item: MarketData) -> None:
        """The order of events is that of every run on the simulated exchange: what is due, its reports, the item."""
        if not self._own.lacks(item):
            return
        await self._market.advance(item.at)
        if not isinstance(item, DataMarked):
            seen = as_it_came(item) if isinstance(item, Tick) else item
            for report in self._broker.market(seen):
                self.shell.post(_as_traded(report, item))
        self.shell.post(item)
        await self.shell.pump()

    def _compare_fronts(self, now: int) -> None:
        """Prices of one contract mean nothing to a run that holds another. Raises CorruptionError."""
        own, leading = self._own.fronts, self._leading.fronts
        other = [one for one in sorted(own.keys() & leading.keys()) if own[one] != leading[one] and self._bound(one)]
        if not other:
            self._agreed_at = now
        elif now - self._agreed_at >= ANOTHER_FRONT_MAX:
            raise CorruptionError(
                f"it holds {own[other[0]]}, and the broker's run {leading[other[0]]}",
                why="it was away while that one rolled",
                remedy="Move its folder away: it then begins anew",
            )

    def _bound(self, one: int) -> bool:
        """Whether the contract of an instrument is not to be chosen anew: a future's is not, an option's while both hold some."""
        rolls = any(instrument == one for instrument, _ in self._own.series)
        return rolls or bool(self._own.open_contract(one) and self._leading.open_contract(one))

    async def _wait_until(self, at: int) -> None:
        """Until something arrives, or the clock shows more than ``at``."""
        self._arrived.clear()
        wait = max(0, at + 1 - self._clock.now()) / SECOND
        timer = asyncio.get_running_loop().call_later(wait, self._arrived.set)
        try:
            await self._arrived.wait()
        finally:
            timer.cancel()

    async def _keep(self) -> None:
        await self.shell.idle()
        await self._blocking.run(lambda: keep_snapshot(self._store, self._booted, self._build))
        self._kept_at = self._clock.now()

    async def _end(self) -> None:
        """Everything durable, a snapshot kept. What rests stays in the exchange's books."""
        await self._keep()
        self._operator.close()
        await self._broker.close()


def _as_traded(report: Input, item: MarketData) -> Input:
    """Executions bear the exchange's time of the trade that they met, as a broker's do."""
    if isinstance(item, Tick) and isinstance(report, OrderFilled):
        return msgspec.structs.replace(report, timestamp=item.timestamp)
    return report
