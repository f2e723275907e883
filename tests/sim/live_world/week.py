"""A week of `theo live` beside a gateway that restarts each night and whose login lapses; a person who is paged logs in again.

The person does what the pages say and no more: some minutes after one he has logged in at the gateway, and two minutes later
he asks the running trader to resume, by the command that anybody would use.
"""

import asyncio
import contextlib
import gc
import io
import os
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from random import Random
from unittest.mock import patch

import msgspec

from tests.closing.kill_live import contradictions
from tests.sim.live_world.disk import WorldInbox
from tests.sim.live_world.held import held
from tests.sim.live_world.played import Stage
from tests.sim.live_world.stand import GatewayStand
from tests.sim.live_world.wire import NetLoop
from tests.sim.order_path.clock import SimClock
from tests.unit.gateway.tables import at
from theo.adapters.ib.probe import probe
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.adapters.system.blocking import Inline
from theo.app.build import BUILD
from theo.app.commands.stop import resume_trading
from theo.app.configuration.file import configured
from theo.app.home.layout import Home, open_home
from theo.app.inbox import sending
from theo.app.runs import live_making
from theo.app.runs.live_making import Live, open_live
from theo.app.runs.live_plans import live_plan
from theo.app.stored import keeping
from theo.app.stored.keeping import Keeping
from theo.domain.facts import Decided, Fact, TradeClosed
from theo.domain.inputs import Started
from theo.domain.journal import TRADING
from theo.domain.market_data import DAY, MINUTE, SECOND
from theo.engine.codec import decode_facts
from theo.gateway.books import booked
from theo.gateway.building import build
from theo.gateway.desk import GatewaySettings
from theo.gateway.market.replayed import RecordedMarket
from theo.runtime import live as live_run

RESTART, RESTART_LASTS = "23:45", 120.0
LOGIN = "weekly-2fa"
COMES_AFTER, RESUMES_AFTER = 9 * MINUTE, 2 * MINUTE  # a person who was asleep; what logging in takes
LOOK_INTERVAL, KEEP_INTERVAL = 30 * SECOND, 10 * SECOND  # of the operator, and of ticks on their way to the database
MODULES = "theo", "ib_async"
APART = "tests.", "theo.gateway."
UNCHANGING = "tests.", "theo.gateway.contracts.", "theo.gateway.desk", "theo.domain.instrument"
PAGES_MAX = 100
SLACK = 40  # entries: of what is open at one time, and of what happens now and then
BOUNDED = {  # what a day of trading adds to, and what ends it
    **dict.fromkeys(("State.orders", "State.trades", "State.executions", "TradeState.orders"), "two days (KEEP_DAYS)"),
    **dict.fromkeys(("OrderNames._by_ref", "OrderNames._by_perm_id", "OrderNames._by_order_id", "Sent.reason"), "20,000 orders"),
    **dict.fromkeys(("Executions._told", "Executions._costs", "Executions._estimated"), "50,000 executions"),
    **dict.fromkeys(("TickLine._handed", "TickLine._covered"), "twice REMEMBERED_SECONDS, each of the exchange"),
    "OpenBar.ticks": "the open bar",
    "BarTree._closed": "the bars that a series keeps",
    "Latencies._newest": "the newest ticks",
    **dict.fromkeys(("Blotter.orders", "Blotter._by_client", "Books.orders", "Worked.shares"), "50,000 orders"),
    **dict.fromkeys(("Blotter.deals", "Books.executions", "Worked.got"), "100,000 executions"),
    "Past._ticks": "20,000 ticks of a contract",
}

CONFIGURATION = f"""
mode = "paper"
[ib]
port = 4002
restart = "{RESTART}"
zone = "America/New_York"
login_day = "{{0:%A}}"
login_time = "{{0:%H:%M}}"
[limits]
trades_per_day_max = 2000
daily_loss_percent_max = 60
drawdown_percent_max = 60
"""


class Evening(msgspec.Struct, frozen=True, kw_only=True):
    """What is held at a day's end. ``ours`` and ``theirs``: entries of collections of the platform and of the gateway.

    ``objects``: those that the collector of garbage follows, by type. ``resident``: bytes of the whole process, gateway included.
    """

    day: date
    trades: int
    resident: int
    objects: Counter[str]
    ours: Counter[str]
    theirs: Counter[str]
    files: int
    tasks: int
    journal: int
    market: int
    orders_there: int
    processor: float


class Inlined(Inline):
    """Where the ticks' thread would be: the simulated world has none."""

    def __init__(self, _name: str) -> None:
        """Nothing to begin."""

    def close(self) -> None:
        """Nothing to wait for."""


class Week:
    """One process from ``begins`` until ``ends`` (microseconds UTC). ``rules`` are names or texts of rule sets.

    ``lapses``: when the login ends, ``looks``: when it is looked at what is held, both by New York's clock.
    """

    def __init__(
        self,
        given: Stage,
        begins: int,
        ends: int,
        folder: Path,
        sessions: Path,
        rules: Sequence[str],
        lapses: datetime,
        looks: Sequence[datetime],
    ) -> None:
        self.begins, self.ends, self.lapses, self.looks = begins, ends, lapses, looks
        self.home: Home = open_home(folder)
        if not self.home.sessions.exists():
            self.home.sessions.symlink_to(sessions)
        self.home.configuration.write_text(CONFIGURATION.format(lapses), encoding="utf-8")
        self.rules = [self._named(text) for text in rules]
        self.loop = NetLoop(begins, Random(0))  # noqa: S311 - a seeded world
        market = RecordedMarket(given.contracts.listings(), given.ticks, begins)
        self.gateway = build(GatewaySettings(), given.contracts, market, begins)
        self.stand = GatewayStand(self.gateway, self.loop, lambda: None)
        self.person = Person(self)
        self.folder = self.home.runs
        self.evenings: list[Evening] = []
        self.trades = 0
        self._live: Live | None = None
        self._keeping: Keeping | None = None

    def _named(self, text: str) -> str:
        if "\n" not in text:
            return text
        path = self.home.path / f"{len(list(self.home.path.glob('*.toml')))}.toml"
        path.write_text(text, encoding="utf-8")
        return str(path)

    def run(self) -> list[Evening]:
        """All of it; what was held each evening."""
        asyncio.set_event_loop(self.loop)
        try:
            with (
                patch.object(live_run, "CONTROL_INTERVAL", LOOK_INTERVAL),
                patch.object(live_making, "SqlInbox", WorldInbox),
                patch.object(keeping, "OneThread", Inlined),
                patch.object(keeping, "ROUND_EVERY", KEEP_INTERVAL),
                patch.object(sending, "CONFIRM_WAIT_S_MAX", 0.0),  # it answers in simulated time: nobody waits
            ):
                self.stand.begin()
                self._plan()
                self.loop.run_until_complete(self._main())
        finally:
            for task in asyncio.all_tasks(self.loop):
                task.cancel()
            asyncio.set_event_loop(None)
            self.loop.close()
        if self.loop.broken:
            raise AssertionError(f"nobody caught: {self.loop.broken[0]}")
        return self.evenings

    async def _main(self) -> None:
        clock, settings = SimClock(), configured(self.home.configuration)
        probed = await probe(settings.ib, clock, self.person)
        plan = live_plan(self.home, settings, self.rules, probed, clock.now())
        self.folder = self.home.runs / plan.key.run
        self._keeping = Keeping(self.home.place(self.folder), plan.instruments.values(), clock, self.person)
        self._live = open_live(self.home, self.folder, plan, settings, clock, self.person, self._watched, self._keeping)
        self.loop.call_at(self.ends / SECOND, self._live.run.stop)
        try:
            await self._live.run.run(Started(at=clock.now(), key=plan.key, build=BUILD, cash=plan.cash, world=plan.record()))
        finally:
            self._live.close()
            self._keeping.close()

    def _plan(self) -> None:
        """The gateway's nights, the end of the login, and the looks."""
        for n in range((self.ends - self.begins) // DAY + 1):
            day = datetime.fromtimestamp((self.begins + n * DAY) / SECOND, UTC).date()
            self._at(at(f"{day} {RESTART}"), partial(self._play, "nightly-restart", RESTART_LASTS))
        self._at(_micros(self.lapses), partial(self._play, LOGIN, None))
        for moment in self.looks:
            self._at(_micros(moment), partial(self._look, moment.date()))

    def _at(self, moment: int, action: Callable[[], None]) -> None:
        if self.begins < moment < self.ends:
            self.loop.call_at(moment / SECOND, action)

    def _play(self, name: str, lasts: float | None) -> None:
        room, desk = self.gateway.incidents, self.gateway.simulator.desk
        self.stand.act(lambda: room.play(desk, name, lasts, {}))

    def _watched(self, _at: int, facts: list[Fact]) -> None:
        self.trades += sum(isinstance(fact, TradeClosed) for fact in facts)

    def recorded(self) -> list[Fact]:
        """Every fact of the journal, oldest first."""
        store = SqlJournalStore(self.folder)
        try:
            return [fact for record in store.read(TRADING) for fact in decode_facts(record)]
        finally:
            store.close()

    def wrong(self, facts: list[Fact]) -> list[str]:
        """In which ways orders, executions, positions and deals are not what the gateway's books say."""
        return contradictions([fact for fact in facts if not isinstance(fact, Decided)], booked(self.gateway))

    # The evening

    def _look(self, day: date) -> None:
        assert self._live is not None
        gc.collect()
        live = self._live
        sizes = {name: sum(file.stat().st_size for file in self.folder.glob(f"{name}.db*")) for name in ("journal", "market")}
        self.evenings.append(
            Evening(
                day=day,
                trades=self.trades,
                resident=int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE"),
                objects=Counter(
                    type(one).__qualname__ for one in gc.get_objects() if str(type(one).__module__).startswith(MODULES)
                ),
                ours=held(
                    [live.run, live.shell, live.link, live.feed, live.inbox, live.store, self._keeping],
                    apart=APART,
                ),
                theirs=held([self.gateway], apart=UNCHANGING),
                files=len(list(Path("/proc/self/fd").iterdir())),
                tasks=len(asyncio.all_tasks(self.loop)),
                journal=sizes["journal"],
                market=sizes["market"],
                orders_there=len(self.gateway.trading.orders),
                processor=time.process_time(),
            )
        )

    def resume(self) -> None:
        """As the command does it."""
        with contextlib.redirect_stdout(io.StringIO()):
            resume_trading(self.home.path, reason="logged in again", breaker=False, json=False)
        if self._live is not None:
            assert isinstance(self._live.inbox, WorldInbox)
            self._live.inbox.posted()

    def log_in(self) -> None:
        """With the second factor, at the gateway."""
        room, desk = self.gateway.incidents, self.gateway.simulator.desk
        if LOGIN in room.lasting:
            self.stand.act(lambda: room.end(desk, LOGIN))


def growing(first: Evening, last: Evening) -> dict[str, tuple[int, int]]:
    """Collections that hold more on the last evening than on the first, and that nothing bounds: how many entries on both."""
    before, after = first.ours + first.theirs, last.ours + last.theirs
    return {
        name: (before[name], count)
        for name, count in sorted(after.items())
        if count - before[name] > SLACK and name.rstrip("[]") not in BOUNDED
    }


def _micros(moment: datetime) -> int:
    return at(f"{moment:%Y-%m-%d %H:%M}")


class Person:
    """Is told everything, and comes when he is paged that the login has lapsed. ``told`` counts by code."""

    def __init__(self, week: Week) -> None:
        self._week = week
        self.told: Counter[str] = Counter()
        self.paged: list[tuple[int, str, str]] = []

    def tell(self, at: int, severity: str, code: str, text: str) -> None:
        """Heard."""
        self.told[code] += 1
        if severity == "page":
            self.paged = [*self.paged[1 - PAGES_MAX :], (at, code, text)]
        if code == "login_lapsed":
            loop = self._week.loop
            loop.call_at((loop.now + COMES_AFTER) / SECOND, self._week.log_in)
            loop.call_at((loop.now + COMES_AFTER + RESUMES_AFTER) / SECOND, self._week.resume)
