"""What our journal holds of the market beside what was played: nothing twice, and no entry on a bar cut short."""

from collections import Counter
from collections.abc import Iterable

from tests.sim.order_path.check import Violation
from theo.domain.facts import Fact, TradeIntended
from theo.domain.market_data import MINUTE, SECOND, MarketData, Tick, TickKind

LIVE = "ib:tbt"
WHOLE = frozenset({LIVE, "ib:history"})  # sources that give every print as it was
Key = tuple[int, int, int]  # second of the exchange, price, size


class Heard:
    """``whole``: whether entries on bars that lack their last print are looked for, where the feed is told of each break.

    ``repeats`` (microseconds): of equal prints of one second that come live so soon after one another nobody can say whether they
    are two trades; 0 where the gateway repeats none.
    """

    def __init__(self, played: Iterable[Tick], since: int, *, whole: bool, repeats: int = 0) -> None:
        self._whole, self._since, self._repeats = whole, since, repeats
        self._live: dict[Key, int] = {}  # when it came last
        self._played: Counter[Key] = Counter()
        self._heard: Counter[Key] = Counter()
        self._closes: dict[int, int] = {}
        self._ours: dict[int, tuple[int, int, int]] = {}
        for tick in played:
            if tick.kind == TickKind.TRADE:
                self._played[_key(tick)] += 1
                self._closes[tick.timestamp // MINUTE] = tick.price

    def learn(self, items: Iterable[MarketData], facts: Iterable[Fact]) -> None:
        """Both became durable. Raises Violation."""
        for tick in items:
            if isinstance(tick, Tick) and tick.kind == TickKind.TRADE and tick.timestamp >= self._since:
                key = _key(tick)
                soon = tick.source == LIVE and tick.at - self._live.get(key, 0) <= self._repeats
                if tick.source == LIVE:
                    self._live[key] = tick.at
                self._heard[key] += tick.source in WHOLE and not soon
                if self._heard[key] > self._played[key]:
                    raise Violation(f"the print {key} was taken {self._heard[key]} times, played {self._played[key]} times")
                minute = tick.timestamp // MINUTE
                self._ours[minute] = max(self._ours.get(minute, (0, 0, 0)), (tick.timestamp, tick.seq, tick.price))
        for fact in facts:
            if self._whole and isinstance(fact, TradeIntended):
                minute = fact.at // MINUTE - 1
                ours, theirs = self._ours.get(minute, (0, 0, 0))[-1], self._closes.get(minute, 0)
                if ours != theirs:
                    raise Violation(f"an entry at {fact.at} on a bar that ends with {ours}, and in truth with {theirs}")


def _key(tick: Tick) -> Key:
    return tick.timestamp // SECOND, tick.price, tick.volume
