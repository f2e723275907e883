"""The core: one input at a time, time going forward only. The only caller of decide and apply outside of recovery."""

from collections.abc import Callable
from itertools import islice
from typing import Any

from theo.domain import reports as r
from theo.domain.effects import Effect
from theo.domain.facts import DataKnown, Fact, LinkKnown, OrderMoved, Restarted, RunStarted, TimeWentBack
from theo.domain.inputs import Command, Input, LinkChanged, Started, TimerFired
from theo.domain.market_data import Bar, ContractRolled, DataMarked, Tick
from theo.engine.account import equity
from theo.engine.apply import world_hash
from theo.engine.decide.asking import ask_book
from theo.engine.decide.books import on_book
from theo.engine.decide.clock import begin_day, check_breaker, next_due, run_due
from theo.engine.decide.commands import on_command
from theo.engine.decide.order_reports import on_report
from theo.engine.decide.rolls import on_rolled
from theo.engine.decide.scans import run_scan
from theo.engine.order_life import OrderEvent, OrderStatus
from theo.engine.scan import NEVER, Cohort
from theo.engine.state import State
from theo.engine.turn import Turn
from theo.engine.world import LOOKS_AT_ONCE, World
from theo.market.series import Pair, Series
from theo.risk.rules.losses import loss_floor

CLOCK_STEP_TOLERATED = 1_000  # microseconds: reports and ticks of one moment may arrive crosswise
NOTHING: tuple[list[Fact], list[Effect]] = ([], [])  # what most ticks lead to; never appended to


class Core:
    """State, world and core time. ``step`` is decide and apply for one input.

    ``timer`` is when a driver must deliver a TimerFired if nothing else comes first; NEVER when time alone changes nothing. Of
    many configurations one input may make more due than may hold the core: timers due at once work it off in slices, not ticks.
    ``closed_by_time`` says whether the last input closed or told of bars by the clock: then it is journalled, facts or not.
    """

    __slots__ = ("_defers", "_looks_left", "at", "closed_by_time", "due", "floor", "scan_due", "state", "timer", "world")

    def __init__(self, state: State, world: World, at: int = 0) -> None:
        self.state, self.world, self.at = state, world, at
        self.closed_by_time = False
        self.floor: float = 0  # below this equity a loss limit may be breached
        self.due = 0  # when time alone has something to do next, 0: look again
        self.scan_due = NEVER  # when a scan stops waiting, for a late series or for its turn
        self._looks_left = NEVER  # how many more the input may lead to
        self._defers = False  # whether what the input makes ready waits for a timer
        self.timer = 0

    def step(self, item: Input) -> tuple[list[Fact], list[Effect]]:
        """Facts and effects of one input, facts already applied. Both lists may be empty."""
        kind = type(item)
        if (kind is Bar or kind is Tick) and self.at <= item.at < self.timer:
            self.closed_by_time = False
            self.at = item.at
            market, state = self.world.market, self.state
            closed = market.on_bar(item) if kind is Bar else market.on_tick(item)  # type: ignore[arg-type]  # narrowed by kind
            if closed:
                self.world.hear()
            loses = state.open_trades and equity(state, self.world) < self.floor
            looks = self.world.ready and not (kind is Tick and self.world.sliced)
            done = self._quick(looks=bool(looks), loses=bool(loses)) if looks or loses else NOTHING
            if closed:
                self.scan_due = self.world.scans_due(self.at)
        else:
            market = self.world.market
            done = self._full(item)
        timer = market.due
        if self.due < timer:
            timer = self.due
        self.timer = self.scan_due if self.scan_due < timer else timer
        return done

    def _quick(self, *, looks: bool, loses: bool) -> tuple[list[Fact], list[Effect]]:
        """Market data that calls for a look while nothing is due by time."""
        turn = Turn(self.state, self.world, self.at)
        if loses:
            check_breaker(turn)
        if looks:
            self._looks_left = NEVER
            self._run(turn)
        if len(turn.facts) > 1 or turn.effects:
            self._look_ahead()
        return turn.facts, turn.effects

    def _full(self, item: Input) -> tuple[list[Fact], list[Effect]]:
        """Any input: what is due by time first, then the input's own handler."""
        turn, kind, world = self._turn(item), type(item), self.world
        self.closed_by_time = False
        by_time = kind is TimerFired
        whole = not world.sliced or kind is Bar or (not by_time and world.overrun(turn.at))
        self._looks_left = NEVER if whole else LOOKS_AT_ONCE
        self._defers = not (whole or by_time)
        if turn.at >= self.scan_due and not self._defers:
            self._run_late_scans(turn, whole=whole)
        if turn.at >= self.due:
            run_due(turn)
            self.due = 0
        HANDLERS[kind](self, turn, item)
        if self.due == 0 or turn.facts or turn.effects:
            self._look_ahead()
        return turn.facts, turn.effects

    def _look_ahead(self) -> None:
        """What the state says of the time to come: when something falls due, and the equity that trips the breaker."""
        state, world = self.state, self.world
        self.due = next_due(state, world, self.at)
        self.floor = loss_floor(state.day.equity, state.high_water, world.limits)

    def _turn(self, item: Input) -> Turn:
        """Core time is max(previous, the input's); a backward step is kept as a fact."""
        if item.at >= self.at:
            self.at = item.at
            return Turn(self.state, self.world, item.at)
        turn = Turn(self.state, self.world, self.at)
        if self.at - item.at > CLOCK_STEP_TOLERATED:
            turn.emit(TimeWentBack(self.at, item.at))
        return turn

    def series_closed(self, turn: Turn) -> None:
        """Series closed bars within a turn, and the scans have heard: look at the open positions, then run what is ready."""
        check_breaker(turn)
        if not self._defers:
            self._run(turn)
        self.scan_due = self.world.scans_due(self.at)

    def _run(self, turn: Turn) -> None:
        """Run what is ready, as far as the input may lead."""
        caught_up: set[Series | Pair] = set()
        for cohort in list(islice(self.world.ready, max(0, self._looks_left))):
            if cohort.lagging:
                self._looks_left = self._left_for(cohort, caught_up)
            for scan in tuple(cohort.left()):
                if self._looks_left <= 0:
                    return
                self._looks_left -= run_scan(turn, scan)

    def _left_for(self, cohort: Cohort, caught_up: set[Series | Pair]) -> int:
        """How many looks are left when what the cohort reads has caught up; one at least for the first.

        What did so before this input counts too: a replay, where it may not have, runs as many.
        """
        first = not caught_up
        left = self._looks_left - sum(source.weight for source in cohort.lagging if source not in caught_up)
        caught_up.update(cohort.lagging)
        return max(left, 1) if first else left

    def _run_late_scans(self, turn: Turn, *, whole: bool) -> None:
        """Decisions whose series did not all come in time: what is missing is missing. And those that waited for their turn.

        A bar that the clock closes at this very moment is not missing: an index may be silent for so long, and its bar is whole.
        """
        world = self.world
        if not whole and world.too_much(turn.at):
            return  # the timer's own handler closes a slice of them
        if world.tell_more(whole=whole):
            self.closed_by_time = True  # kept, so that a replay tells as many
        if world.late(turn.at):
            if world.close_due(turn.at, whole=whole):
                check_breaker(turn)
            world.market.settle()
            world.overdue(turn.at, whole=whole)
            self._run(turn)
        if not (whole or world.ready):
            world.market.follow(self._looks_left)
        self.scan_due = world.scans_due(turn.at, seek=True)


def _on_tick(core: Core, turn: Turn, tick: Tick) -> None:
    if core.world.market.on_tick(tick):
        core.world.hear()
        core.series_closed(turn)
    else:
        check_breaker(turn)


def _on_bar(core: Core, turn: Turn, bar: Bar) -> None:
    if core.world.market.on_bar(bar):
        core.world.hear()
        core.series_closed(turn)


def _on_marked(core: Core, turn: Turn, marked: DataMarked) -> None:
    """A bar that closes from here on says what its data are worth; what rests at the broker stays as it is."""
    core.world.market.on_mark(marked)
    turn.emit(DataKnown(turn.at, marked.instrument, marked.mark, marked.since, marked.why))


def _on_contract(core: Core, turn: Turn, rolled: ContractRolled) -> None:
    """A repeat of the contract that is the front already changes nothing."""
    closed = core.world.market.on_roll(rolled)
    front = turn.state.fronts.get(rolled.instrument)
    if front is None or front.name != rolled.contract:
        on_rolled(turn, rolled)
    if closed:
        core.world.hear()
        core.series_closed(turn)


def _on_timer(core: Core, turn: Turn, timer: TimerFired) -> None:
    if core.world.close_due(timer.at, whole=not core.world.sliced):
        core.closed_by_time = True
        core.series_closed(turn)
    else:
        check_breaker(turn)


def _on_started(_core: Core, turn: Turn, started: Started) -> None:
    """Intents without an answer are UNKNOWN from here on; the books come first."""
    if not turn.state.world:
        turn.emit(RunStarted(at=turn.at, key=started.key, build=started.build, cash=started.cash, world=started.world))
        begin_day(turn)
        return
    changed = world_hash(started.world) != turn.state.world
    turn.emit(Restarted(turn.at, started.build, started.world if changed else ""))
    for held in list(turn.state.orders.values()):
        if held.status is OrderStatus.INTENDED:
            turn.emit(OrderMoved(turn.at, held.order.id, OrderEvent.UNANSWERED, "restarted before an answer"))
    ask_book(turn, "restarted")


def _on_link(_core: Core, turn: Turn, link: LinkChanged) -> None:
    turn.emit(LinkKnown(turn.at, link.up, link.reason))
    if link.up:
        ask_book(turn, "reconnected")
    else:
        turn.alert("warning", "link_down", f"the broker's link is down: {link.reason}")


def _on_report(_core: Core, turn: Turn, report: r.OrderReport) -> None:
    on_report(turn, report)


def _on_command(_core: Core, turn: Turn, command: Command) -> None:
    on_command(turn, command)


def _on_book(_core: Core, turn: Turn, book: r.BookReported) -> None:
    on_book(turn, book)


HANDLERS: dict[type, Callable[[Core, Turn, Any], None]] = {
    Bar: _on_bar,
    Tick: _on_tick,
    DataMarked: _on_marked,
    ContractRolled: _on_contract,
    TimerFired: _on_timer,
    Started: _on_started,
    LinkChanged: _on_link,
    Command: _on_command,
    r.BookReported: _on_book,
    **dict.fromkeys(
        (
            r.OrderAccepted,
            r.OrderRejected,
            r.OrderFilled,
            r.FillCorrected,
            r.ChargesReported,
            r.OrderCancelled,
            r.OrderExpired,
            r.OrderAmended,
            r.ActionRejected,
            r.SendFailed,
            r.SendUnknown,
        ),
        _on_report,
    ),
}
