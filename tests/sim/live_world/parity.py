"""The same ticks through the gateway and `theo live` in simulated time, and through the replay driver: what each of them did."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from tests.sim.live_world import market
from tests.sim.live_world.world import MES, World
from theo.adapters.instruments.catalogue import catalogue
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.app.home.layout import open_home
from theo.app.recorded.run import recorded_plan
from theo.domain.facts import Fact, TradeClosed
from theo.domain.inputs import Started
from theo.domain.market_data import Tick
from theo.drive.assembly import assemble, exchange
from theo.drive.lockstep import LockStep
from theo.engine.journal import Journal
from theo.report.orders_hash import fill_lines, order_lines
from theo.venue.exchange import VenueSettings

SYMBOLS = {MES: "MES"}
LATENCY = 1  # microsecond: the gateway's exchange lets an order meet what comes after its own moment


class Did(msgspec.Struct, frozen=True):
    """Intents, fills and deals as lines without the ids of a run."""

    orders: list[str]
    fills: list[str]
    deals: list[tuple[str, int, int, int, int, int]]


def live(folder: Path, sessions: Path, ticks: Sequence[Tick], until: int) -> Did:
    """What `theo live` did beside the gateway. Raises Violation."""
    world = World(0, folder, sessions, faults_until=until, ticks=ticks)
    world.run()
    return _did(world.facts)


def replayed(folder: Path, ticks: Sequence[Tick], until: int) -> Did:
    """What the lock-step driver does with the plan that the live journal in ``folder`` names, on the ticks up to a time."""
    home = open_home(folder)
    (run,) = home.runs.iterdir()
    store = SqlJournalStore(run)
    try:
        plan = recorded_plan(home, run, store)
    finally:
        store.close()
    plan.venue = VenueSettings(latency=LATENCY)
    facts: list[Fact] = []
    driver = LockStep(assemble(plan), exchange(plan), Journal(lambda _records: None, 1), lambda _at, found: facts.extend(found))
    driver.feed(Started(at=market.START, key=plan.key, build=plan.build, cash=plan.cash, world=plan.record()))
    driver.run(_ours(tick) for tick in ticks if tick.at < until)
    return _did(facts)


def _ours(tick: Tick) -> Tick:
    """A tick of the gateway's contract as one of our instrument: both have the same price units."""
    assert catalogue()["MES"].instrument.id == MES
    return Tick(MES, tick.at, tick.timestamp, tick.seq, tick.kind, tick.price, tick.volume, 0, 0, "ib:tbt")


def _did(facts: list[Fact]) -> Did:
    closed = [fact for fact in facts if isinstance(fact, TradeClosed)]
    return Did(
        order_lines(facts, SYMBOLS),
        fill_lines(facts, SYMBOLS),
        [(d.how, d.quantity, d.entry_sum, d.exit_sum, d.gross, d.charges) for d in closed],
    )
