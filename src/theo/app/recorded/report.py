"""A run's deals, performance and equity, folded from its journal."""

from collections.abc import Iterator

import msgspec

from theo.app.recorded.standing import last_prices
from theo.domain.facts import Fact, Restarted, RunStarted
from theo.domain.instrument import Instrument
from theo.domain.journal import TRADING
from theo.domain.keys import Key
from theo.drive.record import known
from theo.engine.codec import decode_facts
from theo.ports.store import JournalStore
from theo.report.deals import COMPLETED, Deal, EquityPoint, RunDeals
from theo.report.performance import Performance, performance


class RunReport(msgspec.Struct, frozen=True):
    """Deals by closing time, running ones last; the curve ends with what the account is worth at the last prices."""

    deals: list[Deal]
    instruments: dict[int, Instrument]
    performance: Performance
    curve: list[EquityPoint]


def run_report(store: JournalStore) -> RunReport | None:
    """The report of a journal; None while it holds no run."""
    facts = _facts(store)
    started = next((fact for fact in facts if isinstance(fact, RunStarted)), None)
    head = store.head(TRADING)
    if started is None or head is None:
        return None
    instruments = {i.id: i for i in known(started.world).instruments}
    run = RunDeals(started, instruments)
    for fact in facts:
        if isinstance(fact, Restarted) and fact.world:
            instruments.update((i.id, i) for i in known(fact.world).instruments)
        run.take(fact)
    prices = {i: price for i, (price, _) in last_prices(store, set(instruments)).items()}
    at = max(next(iter(store.read(TRADING, head.seq))).recorded_at, run.equity_points()[-1].at)
    unpriced = any(quantity and i not in prices for i, quantity in run.positions.items())
    now = EquityPoint(at, run.equity_points()[-1].equity if unpriced else run.equity(prices))
    deals = sorted(run.deals(), key=lambda d: (d.status != COMPLETED, d.exited_at, d.trade))
    return RunReport(deals, instruments, performance(run, now), [*run.equity_points(), now])


def run_facts(store: JournalStore) -> tuple[Key, dict[int, Instrument], list[Fact]]:
    """Whose run a journal holds, the instruments that it ever knew, and its facts."""
    facts = list(_facts(store))
    worlds = [fact.world for fact in facts if isinstance(fact, RunStarted | Restarted) and fact.world]
    key = next((fact.key for fact in facts if isinstance(fact, RunStarted)), Key())
    return key, {i.id: i for world in worlds for i in known(world).instruments}, facts


def _facts(store: JournalStore) -> Iterator[Fact]:
    return (fact for record in store.read(TRADING) for fact in decode_facts(record))
