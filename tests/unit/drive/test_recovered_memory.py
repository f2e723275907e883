"""A class that remembers decides after a restart as one that never stopped: without snapshots, and behind one."""

from typing import ClassVar

import msgspec
import pytest

from tests.unit.drive.small_worlds import decisions, known_at, plan_of
from tests.unit.strategy.markets import SPY, VIX, bar, every_15_minutes
from theo.domain.facts import Fact, TradeClosed
from theo.domain.inputs import Started
from theo.domain.journal import TRADING, Record
from theo.domain.market_data import SECOND, Bar
from theo.domain.orders import Side
from theo.drive.assembly import Plan, assemble, exchange
from theo.drive.lockstep import LockStep
from theo.engine import snapshot as snapshots
from theo.engine.core import Core
from theo.engine.journal import Journal
from theo.engine.recovery import recover
from theo.strategy.loading import load_ruleset
from theo.strategy.user import Enter, Leave, Seen, UserStrategy, with_class

BARS, STOPPED_AFTER, LATER = 120, 150, 240
MISSING, LATE = frozenset({7, 31, 74}), frozenset({12, 40, 73})  # of VIX: never, and at the very end of the grace


class Counting(UserStrategy):
    """Counts what it was shown, sums what it read and the positions it saw; trades by the count."""

    numbers: ClassVar[dict[str, str]] = {"close": "close", "vix": "VIX close"}

    def on_bar(self, seen: Seen) -> Enter | Leave | None:
        shown, held, blind = (int(str(self.memory.get(name, 0))) for name in ("shown", "held", "blind"))
        vix = seen["vix"]
        self.memory.update(shown=shown + 1, held=held + seen.position, blind=blind + (vix is None), end=seen.end, vix=vix)
        if seen.position:
            return Leave("counted") if (shown + held) % 5 == 0 else None
        return Enter(Side.BUY if (shown + blind) % 2 else Side.SELL) if (shown + held // 7) % 4 == 0 else None


RULES = """
name = "counting"
strategy = "python"
timeframe = "15min"
target = "none"
[symbols]
primary = "SPY"
partners = ["VIX"]
[python]
class = "counting.py:Counting"
[stop]
percent = 1
[size]
quantity = 7
[trading]
style = "positional"
"""


def plan() -> Plan:
    made = plan_of(with_class(load_ruleset(RULES, "counting.toml"), Counting, "source"))
    made.classes = {"counting": Counting}
    return made


def bars() -> list[Bar]:
    """SPY and VIX in turns, VIX sometimes late or missing; in order of arrival."""
    of: list[Bar] = []
    for number, end in enumerate(every_15_minutes(BARS)):
        of.append(bar(SPY, end, 40_000 + number % 13))
        vix = bar(VIX, end, 1_500 + number)
        of += [known_at(vix, end + 2 * SECOND) if number in LATE else vix] if number not in MISSING else []
    return sorted(of, key=lambda one: one.at)


class Traded(msgspec.Struct):
    """A run that was stopped: its core, its driver, its records, and a snapshot kept on the way, with what had been recorded."""

    core: Core
    driver: LockStep
    journal: Journal
    records: list[Record]
    snapshot: bytes = b""


def traded(snapshot_after: int) -> Traded:
    of, records = plan(), list[Record]()
    core, journal = assemble(of), Journal(records.extend, 1)
    run = Traded(core, LockStep(core, exchange(of), journal), journal, records)
    run.driver.feed(Started(at=bars()[0].start, key=of.key, build=of.build, cash=of.cash, world=of.record()))
    run.driver.run(bars()[:snapshot_after])
    run.snapshot = snapshots.take(core, journal, "test")
    run.driver.run(bars()[snapshot_after:STOPPED_AFTER])
    return run


def recovered(run: Traded, *, from_snapshot: bool) -> Core:
    snapshot = snapshots.read(run.snapshot) if from_snapshot else None
    seq, data_seq = (0, 0) if snapshot is None else (snapshot.seq, snapshot.data_seq)
    trading = [r for r in run.records if r.stream == TRADING and r.seq > seq]
    data = [r for r in run.records if r.stream != TRADING and r.seq > data_seq]
    core = assemble(plan())
    assert recover(core, snapshot, trading, data).from_snapshot is from_snapshot
    return core


def memory(core: Core) -> dict[str, object]:
    return dict(core.world.scans["counting"].strategy.state())


def following(core: Core) -> list[Fact]:
    """What the core decides of the bars that follow, without an exchange."""
    return [fact for one in bars()[STOPPED_AFTER:LATER] for fact in core.step(one)[0]]


@pytest.mark.parametrize("snapshot_after", [1, 20, 64, 147])
@pytest.mark.parametrize("from_snapshot", [False, True])
def test_what_a_class_remembers_is_what_it_was(snapshot_after: int, *, from_snapshot: bool) -> None:
    run = traded(snapshot_after)
    core = recovered(run, from_snapshot=from_snapshot)
    assert memory(core) == memory(run.core)
    assert snapshots.digest(core.state) == snapshots.digest(run.core.state)
    assert following(core) == following(run.core)
    assert memory(core) == memory(run.core)


def test_the_run_holds_what_makes_it_hard() -> None:
    """Late and missing partners, trades of both sides: else equal memories would say little."""
    run = traded(1)
    seen = memory(run.core)
    assert seen["shown"] == len(decisions(facts(run)))
    assert int(str(seen["blind"])) >= len(MISSING)
    assert int(str(seen["held"])) != 0
    assert sum(isinstance(fact, TradeClosed) for fact in facts(run)) > 5


def facts(run: Traded) -> list[Fact]:
    from tests.golden.records import facts_of

    return facts_of(run.records)
