"""What arrives on a stream, read as prints and quotes. One reader for each time that something is asked for.

The first thing that a sampled line says is what the market was before: that is no trade of now. The first bar of a new stream
may have begun before it. Both are left out.
"""

from collections.abc import Callable
from typing import NamedTuple

from theo.adapters.ib.streams import BAR_SECONDS, DELAYED, Way, lives_by_quotes
from theo.adapters.ib.tick_line import SAMPLE, TRADE, Arrival, Print, prints_of_bar
from theo.domain.instrument import Instrument
from theo.domain.market_data import SECOND, TickKind, TimeSource

BID_SIZE, BID, ASK, ASK_SIZE, LAST, RT_VOLUME, LATE_LAST, LATE_AT = 0, 1, 2, 3, 4, 48, 68, 88
TIMES = frozenset({45, LATE_AT})  # ticks that name the time of the last trade
LATE_TYPES = frozenset({3, 4})  # of market data: delayed, and delayed while the market is closed


class Quote(NamedTuple):
    """A side of the best quote: ``kind`` BID or ASK, price in price units; of an option 0 where there is none any more."""

    kind: TickKind
    price: int
    size: int


class Reader:
    """``take`` gets prints, ``quote`` gets quotes. ``late`` is whether the line is told to be delayed.

    ``plain``: last prices stand for trades, as on an index; else only what carries its time does.
    """

    __slots__ = (
        "_asked_at",
        "_instrument",
        "_late_at",
        "_quote",
        "_seen",
        "_sides",
        "_take",
        "_tells_none",
        "_volume",
        "late",
        "plain",
        "way",
    )

    def __init__(
        self, instrument: Instrument, way: Way, asked_at: int, take: Callable[[Arrival], None], quote: Callable[[Quote], None]
    ) -> None:
        self._instrument, self.way, self._asked_at, self._take, self._quote = instrument, way, asked_at, take, quote
        self.late = False
        self.plain = not instrument.tradable
        self._tells_none = lives_by_quotes(instrument)
        self._seen = False
        self._late_at = self._volume = 0
        self._sides: dict[TickKind, tuple[int, int]] = {}

    def trade(self, at: int, seconds: int, price: float, size: float) -> None:
        """A tick-by-tick trade."""
        units = self._instrument.units_nearest(price)
        self._give(Print(seconds * SECOND, units, round(size)), at, TimeSource.EXCHANGE, TRADE)

    def bar(self, at: int, seconds: int, prices: tuple[float, float, float, float], volume: float) -> None:
        """A bar of five seconds; one in which nothing was traded is none."""
        if not self._seen:
            self._seen = True
            return
        if volume > 0:
            units = [self._instrument.units_nearest(price) for price in prices]
            for each in prints_of_bar(seconds * SECOND, BAR_SECONDS * SECOND, units, round(volume)):
                self._give(each, at, TimeSource.EXCHANGE, BAR_SECONDS)

    def price(self, at: int, tick_type: int, price: float, size: float) -> None:
        """A price of a sampled line. A price of -1 is no quote."""
        if tick_type in {BID, ASK}:
            self._side(TickKind.BID if tick_type == BID else TickKind.ASK, price, size)
        elif tick_type == LAST and self.plain:
            if self._seen:
                shown = round(size) if self._instrument.tradable else 0
                self._give(Print(at, self._instrument.units_nearest(price), shown), at, TimeSource.ARRIVAL, SAMPLE)
            self._seen = True
        elif tick_type == LATE_LAST:
            self.late = True
            if self._seen and self._late_at:
                shown = round(size) if self._instrument.tradable else 0
                units = self._instrument.units_nearest(price)
                self._give(Print(self._late_at, units, shown), at, TimeSource.EXCHANGE, SAMPLE)
            self._seen = True

    def size(self, tick_type: int, size: float) -> None:
        """A size of a sampled line: of its quotes."""
        kind = {BID_SIZE: TickKind.BID, ASK_SIZE: TickKind.ASK}.get(tick_type)
        known = None if kind is None else self._sides.get(kind)
        if kind is not None and known is not None and round(size) != known[1]:
            self._tell_side(kind, known[0], round(size))

    def text(self, at: int, tick_type: int, text: str) -> None:
        """A text of a sampled line: the time of a delayed trade, or a trade as price;size;ms;volume;average;single."""
        if tick_type == LATE_AT and text.isdecimal():
            self._late_at = int(text) * SECOND
            return
        if tick_type != RT_VOLUME or self.plain or self.late:
            return
        price, size, time_ms, volume, *_ = text.split(";")
        total = round(float(volume or 0))
        if not price or total <= self._volume:
            return  # a repeat: the day's volume only rises
        self._volume = total
        timestamp = int(time_ms) * 1000
        if timestamp >= self._asked_at:
            units = self._instrument.units_nearest(float(price))
            self._give(Print(timestamp, units, round(float(size))), at, TimeSource.EXCHANGE, SAMPLE)

    def _give(self, what: Print, at: int, time_source: TimeSource, covers: int) -> None:
        source = DELAYED if self.late else self.way.value
        self._take(Arrival(what, at, source, int(time_source), covers))

    def _side(self, kind: TickKind, price: float, size: float) -> None:
        units = self._instrument.units_nearest(price) if price >= 0 else 0
        if self._sides.get(kind, (0, 0))[0] != units:
            self._tell_side(kind, units, round(size))

    def _tell_side(self, kind: TickKind, units: int, size: int) -> None:
        self._sides[kind] = units, size
        if units > 0 or self._tells_none:
            self._quote(Quote(kind, units, size))
