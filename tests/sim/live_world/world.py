"""One simulated day: `theo live` as it is, a gateway, a net between them, seeded faults, then none, and the verdict."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

from tests.sim.live_world import market
from tests.sim.live_world.check import Bounds, Truth, settled
from tests.sim.live_world.disk import WorldDisk, WorldInbox
from tests.sim.live_world.draws import INCIDENTS, OURS, WHOLE_DAY, Draws, Planned, Rates
from tests.sim.live_world.heard import Heard
from tests.sim.live_world.stand import GatewayStand
from tests.sim.live_world.wire import NetLoop
from tests.sim.order_path.check import Violation
from tests.sim.order_path.clock import SimClock
from tests.sim.order_path.crash import Crash
from tests.unit.gateway.tables import at
from theo.adapters.ib.probe import probe
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.adapters.system.clock import SteadyClock
from theo.adapters.system.latch import StopFile
from theo.app.build import BUILD
from theo.app.configuration.file import Configured, configured
from theo.app.home.layout import Home, open_home
from theo.app.recorded.run import decide_again
from theo.app.runs import live_making
from theo.app.runs.live_making import Live, open_live
from theo.app.runs.live_plans import live_plan
from theo.domain.errors import HaltRequiredError, UserError
from theo.domain.facts import Fact, SignalClosed, TradeClosed
from theo.domain.inputs import Command, Started
from theo.domain.market_data import MINUTE, SECOND, MarketData, Tick
from theo.engine.core import Core
from theo.gateway.building import Gateway, build
from theo.gateway.desk import GatewaySettings
from theo.gateway.market.replayed import RecordedMarket
from theo.runtime import live as live_run
from theo.runtime.session_gate import GateSettings

RULES = """
name = "world"
strategy = "rules"
timeframe = "1min"
session = "RTH"
[symbols]
primary = "MES"
[entry]
long = [{ left = "close", op = ">=", right = "sma(3)" }]
short = [{ left = "close", op = "<", right = "sma(3)" }]
[stop]
percent = 0.04
[target]
percent = 0.05
[size]
quantity = 3
[trading]
style = "positional"
"""
QUANTITY = 3
MES = 4  # our instrument's id
ENTRIES = 2000  # a day
ORDERS_CLIENT, DATA_CLIENT = 1, 2
LIMITS = "[limits]\ntrades_per_day_max = {}\ndaily_loss_percent_max = 60\ndrawdown_percent_max = 60\n"
RESTART = "12:30"  # the gateway's nightly one, in the middle of our day
GATE = GateSettings()
SETTLED_AFTER = 45 * MINUTE  # without faults
QUIET = 10 * SECOND  # without trades before the verdict: what is on its way then says nothing of the books
LOOK_INTERVAL = 10 * SECOND  # of the operator: the real tenth of a second would be most of the work of a day
KEEP_INTERVAL = 15 * MINUTE  # of snapshots: three times the real one, so that more is recovered from facts
BEGIN_AGAIN = 10 * SECOND  # after a start that failed
STARTS_MAX = 400


class Told:
    """Keeps what people are told: (when, severity, code, text)."""

    def __init__(self) -> None:
        self.messages: list[tuple[int, str, str, str]] = []

    def tell(self, at: int, severity: str, code: str, text: str) -> None:
        """Keep it."""
        self.messages.append((at, severity, code, text))


@dataclass(slots=True)
class World:
    """``run`` raises Violation. ``faults`` False: nothing goes wrong; ``only``: of these kinds alone."""

    seed: int
    folder: Path
    sessions: Path
    only: frozenset[str] | None = None
    faults_until: int = WHOLE_DAY
    rates: Rates | None = None  # of the disk, instead of the seed's
    restart: str = RESTART  # when the gateway may restart, as we are told
    entries: int = ENTRIES  # that the limits allow
    two_sockets: bool = False  # one for orders, one for market data
    quotes: bool = False  # whether bids and offers are recorded too
    whole: bool = False  # whether an entry on a bar that was cut short is looked for: only where each break is told at once
    ticks: Sequence[Tick] = ()  # the gateway's market, by conId; without them the walk of the seed
    draws: Draws = field(init=False)
    loop: NetLoop = field(init=False)
    gateway: Gateway = field(init=False)
    stand: GatewayStand = field(init=False)
    truth: Truth = field(init=False)
    heard: Heard = field(init=False)
    told: Told = field(default_factory=Told)
    life: "Life | None" = None
    starts: int = 0
    doubled: bool = False
    put: int = 0  # microseconds by which the machine's clock was put forward
    armed: list[Planned] = field(default_factory=list)  # what strikes with the next order
    violation: Violation | None = None
    facts: list[Fact] = field(default_factory=list)
    ends: int = 0

    def __post_init__(self) -> None:
        self.ends = self.faults_until + SETTLED_AFTER
        self.draws = Draws(self.seed, self.faults_until, self.only)
        if self.rates is not None:
            self.draws.rates = self.rates
        self.two_sockets |= self.draws.aimed
        self.loop = NetLoop(market.START, self.draws.net, self.draws.wire)
        book = market.contracts()
        played = self.ticks or list(self._walk(market.mes(book).con_id))
        gateway = build(GatewaySettings(), book, RecordedMarket(book.listings(), played, market.START), market.START)
        self.gateway = gateway
        restart = at(f"{market.DAY} {self.restart}")
        bounds = Bounds(QUANTITY, self.entries, (restart - GATE.closes_before, restart + GATE.opens_after))
        self.truth = Truth(gateway, market.mes(book).con_id, bounds)
        repeated = any(planned.name == "duplicate-ticks" for planned in self.draws.faults)
        repeats = SECOND + self.loop.wire.most if repeated else 0
        self.heard = Heard(played, market.START, whole=self.whole, repeats=repeats)
        self.stand = GatewayStand(gateway, self.loop, self._after)

    def _walk(self, con_id: int) -> Iterator[Tick]:
        draw = self.draws.market
        walked = market.ticks(draw, con_id, self.ends + MINUTE, market.pause(draw))
        return (tick for tick in walked if not self.ends - QUIET <= tick.timestamp <= self.ends)

    def run(self) -> None:
        """The whole day."""
        asyncio.set_event_loop(self.loop)
        try:
            with _in_the_world(self):
                self.loop.run_until_complete(self._day())
        finally:
            for task in asyncio.all_tasks(self.loop):
                task.cancel()
            asyncio.set_event_loop(None)
            self.loop.close()

    async def _day(self) -> None:
        home = self._home()
        self.stand.begin()
        faults = self.loop.create_task(self._faults(), name=FAULTS)
        try:
            while self.loop.now < self.ends:
                await self._one_life(home)
        finally:
            faults.cancel()
        self._raise()

    async def _one_life(self, home: Home) -> None:
        """From one start of the process to its end, however it comes."""
        self.starts += 1
        if self.starts > STARTS_MAX:
            raise Violation(f"{self.starts} starts in one day")
        life = self.life = Life(self, home)
        try:
            core = await life.run()
        except (Crash, HaltRequiredError, UserError) as ended:
            if "could not be handled" in str(ended):
                raise Violation(f"a defect of ours ended the process: {ended}") from ended
            self.told.tell(self.loop.now, "world", "ended", repr(ended))
        else:
            self._verdict(home, life, core)
        finally:
            self.life = None
            life.bury()
        self._raise()
        await asyncio.sleep(life.away / SECOND)

    def _home(self) -> Home:
        home = open_home(self.folder)
        if not home.sessions.exists():
            home.sessions.symlink_to(self.sessions)
        limits, own = LIMITS.format(self.entries), f"data_client_id = {DATA_CLIENT}\n" if self.two_sockets else ""
        own += "quotes = true\n" if self.quotes else ""
        text = f'mode = "paper"\n[ib]\nport = 4002\nrestart = "{self.restart}"\nzone = "America/New_York"\n{own}{limits}'
        home.configuration.write_text(text, encoding="utf-8")
        (self.folder / "world.toml").write_text(RULES, encoding="utf-8")
        return home

    def durable(self, facts: list[Fact], items: list[MarketData]) -> None:
        """The journal has them."""
        self.facts += facts
        self._watched(lambda: self.truth.learn(facts))
        self._watched(lambda: self.heard.learn(items, facts))

    def _after(self) -> None:
        life = self.life
        able, before = life is not None and life.able, self.truth.placed
        self._watched(lambda: self.truth.look(self.loop.now, able=able, doubled=self.doubled))
        if self.armed and self.truth.placed > before:
            self.loop.call_soon(self._aimed, self.armed.pop())

    def _watched(self, look: Callable[[], None]) -> None:
        """A violation ends the day: it is kept, since it is found deep inside of what is judged."""
        try:
            look()
        except Violation as violation:
            if self.violation is None:
                self.violation = violation
                if self.life is not None:
                    self.life.kill(0)

    def _raise(self) -> None:
        if self.violation is not None:
            raise self.violation
        if self.loop.broken:
            raise Violation(f"nobody caught: {self.loop.broken[0]}")

    # What goes wrong

    async def _faults(self) -> None:
        clock = SimClock()
        for planned in self.draws.faults:
            await clock.sleep_until(planned.at)
            self._strike(planned)
        await clock.sleep_until(self.faults_until)
        self._calm()

    def _strike(self, planned: Planned) -> None:
        name, lasts = planned.name, planned.lasts or 0.0
        if name in INCIDENTS:
            self.doubled |= name == "two-permids"
            room, desk = self.gateway.incidents, self.gateway.simulator.desk
            self.stand.act(lambda: room.play(desk, name, planned.lasts, planned.args))
        elif name == "reset":
            for pipe in self.loop.pipes:
                pipe.reset()
        elif name == "starve":
            for pipe in self.loop.pipes:
                pipe.starve(int(lasts * SECOND))
        elif name not in OURS:
            self._aim(planned)
        elif name == "crash" and self.life is not None:
            self.life.kill(int(lasts * SECOND))
        elif name in {"halt", "flatten"} and self.life is not None:
            self.life.command(name)
            if name == "halt":
                self.loop.call_later(lasts, self._resume)

    def _aim(self, planned: Planned) -> None:
        """Shortly before bars close, with the next order, or where a test wants it."""
        room, desk, now = self.gateway.incidents, self.gateway.simulator.desk, self.loop.now
        if planned.name == "orders-reset":
            ends = now - now % MINUTE + MINUTE
            self.loop.call_at(ends / SECOND - (planned.lasts or 0.0), self._lose_orders)
        elif planned.name == "clock-step":
            self.put += int(float(planned.args["seconds"]) * SECOND)
        elif planned.name == "never-answered":
            self.stand.act(lambda: room.play(desk, "sent-no-answer", None, {}))
        else:
            self.armed.append(planned)

    def _aimed(self, planned: Planned) -> None:
        """An order has arrived, and its answer has not."""
        if planned.name == "reset-after-send":
            self._lose_orders()
        elif self.life is not None:
            self.life.kill(int((planned.lasts or 0.0) * SECOND))

    def _lose_orders(self) -> None:
        pipe = self.stand.pipe_of(ORDERS_CLIENT)
        if pipe is not None:
            pipe.reset()

    def _resume(self) -> None:
        if self.life is not None:
            self.life.command("resume")

    def _calm(self) -> None:
        """Faults stop: the liveness phase."""
        self.draws.calm()
        self.armed.clear()
        room, desk = self.gateway.incidents, self.gateway.simulator.desk
        for name in (*room.lasting, *room.waiting):
            self.stand.act(lambda name=name: room.end(desk, name))  # type: ignore[misc]  # a default argument binds the name
        if self.truth.halted_at:
            self._resume()

    # The verdict

    def _verdict(self, home: Home, life: "Life", core: Core) -> None:
        self._raise()
        if self.loop.now < self.ends:
            raise Violation("the run ended by itself")
        settled(core, self.truth, MES)
        since = self.faults_until + 15 * MINUTE
        closed = any(isinstance(fact, TradeClosed) and fact.at > since for fact in self.facts)
        trades = closed or self.truth.position or self.truth.full
        if not trades and not core.state.halted and not self._waits_for_whole_bars():
            raise Violation(f"no trade was closed since the faults stopped, and no halt: {life.why_not()}")
        store = SqlJournalStore(life.folder)
        try:
            compared = decide_again(home, life.folder, store)
        finally:
            store.close()
        if compared.first_difference is not None:
            raise Violation(f"the journal is decided otherwise: {compared.first_difference}")

    def _waits_for_whole_bars(self) -> bool:
        """Whether it says of its last signal that bars are missing: a silence too short to be noticed, which fifty bars heal."""
        last = next((fact for fact in reversed(self.facts) if isinstance(fact, SignalClosed)), None)
        refused = None if last is None else last.refused
        return refused is not None and refused.rule == "data_trust" and "are missing" in refused.text


class Life:
    """One process. ``away`` is how long nobody starts it again (microseconds)."""

    def __init__(self, world: World, home: Home) -> None:
        self.world, self.home = world, home
        self.clock = SteadyClock(lambda: world.loop.now + world.put, lambda: world.loop.now)
        self.away = BEGIN_AGAIN
        self.disk = WorldDisk(world.loop, world.draws, world.durable)
        self.live: Live | None = None
        self.folder = home.runs
        self._task: asyncio.Future[None] | None = None
        self._dies = asyncio.Event()

    @property
    def able(self) -> bool:
        """Whether it could act now."""
        return self.live is not None and not self.disk.dead and self.live.link.up and self.live.shell.core.state.link_up

    async def run(self) -> Core:
        """As the command does it. The core at the end of the day; raises what ends it before."""
        main = asyncio.ensure_future(self._main(self.home, configured(self.home.configuration)))
        dies = asyncio.ensure_future(self._dies.wait())
        self._task = main
        try:
            await asyncio.wait((main, dies), return_when=asyncio.FIRST_COMPLETED)
            if not main.done():
                raise Crash("killed")
            main.result()
        finally:
            dies.cancel()
        assert self.live is not None
        return self.live.shell.core

    async def _main(self, home: Home, settings: Configured) -> None:
        world = self.world
        probed = await probe(settings.ib, self.clock, world.told)
        plan = live_plan(home, settings, [str(world.folder / "world.toml")], probed, self.clock.now())
        self.folder = home.runs / plan.key.run
        self.live = open_live(home, self.folder, plan, settings, self.clock, world.told, None)
        world.loop.call_at(world.ends / SECOND, self.live.run.stop)
        started = Started(at=self.clock.now(), key=plan.key, build=BUILD, cash=plan.cash, world=plan.record())
        await self.live.run.run(started)

    def kill(self, away: int) -> None:
        """As kill -9 does: what it had on the wire is cut, what it had not written is lost."""
        self.away = max(away, BEGIN_AGAIN)
        self.disk.dead = True
        for pipe in self.world.loop.pipes:
            pipe.cut()
        self._dies.set()

    def bury(self) -> None:
        """Nothing of the process goes on."""
        self.disk.dead = True
        for pipe in self.world.loop.pipes:
            pipe.cut()
        current = asyncio.current_task()
        for task in asyncio.all_tasks(self.world.loop):
            if task is not current and task.get_name() != FAULTS:
                task.cancel()
        if self.live is not None:
            self.live.close()

    def command(self, name: str) -> None:
        """A person asks for something."""
        if self.live is not None:
            now = self.clock.now()
            if name == "resume":  # as the command does it: the latch first
                StopFile(self.folder).clear()
            self.live.inbox.post(Command(at=now, id=f"{name}-{now}", actor="operator", name=name, reason="drill"))

    def why_not(self) -> str:
        """What the state says of itself."""
        if self.live is None:
            return "not started"
        state, feed = self.live.shell.core.state, self.live.feed.standings()
        return f"link {state.link_up}, agreed {state.agreed}, open {list(state.open_trades)}, feed {feed}"


FAULTS = "faults"


@contextlib.contextmanager
def _in_the_world(world: World) -> Iterator[None]:
    """The parts of the platform that touch the machine are the world's: its disk, and how often it looks at its inbox."""

    def opened(folder: Path) -> SqlJournalStore:
        assert world.life is not None
        return world.life.disk.open(folder)

    with (
        patch.object(live_making, "SqlJournalStore", opened),
        patch.object(live_making, "SqlInbox", WorldInbox),
        patch.object(live_run, "CONTROL_INTERVAL", LOOK_INTERVAL),
        patch.object(live_run, "SNAPSHOT_INTERVAL", KEEP_INTERVAL),
    ):
        yield
