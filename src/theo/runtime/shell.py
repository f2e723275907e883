"""The shell: take an input, let the core decide, make it durable, only then perform what follows.

New orders never leave before their record is durable. Alerts, the halt latch and cancels of orders that add risk are safe to
repeat and do not wait. Answers to effects are worked off before anything that came later.
"""

import asyncio
from collections import deque
from collections.abc import Callable

from theo.domain.effects import Alert, AmendOrder, AskBook, CancelEverything, CancelOrder, Effect, LatchHalt, PlaceTicket
from theo.domain.errors import HaltRequiredError, OutcomeUnknownError, TheoError
from theo.domain.facts import Fact
from theo.domain.inputs import Input
from theo.domain.market_data import SECOND, Bar, ContractRolled, DataMarked, Tick
from theo.engine.core import Core
from theo.engine.journal import Journal
from theo.ports.blocking import BlockingCalls
from theo.ports.broker import Broker
from theo.ports.clock import Clock
from theo.ports.latch import HaltLatch
from theo.ports.notifier import Notifier
from theo.ports.store import JournalStore

INPUTS_WAITING_MAX = 100_000  # about five minutes of a busy feed: past it the process is too slow to be trusted
COMMIT_DELAY = 5_000  # microseconds that a record without effects may wait for its group
COMMIT_TRIES_MAX = 5
COMMIT_RETRY_WAIT = SECOND
MARKET_DATA = frozenset({Tick, Bar, DataMarked, ContractRolled})
Watch = Callable[[int, list[Fact]], None]
TicksTaken = Callable[[list[Tick]], None]


class Shell:
    """One core, its journal, its broker. ``post`` from anywhere in the loop; one task calls ``pump``.

    ``watch`` sees facts and ``ticks_taken`` ticks, each once they are durable in the journal.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - the outside world, one port each
        self,
        core: Core,
        journal: Journal,
        store: JournalStore,
        broker: Broker,
        notifier: Notifier,
        latch: HaltLatch,
        clock: Clock,
        blocking: BlockingCalls,
        watch: Watch | None = None,
        ticks_taken: TicksTaken | None = None,
    ) -> None:
        self.core, self.journal, self._ticks_taken = core, journal, ticks_taken
        self._store, self._broker, self._notifier, self._latch = store, broker, notifier, latch
        self._clock, self._blocking, self._watch = clock, blocking, watch
        self._inbox: deque[Input] = deque()
        self._answers: deque[Input] = deque()
        self._unwatched: list[tuple[int, list[Fact]]] = []
        self._ticks: list[Tick] = []  # taken since the last commit
        self._committed_at = 0
        self._performing = False
        self.arrived = asyncio.Event()

    def post(self, item: Input) -> None:
        """An input arrived. While an effect is being performed it counts as its answer; market data keep their order."""
        if self._performing and type(item) not in MARKET_DATA:
            self._answers.append(item)
        else:
            self._inbox.append(item)
        if len(self._inbox) > INPUTS_WAITING_MAX:
            raise HaltRequiredError(
                f"{INPUTS_WAITING_MAX} inputs wait",
                why="the platform cannot keep up with its feed",
                remedy="Subscribe to fewer symbols or use a faster machine; protective stops rest at the broker",
            )
        self.arrived.set()

    @property
    def busy(self) -> bool:
        """Whether something has arrived that is not worked off."""
        return bool(self._inbox or self._answers)

    def agreed(self) -> bool:
        """Whether the broker can be asked, and its books and ours agree."""
        return self.core.state.agreed and self.core.state.link_up

    async def pump(self) -> None:
        """Work off everything that has arrived, and what follows from it."""
        while self._answers or self._inbox:
            item = self._answers.popleft() if self._answers else self._inbox.popleft()
            await self._take(item)
        self.arrived.clear()

    async def idle(self) -> None:
        """Nothing to do: make durable what waits."""
        await self._commit()

    async def _take(self, item: Input) -> None:
        core, journal = self.core, self.journal
        market_data = type(item) in MARKET_DATA
        if market_data:
            journal.take(item)  # type: ignore[arg-type]  # narrowed by the line above
            if self._ticks_taken is not None and type(item) is Tick:
                self._ticks.append(item)
        facts, effects = core.step(item)
        if facts or core.closed_by_time:
            journal.step(core.at, None if market_data else item, facts)
            self._unwatched.append((core.at, facts))
        waiting = self._repeatable(effects) if effects else ()
        if waiting:
            await self._commit_before(waiting)
            await self._perform(waiting)
        elif effects or journal.full or self._clock.now() - self._committed_at >= COMMIT_DELAY:
            await self._commit()

    async def _commit_before(self, effects: list[Effect]) -> None:
        """Durable first; when that fails for good, only what lowers risk still goes out."""
        try:
            await self._commit()
        except HaltRequiredError:
            await self._perform([e for e in effects if isinstance(e, CancelOrder) and e.adds_risk])
            raise

    def _repeatable(self, effects: list[Effect]) -> list[Effect]:
        """Perform at once what is safe to repeat without a record; return the rest."""
        rest: list[Effect] = []
        for effect in effects:
            if isinstance(effect, Alert):
                self._notifier.tell(self.core.at, effect.severity, effect.code, effect.text)
            elif isinstance(effect, LatchHalt):
                self._set_latch(effect.reason)
            else:
                rest.append(effect)
        return rest

    def _set_latch(self, reason: str) -> None:
        """The state is halted already; a latch that cannot be written is told, and trading stays halted."""
        try:
            self._latch.set(reason)
        except TheoError as error:
            self._notifier.tell(self.core.at, "page", "latch_failed", str(error))

    async def _perform(self, effects: list[Effect]) -> None:
        self._performing = True
        try:
            for effect in effects:
                if isinstance(effect, PlaceTicket):
                    await self._broker.place(effect.approved)
                elif isinstance(effect, AmendOrder):
                    await self._broker.amend(effect.approved)
                elif isinstance(effect, CancelOrder):
                    await self._broker.cancel(effect.order)
                elif isinstance(effect, CancelEverything):
                    await self._broker.cancel_everything()
                elif isinstance(effect, AskBook):
                    await self._broker.ask_book()
        finally:
            self._performing = False

    async def _commit(self) -> None:
        """Make the group durable. A store that fails is retried a few times, then a person is paged and the process stops."""
        for attempt in range(1, COMMIT_TRIES_MAX + 1):
            try:
                await self._blocking.run(lambda: self.journal.commit(self.core.at))
                break
            except OutcomeUnknownError:
                if await self._blocking.run(self._arrived_after_all):
                    self.journal.confirm()
                    break
                failure = "the outcome of a commit is unknown"
            except HaltRequiredError as error:
                failure = str(error)
            if attempt == COMMIT_TRIES_MAX:
                self._notifier.tell(self.core.at, "page", "journal_failed", failure)
                raise HaltRequiredError(
                    f"the journal cannot be written: {failure}",
                    remedy="Protective stops rest at the broker. Free the disk or repair the store, then start again",
                )
            await self._clock.sleep_until(self._clock.now() + COMMIT_RETRY_WAIT)
        self._committed_at = self._clock.now()
        self._show()

    def _arrived_after_all(self) -> bool:
        heads = {stream: self._store.head(stream) for stream in self.journal.held_streams()}
        return all((head := heads[s]) is not None and head.seq >= seq for s, seq in self.journal.held_streams().items())

    def _show(self) -> None:
        if self._watch is not None:
            for at, facts in self._unwatched:
                self._watch(at, facts)
        self._unwatched.clear()
        if self._ticks_taken is not None and self._ticks:
            self._ticks_taken(self._ticks)
            self._ticks = []
