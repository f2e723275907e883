"""Lock-step: the next input only after the last one's effects were performed. Backtest and replay are this and a source.

Order of one market data item: timers due before it, what the venue makes of it (fills of orders that rested), then the core.
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterable

from theo.domain.effects import Alert, AmendOrder, AskBook, CancelEverything, CancelOrder, Effect, LatchHalt, PlaceTicket
from theo.domain.facts import Fact
from theo.domain.inputs import Command, Input, TimerFired
from theo.domain.market_data import Bar, ContractRolled, Tick
from theo.engine.core import Core
from theo.engine.journal import GROUP_ITEMS_MAX, Journal
from theo.engine.known_rows import KnownRows, pass_quietly, quiet_until
from theo.venue.books import ALWAYS, NEVER
from theo.venue.exchange import Venue

ANY_PRICE = (ALWAYS, NEVER)  # no order works: no price concerns one
ANSWERS_MAX = 10_000  # reports that may follow from one input: a venue and a core that talk in circles are a bug
Watch = Callable[[int, list[Fact]], None]


class LockStep:
    """A core and a simulated exchange, driven by market data and commands. ``watch`` sees each step's facts once durable."""

    __slots__ = ("_answers", "_core", "_journal", "_venue", "_watch")

    def __init__(self, core: Core, venue: Venue, journal: Journal, watch: Watch | None = None) -> None:
        self._core, self._venue, self._journal, self._watch = core, venue, journal, watch
        self._answers: deque[Input] = deque()

    def run(self, items: Iterable[Tick | Bar | ContractRolled | Command]) -> None:
        """Drive through market data, rolls and commands in order of ``at``, then commit. The venue sees market items first."""
        self.each(items)
        self._journal.commit(self._core.at)

    def each(self, items: Iterable[Tick | Bar | ContractRolled | Command]) -> None:
        """The same without a commit at the end."""
        core, venue, journal, watched = self._core, self._venue, self._journal, self._watch is not None
        taken, on_bar, on_tick, decide, record = journal.items, venue.on_bar, venue.on_tick, core.step, journal.step
        for item in items:
            at, kind = item.at, type(item)
            if core.timer < at or venue.next_due < at:
                self.advance(at)
            if kind is Bar:
                reports = on_bar(item)  # type: ignore[arg-type]  # narrowed by kind
            elif kind is Tick:
                reports = on_tick(item)  # type: ignore[arg-type]  # narrowed by kind
            elif kind is ContractRolled:
                reports = venue.on_roll(item)  # type: ignore[arg-type]  # narrowed by kind
            else:
                self.feed(item)
                continue
            for report in reports:
                self.feed(report)
            taken.append(item)  # type: ignore[arg-type]  # narrowed by kind
            facts, effects = decide(item)
            if effects or (facts and watched):
                self._follow(None, facts, effects)
            elif facts:
                record(at, None, facts)
            if len(taken) >= GROUP_ITEMS_MAX:
                journal.commit(core.at)

    def rows(self, known: KnownRows) -> None:
        """Drive through rows of bars that are known beforehand: the same records as ``each`` leaves for their bars."""
        row, count = 0, len(known.ends)
        while row < count:
            until = self._quiet_until(known, row)
            if until > row:
                self._pass(known, range(row, until))
                row = until
            else:
                self.each(known.of(range(row, row + 1)))
                row += 1

    def _pass(self, known: KnownRows, rows: range) -> None:
        """Rows at which nothing happens: to the exchange only the last of them matters."""
        for bar in known.of(rows[-1:]):
            self._venue.on_bar(bar)
        facts = pass_quietly(self._core, known, rows)
        self._journal.step_rows(known.of(rows), known.ends[rows.start : rows.stop], facts)
        if len(self._journal.items) >= GROUP_ITEMS_MAX:
            self._journal.commit(self._core.at)

    def _quiet_until(self, known: KnownRows, row: int) -> int:
        """The row before which nothing happens, at the exchange neither, that fits into the journal's group."""
        venue = self._venue
        room = (GROUP_ITEMS_MAX - len(self._journal.items)) // len(known.series)
        if self._watch is not None or venue.next_due < known.ends[row] or not room:
            return row
        until = min(quiet_until(self._core, known, row), row + room, bisect_right(known.ends, venue.next_due, row))
        for series in known.series:
            between = venue.quiet_between(series.instrument.id)
            if between != ANY_PRICE and until > row:
                until = known.prices[series.instrument.id].first_outside(range(row, until), *between)
        return until

    def advance(self, until: int) -> None:
        """Deliver every timer and venue event that is due before ``until``, in order of time."""
        while True:
            at = min(self._core.timer, self._venue.next_due)
            if at >= until:
                return
            for report in self._venue.on_time(at):
                self.feed(report)
            if self._core.timer <= at:
                self.feed(TimerFired(at))

    def feed(self, item: Input) -> None:
        """Any other input, and everything that follows from it."""
        facts, effects = self._core.step(item)
        if facts or self._core.closed_by_time:
            self._follow(item, facts, effects)

    def _follow(self, item: Input | None, facts: list[Fact], effects: list[Effect]) -> None:
        """Journal, then perform, then take the venue's answers, until nothing follows."""
        answers = self._answers
        while True:
            at = self._core.at
            self._journal.step(at, item, facts)
            if effects:
                self._journal.commit(at)
                for effect in effects:
                    self._perform(effect, at)
            if self._watch is not None:
                self._watch(at, facts)
            if not answers:
                return
            facts, effects = [], []
            while answers and not facts:
                item = answers.popleft()
                facts, effects = self._core.step(item)
            if not facts:
                return

    def _perform(self, effect: Effect, at: int) -> None:
        venue = self._venue
        if isinstance(effect, PlaceTicket):
            self._answers.extend(venue.place(effect.approved.subject, at))
        elif isinstance(effect, AmendOrder):
            self._answers.extend(venue.amend(effect.approved.subject, at))
        elif isinstance(effect, CancelOrder):
            self._answers.extend(venue.cancel(effect.order, at))
        elif isinstance(effect, CancelEverything):
            self._answers.extend(venue.cancel_everything(at))
        elif isinstance(effect, AskBook):
            self._answers.append(venue.book(at))
        elif not isinstance(effect, Alert | LatchHalt):  # facts of their own; nobody to tell in a simulation
            raise TypeError(f"no driver performs {effect}")
        if len(self._answers) > ANSWERS_MAX:
            raise RuntimeError(f"more than {ANSWERS_MAX} answers follow from one input at {at}")
