"""The market of a contract as it was a quarter of an hour ago."""

from collections import deque

import msgspec

from theo.domain.market_data import MINUTE, Tick, TickKind
from theo.gateway.desk import NEVER, Desk, Listing, Quote

DELAY = 15 * MINUTE  # of most US exchanges
FIRST_LOOK = 10 * MINUTE  # before that: how far back the first quote is looked for
HELD_MAX = 100_000  # ticks of a quarter of an hour: 100 a second; the oldest are taken early beyond that


class DelayedQuote:
    """Made from past ticks when the first line on it begins, then from the live ones as they grow old.

    ``quote`` is as of a quarter of an hour ago. Open and close are those of today; high and low are of what was looked at.
    """

    __slots__ = ("_held", "quote")

    def __init__(self, desk: Desk, listing: Listing) -> None:
        now, con_id = desk.now, listing.con_id
        head = desk.market.head(con_id)
        self._held: deque[Tick] = deque()
        start = max(head, now - DELAY - FIRST_LOOK)
        past = desk.market.ticks(con_id, start, now + 1) if start <= now else ()
        live = desk.market.quote(con_id)
        later = [tick for tick in past if tick.timestamp > now - DELAY]
        volume = live.volume - sum(tick.volume for tick in later if tick.kind == TickKind.TRADE)
        self.quote = Quote(volume=max(volume, 0), open=live.open, close=live.close)
        for tick in past:
            if tick.timestamp <= now - DELAY:
                self._take(tick, counts=False)
        self._held.extend(later)

    def add(self, tick: Tick) -> None:
        """A live tick; it counts in a quarter of an hour."""
        self._held.append(tick)
        if len(self._held) > HELD_MAX:
            self._take(self._held.popleft(), counts=True)

    def next_due(self) -> int:
        """When the quote changes next."""
        return self._held[0].timestamp + DELAY if self._held else NEVER

    def advance(self, now: int) -> None:
        """Take what is old enough."""
        while self._held and self._held[0].timestamp <= now - DELAY:
            self._take(self._held.popleft(), counts=True)

    def _take(self, tick: Tick, *, counts: bool) -> None:
        quote = self.quote
        if tick.kind == TickKind.BID:
            self.quote = msgspec.structs.replace(quote, bid=tick.price, bid_size=tick.volume)
        elif tick.kind == TickKind.ASK:
            self.quote = msgspec.structs.replace(quote, ask=tick.price, ask_size=tick.volume)
        elif tick.kind in {TickKind.TRADE, TickKind.INDEX}:
            self.quote = msgspec.structs.replace(
                quote,
                last=tick.price,
                last_size=tick.volume,
                last_at=tick.timestamp,
                volume=quote.volume + (tick.volume if counts else 0),
                high=tick.price if quote.high is None else max(quote.high, tick.price),
                low=tick.price if quote.low is None else min(quote.low, tick.price),
            )
