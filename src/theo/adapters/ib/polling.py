"""The last resort: while no stream is to be had, prices are asked for one by one, and said to be that.

A polled price is no trade of a stream: it has no volume, what was traded between two of them is missing, and the hole in the
line stays open until a stream comes and history fills it. A price of a time that the stream has told already is left out.
"""

from theo.adapters.ib.market_data import MarketData
from theo.adapters.ib.requests import NoAnswerError
from theo.adapters.ib.rounds import NEVER, Rounds
from theo.adapters.ib.streams import SNAPSHOT, lives_by_quotes
from theo.adapters.ib.subscription import FLOWING, Pauses, Subscription
from theo.domain.errors import RefusedError
from theo.domain.market_data import SECOND, Tick, TimeSource
from theo.ports.feed import FeedState
from theo.ports.market_questions import Snapshot

BEGINS_AFTER = 30 * SECOND  # without a stream
EVERY = 15 * SECOND  # TWS ends a snapshot after eleven
WITHOUT_STREAM = frozenset({FeedState.REFUSED, FeedState.DEAD})


class Polling:
    """``over`` is told before a stream's first tick, and when the link goes down."""

    def __init__(self, sub: Subscription, market: MarketData) -> None:
        self._sub, self._link, self._market = sub, sub.link, market
        self.rounds = Rounds(sub.link.clock, self.tend)
        self._since = self._next_at = 0
        self._last: tuple[int, int] = (0, 0)  # time and price
        self._same = 0
        self._pauses = Pauses()

    def over(self) -> None:
        """A stream comes, or nothing can be asked."""
        self._since = self._next_at = 0
        self._sub.polled = False
        self._pauses.forget()

    async def tend(self) -> int:
        """Ask while there is no stream and the market is open."""
        sub, now, hours = self._sub, self._link.clock.now(), self._sub.wish.hours
        if not sub.connected or sub.state in FLOWING or lives_by_quotes(sub.instrument):
            return NEVER
        if sub.state in WITHOUT_STREAM:
            self._since = self._since or now
        if not self._since:
            return NEVER
        if not hours.is_open(now):
            return hours.next_open(now)
        due = max(self._since + BEGINS_AFTER, self._next_at)
        if due > now:
            return due
        await self._poll()
        return self._next_at

    async def _poll(self) -> None:
        sub, since = self._sub, self._since
        try:
            found = await self._market.snapshot(sub.instrument, sub.wish.contract)
        except (RefusedError, NoAnswerError, KeyError):  # its stream's refusal has been told; KeyError: IB does not list it
            self._next_at = self._link.clock.now() + self._pauses.next()
            return
        self._pauses.forget()
        self._next_at = self._link.clock.now() + EVERY
        if not since or since != self._since or not sub.connected:
            return  # a stream has come meanwhile
        if not sub.polled and found.last is not None:
            sub.polled = True
            seconds = EVERY // SECOND
            sub.tell(
                "warning", "feed_polled", f"has no stream: its price is asked for every {seconds} s, and its bars lack trades"
            )
            sub.say()
        self._hand_over(found)

    def _hand_over(self, found: Snapshot) -> None:
        sub = self._sub
        exchange = sub.instrument.tradable and found.last_at > 0
        at = found.last_at if exchange else found.at
        if found.last is None or (at, found.last) == self._last or (not exchange and (found.late or found.last == self._last[1])):
            return
        if exchange and at // SECOND <= sub.line.newest:
            return
        self._same = self._same + 1 if at == self._last[0] else 0
        self._last = at, found.last
        source = TimeSource.EXCHANGE if exchange else TimeSource.ARRIVAL
        now = self._link.clock.now()
        sub.hand_over(Tick(sub.instrument.id, now, at, self._same, sub.kind, found.last, 0, 0, int(source), SNAPSHOT))
