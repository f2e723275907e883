"""The market book: every series with its indicators and correlations, and the last prices. A pure fold of market data.

It holds no decision: the same market data leads to the same book, whatever was traded meanwhile.
"""

from typing import Protocol

import msgspec

from theo.domain.instrument import Instrument
from theo.domain.market_data import Bar, ContractRolled, DataMark, DataMarked, Tick, Timeframe
from theo.market.correlation import CorrelationSpec
from theo.market.gate import Settled
from theo.market.series import Pair, Series

NEVER = 1 << 62  # later than any time


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

    ``settled`` has each instrument's newest settlement since its contract began, where one came after a price.
    ``due`` is the earliest time at which the clock closes a bar; NEVER when none is open.
    """

    __slots__ = ("_broken", "_fronts", "_pairs", "_series", "_sources", "_stale", "closed", "due", "last", "settled")

    def __init__(self) -> None:
        self._series: dict[int, dict[str, Series]] = {}
        self._pairs: dict[tuple[CorrelationSpec, int, int, str], Pair] = {}
        self._sources: dict[int, BarSource] = {}
        self._stale: list[Series] = []  # of which bars came again, or after their time
        self._fronts: dict[int, str] = {}  # contracts of instruments that roll
        self._broken: dict[int, int] = {}  # instruments whose data is interrupted: their sources' too_late before
        self.closed: list[Series] = []
        self.last: dict[int, int] = {}
        self.settled: dict[int, Settled] = {}
        self.due = NEVER

    def series(self, instrument: Instrument, timeframe: Timeframe) -> Series:
        """The series of an instrument and timeframe, kept from now on if it is not kept yet."""
        kept = self._series.setdefault(instrument.id, {})
        if timeframe.name not in kept:
            kept[timeframe.name] = made = Series(instrument, timeframe)
            if instrument.id in self._sources:
                made.keep()
        return kept[timeframe.name]

    def pair(self, spec: CorrelationSpec, first: Series, second: Series) -> Pair:
        """The correlation of two series, kept from now on if it is not kept yet."""
        key = (spec, first.instrument.id, second.instrument.id, first.timeframe.name)
        if key not in self._pairs:
            pair = self._pairs[key] = Pair(spec, first, second)
            first.pairs.append(pair)
            second.pairs.append(pair)
        return self._pairs[key]

    def build_from_ticks(self, instrument: int, source: BarSource) -> None:
        """Bars of this instrument are built from its ticks."""
        self._sources[instrument] = source
        for series in self._series.get(instrument, {}).values():
            series.keep()

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
        if series.stale:
            series.settle()
        return True

    def on_tick(self, tick: Tick) -> bool:
        """Take a tick; whether a series closed by it. Flagged ticks, quotes and settlements leave the last price alone."""
        if not tick.flags and (tick.kind == TRADE or tick.kind == INDEX):
            self.last[tick.instrument] = tick.price
        elif tick.kind == SETTLEMENT and not tick.flags and tick.instrument in self.last:
            self.settled[tick.instrument] = Settled(tick.at, tick.price, self.last[tick.instrument])
        source = self._sources.get(tick.instrument)
        if source is None:
            return False
        bars = source.on_tick(tick)
        if bars:
            self._look_ahead()
            return self._close(bars)
        if source.next_due < self.due:
            self.due = source.next_due
        return False

    def many_due(self, at: int, sources_max: int) -> bool:
        """Whether the clock closes bars of more than ``sources_max`` instruments."""
        return self.due <= at and sum(source.next_due <= at for source in self._sources.values()) > sources_max

    def on_time(self, at: int, sources_max: int = NEVER) -> bool:
        """Close what the clock closes, of ``sources_max`` instruments at most; whether a series closed."""
        closed: list[Bar] = []
        for source in self._sources.values():
            if source.next_due <= at:
                if not sources_max:
                    break
                sources_max -= 1
                closed += source.on_time(at)
        if self._sources:
            self._look_ahead()
        return self._close(tuple(closed)) if closed else False

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
        if self._sources:
            self._look_ahead()
        if rolled.instrument in self.last:
            self.last[rolled.instrument] += rolled.difference
        self.settled.pop(rolled.instrument, None)
        for series in self._series.get(rolled.instrument, {}).values():
            series.shift(rolled.difference)
        return closed

    def _look_ahead(self) -> None:
        self.due = min(source.next_due for source in self._sources.values())

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
        return bool(self.closed)

    def state(self) -> object:
        """Plain values that ``restore`` takes back."""
        settled = {"settled": [list(item) for item in self.settled.items()]} if self.settled else {}
        return settled | {
            "last": [list(item) for item in self.last.items()],
            "series": [[s.instrument.id, s.timeframe.name, s.state()] for s in self.every_series()],
            "pairs": [pair.state() for pair in self._pairs.values()],
            "broken": [list(item) for item in self._broken.items()],
            "fronts": [list(item) for item in self._fronts.items()],
            "sources": [[instrument, source.state()] for instrument, source in self._sources.items()],
        }

    def restore(self, state: object) -> None:
        """Go on where ``state`` was taken, with the same series, indicators and sources."""
        assert isinstance(state, dict)
        self.last = dict(state["last"])
        self.settled = msgspec.convert(dict(state.get("settled", ())), dict[int, Settled])
        for instrument, timeframe, kept in state["series"]:
            self._series[instrument][timeframe].restore(kept)
        for pair, kept in zip(self._pairs.values(), state["pairs"], strict=True):
            pair.restore(kept)
        self._broken = dict(state["broken"])
        self._fronts = dict(state["fronts"])
        self._stale = [series for series in self.every_series() if series.stale]
        for instrument, kept in state["sources"]:
            self._sources[instrument].restore(kept)
        if self._sources:
            self._look_ahead()


TRADE, INDEX, SETTLEMENT = 0, 3, 4  # TickKind as plain numbers: an enum's look-up would cost more than the comparison
