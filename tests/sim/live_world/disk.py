"""The journal's store around the real one: it tells what became durable, and fails, stalls or ends the process by chance."""

from collections.abc import Callable, Sequence
from pathlib import Path

from tests.sim.live_world.draws import Draws
from tests.sim.live_world.wire import NetLoop
from tests.sim.order_path.crash import Crash
from theo.adapters.sql.inbox import SqlInbox
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.domain.errors import HaltRequiredError, OutcomeUnknownError
from theo.domain.facts import Fact, OrdersIntended, TradeIntended
from theo.domain.inputs import Command
from theo.domain.journal import TRADING, Record
from theo.domain.market_data import SECOND, MarketData
from theo.engine.codec import decode_batch, decode_facts
from theo.engine.journal import MARKET
from theo.ports.store import CommandOutcome

STALL_MAX = 8 * SECOND


class WorldDisk:
    """What a disk does to a process, and what it tells the world of it."""

    def __init__(self, loop: NetLoop, draws: Draws, durable: Callable[[list[Fact], list[MarketData]], None]) -> None:
        self.loop, self.draws, self.durable = loop, draws, durable
        self.dead = False  # the process is gone: nothing of it is written any more

    def open(self, folder: Path) -> SqlJournalStore:
        """The journal of a new process."""
        return _Store(folder, self)


class WorldInbox(SqlInbox):
    """The inbox, read only when something may be in it: the real one is read all day long. ``posted`` says that there is."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self._may_hold = True

    def post(self, command: Command) -> CommandOutcome | None:
        """As the real one."""
        self.posted()
        return super().post(command)

    def posted(self) -> None:
        """Another process has put something into it."""
        self._may_hold = True

    def pending(self, limit: int = 100) -> tuple[Command, ...]:
        """As the real one."""
        found = super().pending(limit) if self._may_hold else ()
        self._may_hold = bool(found)
        return found


class _Store(SqlJournalStore):
    def __init__(self, folder: Path, disk: WorldDisk) -> None:
        super().__init__(folder)
        self._disk = disk

    def append(self, records: Sequence[Record]) -> None:
        """Stored, not stored, or nobody knows; before and after, the process may be gone; meanwhile time may pass."""
        disk = self._disk
        draw, rates = disk.draws.disk, disk.draws.rates
        self._alive(draw.random() < rates.crash)
        if draw.random() < rates.append_fails:
            raise HaltRequiredError("the disk is full")
        if draw.random() < rates.stall:
            disk.loop.now += int(draw.random() * STALL_MAX)
        unknown = draw.random() < rates.outcome_unknown
        if unknown and draw.random() < 0.5:
            raise OutcomeUnknownError("the commit did not answer")
        facts = [fact for record in records if record.stream == TRADING for fact in decode_facts(record)]
        if rates.intent_crash and any(isinstance(fact, TradeIntended | OrdersIntended) for fact in facts):
            self._alive(draw.random() < rates.intent_crash)
        super().append(records)
        disk.durable(facts, [item for record in records if record.stream == MARKET for item in decode_batch(record).items])
        self._alive(draw.random() < rates.crash)
        if unknown:
            raise OutcomeUnknownError("the commit did not answer")

    def _alive(self, crashes: bool) -> None:  # noqa: FBT001 - whether this is the moment
        if crashes:
            self._disk.dead = True
            for pipe in self._disk.loop.pipes:
                pipe.cut()
        if self._disk.dead:
            raise Crash("the process is gone")
