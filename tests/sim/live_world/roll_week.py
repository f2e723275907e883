"""Days of two months of MES around a roll, beside the gateway in simulated time: one process after another, as a test says."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from datetime import date
from functools import cache
from pathlib import Path
from random import Random
from unittest.mock import patch

from msgspec.structs import replace

from tests.closing.kill_live import contradictions
from tests.ib.conftest import Told
from tests.sim.live_world.disk import WorldInbox
from tests.sim.live_world.played import LATENCY, Did, did, with_store
from tests.sim.live_world.stand import GatewayStand
from tests.sim.live_world.wire import NetLoop
from tests.sim.order_path.clock import SimClock
from tests.unit.gateway.tables import at, tables
from theo.adapters.ib.probe import probe
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.adapters.system.blocking import Inline
from theo.app.build import BUILD
from theo.app.configuration.file import configured
from theo.app.home.journals import BESIDE
from theo.app.home.layout import open_home
from theo.app.recorded.run import decide_again, recorded_items, recorded_plan
from theo.app.runs import beside_making, live_making
from theo.app.runs.beside_making import Virtual
from theo.app.runs.live_making import Live, open_live
from theo.app.runs.live_plans import beside_plan, live_plan
from theo.domain.facts import Decided, Fact
from theo.domain.inputs import Started
from theo.domain.market_data import DAY, HOUR, MINUTE, SECOND, ContractRolled, DataMarked, Tick, TickKind
from theo.domain.orders import far_leg
from theo.drive.assembly import assemble, exchange
from theo.drive.lockstep import LockStep
from theo.drive.redecide import Compared
from theo.engine.core import Core
from theo.engine.journal import Journal
from theo.gateway.books import Booked, booked
from theo.gateway.building import build
from theo.gateway.contracts.book import Contracts
from theo.gateway.desk import GatewaySettings, Listing
from theo.gateway.market.replayed import RecordedMarket
from theo.gateway.trading.working import ENDED, Worked
from theo.gateway.wire.messages.contract import Contract
from theo.runtime import beside as beside_run
from theo.runtime import live as live_run
from theo.venue.exchange import VenueSettings

OLD, NEXT = "MESZ6", "MESH7"
UP = 5_025  # price units (50.25): what the next contract is above the front, far beyond a bar's range
LOOK_INTERVAL = MINUTE  # of the operator
STEP, PAUSE = 25, 30 * SECOND  # of the walk
FIRST_PRICE = 680_000
ONE_BIG = 1_000
DAYS = tuple((f"2026-12-{day} 08:50", f"2026-12-{day} 16:20") for day in ("08", "09", "10", "11"))
CROSSES = "2026-12-09 00:00"  # on this day more of the next contract is traded: the roll is on the 10th
STARTS = at("2026-12-09 10:00")
ROLLS = at("2026-12-10 09:30")
WEEK = date(2026, 12, 7)
MES = 4

Watch = Callable[["RollWeek", list[Fact]], None]


@cache
def contracts() -> Contracts:
    """What the gateway lists in the week."""
    return Contracts(tables(), WEEK)


def month(name: str) -> Listing:
    """A contract of the gateway."""
    (found,) = contracts().find(Contract(local_symbol=name, sec_type="FUT"))
    return found


def walk(spans: Sequence[tuple[str, str]] = DAYS) -> list[tuple[int, int]]:
    """Times and prices in the front's frame: the same in every run. Each span of time begins where the first one began."""
    found = []
    for begins, ends in spans:
        draw, price = Random(begins), FIRST_PRICE  # noqa: S311 - a seeded market
        for moment in range(at(begins), at(ends), PAUSE):
            price += STEP * (int(draw.random() * 7) - 3) + (FIRST_PRICE - price) // 200 // STEP * STEP
            found.append((moment, price))
    return found


def ticks(spans: Sequence[tuple[str, str]] = DAYS, *, without: Sequence[str] = (), crosses: str = CROSSES) -> list[Tick]:
    """Both contracts; the next one's prices are the front's, ``UP`` higher. On the days ``without`` it has none.

    From the time ``crosses`` on more of it is traded.
    """
    bare = [(at(f"{day} 00:00"), at(f"{day} 00:00") + DAY) for day in without]
    found = []
    for moment, price in walk(spans):
        sizes = {OLD: ONE_BIG, NEXT: ONE_BIG // 2 if moment < at(crosses) else 2 * ONE_BIG}
        for name, up in ((OLD, 0), (NEXT, UP)):
            if name == OLD or not any(low <= moment < high for low, high in bare):
                kind = int(TickKind.TRADE)
                found.append(Tick(month(name).con_id, moment, moment, 0, kind, price + up, sizes[name], 0, 0, "walk"))
    return found


class NoThread(Inline):
    """In simulated time there are no threads: what is to be done on one is done where it is asked for."""

    def __init__(self, _name: str) -> None:
        super().__init__()

    def close(self) -> None:
        """There is nothing to end."""


class RollWeek:
    """``day`` runs one process from its start until a time, or until ``watch`` kills it; the market goes on in between.

    In the processes of these numbers (``shadows``) the rule set trades on the simulated exchange beside the gateway too.
    """

    def __init__(
        self,
        folder: Path,
        sessions: Path,
        rules: str,
        roll: str,
        played: Sequence[Tick] | None = None,
        shadows: Collection[int] = (),
    ) -> None:
        self.home = open_home(folder)
        if not self.home.sessions.exists():
            self.home.sessions.symlink_to(sessions)
        self.home.configuration.write_text(f'mode = "paper"\n[ib]\nport = 4002\n{roll}', encoding="utf-8")
        self.rules = folder / "roll.toml"
        self.rules.write_text(rules, encoding="utf-8")
        self._text, self._shadows, self._processes = rules, shadows, 0
        self.facts_beside: list[Fact] = []
        self.core_beside: Core | None = None
        self.told = Told()
        self.facts: list[Fact] = []
        self.unprotected: list[tuple[int, str]] = []
        self.loop = NetLoop(STARTS, Random(0))  # noqa: S311 - a seeded world
        market = RecordedMarket(contracts().listings(), played or ticks(), STARTS)
        self.gateway = build(GatewaySettings(cash=100_000), contracts(), market, STARTS)
        self.stand = GatewayStand(self.gateway, self.loop, self._look)
        self.folder = self.home.runs
        self.core: Core | None = None
        self.watch: Watch | None = None
        self._live: Live | None = None
        self._dies = asyncio.Event()

    def run(self, *days: tuple[int, int]) -> None:
        """Each process from a time until a time; it is killed at its end, but for the last one, which stops in order."""
        asyncio.set_event_loop(self.loop)
        try:
            with (
                patch.object(live_making, "SqlInbox", WorldInbox),
                patch.object(beside_making, "SqlInbox", WorldInbox),
                patch.object(beside_making, "OneThread", NoThread),
                patch.object(live_run, "CONTROL_INTERVAL", LOOK_INTERVAL),
                patch.object(live_run, "SNAPSHOT_INTERVAL", DAY),
                patch.object(beside_run, "CONTROL_INTERVAL", LOOK_INTERVAL),
                patch.object(beside_run, "SNAPSHOT_INTERVAL", DAY),
            ):
                self.stand.begin()
                self.loop.run_until_complete(self._days(days))
        finally:
            for task in asyncio.all_tasks(self.loop):
                task.cancel()
            asyncio.set_event_loop(None)
            self.loop.close()
        assert self.loop.broken == []

    async def _days(self, days: Sequence[tuple[int, int]]) -> None:
        clock = SimClock()
        for begins, ends in days:
            await clock.sleep_until(begins)
            self._dies = asyncio.Event()
            process = asyncio.ensure_future(self._process(ends))
            late = HOUR if (begins, ends) == days[-1] else 0  # the last one ends by itself
            killed = asyncio.ensure_future(self._dies.wait())
            over = asyncio.ensure_future(clock.sleep_until(ends + late))
            await asyncio.wait((process, killed, over), return_when=asyncio.FIRST_COMPLETED)
            if process.done():
                process.result()
            await self._bury(clock)

    async def _process(self, ends: int) -> None:
        clock, settings = SimClock(), configured(self.home.configuration)
        shadow = f"[scan]\nshadow = {str(self._processes in self._shadows).lower()}\n"
        self.rules.write_text(self._text + shadow, encoding="utf-8")
        self._processes += 1
        probed = await probe(settings.ib, clock, self.told)
        plan = live_plan(self.home, settings, [str(self.rules)], probed, clock.now())
        self.folder = self.home.runs / plan.key.run
        beside = beside_plan(self.home, settings, [str(self.rules)], plan, clock.now())
        virtual = None if beside is None else Virtual(beside, lambda _at, facts: self.facts_beside.extend(facts))
        live = self._live = open_live(self.home, self.folder, plan, settings, clock, self.told, self._watched, virtual=virtual)
        self.core = live.shell.core
        self.core_beside = None if live.beside is None else live.beside.shell.core
        self.loop.call_at(ends / SECOND, live.run.stop)
        await live.run.run(Started(at=clock.now(), key=plan.key, build=BUILD, cash=plan.cash, world=plan.record()))

    async def _bury(self, clock: SimClock) -> None:
        """Nothing of the process goes on; what it had on the wire is cut."""
        for pipe in self.loop.pipes:
            pipe.cut()
        current = asyncio.current_task()
        for task in asyncio.all_tasks(self.loop):
            if task is not current:
                task.cancel()
        if self._live is not None:
            self._live.close()
            self._live = None
        await clock.sleep_until(clock.now() + SECOND)

    def both(self) -> tuple[list[Fact], list[Fact]]:
        """Facts of the run at the gateway, and of the one beside it."""
        return self.facts, self.facts_beside

    def at(self, moment: int, action: Callable[[], None]) -> None:
        """Something happens at the gateway at a time."""
        self.loop.call_at(moment / SECOND, self.stand.act, action)

    def play(self, name: str, begins: int, ends: int) -> None:
        """An incident of the gateway, for a time."""
        room, desk = self.gateway.incidents, self.gateway.simulator.desk
        self.at(begins, lambda: room.play(desk, name, None, {}))
        self.at(ends, lambda: room.end(desk, name))

    def fill(self, name: str, kind: str) -> None:
        """The live order of a type in a contract fills, whatever the market says."""
        (order,) = self._live_orders(name, kind)
        self.gateway.trading.fill_now(self.gateway.simulator.desk, order.perm_id)

    def kill(self) -> None:
        """Now, as kill -9 does: nothing that follows the facts just written is done."""
        for pipe in self.loop.pipes:
            pipe.cut()
        self._dies.set()

    def _watched(self, _at: int, facts: list[Fact]) -> None:
        self.facts += facts
        if self.watch is not None:
            self.watch(self, facts)

    def _look(self) -> None:
        """By the gateway's own books: what is held of a contract without stops of its size."""
        now = self.loop.now
        for name, held in self.held().items():
            if held and self.resting(name, "STP") < abs(held):
                self.unprotected.append((now, name))

    # The gateway's own books, by contract

    def held(self) -> dict[str, int]:
        """What the account holds of each month."""
        (account,) = self.gateway.ledgers.accounts.values()
        found = {}
        for con_id, holding in account.holdings.items():
            listing = contracts().listing(con_id)
            if listing is not None and holding.quantity:
                found[listing.contract.local_symbol] = holding.quantity
        return found

    def resting(self, name: str, kind: str) -> int:
        """What live orders of a type are for in a contract."""
        return sum(order.terms.quantity - order.filled for order in self._live_orders(name, kind))

    def _live_orders(self, name: str, kind: str) -> list[Worked]:
        live = [order for order in self.gateway.trading.orders.values() if order.phase not in ENDED]
        return [order for order in live if order.listing.contract.local_symbol == name and order.terms.type == kind]

    def deals(self) -> list[tuple[str, str, int]]:
        """Every execution of the exchange in order: contract, side, quantity."""
        trading = self.gateway.trading
        worked = [(trading.orders[deal.perm_id], deal) for deal in trading.deals]
        sides = [(*w.traded(deal.leg), deal.quantity) for w, deal in worked]
        return [(listing.contract.local_symbol, side.name, quantity) for listing, side, quantity in sides]

    # What is ours

    def wrong(self) -> list[str]:
        """In which ways orders, executions and positions of the journal are not what the gateway's books say.

        Deals are compared trade by trade there: one that has rolled has two.
        """
        found = contradictions([fact for fact in self.facts if not isinstance(fact, Decided)], self._booked())
        return [text for text in found if not text.startswith("deal ")]

    def _booked(self) -> Booked:
        """The gateway's books with the order of ours that each leg of a spread is of: the first closes, the second opens."""
        books, opens = booked(self.gateway), {deal.exec_id for deal in self.gateway.trading.deals if deal.leg == 2}
        names = {each.ref: each.ref.partition("/")[0] for each in books.orders}
        executions = [
            replace(each, ref=far_leg(names[each.ref]) if each.id in opens else names[each.ref]) for each in books.executions
        ]
        orders = [replace(each, ref=names[each.ref]) for each in books.orders]
        return replace(books, orders=tuple(orders), executions=tuple(executions))

    def rolled(self) -> list[ContractRolled]:
        """What the journal's market stream says of contracts."""
        found: list[ContractRolled] = []
        with_store(self.folder, lambda store: found.extend(i for i in recorded_items(store) if isinstance(i, ContractRolled)))
        return found

    def prints(self, *, beside: bool = False) -> list[tuple[int, int]]:
        """Times and prices of the ticks that the journal took, in the order of the exchange's time; of the run beside it."""
        found: list[tuple[int, int]] = []
        folder = self.folder.with_name(f"{self.folder.name}{BESIDE}") if beside else self.folder
        with_store(
            folder, lambda store: found.extend((i.timestamp, i.price) for i in recorded_items(store) if isinstance(i, Tick))
        )
        return sorted(found)

    def levels(self, *, beside: bool = False) -> tuple[int, dict[str, float]]:
        """The newest bar end of the one series, and what its indicators say; of the run beside it."""
        core = self.core_beside if beside else self.core
        assert core is not None
        (series,) = core.world.market.every_series()
        return series.last_end, {spec.text: made.outputs["value"].value for spec, made in series.indicators.items()}

    def replayed(self, until: int) -> Did:
        """What the replay driver and the simulated exchange do with the market stream of the journal."""
        facts: list[Fact] = []

        def replay(store: SqlJournalStore) -> None:
            plan = recorded_plan(self.home, self.folder, store)
            plan.venue = VenueSettings(latency=LATENCY)
            journal = Journal(lambda _records: None, 1)
            driver = LockStep(assemble(plan), exchange(plan), journal, lambda _at, found: facts.extend(found))
            driver.feed(Started(at=STARTS, key=plan.key, build=plan.build, cash=plan.cash, world=plan.record()))
            for item in recorded_items(store):
                if isinstance(item, DataMarked):
                    driver.feed(item)
                else:
                    driver.run([item])
            driver.advance(until)

        with_store(self.folder, replay)
        return did(facts)

    def decided_again(self) -> Compared:
        """The journal, decided by this build."""
        found: list[Compared] = []
        with_store(self.folder, lambda store: found.append(decide_again(self.home, self.folder, store)))
        return found[0]
