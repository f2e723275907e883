"""The data gate of a rule set: each check refuses by its own name and numbers, and only while what it looks for is there."""

from collections.abc import Callable, Iterable, Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.golden.records import facts_of
from tests.unit.drive.small_worlds import plan_of
from tests.unit.strategy.markets import CLOSE, MONDAY, OPEN, SPY, VIX, bar, every_15_minutes, ruleset_of, weekdays
from theo.domain.errors import UserError
from theo.domain.facts import Fact, SignalClosed, SignalRaised, TradeIntended
from theo.domain.inputs import Started
from theo.domain.journal import TRADING, Record
from theo.domain.market_data import DAY, HOUR, MINUTE, Bar, ContractRolled, SessionScope, Tick, TickKind
from theo.drive.assembly import Plan, assemble, exchange
from theo.drive.lockstep import LockStep
from theo.drive.redecide import redecide
from theo.engine import snapshot as snapshots
from theo.engine.codec import decode_batch, decode_steps
from theo.engine.core import Core
from theo.engine.journal import Journal
from theo.engine.recovery import recover
from theo.market.gate import GateBounds, farthest, missing_bars
from theo.market.sessions import Hours, SessionTable

BOTH = '{ left = "close", op = ">", right = 0 }, { left = "VIX close", op = ">", right = 0 }'
DAILY = BOTH.replace("VIX close", "VIX@1d close")
LOOSE = (
    "bars_min = 0\nwindow = 10\nmissing_max = 1000\nage_days_max = 3650\ncommon_session = false\noutlier_deviations = 1000\n"
    "settlement_ticks_max = 1_000_000"
)
Market = Sequence[Bar | Tick]
Refusals = dict[int, tuple[str, float, float]]


def plan(gate: str, *, conditions: str = BOTH, head: str = "", table: SessionTable | None = None) -> Plan:
    """Enters at every bar end while flat, and leaves at the next; ``gate`` are the lines that differ from the loosest bounds."""
    changed = {line.partition(" ")[0] for line in gate.splitlines()}
    kept = [line for line in LOOSE.splitlines() if line.partition(" ")[0] not in changed]
    asked = "\n".join(["[gate]", *kept, gate]) if gate else ""
    body = f'[entry]\nlong = [{conditions}]\n[exit]\nlong = [{{ left = "close", op = ">", right = 0 }}]\n[size]\nquantity = 1\n'
    return plan_of(ruleset_of(body + asked, head=head), table=table)


class Run:
    """A core on a simulated exchange, its journal kept; ``ends`` are those of SPY's bars."""

    def __init__(self, run: Plan, market: Iterable[Bar | Tick]) -> None:
        items = list(market)
        self.plan, self.records = run, list[Record]()
        self.ends = [item.end for item in items if isinstance(item, Bar) and item.instrument == SPY.id]
        self.core, journal = assemble(run), Journal(self.records.extend, 1)
        driver = LockStep(self.core, exchange(run), journal)
        driver.feed(Started(at=items[0].at - 1, key=run.key, build=run.build, cash=run.cash, world=run.record()))
        driver.run(items)
        self.facts: list[Fact] = facts_of(self.records)

    @property
    def refused(self) -> Refusals:
        """By the place of the bar end: rule, value and limit of each refusal."""
        ends = {fact.id: self.ends.index(fact.end) for fact in self.facts if isinstance(fact, SignalRaised)}
        closed = [fact for fact in self.facts if isinstance(fact, SignalClosed)]
        return {ends[c.id]: (c.refused.rule, c.refused.value, c.refused.limit) for c in closed if c.refused is not None}

    @property
    def told(self) -> list[str]:
        """The words of the refusals."""
        return [fact.reason for fact in self.facts if isinstance(fact, SignalClosed) and fact.refused is not None]

    @property
    def entered(self) -> list[int]:
        """The places of the bar ends at which something was entered."""
        raised = {fact.id: fact.end for fact in self.facts if isinstance(fact, SignalRaised)}
        return [self.ends.index(raised[fact.signal]) for fact in self.facts if isinstance(fact, TradeIntended)]


def rows(count: int, change: Callable[[int, Bar], Bar | None] = lambda _, bar: bar) -> list[Bar]:
    """So many bars of SPY and VIX; ``change`` gives another bar of VIX in some places, or None."""
    made: list[Bar] = []
    for place, end in enumerate(every_15_minutes(count)):
        other = change(place, bar(VIX, end, 1_500 + place % 3))
        made += [bar(SPY, end, 40_000 + 25 * (place % 3)), *([] if other is None else [other])]
    return made


def test_without_the_table_nothing_more_than_trust_is_asked() -> None:
    holed = rows(40, lambda place, bar: None if 10 <= place < 14 else bar)
    assert Run(plan(""), holed).refused == {}


def test_too_few_bars() -> None:
    run = Run(plan("bars_min = 8"), rows(12))
    assert run.refused == {place: ("min_points", place + 1, 8) for place in range(7)}
    assert run.told[2] == "SPY 15min has 3 bars; VIX 15min has 3 bars, at least 8 are asked for"
    assert run.entered[0] == 7


def test_a_series_whose_newest_bar_is_old() -> None:
    """Both markets are closed for ten days: no bar was due meanwhile, and the daily one is as old as that."""
    late = MONDAY + 14 * DAY
    open_days = [s for s in weekdays(MONDAY // DAY, 30).sessions if not MONDAY // DAY < s.date < late // DAY]
    table = SessionTable("C", "test", MONDAY // DAY, MONDAY // DAY + 30, tuple(open_days))
    close = MONDAY + CLOSE
    day = Bar(VIX.id, close, "1d", MONDAY + OPEN, close, 1_500, 1_500, 1_500, 1_500, 0, session_date=MONDAY // DAY)
    after = [bar(SPY, end, 40_000) for end in (late + OPEN + 15 * MINUTE, late + OPEN + 30 * MINUTE)]
    market = [bar(SPY, close, 40_000), day, *after]
    run = Run(plan("age_days_max = 5", conditions=DAILY, table=table), market)
    age = (late + OPEN + 15 * MINUTE - close) / DAY
    assert run.refused[1] == ("freshness", age, 5)
    assert run.told[-1].startswith("the newest bar of VIX 1d is 13.8 days old")
    assert Run(plan("age_days_max = 14", conditions=DAILY, table=table), market).refused == {}


def test_outside_the_hours_that_the_series_share() -> None:
    """SPY trades on after VIX has closed; what is read of VIX is its day."""
    long_hours = SessionTable(
        "C",
        "test",
        MONDAY // DAY - 7,
        MONDAY // DAY + 30,
        tuple(
            msgspec.structs.replace(s, full=((s.full[0][0], s.full[0][1] + 4 * HOUR),))
            for s in weekdays(MONDAY // DAY - 7, 37).sessions
        ),
    )
    of_vix = msgspec.structs.replace(weekdays(MONDAY // DAY - 7, 37), calendar="V")
    made = plan("common_session = true", conditions=DAILY, head='session = "ALL"', table=long_hours)
    made.instruments["VIX"] = msgspec.structs.replace(VIX, calendar="V")
    made.tables["V"] = of_vix
    close = MONDAY + CLOSE
    day = Bar(VIX.id, close, "1d", MONDAY + OPEN, close, 1_500, 1_500, 1_500, 1_500, 0, session_date=MONDAY // DAY)
    market = [day, bar(SPY, close + HOUR, 40_000), bar(SPY, close + DAY - 4 * HOUR, 40_000)]
    run = Run(made, market)
    assert run.refused == {0: ("common_session", 0, 1)}
    assert run.told == ["2020-01-06 22:00 UTC lies outside the hours that SPY, VIX share"]
    assert run.entered == [1]


def test_bars_that_are_missing_in_the_history() -> None:
    market = rows(40, lambda place, bar: None if 10 <= place < 14 else bar)
    run = Run(plan("missing_max = 3\nwindow = 6\nbars_min = 0"), market)
    assert run.refused == dict.fromkeys(range(14, 19), ("gaps", 4, 3)), "until six bars in a row lie behind the hole"
    assert run.told[0] == "4 bars are missing between the last 6 of VIX 15min, at most 3 may be"
    assert Run(plan("missing_max = 4\nwindow = 6"), market).refused == {}


def test_a_bar_far_from_all_others() -> None:
    def wild(place: int, bar: Bar) -> Bar:
        return msgspec.structs.replace(bar, high=9_900) if place == 12 else bar

    run = Run(plan("outlier_deviations = 6"), rows(30, wild))
    assert set(run.refused) == set(range(12, 22)), "as long as it is one of the last ten"
    assert {(rule, limit) for rule, _, limit in run.refused.values()} == {("outlier", 6)}
    assert all(value > 6 for _, value, _ in run.refused.values())
    assert "the bar of VIX 15min that ended 2020-01-06 17:45 UTC (15.00 to 99.00) lies" in run.told[0]
    assert Run(plan("outlier_deviations = 6"), rows(30)).refused == {}


def test_the_third_bar_at_a_new_level_is_believed() -> None:
    market = rows(60, lambda place, bar: msgspec.structs.replace(bar, high=3_000, low=3_000, close=3_000) if place > 51 else bar)
    refused = Run(plan("outlier_deviations = 6\nwindow = 50"), market).refused
    assert set(refused) == {52, 53}


def settlement(at: int, price: int) -> Tick:
    return Tick(SPY.id, at, at, 0, TickKind.SETTLEMENT, price, 0)


def test_a_settlement_far_from_the_last_trade() -> None:
    market: list[Bar | Tick] = [*rows(4)]
    ends = every_15_minutes(4)
    market.insert(2, settlement(ends[0] + MINUTE, 40_050))
    market.insert(7, settlement(ends[2] + MINUTE, 40_051))
    run = Run(plan("settlement_ticks_max = 49"), market)
    assert run.refused == {2: ("settlement", 50, 49)}, "until one agrees"
    assert run.told[0] == "SPY settled at 400.50, its last trade before that was 400.00: 50 ticks apart"
    assert Run(plan("settlement_ticks_max = 50"), market).refused == {}


def test_the_settlement_of_a_contract_that_was_left_says_nothing_of_the_next() -> None:
    core = assemble(plan("settlement_ticks_max = 1"))
    end = every_15_minutes(1)[0]
    for item in (bar(SPY, end, 40_000), settlement(end, 50_000)):
        core.world.market.on_bar(item) if isinstance(item, Bar) else core.world.market.on_tick(item)
    assert core.world.market.settled
    core.world.market.on_roll(ContractRolled(at=end + 1, instrument=SPY.id, previous="", contract="NEXT", difference=0))
    assert not core.world.market.settled


def test_exits_go_on() -> None:
    run = Run(plan("outlier_deviations = 6"), rows(16, lambda p, b: msgspec.structs.replace(b, high=9_900) if p == 11 else b))
    assert run.entered[-1] == 10
    assert not any(t for t in run.core.state.trades.values() if t.id in run.core.state.open_trades)


GATED = "bars_min = 3\nmissing_max = 3\noutlier_deviations = 6\nsettlement_ticks_max = 20"


def gated() -> list[Bar | Tick]:
    """A market in which every part of the gate has something to say."""
    made: list[Bar | Tick] = [
        *rows(40, lambda p, b: None if 10 <= p < 14 else msgspec.structs.replace(b, low=10) if p == 25 else b)
    ]
    made.insert(5, settlement(every_15_minutes(2)[1] + MINUTE, 41_000))
    return made


def test_the_journal_leads_to_the_same_again() -> None:
    """Decided again, and recovered with and without a snapshot."""
    run = Run(plan(GATED), gated())
    assert {rule for rule, _, _ in run.refused.values()} == {"min_points", "settlement", "gaps", "outlier"}
    steps = [step for r in run.records if r.stream == TRADING for step in decode_steps(r)]
    items = [item for r in run.records if r.stream != TRADING for item in decode_batch(r).items]
    assert redecide(lambda _: assemble(run.plan), steps, iter(items), lambda: (steps, iter(items))).first_difference is None
    core = assemble(run.plan)
    recover(core, None, [r for r in run.records if r.stream == TRADING], [r for r in run.records if r.stream != TRADING])
    assert core.world.market.state() == run.core.world.market.state()
    again = restored(run.core)
    assert again.world.market.state() == run.core.world.market.state()
    gates = [one.world.scans["test"].gate for one in (again, run.core)]
    refused = [gate.refusal(run.ends[-1]) for gate in gates if gate is not None]
    assert refused[0] == refused[1] is not None


def restored(core: Core) -> Core:
    """A fresh core from a snapshot of another."""
    fresh = assemble(plan(GATED))
    snapshots.restore(fresh, snapshots.read(snapshots.take(core, Journal(lambda _: None, 1), "test")))
    return fresh


def test_bars_that_come_again_take_their_place() -> None:
    made = plan("missing_max = 0")
    series = assemble(made).world.market.every_series()[1]
    series.keep()
    ends = every_15_minutes(12)
    for end in (end for end in ends if end != ends[5]):
        series.close(bar(VIX, end, 1_500))
    series.revise(bar(VIX, ends[5], 1_501))
    series.settle()
    assert series.recent is not None
    assert [each.end for each in series.recent] == ends[-10:]
    series.shift(25)
    assert [each.close for each in series.recent] == [1_525] * 3 + [1_526] + [1_525] * 6


@given(gone=st.sets(st.integers(1, 98)))
def test_missing_bars_are_counted_one_by_one(gone: set[int]) -> None:
    bars = [bar(VIX, end, 1_500) for place, end in enumerate(every_15_minutes(100)) if place not in gone]
    hours = Hours(weekdays(MONDAY // DAY - 7, 60), SessionScope.RTH)
    assert missing_bars(bars, hours, 15 * MINUTE) == len(gone)


@given(closes=st.lists(st.integers(1_000, 2_000), min_size=2, max_size=60))
def test_the_farthest_is_that_of_a_plain_computation(closes: list[int]) -> None:
    from statistics import fmean, pstdev

    bars = [bar(VIX, end, close) for end, close in zip(every_15_minutes(len(closes)), closes, strict=True)]
    plain = []
    for place, close in enumerate(closes):
        others = closes[:place] + closes[place + 1 :]
        beyond, spread = abs(close - fmean(others)) - 10, pstdev(others)
        plain.append(min(beyond / spread, 1_000) if spread else 1_000 if beyond > 0 else 0)
    found = farthest(bars, 1)
    assert (found.deviations if found else 0) == pytest.approx(max(0, *plain), rel=1e-6)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("window = 5\nbars_min = 6", "gate.bars_min"),
        ("outlier_deviations = 0", "gate.outlier_deviations"),
        ("gaps = 3", "gate.gaps"),
    ],
)
def test_wrong_bounds_are_named(text: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        ruleset_of(f"[entry]\nlong = [{BOTH}]\n[gate]\n{text}")


def test_an_empty_table_has_the_usual_bounds_and_another_version() -> None:
    without, with_gate = (ruleset_of(f"[entry]\nlong = [{BOTH}]\n{gate}") for gate in ("", "[gate]"))
    assert (without.gate, with_gate.gate) == (None, GateBounds())
    assert b"gate" not in without.canonical()
    assert without.version != with_gate.version
