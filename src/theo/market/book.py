"""The market book: every series with its indicators and correlations, and the last prices. A pure fold of market data.

It holds no decision: the same market data leads to the same book, whatever was traded meanwhile.
"""

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from typing import Protocol

import msgspec

from theo.domain.instrument import Instrument
from theo.domain.market_data import Bar, ContractRolled, DataMark, DataMarked, Tick, Timeframe
from theo.market.correlation import CorrelationSpec
from theo.market.gate import Settled
from theo.market.series import Pair, Series

NEVER = 1 << 62  # later than any time


class Quote(msgspec.Struct):
    """Best bid and offer of an instrument, price units, 0 without one; ``bid_at`` and ``ask_at``: when each was last told."""

    bid: int = 0
    bid_size: int = 0
    bid_at: int = 0
    ask: int = 0
    ask_size: int = 0
    ask_at: int = 0


class BarSource(Protocol):
    """Bars of one instrument built from its ticks (theo.market.bars).

    ``next_due`` is when the clock closes a bar, ``too_late`` counts ticks whose bars could no longer be corrected.
    """

    next_due: int
    too_late: int

    def on_tick(self, tick: Tick) -> tuple[Bar, ...]:
        """Bars that the tick closes, shorter ones first."""

    def on_time(self, at: int) -> tuple[Bar, ...]:
        """Bars that the clock closes."""

    def expect(self, since: int) -> None:
        """Ticks from ``since`` on will come, perhaps after later ones."""

    def roll(self, contract: str, at: int) -> tuple[Bar, ...]:
        """Bars that close because ticks are of another contract from now on."""

    def state(self) -> object:
        """Plain values that ``restore`` takes back."""

    def restore(self, state: object) -> None:
        """Go on where ``state`` was taken."""


class MarketBook:
    """``closed`` lists the series that the newest input closed, in order; ``last`` holds each instrument's last price.

    ``settled`` has each instrument's newest settlement since its contract began, where one came after a price. ``quotes`` are
    kept of the instruments asked for, whose last price is their bid as soon as there is one: what they can be sold at.
    ``due`` is the earliest time at which the clock closes a bar; NEVER when none is open.
    ``behind`` are the series that lag (``lag``) and closed a bar, perhaps with something still to follow from it.
    """

    __slots__ = (
        "_broken",
        "_due_of",
        "_dues",
        "_fronts",
        "_number",
        "_pairs",
        "_places",
        "_series",
        "_sources",
        "_stale",
        "behind",
        "closed",
        "due",
        "last",
        "quotes",
        "settled",
    )

    def __init__(self) -> None:
        self._series: dict[int, dict[str, Series]] = {}
        self._pairs: dict[tuple[CorrelationSpec, int, int, str], Pair] = {}
        self._sources: dict[int, BarSource] = {}
        self._places: dict[int, int] = {}  # of the sources, in the order in which they were added
        self._due_of: dict[int, int] = {}  # when the clock closes a bar of each source
        self._dues: list[tuple[int, int, int]] = []  # the same as a heap, with place and instrument; some no longer hold
        self._stale: list[Series] = []  # of which bars came again, or after their time
        self._fronts: dict[int, str] = {}  # contracts of instruments that roll
        self._broken: dict[int, int] = {}  # instruments whose data is interrupted: their sources' too_late before
        self._number: Callable[[], int] | None = None  # of the next close, where series lag
        self.behind: dict[Series, None] = {}
        self.closed: list[Series] = []
        self.last: dict[int, int] = {}
        self.settled: dict[int, Settled] = {}
        self.quotes: dict[int, Quote] = {}
        self.due = NEVER

    def series(self, instrument: Instrument, timeframe: Timeframe) -> Series:
        """The series of an instrument and timeframe, kept from now on if it is not kept yet."""
        kept = self._series.setdefault(instrument.id, {})
        if timeframe.name not in kept:
            kept[timeframe.name] = made = Series(instrument, timeframe)
            if instrument.id in self._sources:
                made.keep()
            if self._number is not None:
                made.lag(self._number)
        return kept[timeframe.name]

    def pair(self, spec: CorrelationSpec, first: Series, second: Series) -> Pair:
        """The correlation of two series, kept from now on if it is not kept yet."""
        key = (spec, first.instrument.id, second.instrument.id, first.timeframe.name)
        if key not in self._pairs:
            pair = self._pairs[key] = Pair(spec, first, second)
            first.pairs.append(pair)
            second.pairs.append(pair)
        return self._pairs[key]

    def keep_quotes(self, instrument: int) -> None:
        """From now on the quotes of this instrument are kept."""
        self.quotes.setdefault(instrument, Quote())

    def build_from_ticks(self, instrument: int, source: BarSource) -> None:
        """Bars of this instrument are built from its ticks."""
        self._places[instrument] = len(self._sources)
        self._sources[instrument], self._due_of[instrument] = source, NEVER
        for series in self._series.get(instrument, {}).values():
            series.keep()

    def lag(self) -> None:
        """From now on a bar that ticks or the clock close is only taken, so that they hold up nothing behind them."""
        if self._number is None:
            self._number = count(1).__next__
            for series in self.every_series():
                series.lag(self._number)

    def follow(self, looks: int = NEVER) -> None:
        """Make what closed bars lead to and nobody asked for, for about as long as so many looks take."""
        while self.behind and looks > 0:
            series = next(iter(self.behind))
            looks = series.follow(looks) - 1
            if not series.behind:
                del self.behind[series]

    def every_series(self) -> list[Series]:
        """All series, by instrument and timeframe, in the order in which they were asked for."""
        return [series for kept in self._series.values() for series in kept.values()]

    def pairs(self) -> list[Pair]:
        """All correlations, in the order in which they were asked for."""
        return list(self._pairs.values())

    def on_bar(self, bar: Bar) -> bool:
        """Take a closed bar; whether a series closed by it."""
        self.last[bar.instrument] = bar.close
        kept = self._series.get(bar.instrument)
        series = None if kept is None else kept.get(bar.timeframe)
        if self._stale:
            self.settle()
        if series is None or not series.close(bar):
            return False
        self.closed = [series]
        if self._number is not None:
            series.follow()
        if series.stale:
            series.settle()
        return True

    def on_tick(self, tick: Tick) -> bool:
        """Take a tick; whether a series closed by it. Flagged ticks, quotes and settlements leave the last price alone."""
        if not tick.flags and (tick.kind == TRADE or tick.kind == INDEX):
            self.last[tick.instrument] = tick.price
        elif tick.kind == SETTLEMENT and not tick.flags and tick.instrument in self.last:
            self.settled[tick.instrument] = Settled(tick.at, tick.price, self.last[tick.instrument])
        elif not tick.flags and tick.instrument in self.quotes:
            self._quoted(tick, self.quotes[tick.instrument])
        source = self._sources.get(tick.instrument)
        if source is None:
            return False
        bars = source.on_tick(tick)
        if source.next_due != self._due_of[tick.instrument]:
            self._note_due(tick.instrument)
            self._look_ahead()
        return self._close(bars) if bars else False

    def _quoted(self, tick: Tick, quote: Quote) -> None:
        if tick.kind == BID:
            quote.bid, quote.bid_size, quote.bid_at = tick.price, tick.volume, tick.at
            if tick.price:
                self.last[tick.instrument] = tick.price
        elif tick.kind == ASK:
            quote.ask, quote.ask_size, quote.ask_at = tick.price, tick.volume, tick.at

    def many_due(self, at: int, sources_max: int) -> bool:
        """Whether the clock closes bars of more than ``sources_max`` instruments."""
        if self.due > at:
            return False
        found = self._take_due(at, sources_max + 1)
        for entry in found:
            heappush(self._dues, entry)
        self._look_ahead()
        return len(found) > sources_max

    def on_time(self, at: int, sources_max: int = NEVER) -> bool:
        """Close what the clock closes, of ``sources_max`` instruments at most; whether a series closed."""
        closed: tuple[Bar, ...] = ()
        for _, instrument in sorted((place, instrument) for _, place, instrument in self._take_due(at, sources_max)):
            closed += self._sources[instrument].on_time(at)
            self._due_of[instrument] = NEVER  # it was taken from the heap
            self._note_due(instrument)
        self._look_ahead()
        return self._close(closed) if closed else False

    def on_mark(self, marked: DataMarked) -> bool:
        """Take what the feed says of an instrument's data; False, since no series closes by it."""
        self.settle()
        source, lost = self._sources.get(marked.instrument), False
        too_late = 0 if source is None else source.too_late
        if marked.mark is DataMark.INTERRUPTED:
            self._broken.setdefault(marked.instrument, too_late)
            if source is not None and marked.since:
                source.expect(marked.since)
        else:
            lost = self._broken.pop(marked.instrument, too_late) < too_late
        for series in self._series.get(marked.instrument, {}).values():
            series.be_whole()
            for trust in series.trusts:
                trust.on_mark(marked, lost=lost)
        return False

    def settle(self) -> None:
        """Make anew what was made of bars that came again. Also without it nothing closes on what is stale."""
        for series in self._stale:
            series.settle()
        self._stale.clear()

    def on_roll(self, rolled: ContractRolled) -> bool:
        """Go on with another contract of a future: what is known of prices moves to its frame; whether a series closed."""
        if self._fronts.get(rolled.instrument) == rolled.contract:
            return False
        self._fronts[rolled.instrument] = rolled.contract
        self.settle()
        source = self._sources.get(rolled.instrument)
        bars = () if source is None else source.roll(rolled.contract, rolled.at)
        closed = self._close(bars)
        if source is not None:
            self._note_due(rolled.instrument)
            self._look_ahead()
        if rolled.instrument in self.last:
            self.last[rolled.instrument] += rolled.difference
        self.settled.pop(rolled.instrument, None)
        if rolled.instrument in self.quotes:  # of another contract, whose prices say nothing of this one's
            self.quotes[rolled.instrument] = Quote()
            self.last.pop(rolled.instrument, None)
        for series in self._series.get(rolled.instrument, {}).values():
            series.shift(rolled.difference)
        return closed

    def _note_due(self, instrument: int) -> None:
        """When the clock closes a bar of a source may have changed."""
        due = self._sources[instrument].next_due
        if due != self._due_of[instrument]:
            self._due_of[instrument] = due
            if due < NEVER:
                heappush(self._dues, (due, self._places[instrument], instrument))

    def _look_ahead(self) -> None:
        dues, holds = self._dues, self._due_of
        while dues and dues[0][0] != holds[dues[0][2]]:
            heappop(dues)
        self.due = dues[0][0] if dues else NEVER

    def _take_due(self, at: int, count: int) -> list[tuple[int, int, int]]:
        """From the heap: at most ``count`` sources that are due at ``at``, the earliest first."""
        found: dict[int, tuple[int, int, int]] = {}
        self._look_ahead()
        while self.due <= at and len(found) < count:
            entry = heappop(self._dues)
            found[entry[2]] = entry
            self._look_ahead()
        return list(found.values())

    def _close(self, bars: tuple[Bar, ...]) -> bool:
        self.closed = []
        for bar in bars:
            series = self._series.get(bar.instrument, {}).get(bar.timeframe)
            if series is None:
                continue
            if bar.end > series.last_end:
                if self._stale:
                    self.settle()
                series.close(bar)
                self.closed.append(series)
            elif bar.revision:
                series.revise(bar)
            if series.stale and series not in self._stale:
                self._stale.append(series)
        if self.closed and self._stale:
            self.settle()
        if self._number is not None:
            self.behind.update(dict.fromkeys(self.closed))
        return bool(self.closed)

    def state(self) -> object:
        """Plain values that ``restore`` takes back."""
        self.follow()
        settled = {"settled": [list(item) for item in self.settled.items()]} if self.settled else {}
        quotes = {"quotes": [[one, msgspec.to_builtins(quote)] for one, quote in self.quotes.items()]} if self.quotes else {}
        state: dict[str, object] = {
            "last": [list(item) for item in self.last.items()],
            "series": [[s.instrument.id, s.timeframe.name, s.state()] for s in self.every_series()],
            "pairs": [pair.state() for pair in self._pairs.values()],
            "broken": [list(item) for item in self._broken.items()],
            "fronts": [list(item) for item in self._fronts.items()],
            "sources": [[instrument, source.state()] for instrument, source in self._sources.items()],
        }
        return settled | quotes | state

    def restore(self, state: object) -> None:
        """Go on where ``state`` was taken, with the same series, indicators and sources."""
        assert isinstance(state, dict)
        self.behind.clear()
        self.last = dict(state["last"])
        self.settled = msgspec.convert(dict(state.get("settled", ())), dict[int, Settled])
        for instrument, timeframe, kept in state["series"]:
            self._series[instrument][timeframe].restore(kept)
        for pair, kept in zip(self._pairs.values(), state["pairs"], strict=True):
            pair.restore(kept)
        self.quotes |= msgspec.convert(dict(state.get("quotes", ())), dict[int, Quote])
        self._broken = dict(state["broken"])
        self._fronts = dict(state["fronts"])
        self._stale = [series for series in self.every_series() if series.stale]
        for instrument, kept in state["sources"]:
            self._sources[instrument].restore(kept)
            self._note_due(instrument)
        self._look_ahead()


# TickKind as plain numbers: an enum's look-up would cost more than the comparison
TRADE, BID, ASK, INDEX, SETTLEMENT = 0, 1, 2, 3, 4
