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

INDICATORS_OF_A_LOOK = 4  # a look costs about as much as so many indicators that take a bar,
PAIRS_OF_A_LOOK = 25  # or as a correlation over so many pairs


class Series:
    """Closed bars in order. ``last_end`` is the newest bar's end, 0 before the first.

    ``trusts`` are told of bars that stand apart: one for each set of hours that it is decided on in. ``recent`` holds the newest
    bars where a data gate asks for them (``keep_recent``). ``rewind`` is there when bars may come again (``keep``);
    ``stale`` says that some did, and that ``settle`` is to be called before anyone looks.

    One that lags (``lag``) only takes a bar when it closes: ``catch_up`` brings the indicators up to it before anyone looks, and
    each pair catches up by itself; what nobody asked for follows before the next bar. So it shows the same, whenever that is.
    ``closed_as`` numbers its closes among those of all that lag, 0 before the first; ``pairs_behind`` counts pairs without it.
    """

    __slots__ = (
        "_behind",
        "_kept",
        "_number",
        "_pair_place",
        "_updated",
        "bar",
        "closed_as",
        "indicators",
        "instrument",
        "last_end",
        "marked",
        "pairs",
        "pairs_behind",
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
        self._number: Callable[[], int] | None = None
        self._behind = False  # whether the indicators lack the newest bar
        self.marked = False  # whether a mark was due before it
        self.closed_as = self.pairs_behind = self._pair_place = 0

    def lag(self, number: Callable[[], int]) -> None:
        """From now on a close only takes the bar. ``number`` gives each close a greater one than all before."""
        self._number = number

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
            self.catch_up()
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
        if self._number is not None:
            self._close_lagging(bar, self._number())
            return True
        if bar.start != self.last_end:
            self._tell_apart(bar)
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

    def _tell_apart(self, bar: Bar) -> None:
        for trust in self.trusts:
            trust.on_bar_apart(self.last_end, bar)

    def _remember(self, rewind: Rewind, bar: Bar) -> None:
        """Before a bar is taken."""
        if rewind.due:
            rewind.mark(self.last_end, [indicator.state() for indicator in self._kept])
            for pair in self.pairs:
                pair.mark(min(pair.first.last_end, pair.second.last_end))
        rewind.bars.append(bar)

    def _close_lagging(self, bar: Bar, number: int) -> None:
        """Take the bar; what it leads to follows."""
        if self._behind or self.pairs_behind:
            self.follow()
        if bar.start != self.last_end:
            self._tell_apart(bar)
        rewind = self.rewind
        if rewind is not None:
            self.marked = rewind.due
            rewind.bars.append(bar)
        self.previous_bar = self.bar
        self.bar = bar
        self.last_end = bar.end
        if self.recent is not None:
            self.recent.append(bar)
        self.closed_as, self.pairs_behind, self._pair_place = number, len(self.pairs), 0
        self._behind = True

    @property
    def weight(self) -> int:
        """What catching up costs, in looks of a configuration."""
        return 1 + len(self._kept) // INDICATORS_OF_A_LOOK

    def catch_up(self) -> None:
        """Bring the indicators up to the newest bar."""
        if not self._behind:
            return
        self._behind = False
        bar = self.bar
        assert bar is not None, "only a bar leaves indicators behind"
        if self.marked and self.rewind is not None:
            before = 0 if self.previous_bar is None else self.previous_bar.end
            self.rewind.mark(before, [indicator.state() for indicator in self._kept])
        for indicator in self._kept:
            indicator.update(bar)

    def follow(self, looks: int = NEVER) -> int:
        """Make what the newest bar leads to and nobody asked for, as far as ``looks`` go; how many are left."""
        if self._behind:
            looks -= self.weight
            self.catch_up()
        while self.pairs_behind and looks > 0:
            pair = self.pairs[self._pair_place]
            self._pair_place += 1
            looks -= pair.weight
            pair.catch_up()
        return looks

    @property
    def behind(self) -> bool:
        """Whether anything of the newest bar is still to follow."""
        return self._behind or self.pairs_behind > 0

    def be_whole(self) -> None:
        """Before bars change, or what is told of them: everything has followed, in each pair also from the other series."""
        self.catch_up()
        for pair in self.pairs:
            pair.catch_up()

    def revise(self, bar: Bar) -> None:
        """A bar that has closed comes again with other numbers, or one that was missing: it counts from the next close on."""
        if self.rewind is None:
            return
        self.be_whole()
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
            pair.settle()

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
        self.be_whole()
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
        self.be_whole()
        kept = [[spec.text, indicator.state()] for spec, indicator in self.indicators.items()]
        rewind = None if self.rewind is None else self.rewind.state()
        recent = [] if self.recent is None else [list(self.recent)]
        return [self.bar, self.previous_bar, kept, [trust.state() for trust in self.trusts], rewind, self.stale, *recent]

    def restore(self, state: object) -> None:
        """Go on where ``state`` was taken, with the same indicators."""
        assert isinstance(state, list | tuple)
        self._behind, self.pairs_behind = False, 0
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

    ``stale_from`` is where the oldest bar begins that came after its time, or again. Of series that lag it lacks the newest close
    of each at most: ``catch_up`` takes them one after the other, each as if it had done so at once.
    """

    __slots__ = ("_ahead", "_first_seen", "_marks", "_second_seen", "correlation", "first", "joined", "second", "stale_from")

    def __init__(self, spec: CorrelationSpec, first: Series, second: Series) -> None:
        self.correlation = PairCorrelation(spec)
        self._ahead: SeriesAhead | None = None
        self.joined: Callable[[Bar, Bar], None] = self.correlation.join
        self.first, self.second = first, second
        self.stale_from = NEVER
        self._marks: list[Mark] = []
        self._first_seen, self._second_seen = first.closed_as, second.closed_as  # the closes that were taken

    @property
    def weight(self) -> int:
        """What catching up costs, in looks of a configuration."""
        return 1 + self.correlation.spec.window // PAIRS_OF_A_LOOK

    def catch_up(self) -> None:
        """Take what the two series closed since, in the order in which they did."""
        first, second = self.first, self.second
        one, other = first.closed_as > self._first_seen, second.closed_as > self._second_seen
        self._first_seen, self._second_seen = first.closed_as, second.closed_as
        if one and other:
            if first.closed_as < second.closed_as:
                self._take(first, second.previous_bar)
                self._take(second, first.bar)
            else:
                self._take(second, first.previous_bar)
                self._take(first, second.bar)
        elif one:
            self._take(first, second.bar)
        elif other:
            self._take(second, first.bar)

    def _take(self, closed: Series, across: Bar | None) -> None:
        """The newest bar of a series, taken while ``across`` was the newest of the other."""
        closed.pairs_behind -= 1
        bar, end = closed.bar, 0 if across is None else across.end
        assert bar is not None, "a series that closed has a bar"
        if closed.marked:
            before = closed.previous_bar
            self.mark(min(0 if before is None else before.end, end))
        if end == bar.end and across is not None:
            if closed is self.first:
                self.joined(bar, across)
            else:
                self.joined(across, bar)
        elif closed.rewind is not None and end > bar.end:
            self.stale_from = min(self.stale_from, bar.start)  # it comes after others of its time: joined in its place
            self.settle()

    def mark(self, end: int) -> None:
        """Keep the correlation as it is: with every end that both series have passed, up to ``end``."""
        self._marks.append((end, self.correlation.state()))
        del self._marks[: -2 * MARKS_KEPT]  # each of the two series asks for it

    def settle(self) -> None:
        """Join anew what was replaced or came late; both series are told when what it takes is no longer known."""
        if self.stale_from < NEVER and not self._joined_anew():
            self.first.tell_unmended()
            self.second.tell_unmended()

    def _joined_anew(self) -> bool:
        self.first.catch_up()
        self.second.catch_up()
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
        self.catch_up()
        return [self.correlation.state(), [list(mark) for mark in self._marks], self.stale_from]

    def restore(self, state: object) -> None:
        """Go on where ``state`` was taken."""
        assert isinstance(state, list | tuple)
        self.correlation.restore(state[0])
        self._first_seen, self._second_seen = self.first.closed_as, self.second.closed_as
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
