"""The trades of a recording by the time of their arrival: what an execution may have met."""

from array import array
from bisect import bisect_left, bisect_right
from collections import defaultdict

from theo.domain.market_data import UNUSABLE, Tick, TickKind

BAD = int(UNUSABLE)


class Tape:
    """24 bytes a trade. Times in microseconds UTC, prices in price units; trades are added in order of arrival."""

    def __init__(self) -> None:
        self._at: dict[int, array[int]] = defaultdict(lambda: array("q"))
        self._price: dict[int, array[int]] = defaultdict(lambda: array("q"))
        self._late: dict[int, array[int]] = defaultdict(lambda: array("q"))

    def add(self, tick: Tick) -> None:
        """A trade that nobody flagged as bad; anything else is passed over."""
        if tick.kind == TickKind.TRADE and not tick.flags & BAD:
            self._at[tick.instrument].append(tick.at)
            self._price[tick.instrument].append(tick.price)
            self._late[tick.instrument].append(tick.at - tick.timestamp)

    def range(self, instrument: int, since: int, until: int) -> tuple[int, int] | None:
        """Lowest and highest price from the last trade at or before ``since`` until ``until``; None without a trade."""
        times = self._at[instrument]
        low, high = max(0, bisect_right(times, since) - 1), bisect_right(times, until)
        prices = self._price[instrument][low:high]
        return (min(prices), max(prices)) if prices else None

    def silence(self, instrument: int, at: int) -> int:
        """How long the recording is silent around ``at``: from the trade before it to the one after it."""
        times = self._at[instrument]
        after = bisect_left(times, at)
        if not times or after == len(times):
            return at - times[-1] if times else at
        return times[after] - (times[after - 1] if after else at)

    def latest(self, instrument: int, since: int, until: int) -> int:
        """How much later than its time at the exchange the latest of the trades that arrived within came; 0 without any."""
        times = self._at[instrument]
        return max(self._late[instrument][bisect_left(times, since) : bisect_right(times, until)], default=0)
