"""A seeded market of many ticks for SIM-MES and VIX in NYSE hours, the demo's rule set on it, and a journal of it on disk."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from importlib.resources import files
from itertools import chain, islice
from pathlib import Path
from random import Random

import msgspec

from theo.adapters.calendars.stored import session_table
from theo.adapters.calendars.tables import zone_offsets
from theo.adapters.instruments.catalogue import catalogue
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.domain.inputs import Started
from theo.domain.instrument import MICROS
from theo.domain.keys import Key, Mode
from theo.domain.market_data import SessionScope, Tick, TickKind
from theo.drive.assembly import Plan, assemble, exchange
from theo.drive.lockstep import LockStep, Watch
from theo.engine.core import Core
from theo.market.sessions import Hours
from theo.runtime.boot import Booted, boot, keep_snapshot
from theo.strategy.loading import load_ruleset

FIRST_DAY = date(2018, 1, 2)
INDEX, VIX = 1, 2
INDEX_TICK, INDEX_START, VIX_START, VIX_LEAST = 25, 270_000, 1_500, 500
VIX_PER_INDEX = 40  # hundredths of the index that move VIX by one hundredth, against it
NOISE = 2


def plan(days: int) -> Plan:
    """The demo's rule set from ticks over so many weekdays, and a margin."""
    last = FIRST_DAY + timedelta(days=days * 2 + 30)
    first = FIRST_DAY - timedelta(days=7)
    listed = {symbol: entry for symbol, entry in catalogue().items() if symbol in {"SIM-MES", "VIX"}}
    calendars = {entry.instrument.calendar for entry in listed.values()}
    text = files("theo.strategy").joinpath("rulesets/demo.toml").read_text(encoding="utf-8")
    return Plan(
        key=Key(account="SIM", mode=Mode.VIRTUAL, run="ticks"),
        journal="k",
        build="test",
        cash=100_000 * MICROS,
        instruments={symbol: entry.instrument for symbol, entry in listed.items()},
        fees={symbol: entry.fees for symbol, entry in listed.items()},
        tables={name: session_table(name, first, last) for name in calendars},
        offsets=zone_offsets("America/New_York", first, last),
        rulesets=[(load_ruleset(text, "demo.toml"), text)],
        from_ticks=True,
    )


def ticks(of: Plan, days: int, ticks_a_day: int, seed: int = 5) -> Iterator[Tick]:
    """A walk of the index and VIX against it, in turns, over ``days`` sessions."""
    draw = Random(seed)  # noqa: S311 - a market that must repeat itself, not a secret
    hours = Hours(of.tables["NYSE"], SessionScope.RTH)
    first = (FIRST_DAY - date(1970, 1, 1)).days
    sessions = hours.sessions_between(first, of.tables["NYSE"].last_date)
    price = INDEX_START
    for session, _ in zip(sessions, range(days), strict=False):
        opens, closes = hours.bounds(session)
        apart = (closes - opens) // ticks_a_day
        for at in range(opens, opens + apart * (ticks_a_day - 1), 2 * apart):
            price += INDEX_TICK * (draw.getrandbits(1) - draw.getrandbits(1))
            yield Tick(INDEX, at, at, 0, TickKind.TRADE, price, 1, 0, 0, "walk")
            vix = VIX_START - (price - INDEX_START) // VIX_PER_INDEX + draw.getrandbits(NOISE)
            yield Tick(VIX, at + apart, at + apart, 0, TickKind.INDEX, max(VIX_LEAST, vix), 0, 0, 0, "walk")


@contextmanager
def booted(folder: Path, of: Plan) -> Iterator[tuple[SqlJournalStore, Booted]]:
    """A core at the end of a folder's journal."""
    store = SqlJournalStore(folder)
    try:
        yield store, boot(store, lambda: assemble(of))
    finally:
        store.close()


def write_journal(folder: Path, of: Plan, items: Iterable[Tick], snapshots_at: frozenset[int], watch: Watch | None = None) -> int:
    """Trade the ticks and keep snapshots after so many of them; how many ticks there were."""
    stream = iter(items)
    with booted(folder, of) as (store, run):
        driver = LockStep(run.core, exchange(of), run.journal, watch)
        first = next(stream)
        driver.feed(Started(at=first.at, key=of.key, build=of.build, cash=of.cash, world=of.record()))
        stream = chain((first,), stream)
        for upto in sorted(snapshots_at):
            driver.run(islice(stream, upto - run.journal.consumed))
            keep_snapshot(store, run, of.build)
        driver.run(stream)
        return run.journal.consumed


def market_state(core: Core) -> bytes:
    """Bars, indicators and correlations as bytes; a number that does not exist is equal to itself."""
    return msgspec.msgpack.encode(core.world.market.state())
