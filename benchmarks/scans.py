"""Scans at scale: many symbols in four timeframes, twenty configurations each, decided at one common bar close on one core.

Run: python -m benchmarks.scans [SYMBOLS] [CONFIGURATIONS]
In true time: ticks go on at TICKS_A_SECOND, to one symbol after the other, while at a full hour the bars of all four timeframes
close. A fifth of the symbols is silent before it, so that the clock closes their bars, and a fifth of the configurations awaits
VIX, which comes last: many are due at one moment. Shell, core, journal (SQLite, FULL, on a disk) and exchange are the real ones,
in the order of `theo live`. Figures are of wall time; machines are shared: of the longest inputs the processor time and what came
between are told too, and of the ticks also the wait without the disk's.
"""

import asyncio
import gc
import resource
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import NamedTuple

import msgspec

from theo.adapters.paper.broker import PaperBroker
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.adapters.system.blocking import Inline
from theo.adapters.system.clock import PacedClock
from theo.adapters.system.latch import StopFile
from theo.adapters.system.log import Nobody
from theo.app.collecting import collect_seldom
from theo.domain.effects import Effect
from theo.domain.facts import Decided, Fact
from theo.domain.inputs import Command, Input, Started, TimerFired
from theo.domain.instrument import MICROS, Instrument, SecurityType
from theo.domain.journal import Record
from theo.domain.keys import Key, Mode
from theo.domain.market_data import DAY, HOUR, MINUTE, SECOND, Bar, Tick, TickKind
from theo.drive.assembly import Plan, assemble, exchange
from theo.engine.core import Core
from theo.market.bars import TICKS
from theo.market.sessions import Session, SessionTable
from theo.market.wall_clock import ZoneOffsets
from theo.risk.limits import Limits
from theo.runtime.boot import boot
from theo.runtime.shell import Shell
from theo.strategy.loading import load_ruleset
from theo.strategy.ruleset import RuleSet

FRAMES = ("5min", "15min", "30min", "60min")
LENGTHS = {"5min": 5 * MINUTE, "15min": 15 * MINUTE, "30min": 30 * MINUTE, "60min": HOUR}
SYMBOLS, CONFIGURATIONS, TICKS_A_SECOND = 500, 20, 2_000
HISTORY = 128  # bars of each series before the run: with the close every series also keeps what it may have to go back to
GROWN_BARS, GROWN_STEP = 5_000, 500
DATE = 19_000
CLOSE = DATE * DAY + 15 * HOUR  # the common bar close
BEFORE, AFTER = 2 * SECOND, 6 * SECOND
LONGEST = 4  # inputs that are looked at more closely
HALT_AT = 400_000  # microseconds after the close
VIX_AFTER = 250_000
VIX = Instrument(id=1, symbol="VIX", token=1, security_type=SecurityType.IND, exchange="X", calendar="C")
NEVER_TRUE = '{{ left = "close", op = ">", right = 1000 }}'  # signals are rare
ENTRIES = tuple(
    f"{entry}, {NEVER_TRUE}"
    for entry in (
        '{{ left = "close", op = "breaks_above", right = "swing({n}).high" }}',
        '{{ left = "close", op = "breaks_above", right = "donchian({n}0).upper" }}',
        '{{ left = "sma({n})", op = "crosses_above", right = "sma({n}0)" }}',
        '{{ left = "rsi({n}4)", op = "<", right = 50 }}, {{ left = "close", op = ">", right = "ema({n}0)" }}',
        '{{ left = "correlation", op = "<", right = -0.7 }}, {{ left = "close", op = ">", right = "sma({n}0)" }}',
    )
)
TEXT = """
name = "{name}"
strategy = "rules"
timeframe = "{frame}"
target = "none"
[symbols]
primary = "{symbol}"
partners = {partners}
[entry]
long = [{entry}]
[stop]
times = 2
of = "atr(14)"
[size]
quantity = 1
[trading]
style = "positional"
from = "00:00"
to = "24:00"
days = "all"
"""


def ruleset(symbol: str, frame: str, number: int) -> tuple[RuleSet, str]:
    """One configuration; the first one in the shortest timeframe of every twentieth symbol has a signal for certain."""
    entry = ENTRIES[number % len(ENTRIES)].format(n=1 + number // len(ENTRIES))
    if frame == FRAMES[0] and number == 0 and int(symbol[1:]) % 20 == 1:
        entry = '{ left = "close", op = ">", right = 0 }'
    partners = '["VIX"]' if "correlation" in entry else "[]"
    text = TEXT.format(name=f"{symbol}-{frame}-{number}", symbol=symbol, frame=frame, entry=entry, partners=partners)
    return load_ruleset(text, "bench.toml"), text


def plan_of(symbols: int, configurations: int) -> Plan:
    """A market that is always open."""
    instruments = {"VIX": VIX} | {
        f"S{n}": msgspec.structs.replace(VIX, id=n + 2, token=n + 2, symbol=f"S{n}", security_type=SecurityType.STK)
        for n in range(symbols)
    }
    days = range(DATE - 10, DATE + 10)
    table = SessionTable("C", "bench", days[0], days[-1], tuple(_session(day) for day in days))
    scans = [ruleset(f"S{n}", frame, c) for n in range(symbols) for frame in FRAMES for c in range(configurations)]
    return Plan(
        key=Key(account="SIM", mode=Mode.VIRTUAL, run="bench"),
        journal="b",
        build="bench",
        cash=10_000_000 * MICROS,
        instruments=instruments,
        fees={name: "zero" if name == "VIX" else "stocks_fixed" for name in instruments},
        tables={"C": table},
        offsets=ZoneOffsets("America/New_York", (0,), (-5 * HOUR,), 60_000 * DAY),
        rulesets=scans,
        limits=Limits(),
        from_ticks=True,
    )


def _session(day: int) -> Session:
    whole = ((day * DAY, (day + 1) * DAY),)
    return Session(day, whole, whole)


def fill(core: Core, bars: int) -> None:
    """History straight into the market's series, up to an hour before the close's own bars."""
    market = core.world.market
    for series in market.every_series():
        length = series.timeframe.length
        last = CLOSE - length
        for n in range(bars):
            start = last - (bars - n) * length
            close = 10_000 + 37 * ((n * 7 + series.instrument.id) % 23)
            market.on_bar(
                Bar(
                    series.instrument.id, start + length, series.timeframe.name, start, start + length,
                    close, close + 20, close - 20, close, 100, TICKS,
                )
            )  # fmt: skip


def known_by(config: str) -> str:
    """What a configuration's bar end is known by."""
    symbol, _, number = config[1:].split("-")
    return "by the clock (2 s)" if int(symbol) % 5 == 0 else "with VIX (0.25 s)" if int(number) % 5 == 4 else "by ticks"


class Longest(NamedTuple):
    """One of the longest inputs: nanoseconds in all and on the processor, when behind the close, and what came between.

    ``switches``: how often the system took the processor away. ``collections``: looks for garbage.
    """

    took: int
    cpu: int
    kind: str
    at: int
    switches: int
    faults: int
    collections: int


class Measured:
    """What one run took, in nanoseconds of true time, at the moments at which it happened."""

    def __init__(self) -> None:
        self.steps: list[int] = []
        self.inputs: dict[str, int] = {}
        self.longest: list[Longest] = []
        self.commits: list[int] = []
        self.ended: list[int] = []  # when the commits did
        self.ticks: list[int] = []  # from when a tick was due to the end of its step
        self.ticks_without_disk: list[int] = []
        self.effects: list[int] = []  # from when the tick or timer was due to the broker
        self.decided = 0
        self.decided_by: dict[str, int] = {}  # by how their bars closed, the last one: microseconds behind the common close
        self.halted_after = 0
        self.collections: list[int] = []

    def step(self, decide: Callable[[Input], tuple[list[Fact], list[Effect]]], now: Callable[[], int]) -> Callable[..., object]:
        """The core's step, measured."""

        def timed(item: Input) -> tuple[list[Fact], list[Effect]]:
            before, cpu, looked = resource.getrusage(resource.RUSAGE_SELF), time.thread_time_ns(), len(self.collections)
            begun = time.perf_counter_ns()
            facts, effects = decide(item)
            ended = time.perf_counter_ns()
            took, name = ended - begun, type(item).__name__
            self.steps.append(took)
            self.inputs[name] = max(took, self.inputs.get(name, 0))
            if len(self.longest) < LONGEST or took > self.longest[-1].took:
                cpu, after = time.thread_time_ns() - cpu, resource.getrusage(resource.RUSAGE_SELF)
                switches = after.ru_nivcsw - before.ru_nivcsw
                faults = after.ru_minflt + after.ru_majflt - before.ru_minflt - before.ru_majflt
                found = Longest(took, cpu, name, now() - CLOSE, switches, faults, len(self.collections) - looked)
                self.longest = sorted((*self.longest, found), reverse=True)[:LONGEST]
            if type(item) is Tick:
                wait = (now() - item.timestamp) * 1_000
                self.ticks.append(wait)
                self.ticks_without_disk.append(wait - self.disk_since(ended - wait))
            for fact in facts:
                if type(fact) is Decided and fact.end == CLOSE:
                    self.decided += 1
                    self.decided_by[known_by(fact.config)] = now() - CLOSE
            return facts, effects

        return timed

    def disk_since(self, at: int) -> int:
        """How much of the time since ``at`` went into commits."""
        spent, n = 0, len(self.ended) - 1
        while n >= 0 and self.ended[n] > at:
            spent += min(self.commits[n], self.ended[n] - at)
            n -= 1
        return spent

    def append(self, store: SqlJournalStore) -> Callable[[Sequence[Record]], None]:
        """The store's commit, measured."""

        def timed(records: Sequence[Record]) -> None:
            begun = time.perf_counter_ns()
            store.append(records)
            self.ended.append(time.perf_counter_ns())
            self.commits.append(self.ended[-1] - begun)

        return timed


class Core1(Core):
    """A core whose steps are measured."""

    __slots__ = ("step",)


class TimedBroker(PaperBroker):
    """The exchange in the same process; notes when orders reached it."""

    def __init__(self, plan: Plan, measured: Measured, clock: PacedClock, core: Core) -> None:
        super().__init__(exchange(plan))
        self._measured, self._clock, self._core = measured, clock, core

    async def place(self, ticket) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001 - as the port has it
        """The orders of a ticket."""
        self._measured.effects.append((self._clock.now() - self._core.at) * 1_000)
        await super().place(ticket)


class TimedLatch(StopFile):
    """The STOP file; notes when it was set."""

    def __init__(self, folder: Path, measured: Measured, clock: PacedClock) -> None:
        super().__init__(folder)
        self._measured, self._clock = measured, clock

    def set(self, reason: str) -> None:
        """Written and synced."""
        super().set(reason)
        self._measured.halted_after = self._clock.now() - (CLOSE + HALT_AT)


async def feed(shell: Shell, broker: PaperBroker, clock: PacedClock, symbols: int) -> None:
    """Ticks at their time, a fifth of the symbols silent around the close; VIX at the end of the first quarter second."""
    heard = [n for n in range(symbols) if n % 5]
    at, count, halted = CLOSE - BEFORE, 0, False
    index = [CLOSE + VIX_AFTER, CLOSE - BEFORE]  # when VIX is quoted: its bar is closed by the second
    while at < CLOSE + AFTER:
        now = clock.now()
        while at <= now:
            if index and at >= index[-1]:
                index.pop()
                shell.post(Tick(1, at, at, count, TickKind.INDEX, 2_000 + len(index), 0, 0, 0, "bench"))
            silent = at < CLOSE - BEFORE // 2  # all trade once before the close
            number = count % symbols if silent else heard[count % len(heard)]
            price = 10_000 + 37 * ((count * 5 + number) % 23)
            tick = Tick(number + 2, at, at, count, TickKind.TRADE, price, 10, 0, 0, "bench")
            for report in broker.market(tick):
                shell.post(report)
            shell.post(tick)
            count += 1
            at += SECOND // TICKS_A_SECOND
        if not halted and now >= CLOSE + HALT_AT:
            halted = True
            shell.post(Command(at=now, id="halt", actor="bench", name="halt", reason="measured"))
        await clock.sleep_until(min(at, clock.now() + 1_000))


async def drive(shell: Shell, clock: PacedClock, feeding: "asyncio.Task[None]") -> None:
    """Turns as those of theo.runtime.live.LiveRun."""
    while not feeding.done():
        now = clock.now()
        timer = shell.core.timer
        if timer <= now:
            shell.post(TimerFired(now))
        if not shell.arrived.is_set():
            waking = asyncio.get_running_loop().call_later(min(max(0, timer - now), 100_000) / SECOND, shell.arrived.set)
            await shell.arrived.wait()
            waking.cancel()
        await shell.pump()
        if shell.core.timer > now:
            await shell.idle()
        else:
            await asyncio.sleep(0)
    feeding.result()


def run(symbols: int, configurations: int) -> tuple[Measured, Core]:
    """One common close."""
    plan = plan_of(symbols, configurations)
    measured = Measured()
    with TemporaryDirectory(prefix="theo-bench-", dir=".") as name:
        folder = Path(name)
        store = SqlJournalStore(folder)
        booted = boot(store, lambda: assemble(plan))
        fill(booted.core, HISTORY)
        collect_seldom()
        gc.collect()
        gc.freeze()
        measured.collections = Collections().took
        clock = PacedClock(CLOSE - BEFORE - SECOND // 2, 1.0)
        booted.journal._append = measured.append(store)  # noqa: SLF001 - measured where it is called
        core = _measured_core(booted.core, measured, clock)
        broker = TimedBroker(plan, measured, clock, core)
        latch = TimedLatch(folder, measured, clock)
        shell = Shell(core, booted.journal, store, broker, Nobody(), latch, clock, Inline())
        started = Started(at=clock.now(), key=plan.key, build=plan.build, cash=plan.cash, world="bench")

        async def live() -> None:
            shell.post(started)
            await broker.connect(shell.post)
            await shell.pump()
            clock.skip_to(CLOSE - BEFORE)
            await drive(shell, clock, asyncio.create_task(feed(shell, broker, clock, symbols)))

        asyncio.run(live())
        store.close()
        gc.callbacks.clear()
    return measured, core


def _measured_core(core: Core, measured: Measured, clock: PacedClock) -> Core:
    made = Core1(core.state, core.world, core.at)
    made.step = measured.step(super(Core1, made).step, clock.now)
    return made


class Collections:
    """How long the interpreter looked for garbage, in nanoseconds each time."""

    def __init__(self) -> None:
        self.took: list[int] = []
        self._begun = 0
        gc.callbacks.append(self._heard)

    def _heard(self, phase: str, _info: dict[str, int]) -> None:
        if phase == "start":
            self._begun = time.perf_counter_ns()
        else:
            self.took.append(time.perf_counter_ns() - self._begun)


def growth(configurations: int) -> list[tuple[int, float]]:
    """Microseconds of processor time that a symbol's bar of five minutes takes with all its looks, by how many were before it."""
    core, begin, length = assemble(plan_of(1, configurations)), (DATE - 9) * DAY, LENGTHS[FRAMES[0]]
    instrument, found, spent = core.world.market.every_series()[0].instrument.id, [], 0
    for n in range(1, GROWN_BARS + 1):
        end = begin + n * length
        close = 10_000 + 37 * (n * 7 % 23)
        for frame in FRAMES:
            if end % LENGTHS[frame] == 0:
                bar = Bar(instrument, end, frame, end - LENGTHS[frame], end, close, close + 20, close - 20, close, 100, TICKS)
                begun = time.process_time_ns()
                core.step(bar)
                spent += (time.process_time_ns() - begun) * (frame == FRAMES[0])
        if n % GROWN_STEP == 0:
            found.append((n, spent / GROWN_STEP / 1e3))
            spent = 0
    return found


def shown(label: str, values: Sequence[int]) -> None:
    """Milliseconds: median, 99 of 100, the longest."""
    if len(values) < 2:
        print(f"{label:44} {len(values)} only")
        return
    cuts = quantiles(values, n=100)
    typical, rare, longest = cuts[49] / 1e6, cuts[98] / 1e6, max(values) / 1e6
    print(f"{label:44} p50 {typical:8.3f}  p99 {rare:8.3f}  max {longest:8.3f} ms  of {len(values):,}")


def main(symbols: int, configurations: int) -> None:
    """The common close, and what a bar costs as history grows."""
    begun = time.perf_counter()
    measured, core = run(symbols, configurations)
    scans = len(core.world.scans)
    took, peak = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{symbols} symbols x {len(FRAMES)} timeframes x {configurations} configurations: {scans:,} scans")
    print(f"the whole run {took:.0f} s, {peak:.0f} MB")
    print(
        f"decided of the common close: {measured.decided:,}; the last "
        + ", ".join(f"{how} {at / 1e6:.3f} s" for how, at in sorted(measured.decided_by.items()))
        + " after it"
    )
    shown("one input in the core", measured.steps)
    core_s, commits_s = sum(measured.steps) / 1e9, sum(measured.commits) / 1e9
    print(f"in the core {core_s:.2f} s, in commits {commits_s:.2f} s of the run's {(BEFORE + AFTER) // SECOND} s")
    for one in measured.longest:
        print(
            f"  {one.kind} {one.at / 1e3:.1f} ms after the close: {one.took / 1e6:.2f} ms, on the processor {one.cpu / 1e6:.2f}; "
            f"taken off it {one.switches} times, {one.faults} page faults, garbage looked for {one.collections} times"
        )
    print("longest by kind, ms: " + ", ".join(f"{kind} {ns / 1e6:.2f}" for kind, ns in sorted(measured.inputs.items())))
    shown("tick due until decided", measured.ticks)
    shown("the same without the disk", measured.ticks_without_disk)
    shown("decided until the orders are at the broker", measured.effects)
    shown("commit, synced", measured.commits)
    shown("looking for garbage", measured.collections)
    print(f"halt {measured.halted_after / 1e3:.1f} ms after it was asked for")
    grown = growth(configurations)
    print("a symbol's bar of 5 minutes, by bars before it: " + ", ".join(f"{n:,}: {each:.0f} us" for n, each in grown[::3]))


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]]
    main(given[0] if given else SYMBOLS, given[1] if len(given) > 1 else CONFIGURATIONS)
