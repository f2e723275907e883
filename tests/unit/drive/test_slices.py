"""Many configurations that are due at once are decided in slices; a replay and a restart go on in their midst."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from itertools import pairwise

import msgspec
import pytest

from tests.unit.strategy.markets import MONDAY, NEW_YORK_WINTER, OPEN, SPY, VIX, weekdays
from theo.domain.facts import Decided, Fact, SignalRaised
from theo.domain.inputs import Started, TimerFired
from theo.domain.instrument import MICROS, Instrument
from theo.domain.journal import TRADING, Record
from theo.domain.keys import Key, Mode
from theo.domain.market_data import DAY, MINUTE, SECOND, Tick, TickKind
from theo.drive.assembly import Plan, assemble, exchange
from theo.drive.lockstep import LockStep
from theo.drive.redecide import redecide
from theo.engine import snapshot as snapshots
from theo.engine import world as world_module
from theo.engine.codec import Step, decode_steps
from theo.engine.core import Core
from theo.engine.journal import Journal
from theo.engine.recovery import follow
from theo.engine.world import LOOKS_AT_ONCE
from theo.risk.limits import Limits
from theo.strategy.loading import load_ruleset

SYMBOLS, CONFIGURATIONS, MINUTES = 12, 9, 5
BEGIN = MONDAY + OPEN + 30 * MINUTE
STOCKS = tuple(msgspec.structs.replace(SPY, id=n + 10, token=n + 10, symbol=f"S{n:02d}") for n in range(SYMBOLS))
TEXT = """
name = "{name}"
strategy = "rules"
timeframe = "1min"
target = "none"
[symbols]
primary = "{symbol}"
partners = ["VIX"]
[correlation]
window = 3
minimum = 2
input = "price"
[entry]
long = [{entry}]
short = [{{ left = "sma(2)", op = "<", right = 0 }}, {{ left = "correlation", op = ">", right = 0 }}]
[stop]
percent = 5.0
[size]
quantity = 1
[trading]
style = "positional"
from = "00:00"
to = "24:00"
days = "all"
"""
OWN = '{{ left = "close", op = ">", right = {at} }}'
WITH_VIX = '{{ left = "VIX close", op = ">", right = {at} }}, {{ left = "close", op = "<", right = 99.8 }}'


@cache
def plan() -> Plan:
    """Twelve stocks with nine configurations each, of which six await VIX."""
    rulesets = []
    for stock in STOCKS:
        for n in range(CONFIGURATIONS):
            entry = (WITH_VIX if n % 3 else OWN).format(at=14 + n / 8 if n % 3 else 100.4 + n / 20)
            text = TEXT.format(name=f"{stock.symbol}-{n}", symbol=stock.symbol, entry=entry)
            rulesets.append((load_ruleset(text, "slices.toml"), text))
    instruments = {i.symbol: i for i in (*STOCKS, VIX)}
    return Plan(
        key=Key(account="SIM", mode=Mode.VIRTUAL, run="slices"),
        journal="j",
        build="test",
        cash=1_000_000 * MICROS,
        instruments=instruments,
        fees={name: "zero" if name == "VIX" else "stocks_fixed" for name in instruments},
        tables={"C": weekdays(MONDAY // DAY - 7, 30)},
        offsets=NEW_YORK_WINTER,
        rulesets=rulesets,
        limits=Limits(open_trades_max=100),  # else the order of the looks says who is refused
        from_ticks=True,
    )


def heard(one: Instrument, at: int) -> bool:
    """In the third minute most stocks, in the fourth VIX say nothing for long: the clock closes bars, a partner is missing."""
    minute, second = divmod((at - BEGIN) // SECOND, 60)
    if one is VIX:
        return minute != 3 and second < 40
    return not (minute == 2 and second > 20 and one.id % 12 > 2) and not (minute == 3 and second < 5)


def ticks() -> Iterator[Tick]:
    for n, at in enumerate(range(BEGIN, BEGIN + MINUTES * MINUTE, SECOND // 8)):
        one = (VIX, *STOCKS)[n % (SYMBOLS + 1)]
        if heard(one, at):
            kind, price = (TickKind.INDEX, 1_450 + n % 47) if one is VIX else (TickKind.TRADE, 10_000 + n * 7 % 91)
            yield Tick(one.id, at, at, 0, kind, price, 1, 0, 0, "t")


def driven() -> tuple[list[Step], list[Tick]]:
    """The steps of a run, and the ticks that it took."""
    records: list[Record] = []
    of, taken = plan(), list(ticks())
    driver = LockStep(assemble(of), exchange(of), Journal(records.extend, 1))
    driver.feed(Started(at=BEGIN, key=of.key, build="test", cash=of.cash, world="w"))
    driver.run(taken)
    driver.advance(BEGIN + (MINUTES + 1) * MINUTE)
    driver.run([])
    return [step for record in records if record.stream == TRADING for step in decode_steps(record)], taken


@pytest.fixture(scope="module", params=[world_module.COHORTS_AT_ONCE, 2], ids=["told at once", "told in pieces"])
def run(request: pytest.FixtureRequest) -> Iterator[tuple[list[Step], list[Tick]]]:
    """One sliced run: those that await VIX are told of its bars all at once, or two stocks at a time."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(world_module, "COHORTS_AT_ONCE", request.param)
        yield driven()


def decided(steps: Iterable[Step]) -> list[Decided]:
    return [fact for step in steps for fact in step.facts if isinstance(fact, Decided)]


def raised(steps: Iterable[Step]) -> list[tuple[str, int]]:
    """Configuration and bar end of each signal."""
    return sorted((fact.key.config, fact.end) for step in steps for fact in step.facts if isinstance(fact, SignalRaised))


def test_no_input_leads_to_more_than_a_slice_and_nothing_is_left_out(
    run: tuple[list[Step], list[Tick]], monkeypatch: pytest.MonkeyPatch
) -> None:
    steps, _ = run
    counts = [len(decided([step])) for step in steps]
    assert LOOKS_AT_ONCE // 2 < max(counts) <= LOOKS_AT_ONCE
    assert {type(step.input) for step in steps if decided([step])} == {TimerFired}, "a tick waits for no look"
    sliced = [(a, b) for a, b in pairwise(steps) if decided([a]) and decided([b]) and a.at == b.at]
    assert len(sliced) > 4
    assert all(type(b.input) is TimerFired for _, b in sliced)
    found = {(fact.config, fact.end): (fact.numbers, fact.truths) for fact in decided(steps)}
    assert len(found) == len(decided(steps))
    monkeypatch.setattr(world_module, "SCANS_AT_ONCE", 10_000)
    at_once, _ = driven()
    assert max(len(decided([step])) for step in at_once) > LOOKS_AT_ONCE
    assert {(fact.config, fact.end): (fact.numbers, fact.truths) for fact in decided(at_once)} == found
    raised = [
        sorted((f.key.config, f.end) for s in each for f in s.facts if isinstance(f, SignalRaised)) for each in (steps, at_once)
    ]
    assert raised[0] == raised[1] != []


def test_a_sliced_run_is_decided_again_as_it_was(run: tuple[list[Step], list[Tick]]) -> None:
    steps, taken = run
    compared = redecide(lambda _started: assemble(plan()), steps, iter(taken), lambda: (steps, iter(taken)))
    assert (compared.first_difference, compared.steps) == (None, len(steps))


def after(steps: list[Step], taken: Iterator[Tick], *, kept: bool) -> tuple[Core, int]:
    """A core recovered from steps, by way of a snapshot where ``kept``; and how many ticks it took."""
    core, count = assemble(plan()), 0
    for step in steps:
        count = follow(core, step, taken, count)
    if not kept:
        return core, count
    again = assemble(plan())
    snapshots.restore(again, snapshots.read(snapshots.take(core, Journal(lambda _records: None, 1), "test")))
    return again, count


@pytest.mark.parametrize("kept", [False, True])
def test_a_restart_in_the_midst_of_slices_goes_on_as_if_there_had_been_none(
    run: tuple[list[Step], list[Tick]], *, kept: bool
) -> None:
    steps, ticks_taken = run
    busy = [n for n, (a, b) in enumerate(pairwise(steps), 1) if decided([b]) and a.at == b.at]
    told = [n for n, step in enumerate(steps, 1) if type(step.input) is TimerFired and not step.facts]
    for cut in (*busy[:: max(1, len(busy) // 5)], *told[::3]):
        taken = iter(ticks_taken)
        core, count = after(steps[:cut], taken, kept=kept)
        for step in steps[cut:]:
            facts: list[Fact] = []
            while count < step.consumed:
                count += 1
                facts, _ = core.step(next(taken))
            if step.input is not None:
                facts, _ = core.step(step.input)
            assert facts == step.facts, (cut, step.at)


def test_what_waits_for_its_turn_is_decided_before_its_next_bar_may_close() -> None:
    core, stream = assemble(plan()), ticks()
    core.step(Started(at=BEGIN, key=plan().key, build="test", cash=plan().cash, world="w"))
    while not core.world.ready:
        core.step(next(stream))
    waits, end = (
        {scan.key.config for cohort in core.world.ready for scan in cohort.left()},
        next(iter(core.world.ready)).waiting_for,
    )
    facts, _ = core.step(Tick(STOCKS[0].id, end + MINUTE - 1, end + MINUTE - 1, 0, TickKind.TRADE, 10_000, 1, 0, 0, "t"))
    assert decided_at(facts, end) == set()  # timers do it
    facts, _ = core.step(Tick(STOCKS[0].id, end + MINUTE, end + MINUTE, 0, TickKind.TRADE, 10_000, 1, 0, 0, "t"))
    assert decided_at(facts, end) >= waits


def test_who_is_to_be_told_that_a_partner_closed_is_told_before_a_next_bar_may_close(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world_module, "COHORTS_AT_ONCE", 2)
    core = assemble(plan())
    core.step(Started(at=BEGIN, key=plan().key, build="test", cash=plan().cash, world="w"))
    for n, one in enumerate((*STOCKS, VIX)):
        core.step(Tick(one.id, BEGIN + n, BEGIN + n, 0, TickKind.INDEX if one is VIX else TickKind.TRADE, 1_500, 1, 0, 0, "t"))
    core.step(Tick(VIX.id, BEGIN + MINUTE, BEGIN + MINUTE, 0, TickKind.INDEX, 1_500, 1, 0, 0, "t"))
    assert (len(core.world.untold), len(core.world.ready), core.timer <= core.at) == (1, 0, True)
    core.step(TimerFired(BEGIN + MINUTE))
    assert list(core.world.untold.values()) == [2]
    assert core.closed_by_time, "kept, so that a replay has told as many"
    core.step(Tick(VIX.id, BEGIN + 2 * MINUTE - 1, BEGIN + 2 * MINUTE - 1, 0, TickKind.INDEX, 1_500, 1, 0, 0, "t"))
    assert core.world.untold
    core.step(Tick(STOCKS[0].id, BEGIN + 2 * MINUTE, BEGIN + 2 * MINUTE, 0, TickKind.TRADE, 1_500, 1, 0, 0, "t"))
    assert not core.world.untold


def decided_at(facts: Iterable[Fact], end: int) -> set[str]:
    """The configurations that were decided at a bar end."""
    return {fact.config for fact in facts if isinstance(fact, Decided) and fact.end == end}


def of_one_stock(*changes: str) -> Plan:
    """Nine configurations of one stock, the first ones with something more in ``[scan]``, or another grace."""
    rulesets = []
    for n in range(CONFIGURATIONS):
        text = TEXT.format(name=f"S00-{n}", symbol="S00", entry=WITH_VIX.format(at=14))
        text = changes[n] + text if n < len(changes) and changes[n].startswith("\n") else text + "".join(changes[n : n + 1])
        rulesets.append((load_ruleset(text, "slices.toml"), text))
    return replace(plan(), rulesets=rulesets)


def test_what_configurations_share_is_made_once_and_what_differs_stays_apart() -> None:
    same = assemble(of_one_stock()).world
    assert [len(cohort.scans) for cohort in same.cohorts.values()] == [CONFIGURATIONS]
    assert [len(series.trusts) for series in same.market.every_series()] == [1, 1]
    apart = assemble(of_one_stock("\ngrace_s = 9\n", "[scan]\nevery_minutes = 15\n", "[scan]\nevery_minutes = 15\n")).world
    assert sorted(len(cohort.scans) for cohort in apart.cohorts.values()) == [1, 2, CONFIGURATIONS - 3]
    assert [len(series.trusts) for series in apart.market.every_series()] == [2, 2], "how long a bar may take differs"


def test_few_configurations_each_decide_alone_in_the_order_of_their_names() -> None:
    of = of_one_stock()
    few = assemble(replace(of, rulesets=of.rulesets[:8])).world
    assert (few.cohorts, [len(scan.cohort.scans) for scan in few.scans.values()]) == ({}, [1] * 8)
