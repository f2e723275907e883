"""The core: one input at a time, time going forward only. The only caller of decide and apply outside of recovery."""

from collections.abc import Callable, Sequence
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
from theo.engine.scan import NEVER, Scan
from theo.engine.state import State
from theo.engine.turn import Turn
from theo.engine.world import World
from theo.risk.rules.losses import loss_floor

CLOCK_STEP_TOLERATED = 1_000  # microseconds: reports and ticks of one moment may arrive crosswise
NOTHING: tuple[list[Fact], list[Effect]] = ([], [])  # what most ticks lead to; never appended to


class Core:
    """State, world and core time. ``step`` is decide and apply for one input.

    ``timer`` is when a driver must deliver a TimerFired if nothing else comes first; NEVER when time alone changes nothing.
    ``closed_by_time`` says whether the last input closed bars by the clock: then it is journalled, facts or not.
    """

    __slots__ = ("at", "closed_by_time", "due", "floor", "scan_due", "state", "timer", "world")

    def __init__(self, state: State, world: World, at: int = 0) -> None:
        self.state, self.world, self.at = state, world, at
        self.closed_by_time = False
        self.floor: float = 0  # below this equity a loss limit may be breached
        self.due = 0  # when time alone has something to do next, 0: look again
        self.scan_due = NEVER  # when a scan stops waiting for a late series
        self.timer = 0

    def step(self, item: Input) -> tuple[list[Fact], list[Effect]]:
        """Facts and effects of one input, facts already applied. Both lists may be empty."""
        kind = type(item)
        if (kind is Bar or kind is Tick) and self.at <= item.at < self.timer:
            self.closed_by_time = False
            self.at = item.at
            market, state = self.world.market, self.state
            closed = market.on_bar(item) if kind is Bar else market.on_tick(item)  # type: ignore[arg-type]  # narrowed by kind
            ready = self._scans_ready() if closed else ()
            loses = state.open_trades and equity(state, self.world) < self.floor
            done = self._quick(ready, loses=bool(loses)) if ready or loses else NOTHING
        else:
            market = self.world.market
            done = self._full(item)
        timer = market.due
        if self.due < timer:
            timer = self.due
        self.timer = self.scan_due if self.scan_due < timer else timer
        return done

    def _quick(self, ready: Sequence[Scan], *, loses: bool) -> tuple[list[Fact], list[Effect]]:
        """Market data that calls for a look while nothing is due by time."""
        turn = Turn(self.state, self.world, self.at)
        if loses:
            check_breaker(turn)
        for scan in ready:
            run_scan(turn, scan)
        if len(turn.facts) > 1 or turn.effects:
            self._look_ahead()
        return turn.facts, turn.effects

    def _full(self, item: Input) -> tuple[list[Fact], list[Effect]]:
        """Any input: what is due by time first, then the input's own handler."""
        turn = self._turn(item)
        self.closed_by_time = False
        if turn.at >= self.scan_due:
            self._run_late_scans(turn)
        if turn.at >= self.due:
            run_due(turn)
            self.due = 0
        HANDLERS[type(item)](self, turn, item)
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

    def _scans_ready(self) -> list[Scan]:
        """Scans whose decision is due now, of the series that just closed; the others wait until their grace ends."""
        ready: list[Scan] = []
        world = self.world
        for series in world.market.closed:
            for scan in world.awaiting.get(series, ()):
                if scan.bar_closed(series):
                    if scan not in ready:
                        ready.append(scan)
                elif scan.waiting_until < self.scan_due:
                    self.scan_due = scan.waiting_until
        if ready:
            self.scan_due = NEVER
            if len(ready) < len(world.scans):
                for scan in world.scans.values():
                    if scan.waiting_until < self.scan_due and scan not in ready:
                        self.scan_due = scan.waiting_until
        return ready

    def series_closed(self, turn: Turn) -> None:
        """Series closed bars within a turn: look at the open positions, then run what is ready."""
        ready = self._scans_ready()
        check_breaker(turn)
        for scan in ready:
            run_scan(turn, scan)

    def _run_late_scans(self, turn: Turn) -> None:
        """Decisions whose series did not all come in time: what is missing counts as missing.

        A bar that the clock closes at this very moment is not: an index may be silent for so long, and its bar is whole.
        """
        if self.world.market.on_time(turn.at):
            self.series_closed(turn)
        self.world.market.settle()
        for scan in self.world.scans.values():
            if scan.waiting_for and turn.at >= scan.waiting_until:
                run_scan(turn, scan)
        self.scan_due = min((s.waiting_until for s in self.world.scans.values()), default=NEVER)


def _on_tick(core: Core, turn: Turn, tick: Tick) -> None:
    if core.world.market.on_tick(tick):
        core.series_closed(turn)
    else:
        check_breaker(turn)


def _on_bar(core: Core, turn: Turn, bar: Bar) -> None:
    if core.world.market.on_bar(bar):
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
        core.series_closed(turn)


def _on_timer(core: Core, turn: Turn, timer: TimerFired) -> None:
    if core.world.market.on_time(timer.at):
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
