"""What a replayed contract has done so far, in bounded memory: its newest ticks, and its minutes further back."""

from array import array
from collections import deque
from collections.abc import Iterator

import numpy as np

from theo.domain.instrument import SecurityType
from theo.domain.market_data import MINUTE, UNUSABLE, Tick, TickKind
from theo.gateway.market.bar_rows import chosen
from theo.gateway.market.traded import Minutes

TICKS_KEPT_MAX = 20_000  # of each contract, at about 200 bytes; the oldest go first
LATE_MINUTES_MAX = 60  # a tick that is later than so many minutes with ticks changes no minute
MINUTES_KEPT_MAX = 262_144  # of each contract, at 48 bytes: half a year without a close
COLUMNS = 6  # start, open, high, low, close, volume


class Past:
    """Minutes are made of trades, of index values, or of a currency's bids; ticks flagged as bad are left out of them."""

    def __init__(self, kind: SecurityType) -> None:
        others = TickKind.BID if kind is SecurityType.CASH else TickKind.TRADE
        self._kind = int(TickKind.INDEX if kind is SecurityType.IND else others)
        self._ticks: deque[Tick] = deque(maxlen=TICKS_KEPT_MAX)
        self._minutes = array("q")

    def add(self, tick: Tick) -> None:
        """A tick more; one that comes late counts in its own minute, but opens and closes none."""
        self._ticks.append(tick)
        if self._makes_bars(tick):
            self._count(tick.timestamp - tick.timestamp % MINUTE, tick.price, tick.volume)

    def _makes_bars(self, tick: Tick) -> bool:
        return tick.kind == self._kind and not tick.flags & UNUSABLE

    def _count(self, start: int, price: int, volume: int) -> None:
        rows = self._minutes
        if not rows or start > rows[-COLUMNS]:
            rows.extend((start, price, price, price, price, volume))
            if len(rows) > 2 * MINUTES_KEPT_MAX * COLUMNS:
                del rows[: MINUTES_KEPT_MAX * COLUMNS]
            return
        place = self._place(start)
        if place is not None:
            rows[place + 2], rows[place + 3] = max(rows[place + 2], price), min(rows[place + 3], price)
            rows[place + 5] += volume
            if place == len(rows) - COLUMNS:
                rows[place + 4] = price

    def _place(self, start: int) -> int | None:
        """Where a minute is kept; None for one that is too old or had no tick in time."""
        rows = self._minutes
        oldest = max(len(rows) - LATE_MINUTES_MAX * COLUMNS, 0)
        for place in range(len(rows) - COLUMNS, oldest - 1, -COLUMNS):
            if rows[place] <= start:
                return place if rows[place] == start else None
        return None

    @property
    def begins(self) -> int | None:
        """The start of the first minute that is known."""
        return self._minutes[0] if self._minutes else None

    def ticks(self, start: int, end: int) -> Iterator[Tick]:
        """Kept ticks with ``start`` <= time < ``end``, as they came."""
        return (tick for tick in self._ticks if start <= tick.timestamp < end)

    def minutes(self, low: int, high: int) -> Minutes:
        """Minutes with ``low`` <= start < ``high``."""
        table = np.array(self._minutes, dtype=np.int64).reshape(-1, COLUMNS)
        rows = Minutes(*(table[:, n] for n in range(COLUMNS)))
        return chosen(rows, (rows.start >= low) & (rows.start < high))

    def trades(self, low: int, high: int) -> Minutes:
        """What bars are made of, each tick as a row."""
        found = [tick for tick in self.ticks(low, high) if self._makes_bars(tick)]
        found.sort(key=lambda tick: tick.timestamp)
        at = np.array([tick.timestamp for tick in found], dtype=np.int64)
        price = np.array([tick.price for tick in found], dtype=np.int64)
        volume = np.array([tick.volume for tick in found], dtype=np.int64)
        return Minutes(at, price, price, price, price, volume)
