"""One bar series of one instrument: its last bars, the indicators kept on it, and its correlations with others."""

from collections import deque
from collections.abc import Callable

import msgspec

from theo.domain.instrument import Instrument
from theo.domain.market_data import Bar, Timeframe
from theo.market.ahead import SeriesAhead
from theo.market.correlation import CorrelationSpec, PairCorrelation
from theo.market.indicators.column import Column
from theo.market.indicators.indicator import Indicator
from theo.market.indicators.spec import IndicatorSpec
from theo.market.rewind import MARKS_KEPT, NEVER, Mark, Rewind, newest_before
from theo.market.trust import SeriesTrust


class Series:
    """Closed bars in order. ``last_end`` is the newest bar's end, 0 before the first.

    ``trusts`` are told of bars that stand apart: one for each set of hours that it is decided on in. ``recent`` holds the newest
    bars where a data gate asks for them (``keep_recent``). ``rewind`` is there when bars may come again (``keep``);
    ``stale`` says that some did, and that ``settle`` is to be called before anyone looks.
    """

    __slots__ = (
        "_kept",
        "_updated",
        "bar",
        "indicators",
        "instrument",
        "last_end",
        "pairs",
        "previous_bar",
        "recent",
        "rewind",
        "stale",
        "timeframe",
        "trusts",
    )

    def __init__(self, instrument: Instrument, timeframe: Timeframe) -> None:
        self.instrument, self.timeframe = instrument, timeframe
        self.bar: Bar | None = None
        self.previous_bar: Bar | None = None
        self.last_end = 0
        self.indicators: dict[IndicatorSpec, Indicator] = {}
        self._kept: tuple[Indicator, ...] = ()
        self._updated: tuple[Indicator | SeriesAhead, ...] = ()  # what a bar updates: the same, unless columns are looked up
        self.pairs: list[Pair] = []
        self.trusts: tuple[SeriesTrust, ...] = ()
        self.recent: deque[Bar] | None = None
        self.rewind: Rewind | None = None
        self.stale = False

    def keep(self) -> None:
        """Its bars may come again: keep what is needed to replace them."""
        self.rewind = Rewind()

    def keep_recent(self, count: int) -> None:
        """From the next bar on keep so many of the newest, or more where more were asked for."""
        self.recent = deque(maxlen=count if self.recent is None else max(count, self.recent.maxlen or 0))

    def column(self, spec: IndicatorSpec, output: str) -> Column:
        """An output of an indicator, kept from the next bar on if it is not kept yet."""
        indicator = self.indicators.get(spec)
        if indicator is None:
            indicator = self.indicators[spec] = Indicator(spec)
            self._kept = (*self._kept, indicator)
            self._updated = self._kept
            if self.rewind is not None:
                self.rewind = Rewind()  # the marks lack it
        return indicator.outputs[output]

    def close(self, bar: Bar) -> bool:
        """Take the next bar; False for one that is not later than the newest: a repeat, or a revision of a bar decided on."""
        if bar.end <= self.last_end:
            return False
        if bar.start != self.last_end:
            for trust in self.trusts:
                trust.on_bar_apart(self.last_end, bar)
        if self.rewind is not None:
            self._remember(self.rewind, bar)
        self.previous_bar = self.bar
        self.bar = bar
        self.last_end = bar.end
        if self.recent is not None:
            self.recent.append(bar)
        for indicator in self._updated:
            indicator.update(bar)
        for pair in self.pairs:
            first, second = pair.first, pair.second
            if first.last_end == second.last_end:
                pair.joined(first.bar, second.bar)  # type: ignore[arg-type]  # both have closed a bar by then
            elif self.rewind is not None and max(first.last_end, second.last_end) > bar.end:
                pair.stale_from = min(pair.stale_from, bar.start)  # it comes after others of its time: joined in its place
                self.stale = True
        return True

    def _remember(self, rewind: Rewind, bar: Bar) -> None:
        """Before a bar is taken."""
        if rewind.due:
            rewind.mark(self.last_end, [indicator.state() for indicator in self._kept])
            for pair in self.pairs:
                pair.mark()
        rewind.bars.append(bar)

    def revise(self, bar: Bar) -> None:
        """A bar that has closed comes again with other numbers, or one that was missing: it counts from the next close on."""
        if self.rewind is None:
            return
        if not self.rewind.replace(bar):
            self.tell_unmended()
            return
        self.stale = True
        for pair in self.pairs:
            pair.stale_from = min(pair.stale_from, bar.start)

    def settle(self) -> None:
        """Make anew what was made of bars that have been replaced."""
        self.stale = False
        rewind = self.rewind
        if rewind is not None and rewind.stale_from < NEVER:
            self._go_back(rewind)
        for pair in self.pairs:
            if pair.stale_from < NEVER and not pair.settle():
                pair.first.tell_unmended()
                pair.second.tell_unmended()

    def _go_back(self, rewind: Rewind) -> None:
        mark = newest_before(rewind.marks, rewind.stale_from)
        rewind.stale_from = NEVER
        assert mark is not None, "a bar before the oldest mark is not replaced"
        end, states = mark
        for indicator, state in zip(self._kept, states, strict=True):  # type: ignore[call-overload]  # as _remember made it
            indicator.restore(state)
        for bar in rewind.after(end):
            for indicator in self._kept:
                indicator.update(bar)
        *_, self.previous_bar, self.bar = (self.previous_bar, *rewind.bars)
        if self.recent is not None:
            before = [bar for bar in self.recent if bar.end < rewind.bars[0].end]
            self.recent = deque([*before, *rewind.bars], self.recent.maxlen)
        for trust in self.trusts:
            trust.on_replaced(rewind.bars)

    def tell_unmended(self) -> None:
        """Something that came late is in none of its bars."""
        for trust in self.trusts:
            trust.on_unmended()

    def look_up(self, ahead: SeriesAhead | None) -> None:
        """Take what the indicators say from columns that were computed ahead; None: from the indicators again."""
        self._updated = self._kept if ahead is None else (ahead,)

    def skip_to(self, bar: Bar) -> None:
        """Stand where ``bar`` is the newest, while columns are looked up: the next ``close`` shows them as after any bar."""
        self.bar, self.last_end = bar, bar.end

    def shift(self, difference: int) -> None:
        """A futures roll: prices are higher by ``difference`` from the next bar on; what is known now moves with them."""
        self.bar = None if self.bar is None else self.bar.moved(difference)
        self.previous_bar = None if self.previous_bar is None else self.previous_bar.moved(difference)
        if self.recent is not None:
            self.recent = deque([bar.moved(difference) for bar in self.recent], self.recent.maxlen)
        for indicator in self._kept:
            indicator.shift(difference)
        if self.rewind is not None:
            self.rewind = Rewind()  # what was made before the roll is in another frame, and is not made anew

    def state(self) -> object:
        """Plain values that ``restore`` takes back."""
        kept = [[spec.text, indicator.state()] for spec, indicator in self.indicators.items()]
        rewind = None if self.rewind is None else self.rewind.state()
        recent = [] if self.recent is None else [list(self.recent)]
        return [self.bar, self.previous_bar, kept, [trust.state() for trust in self.trusts], rewind, self.stale, *recent]

    def restore(self, state: object) -> None:
        """Go on where ``state`` was taken, with the same indicators."""
        assert isinstance(state, list | tuple)
        self.bar, self.previous_bar = (None if b is None else msgspec.convert(b, Bar) for b in state[:2])
        self.last_end = self.bar.end if self.bar else 0
        kept = dict(state[2])
        for spec, indicator in self.indicators.items():
            indicator.restore(kept[spec.text])
        for trust, taken in zip(self.trusts, state[3], strict=True):
            trust.restore(taken)
        if self.rewind is not None:
            self.rewind.restore(state[4])
        self.stale = state[5]
        if self.recent is not None:
            self.recent = deque(msgspec.convert(state[6], list[Bar]), self.recent.maxlen)


class Pair:
    """Two series and their correlation: joined when both have closed the same bar end, in the order of the ends.

    ``stale_from`` is where the oldest bar begins that came after its time, or again.
    """

    __slots__ = ("_ahead", "_marks", "correlation", "first", "joined", "second", "stale_from")

    def __init__(self, spec: CorrelationSpec, first: Series, second: Series) -> None:
        self.correlation = PairCorrelation(spec)
        self._ahead: SeriesAhead | None = None
        self.joined: Callable[[Bar, Bar], None] = self.correlation.join
        self.first, self.second = first, second
        self.stale_from = NEVER
        self._marks: list[Mark] = []

    def mark(self) -> None:
        """Keep the correlation as it is: with every end that both series have passed."""
        self._marks.append((min(self.first.last_end, self.second.last_end), self.correlation.state()))
        del self._marks[: -2 * MARKS_KEPT]  # each of the two series asks for it

    def settle(self) -> bool:
        """Join anew what was replaced or came late; False when what it takes is no longer known."""
        mark = newest_before(self._marks, self.stale_from)
        self.stale_from = NEVER
        one, other = self.first.rewind, self.second.rewind
        if mark is None or one is None or other is None:
            return False
        end, state = mark
        first, second = one.after(end), other.after(end)
        if any(bar.end <= other.horizon for bar in first) or any(bar.end <= one.horizon for bar in second):
            return False
        self.correlation.restore(state)
        ends = {bar.end: bar for bar in second}
        for bar in first:
            if bar.end in ends:
                self.correlation.join(bar, ends[bar.end])
        return True

    def state(self) -> object:
        """Plain values that ``restore`` takes back."""
        return [self.correlation.state(), [list(mark) for mark in self._marks], self.stale_from]

    def restore(self, state: object) -> None:
        """Go on where ``state`` was taken."""
        assert isinstance(state, list | tuple)
        self.correlation.restore(state[0])
        self._marks = [(end, kept) for end, kept in state[1]]
        self.stale_from = state[2]

    def look_up(self, ahead: SeriesAhead | None) -> None:
        """Take the correlation from a column that was computed ahead; None: compute it again."""
        self._ahead = ahead
        self.joined = self.correlation.join if ahead is None else self._look_up

    def _look_up(self, first: Bar, _second: Bar) -> None:
        assert self._ahead is not None
        self.correlation.last_end = first.end
        self._ahead.update(first)
