"""The trades of a recording by their time at the exchange, the time that executions bear: what an order may have met."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from typing import NamedTuple

from theo.domain.market_data import UNUSABLE, Tick, TickKind

BAD = int(UNUSABLE)


class Trade(NamedTuple):
    """``timestamp`` by the exchange and ``at`` of arrival, microseconds UTC; ``price`` in price units."""

    timestamp: int
    at: int
    price: int


class Tape:
    """All trades of a run, by instrument. About 200 bytes a trade: a day of a busy future is 100 MB."""

    def __init__(self) -> None:
        self._trades: dict[int, list[Trade]] = defaultdict(list)
        self._sorted = True

    def add(self, tick: Tick) -> None:
        """A trade that nobody flagged as bad, in any order; anything else is passed over."""
        if tick.kind == TickKind.TRADE and not tick.flags & BAD:
            self._trades[tick.instrument].append(Trade(tick.timestamp, tick.at, tick.price))
            self._sorted = False

    def range(self, instrument: int, since: int, until: int) -> tuple[int, int] | None:
        """Lowest and highest price from the last trade at or before ``since`` until ``until``; None without a trade."""
        trades = self._of(instrument)
        low = max(0, bisect_right(trades, since, key=_time) - 1)
        prices = [trade.price for trade in trades[low : bisect_right(trades, until, key=_time)]]
        return (min(prices), max(prices)) if prices else None

    def silence(self, instrument: int, at: int) -> int:
        """How long the recording is silent around ``at``: from the trade before it to the one after it."""
        trades = self._of(instrument)
        after = bisect_left(trades, at, key=_time)
        if not trades or after == len(trades):
            return at - trades[-1].timestamp if trades else at
        return trades[after].timestamp - (trades[after - 1].timestamp if after else at)

    def latest(self, instrument: int, since: int, until: int) -> int:
        """How much later than its time the latest of the trades within came; 0 without any."""
        trades = self._of(instrument)
        within = trades[bisect_left(trades, since, key=_time) : bisect_right(trades, until, key=_time)]
        return max((trade.at - trade.timestamp for trade in within), default=0)

    def _of(self, instrument: int) -> list[Trade]:
        if not self._sorted:
            for trades in self._trades.values():
                trades.sort(key=_time)
            self._sorted = True
        return self._trades[instrument]


def _time(trade: Trade) -> int:
    return trade.timestamp
