"""Ticks that come late, in any place: what was made of their bars is what it would be had they come in time."""

from collections.abc import Sequence
from random import Random

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.strategy.markets import MONDAY, OPEN, SPY, VIX, weekdays
from theo.domain.market_data import DAY, MINUTE, SECOND, Bar, SessionScope, Tick
from theo.domain.timeframe import timeframe
from theo.market.bars import BarTree
from theo.market.book import MarketBook
from theo.market.correlation import CorrelationSpec
from theo.market.indicators.spec import parse_output
from theo.market.rewind import MARK_EVERY, MARKS_KEPT
from theo.market.series import Pair, Series
from theo.market.sessions import Hours

BEGIN = MONDAY + OPEN
MINUTES = 70
SILENT = 0.2  # of half minutes, some of which follow each other: a minute without a bar
FRAMES = ("1min", "5min")
OUTPUTS = ("ema(5)", "atr(3)", "swing(2).high", "sma(4)", "rsi(5)")
SPECS = (CorrelationSpec(window=8, minimum=3), CorrelationSpec(method="spearman", window=6, minimum=3, input="change"))
LATE_MAX = (MARKS_KEPT - 1) * MARK_EVERY  # minutes that can always be made good


class Built:
    """Two instruments with bars from ticks, indicators on each series, and correlations between them."""

    def __init__(self) -> None:
        self.book, hours = MarketBook(), Hours(weekdays(MONDAY // DAY, 5), SessionScope.RTH)
        self.series: list[Series] = []
        self.pairs: list[Pair] = []
        for frame in map(timeframe, FRAMES):
            both = [self.book.series(one, frame) for one in (SPY, VIX)]
            self.series += both
            self.pairs += [self.book.pair(spec, *both) for spec in SPECS]
        for series in self.series:
            for output in OUTPUTS:
                series.column(*parse_output(output))
        for one in (SPY, VIX):
            self.book.build_from_ticks(one.id, BarTree(one.id, [timeframe(name) for name in FRAMES], hours))

    def take(self, ticks: Sequence[Tick]) -> None:
        for tick in ticks:
            self.book.on_time(tick.at)
            self.book.on_tick(tick)
        self.book.settle()

    def stored(self) -> "Built":
        """Another one that goes on from this one's state."""
        other = Built()
        other.book.restore(msgspec.msgpack.decode(msgspec.msgpack.encode(self.book.state())))
        return other

    def shown(self) -> list[object]:
        """Everything that a strategy can see of it, and what follows from it."""
        bars = [[seen(series.bar), seen(series.previous_bar), series.last_end] for series in self.series]
        indicators = [indicator.state() for series in self.series for indicator in series.indicators.values()]
        correlations = [pair.correlation.state() for pair in self.pairs]
        return [bars, indicators, [[state[0], *state[3:]] for state in correlations]]  # type: ignore[index]  # a state is a list


def seen(bar: Bar | None) -> object:
    return None if bar is None else (bar.start, bar.end, bar.open, bar.high, bar.low, bar.close, bar.volume)


@st.composite
def markets(draw: st.DrawFn) -> tuple[list[Tick], list[Tick]]:
    """Ticks in time, and the same as they come where a stretch of one or both instruments comes late."""
    ticks = []
    for one, base in ((SPY, 30_000), (VIX, 1_500)):
        walk = Random(draw(st.integers(0, 1 << 30)))  # noqa: S311 - a seeded market
        ticks += [
            Tick(one.id, at, at, 0, 0, base + walk.randint(-40, 40), 1)
            for n in range(2 * MINUTES)
            if walk.random() > SILENT and (at := BEGIN + n * 30 * SECOND + one.id * SECOND)
        ]
    ticks.sort(key=lambda tick: tick.at)
    late = dict[int, tuple[int, int, int]]()
    for one in (SPY, VIX):
        starts, lasts = draw(st.integers(2, 40)), draw(st.integers(0, 10))
        later = draw(st.integers(0, min(LATE_MAX - lasts - 6, MINUTES - starts - lasts - 1)))
        begins = BEGIN + starts * MINUTE
        late[one.id] = begins, begins + lasts * MINUTE, begins + (lasts + later) * MINUTE
    come = []
    for tick in ticks:
        since, until, at = late[tick.instrument]
        come.append(msgspec.structs.replace(tick, at=at) if since <= tick.timestamp < until else tick)
    return ticks, sorted(come, key=lambda tick: tick.at)


@settings(max_examples=30)
@given(markets(), st.floats(0, 1))
def test_late_ticks_lead_where_timely_ones_do(market: tuple[list[Tick], list[Tick]], restarted: float) -> None:
    in_time, as_they_came = market
    right, mended = Built(), Built()
    right.take(in_time)
    cut = int(restarted * len(as_they_came))
    mended.take(as_they_came[:cut])
    mended = mended.stored()  # a restart in between changes nothing
    mended.take(as_they_came[cut:])
    end = BEGIN + (MINUTES + 10) * MINUTE
    for built in (right, mended):
        built.book.on_time(end)
        built.book.settle()
    assert mended.shown() == right.shown()
