"""One simulated world: the real core, shell, boot and SQLite under seeded faults, then without them, and the verdict."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.sim.order_path import check, market
from tests.sim.order_path.clock import SimClock
from tests.sim.order_path.crash import Crash, CrashPoints
from tests.sim.order_path.disk import FaultyLatch, FaultyStore
from tests.sim.order_path.draws import Draws
from tests.sim.order_path.link import FaultyLink
from tests.sim.world.loop import simulate
from theo.adapters.system.blocking import Inline
from theo.domain.errors import HaltRequiredError
from theo.domain.inputs import Command, Started, TimerFired
from theo.domain.journal import TRADING
from theo.domain.market_data import SECOND, Tick
from theo.drive.assembly import Plan, assemble, exchange
from theo.engine.core import Core
from theo.engine.snapshot import digest
from theo.runtime.boot import Booted, boot, keep_snapshot
from theo.runtime.shell import Shell
from theo.venue.exchange import Venue

TICKS = 600
LIVENESS_TICKS = 60
SNAPSHOT_TICKS = 100
RESTARTS_MAX = 200  # more crashes in one world mean that it cannot get up again


class Told:
    """The person who is told."""

    def __init__(self, points: CrashPoints) -> None:
        self._points = points

    def tell(self, at: int, severity: str, code: str, text: str) -> None:
        """Heard, and of no consequence to the order path."""
        self._points.pass_by("tell:before")
        self._points.pass_by("tell:after")


@dataclass(slots=True)
class World:
    """``make_core`` and ``make_shell`` let an ablation exchange a part of the application.

    ``faults`` False leaves only the crash that ``points`` choose; ``local`` is said in link.py.
    """

    seed: int
    folder: Path
    points: CrashPoints = field(default_factory=CrashPoints)
    faults: bool = True
    local: bool = False
    ticks: int = TICKS
    make_core: Callable[[Plan], Core] = assemble
    make_shell: Callable[..., Shell] = Shell
    draws: Draws = field(init=False)
    venue: Venue = field(init=False)
    entries: list[tuple[int, str]] = field(default_factory=list)
    crashes: int = 0
    open_since: int = 0
    excess_since: int = 0
    fed: int = 0

    def __post_init__(self) -> None:
        self.draws = Draws(self.seed)
        if not self.faults:
            self.draws.calm()
        self.venue = exchange(market.plan())

    def run(self) -> str:
        """The whole life; returns the trace hash. Raises Violation."""
        return simulate(market.START - 60 * SECOND, self._live())

    async def _live(self) -> str:
        ticks = market.ticks(self.draws.market, self.ticks + LIVENESS_TICKS)
        while True:
            life = _Life(self)
            try:
                await life.begin()
                await life.feed(ticks)
            except (Crash, HaltRequiredError):
                self.crashes += 1
                if self.crashes > RESTARTS_MAX:
                    raise check.Violation(f"{self.crashes} restarts in one world") from None
                continue
            finally:
                life.end()
            return self._verdict(life.booted.core)

    def _verdict(self, core: Core) -> str:
        store = FaultyStore(self.folder, self.draws, CrashPoints())
        try:
            facts = check.journalled(store)
            books = self.venue.books
            check.intents_come_first(books, facts)
            check.nothing_opens_while_halted(self.entries, facts)
            check.halt_keeps_protection(facts)
            check.settled(core, books, market.plan().cash)
            again = boot(store, lambda: assemble(market.plan()))
            if digest(again.core.state) != digest(core.state):
                raise check.Violation("the journal's facts fold to another state than the one that was left")
            trace = hashlib.sha256()
            for record in store.read(TRADING):
                trace.update(record.hash)
            return trace.hexdigest()
        finally:
            store.close()


class _Life:
    """From one start of the process to its crash or end."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.clock = SimClock()
        self.store = FaultyStore(world.folder, world.draws, world.points)
        self.link = FaultyLink(world.venue, self.clock, world.draws, world.points, local=world.local)
        self.link.entries_at = world.entries
        self.latch = FaultyLatch(world.folder, world.points)
        self.booted: Booted

    async def begin(self) -> None:
        """Boot, connect, tell the core."""
        plan = market.plan()
        self.booted = boot(self.store, lambda: self.world.make_core(plan))
        core = self.booted.core
        self.shell = self.world.make_shell(
            core, self.booted.journal, self.store, self.link, Told(self.world.points), self.latch, self.clock, Inline()
        )
        await self.link.connect(self.shell.post)
        at = max(core.at, self.clock.now())
        self.shell.post(Started(at=at, key=plan.key, build="sim", cash=plan.cash, world=plan.record()))
        await self.shell.pump()
        reason = self.latch.reason()
        if reason and not core.state.halted:
            self._command("halt", reason)
            await self.shell.pump()

    def end(self) -> None:
        """The process is gone."""
        self.store.close()

    async def feed(self, ticks: list[Tick]) -> None:
        """Market data from where the journal ends; faults stop before the last part of it."""
        world = self.world
        taken = self.booted.recovered.consumed
        for number, tick in enumerate(ticks[taken:], start=taken + 1):
            if number == world.ticks:
                world.draws.calm()
                await self._lift()
            await self._until(tick.at)
            self._watch()
            if number > world.fed:  # the exchange trades on whether we live or not, and sees each tick once
                world.fed = number
                self.link.market(world.venue.on_tick(tick))
            self.shell.post(tick)
            await self.shell.pump()
            await self._operator()
            if number % SNAPSHOT_TICKS == 0:
                await self.shell.idle()
                keep_snapshot(self.store, self.booted, "sim")
        await self._until(self.clock.now() + 120 * SECOND)
        await self.shell.idle()

    async def _until(self, at: int) -> None:
        """Let time pass: messages arrive and timers fire in their order."""
        core, link = self.booted.core, self.link
        while True:
            due = min(at, link.next_arrival(), max(core.timer, self.clock.now()))
            await self.clock.sleep_until(due)
            link.deliver()
            await self.shell.pump()
            if core.timer <= self.clock.now():
                self.shell.post(TimerFired(self.clock.now()))
                await self.shell.pump()
            if self.clock.now() >= at and link.next_arrival() > at:
                return

    def _watch(self) -> None:
        """Before every tick: the limit holds; a position is protected within the bound."""
        world = self.world
        bound = check.PROTECTED_WITHIN if world.faults or world.points.chosen else check.PROTECTED_WITHIN_UNDISTURBED
        if check.excess(world.venue.books, market.QUANTITY_MAX) <= 0:
            world.excess_since = 0
        elif not world.excess_since:
            world.excess_since = self.clock.now()
        elif self.clock.now() - world.excess_since > check.EXCESS_GONE_WITHIN:
            raise check.Violation(f"above the limit since {world.excess_since}")
        if not check.unprotected(world.venue.books) or world.draws.rates.crash:
            world.open_since = 0
        elif not world.open_since:
            world.open_since = self.clock.now()
        elif self.clock.now() - world.open_since > bound:
            raise check.Violation(f"unprotected since {world.open_since}")

    async def _operator(self) -> None:
        draw, rates = self.world.draws.operator, self.world.draws.rates
        if draw.random() < rates.operator:
            self._command("halt" if draw.random() < 0.5 else "flatten", "drill")
            await self.shell.pump()
        elif self.booted.core.state.halted and draw.random() < 0.05:
            await self._lift()

    async def _lift(self) -> None:
        if self.booted.core.state.halted or self.latch.reason():
            self.latch.clear()
            self._command("resume", "the drill is over")
            await self.shell.pump()

    def _command(self, name: str, reason: str) -> None:
        now = self.clock.now()
        self.shell.post(Command(at=now, id=f"{name}-{now}", actor="operator", name=name, reason=reason))
