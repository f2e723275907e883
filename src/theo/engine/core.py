"""The core: one input at a time, time going forward only. The only caller of decide and apply outside of recovery."""

from collections.abc import Callable
from typing import Any

from theo.domain import reports as r
from theo.domain.effects import Effect
from theo.domain.facts import Fact, LinkKnown, OrderMoved, Restarted, RunStarted, TimeWentBack
from theo.domain.inputs import Command, Input, LinkChanged, Started, TimerFired
from theo.domain.market_data import Bar, Tick
from theo.engine.apply import world_hash
from theo.engine.decide.asking import ask_book
from theo.engine.decide.books import on_book
from theo.engine.decide.clock import begin_day, check_breaker, next_due, run_due
from theo.engine.decide.commands import on_command
from theo.engine.decide.order_reports import on_report
from theo.engine.decide.scans import run_scan
from theo.engine.order_life import OrderEvent, OrderStatus
from theo.engine.scan import NEVER
from theo.engine.state import State
from theo.engine.turn import Turn
from theo.engine.world import World

class Core:
    """State, world and core time. ``step`` is decide and apply for one input."""

    __slots__ = ("at", "closed_by_time", "due", "scan_due", "state", "world")

    def __init__(self, state: State, world: World, at: int = 0) -> None:
        self.state, self.world, self.at = state, world, at
        self.closed_by_time = False  # whether the last input closed bars by the clock: then it is journalled, facts or not
        self.due = 0  # when time alone has something to do next
        self.scan_due = NEVER  # when a scan stops waiting for a late series

    def step(self, item: Input) -> tuple[list[Fact], list[Effect]]:
        """Facts and effects of one input, facts already applied. Both lists may be empty."""
        if item.at < self.at:
            turn = Turn(self.state, self.world, self.at)
            if self.at - item.at > CLOCK_STEP_TOLERATED:
                turn.emit(TimeWentBack(self.at, item.at))
        else:
            self.at = item.at
            turn = Turn(self.state, self.world, item.at)
        self.closed_by_time = False
        if turn.at >= self.scan_due:
            self._run_scans(turn, late=True)
        if turn.at >= self.due:
            run_due(turn)
            self.due = 0
        HANDLERS[type(item)](self, turn, item)
        if self.due == 0 or len(turn.facts) > 1 or turn.effects:
            self.due = next_due(self.state, self.world, self.at)
        return turn.facts, turn.effects

    def next_timer(self) -> int:
        """When a driver must deliver a TimerFired if nothing else comes first; NEVER when time alone changes nothing."""
        return min(self.due, self.scan_due, self.world.market.next_due())

    def closed_series(self, turn: Turn) -> None:
        """Series closed bars: scans that waited for them may be due, and an open position is looked at."""
        for series in self.world.market.closed:
            for scan in series.scans:
                scan.bar_closed(series)
        if turn.state.open_trades:
            check_breaker(turn)
        self._run_scans(turn, late=False)

    def _run_scans(self, turn: Turn, *, late: bool) -> None:
        self.scan_due = NEVER
        for scan in self.world.scans.values():
            if not scan.waiting_for:
                continue
            if scan.complete() or (late and turn.at >= scan.waiting_until):
                run_scan(turn, scan)
            elif scan.waiting_until < self.scan_due:
                self.scan_due = scan.waiting_until


CLOCK_STEP_TOLERATED = 1_000  # microseconds: reports and ticks of one moment may arrive crosswise


def _on_tick(core: Core, turn: Turn, tick: Tick) -> None:
    if core.world.market.on_tick(tick):
        core.closed_series(turn)
    elif turn.state.positions.get(tick.instrument):
        check_breaker(turn)


def _on_bar(core: Core, turn: Turn, bar: Bar) -> None:
    if core.world.market.on_bar(bar):
        core.closed_series(turn)


def _on_timer(core: Core, turn: Turn, timer: TimerFired) -> None:
    if core.world.market.on_time(timer.at):
        core.closed_by_time = True
        core.closed_series(turn)
    elif turn.state.open_trades:
        check_breaker(turn)


def _on_started(_core: Core, turn: Turn, started: Started) -> None:
    """Intents without an answer are UNKNOWN from here on; the books come first."""
    if not turn.state.world:
        turn.emit(
            RunStarted(at=turn.at, key=started.key, build=started.build, cash=started.cash, world=started.world)
        )
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
