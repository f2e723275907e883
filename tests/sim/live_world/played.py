"""`theo live` in simulated time beside a gateway that plays given ticks, nothing going wrong; the replay driver on the same."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from random import Random
from unittest.mock import patch

import msgspec

from tests.ib.conftest import Told
from tests.sim.live_world.disk import WorldInbox
from tests.sim.live_world.stand import GatewayStand
from tests.sim.live_world.wire import NetLoop
from tests.sim.order_path.clock import SimClock
from theo.adapters.calendars.stored import session_table
from theo.adapters.ib.probe import probe
from theo.adapters.instruments.catalogue import catalogue
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.app.build import BUILD
from theo.app.configuration.file import configured
from theo.app.gateway.making import CALENDARS
from theo.app.gateway.played_market import listing_of
from theo.app.home.layout import open_home
from theo.app.recorded.run import decide_again, recorded_plan
from theo.app.runs import live_making
from theo.app.runs.live_making import open_live
from theo.app.runs.live_plans import live_plan
from theo.domain.facts import Fact, TradeClosed
from theo.domain.inputs import Started
from theo.domain.market_data import DAY, MINUTE, SECOND, Bar, SessionScope, Tick, TickKind
from theo.drive.assembly import Plan, assemble, exchange
from theo.drive.lockstep import LockStep
from theo.drive.redecide import Compared
from theo.engine.journal import Journal
from theo.gateway.building import Gateway, build
from theo.gateway.contracts.book import Contracts
from theo.gateway.desk import GatewaySettings, Listing
from theo.gateway.market.replayed import ImportedMarket, RecordedMarket
from theo.market.quality import TickQuality
from theo.market.sessions import Hours
from theo.report.orders_hash import fill_lines, order_lines
from theo.runtime import live as live_run
from theo.venue.exchange import VenueSettings

LOOK_INTERVAL = MINUTE  # of the operator: nobody asks anything for weeks
LATENCY = 1  # microsecond: the gateway's exchange lets an order meet what comes after its own moment
PAUSE, BREAK = 30 * SECOND, 20 * MINUTE
FOR_EVER = 1 << 62
PRICES = frozenset({TickKind.TRADE, TickKind.INDEX})
Items = Iterable[Bar | Tick]


class Did(msgspec.Struct, frozen=True):
    """Intents, fills and deals as lines without the ids of a run."""

    orders: list[str]
    fills: list[str]
    deals: list[tuple[str, int, int, int, int, int]]


class Stage(msgspec.Struct, frozen=True):
    """What the gateway lists and plays: ``ticks`` by conId, each in a whole second, since IB tells whole seconds."""

    contracts: Contracts
    ticks: Sequence[Tick]
    ours: Mapping[int, int]  # our instruments' ids by conId

    @property
    def span(self) -> tuple[int, int]:
        """From before the first tick until after the last."""
        return self.ticks[0].at - MINUTE, self.ticks[-1].at + MINUTE


def stage(series: Mapping[str, Items], first: date, last: date, sessions: Path) -> Stage:
    """The gateway's own ticks of bars or ticks by symbol (MES is the front contract), steadily from price to price."""
    tables = {name: session_table(name, first - timedelta(days=40), last + timedelta(days=400), sessions) for name in CALENDARS}
    contracts = Contracts(tables, first)
    listings = {symbol: listing_of(contracts, symbol) for symbol in series}
    prices = {each.con_id: steady(gateway_ticks(contracts, {each.con_id: series[s]}), each) for s, each in listings.items()}
    ticks = sorted(gateway_ticks(contracts, prices), key=lambda tick: tick.at)
    return Stage(
        contracts, list(counted(ticks)), {listings[symbol].con_id: catalogue()[symbol].instrument.id for symbol in series}
    )


def gateway_ticks(contracts: Contracts, series: Mapping[int, Items]) -> Iterable[Tick]:
    """What the gateway makes of series by conId: a bar's four prices at drawn times, quotes around each."""
    return ImportedMarket(1, contracts.listings(), series).advance(FOR_EVER)


def steady(ticks: Iterable[Tick], listing: Listing) -> Iterator[Tick]:
    """Prices in whole seconds, and between two of them so near in time that no stream is silent, on the straight line."""
    step, before = listing.instrument.tick, None
    for tick in ticks:
        if tick.kind not in PRICES:
            continue
        price = msgspec.structs.replace(tick, at=(at := tick.at // SECOND * SECOND), timestamp=at)
        if before is not None and at - before.at < BREAK:
            for n in range(1, -(-(at - before.at) // PAUSE)):
                between = before.price + (price.price - before.price) * n * PAUSE // (at - before.at)
                when = before.at + n * PAUSE
                yield msgspec.structs.replace(price, at=when, timestamp=when, price=between // step * step)
        yield (before := price)


def counted(ticks: Iterable[Tick]) -> Iterator[Tick]:
    """Those of one instant in their order: else the second would be a repeat."""
    before: dict[int, Tick] = {}
    for tick in ticks:
        last = before.get(tick.instrument)
        seq = last.seq + 1 if last is not None and last.at == tick.at else 0
        before[tick.instrument] = numbered = msgspec.structs.replace(tick, seq=seq)
        yield numbered


class Played:
    """One process of the platform from before the first tick until after the last."""

    def __init__(self, given: Stage, folder: Path, sessions: Path, rules: Sequence[str]) -> None:
        self.given, self.rules = given, rules
        self.home = open_home(folder)
        if not self.home.sessions.exists():
            self.home.sessions.symlink_to(sessions)
        self.home.configuration.write_text('mode = "paper"\n[ib]\nport = 4002\n', encoding="utf-8")
        self.told = Told()
        self.facts: list[Fact] = []
        start = given.span[0]
        self.loop = NetLoop(start, Random(0))  # noqa: S311 - a seeded world
        market = RecordedMarket(given.contracts.listings(), given.ticks, start)
        self.gateway: Gateway = build(GatewaySettings(cash=100_000), given.contracts, market, start)
        self.stand = GatewayStand(self.gateway, self.loop, lambda: None)
        self.folder = self.home.runs

    def run(self) -> Did:
        """Until the ticks end; what it did."""
        asyncio.set_event_loop(self.loop)
        try:
            with (
                patch.object(live_making, "SqlInbox", WorldInbox),
                patch.object(live_run, "CONTROL_INTERVAL", LOOK_INTERVAL),
                patch.object(live_run, "SNAPSHOT_INTERVAL", DAY),
            ):
                self.stand.begin()
                self.loop.run_until_complete(self._main())
        finally:
            for task in asyncio.all_tasks(self.loop):
                task.cancel()
            asyncio.set_event_loop(None)
            self.loop.close()
        assert not self.loop.broken
        return did(self.facts)

    async def _main(self) -> None:
        clock, settings = SimClock(), configured(self.home.configuration)
        probed = await probe(settings.ib, clock, self.told)
        plan = live_plan(self.home, settings, self.rules, probed, clock.now())
        self.folder = self.home.runs / plan.key.run
        live = open_live(self.home, self.folder, plan, settings, clock, self.told, lambda _at, facts: self.facts.extend(facts))
        self.loop.call_at(self.given.span[1] / SECOND, live.run.stop)
        await live.run.run(Started(at=clock.now(), key=plan.key, build=BUILD, cash=plan.cash, world=plan.record()))
        live.close()

    def replayed(self) -> Did:
        """What the lock-step driver does on the same ticks with the plan that the journal names."""
        facts: list[Fact] = []
        with_store(self.folder, lambda store: self._replay(store, facts))
        return did(facts)

    def _replay(self, store: SqlJournalStore, facts: list[Fact]) -> None:
        plan = recorded_plan(self.home, self.folder, store)
        plan.venue = VenueSettings(latency=LATENCY)
        driver = LockStep(
            assemble(plan), exchange(plan), Journal(lambda _records: None, 1), lambda _at, found: facts.extend(found)
        )
        driver.feed(Started(at=self.given.span[0], key=plan.key, build=plan.build, cash=plan.cash, world=plan.record()))
        driver.run(self._judged(plan))
        driver.advance(self.given.span[1])

    def _judged(self, plan: Plan) -> Iterator[Tick]:
        """The ticks as our instruments' own, trades judged as a feed judges them."""
        quality = {i.id: TickQuality(Hours(plan.tables[i.calendar], SessionScope.ALL), i.tick) for i in plan.instruments.values()}
        for played in self.given.ticks:
            tick = msgspec.structs.replace(played, instrument=self.given.ours[played.instrument])
            yield quality[tick.instrument].on_tick(tick) if tick.kind in PRICES else tick

    def decided_again(self) -> Compared:
        """The journal of the live run, decided by this build."""
        found: list[Compared] = []
        with_store(self.folder, lambda store: found.append(decide_again(self.home, self.folder, store)))
        return found[0]


def with_store(folder: Path, use: Callable[[SqlJournalStore], None]) -> None:
    """A journal, closed after it."""
    store = SqlJournalStore(folder)
    try:
        use(store)
    finally:
        store.close()


def did(facts: list[Fact]) -> Did:
    """What facts say was done."""
    symbols = {entry.instrument.id: symbol for symbol, entry in catalogue().items()}
    closed = [fact for fact in facts if isinstance(fact, TradeClosed)]
    return Did(
        order_lines(facts, symbols),
        fill_lines(facts, symbols),
        [(d.how, d.quantity, d.entry_sum, d.exit_sum, d.gross, d.charges) for d in closed],
    )
