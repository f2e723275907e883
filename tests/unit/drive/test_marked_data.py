"""Interrupted, late and lost data in the core: what is refused, what goes on, and that the journal leads to the same again."""

from collections.abc import Iterable, Sequence

import pytest

from tests.golden.records import facts_of
from tests.unit.drive.small_worlds import plan_of
from tests.unit.strategy.markets import MONDAY, OPEN, SPY, VIX
from theo.domain.facts import CloseAsked, DataKnown, Fact, SignalClosed, SignalRaised, TradeIntended
from theo.domain.inputs import Started
from theo.domain.journal import TRADING, Record
from theo.domain.market_data import MINUTE, SECOND, DataMark, DataMarked, Tick, TickKind
from theo.drive.assembly import Plan, assemble, exchange
from theo.drive.lockstep import LockStep
from theo.drive.redecide import redecide
from theo.engine import snapshot as snapshots
from theo.engine.codec import decode_batch, decode_steps
from theo.engine.core import Core
from theo.engine.journal import Journal
from theo.engine.recovery import recover
from theo.strategy.loading import load_ruleset

BEGIN = MONDAY + OPEN
RULES = """
name = "always"
strategy = "rules"
timeframe = "1min"
session = "RTH"
[symbols]
primary = "SPY"
partners = ["VIX"]
[entry]
long = [{ left = "close", op = ">", right = 0 }, { left = "VIX close", op = ">", right = 0 }]
[exit]
long = [{ left = "close", op = ">", right = 401 }]
[stop]
percent = 5
[target]
percent = 5
[size]
quantity = 1
[trading]
style = "positional"
"""


def plan() -> Plan:
    made = plan_of(load_ruleset(RULES, "always.toml"))
    made.from_ticks = True
    return made


def ticks(begin: float, end: float, price: int = 40_000, of: Sequence[int] = (SPY.id, VIX.id)) -> list[Tick]:
    """One every ten seconds of each instrument, between two minutes after the open."""
    found = []
    for at in range(BEGIN + int(begin * MINUTE), BEGIN + int(end * MINUTE), 10 * SECOND):
        for one in of:
            kind = TickKind.TRADE if one == SPY.id else TickKind.INDEX
            found.append(Tick(one, at + one, at + one, 0, kind, price if one == SPY.id else 1_500, 1))
    return found


class Run:
    """A core on a simulated exchange, its journal kept."""

    def __init__(self) -> None:
        self.plan, self.records = plan(), list[Record]()
        self.core = assemble(self.plan)
        self.journal = Journal(self.records.extend, 1)
        self.driver = LockStep(self.core, exchange(self.plan), self.journal)
        p = self.plan
        self.driver.feed(Started(at=BEGIN - MINUTE, key=p.key, build=p.build, cash=p.cash, world=p.record()))

    def mark(self, mark: DataMark, at: float, since: float = 0, why: str = "", instrument: int = SPY.id) -> None:
        """What the feed says, minutes after the open."""
        moment = BEGIN + int(at * MINUTE)
        self.driver.advance(moment)
        marked = DataMarked(instrument, moment, mark, BEGIN + int(since * MINUTE) if since else 0, why)
        self.journal.take(marked)
        facts, effects = self.core.step(marked)
        assert not effects
        self.journal.step(self.core.at, None, facts)

    def until(self, at: float) -> None:
        """Time goes on."""
        self.driver.advance(BEGIN + int(at * MINUTE))

    def take(self, items: Iterable[Tick]) -> None:
        self.driver.run(items)

    def facts(self) -> list[Fact]:
        self.journal.commit(self.core.at)
        return facts_of(self.records)

    def refused(self) -> dict[int, str]:
        """By the minute after the open at which the bar ended: why its signal was refused for its data."""
        ends = {fact.id: fact.end for fact in self.facts() if isinstance(fact, SignalRaised)}
        closed = [fact for fact in self.facts() if isinstance(fact, SignalClosed) and fact.refused is not None]
        return {(ends[c.id] - BEGIN) // MINUTE: c.reason for c in closed if c.refused and c.refused.rule == "data_trust"}

    def entered(self) -> list[int]:
        """The minutes after the open in which something was entered."""
        return [(fact.at - BEGIN) // MINUTE for fact in self.facts() if isinstance(fact, TradeIntended)]


def interrupted(filled_at: float, fill: DataMark = DataMark.WHOLE) -> Run:
    """The data of SPY stop at 1:20; what history has of them comes at ``filled_at``."""
    run = Run()
    missing = ticks(4 / 3, filled_at, of=[SPY.id])
    run.mark(DataMark.INTERRUPTED, 0)
    run.mark(DataMark.INTERRUPTED, 0, instrument=VIX.id)
    run.mark(DataMark.WHOLE, 0.01)
    run.mark(DataMark.WHOLE, 0.01, instrument=VIX.id)
    run.mark(DataMark.INTERRUPTED, 0.02, why="nobody trades in the first minute")
    run.take(ticks(0, 4 / 3))
    run.mark(DataMark.INTERRUPTED, 4 / 3, 4 / 3, "another login took the data (10197)")
    run.take(ticks(4 / 3, filled_at, of=[VIX.id]))
    now = BEGIN + int(filled_at * MINUTE)
    run.until(filled_at)
    if fill is not DataMark.LOST:
        run.take(Tick(t.instrument, now, t.timestamp, t.seq, t.kind, t.price, t.volume) for t in missing)
    run.mark(fill, filled_at, 4 / 3, "history does not fill it" if fill is DataMark.LOST else "")
    run.take(ticks(filled_at, filled_at + 3))
    return run


def test_a_bar_that_is_cut_short_is_closed_and_not_traded_on() -> None:
    run = interrupted(2.5)
    assert run.refused()[2] == "SPY 1min is GAPPED since 2020-01-06 14:30:01 UTC (another login took the data (10197))"
    assert run.entered() == [3], "the first bar after the hole was filled is traded again"
    bar = run.core.world.market.series(SPY, run.core.world.scans["always"].primary.timeframe)
    assert bar.rewind is not None
    assert [each.volume for each in bar.rewind.bars[:3]] == [6, 6, 6], "the short bar was replaced by the whole one"


def test_without_a_mark_the_short_bar_would_be_traded() -> None:
    run = Run()
    run.take(ticks(0, 0.1, of=[SPY.id]))
    run.take(ticks(0, 2, of=[VIX.id]))
    run.until(2)
    assert run.entered() == [1]


def test_a_hole_that_is_filled_before_the_bar_closes_costs_nothing() -> None:
    run = interrupted(1.9)
    assert set(run.refused()) == {1}
    assert run.entered() == [2]


def test_what_is_lost_counts_until_enough_whole_bars_lie_behind_it() -> None:
    run = interrupted(2.5, DataMark.LOST)
    run.take(ticks(5.5, 60))
    reasons = run.refused()
    assert set(reasons) == set(range(1, 53)), "49 whole bars do not do: those that ended from 4 to 52"
    assert "history does not fill it" in reasons[30]
    assert run.entered()[0] == 53


def test_late_data_are_called_delayed() -> None:
    run = Run()
    run.mark(DataMark.INTERRUPTED, 0, why="nobody has listened yet")
    run.take(ticks(0, 0.9))
    run.mark(DataMark.DELAYED, 0.95, why="its source sends a quarter of an hour late")
    run.take(ticks(1, 3))
    assert run.refused() == dict.fromkeys(
        (1, 2), "SPY 1min is DELAYED since 2020-01-06 14:30:57 UTC (its source sends a quarter of an hour late)"
    )
    assert run.entered() == []


def test_a_partner_whose_data_is_interrupted_blocks_the_decision() -> None:
    run = Run()
    run.take(ticks(0, 0.9))
    run.mark(DataMark.INTERRUPTED, 0.9, 0.8, "silent", VIX.id)
    run.take(ticks(0.9, 2))
    assert run.refused() == {1: "VIX 1min is GAPPED since 2020-01-06 14:30:48 UTC (silent)"}


def test_exits_go_on() -> None:
    run = Run()
    run.take(ticks(0, 1.5))
    assert run.entered() == [1]
    run.mark(DataMark.INTERRUPTED, 1.6, why="silent")
    run.take(ticks(1.6, 2.5, 40_200))
    asked = [fact for fact in run.facts() if isinstance(fact, CloseAsked)]
    assert [(fact.at - BEGIN) // MINUTE for fact in asked] == [2]


@pytest.mark.parametrize("snapshot_at", [None, 0.5, 1.4, 2.2])
def test_the_journal_leads_to_the_same_again(snapshot_at: float | None) -> None:
    """Recovered from facts and from a snapshot taken before, in and after the hole; and decided again."""
    whole = interrupted(2.5)
    whole.facts()
    steps = [step for r in whole.records if r.stream == TRADING for step in decode_steps(r)]
    items = [item for r in whole.records if r.stream != TRADING for item in decode_batch(r).items]
    assert sum(isinstance(fact, DataKnown) for step in steps for fact in step.facts) == 7
    compared = redecide(lambda _: assemble(plan()), steps, iter(items), lambda: (steps, iter(items)))
    assert compared.first_difference is None
    core = assemble(plan())
    snapshot = None if snapshot_at is None else _snapshot(whole, snapshot_at)
    recover(core, snapshot, [r for r in whole.records if r.stream == TRADING], [r for r in whole.records if r.stream != TRADING])
    assert snapshots.digest(core.state) == snapshots.digest(whole.core.state)
    _settled(core)
    _settled(whole.core)
    assert core.world.market.state() == whole.core.world.market.state()


def _snapshot(run: Run, at: float) -> snapshots.Snapshot:
    """Of a core that lived through the records up to a time."""
    core, journal = assemble(plan()), Journal(lambda _: None, 1)
    trading = [r for r in run.records if r.stream == TRADING and r.recorded_at < BEGIN + int(at * MINUTE)]
    newest = trading[-1].seq if trading else 0
    steps = [step for r in trading for step in decode_steps(r)]
    consumed = steps[-1].consumed if steps else 0
    data = [r for r in run.records if r.stream != TRADING and decode_batch(r).first <= consumed]
    done = recover(core, None, trading, data)
    kept = snapshots.read(snapshots.take(core, journal, "test"))
    kept.seq, kept.data_seq, kept.consumed = newest, len(data) - 1, done.consumed
    return kept


def _settled(core: Core) -> None:
    core.world.market.settle()
