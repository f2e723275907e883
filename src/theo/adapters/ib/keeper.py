"""One subscription kept alive: what arrives is put in order and handed on, and its rooms hear of what happens to it.

Asking is in asking.py, silence in watching.py, holes in filling.py, prices without a stream in polling.py.
"""

import asyncio

import msgspec

from theo.adapters.ib.asking import Asking
from theo.adapters.ib.filling import Filling
from theo.adapters.ib.history import History
from theo.adapters.ib.latency import Latencies
from theo.adapters.ib.link import Link
from theo.adapters.ib.market_data import MarketData
from theo.adapters.ib.polling import Polling
from theo.adapters.ib.quoting import Quoting
from theo.adapters.ib.stream_reading import LATE_TYPES, TIMES, Quote, Reader
from theo.adapters.ib.streams import DELAYED, LIVE_TYPE, SNAPSHOT, Way, has_quotes, lives_by_quotes
from theo.adapters.ib.subscription import FLOWING, Subscription
from theo.adapters.ib.tick_line import Arrival
from theo.adapters.ib.watching import Watching
from theo.domain.market_data import SECOND, Tick, TimeSource
from theo.ports.feed import FeedState, Heard, Standing, Take, Wish

S = FeedState


class Keeper:
    """``standing`` says how it is. ``place``: how many wishes for traded instruments are more important.

    ``listeners`` is who listens to which request; a keeper has one at most, and one of ``quoting`` where it wants quotes too.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - what is wanted, who is asked, and who listens
        self,
        wish: Wish,
        place: int,
        link: Link,
        history: History,
        market: MarketData,
        listeners: "dict[int, Keeper]",
        quoting: dict[int, Quoting],
        take: Take,
        heard: Heard,
    ) -> None:
        self.wish, self.instrument, self._link, self._listeners = wish, wish.instrument, link, listeners
        self._sub = sub = Subscription(wish, link, take, heard)
        self._quoting = Quoting(sub, quoting) if wish.quotes and has_quotes(wish.instrument, place) else None
        self._asking = Asking(sub, place, history.contracts, self._listen, self._reader, self._quoting)
        history = History(link, history.contracts, wish.contract)
        self._watching = Watching(sub, self._asking, history)
        self._filling = Filling(sub, history)
        self._polling = Polling(sub, market)
        self._rooms = (self._asking, self._watching, self._filling, self._polling)
        sub.rounds += [room.rounds.wake for room in self._rooms]
        sub.shown = self._shown
        self._late_told = False
        self._latencies = Latencies()
        self._by_quotes, self._frozen = lives_by_quotes(wish.instrument), False
        self._quoted = (0, 0)  # when a quote came last, and how many in that moment

    async def run(self) -> None:
        """Until cancelled. Each room has a task of its own."""
        async with asyncio.TaskGroup() as group:
            for room in self._rooms:
                group.create_task(room.rounds.run())

    def forget(self) -> None:
        """It is not wanted any more: nothing is handed on, and nobody told, from now on."""
        for request in [request for request, keeper in self._listeners.items() if keeper is self]:
            del self._listeners[request]
        if self._quoting is not None:
            self._quoting.mute()
        self._sub.forget()

    async def leave(self) -> None:
        """After ``forget``, and when ``run`` has been cancelled: take back what is asked for."""
        await self._asking.leave()

    # What the feed says

    def connected(self, *, new_socket: bool, data_lost: bool) -> None:
        """The link is up: what stood may have gone with the old socket, or be said to stand."""
        sub = self._sub
        sub.connected = True
        sub.line.interrupted()
        if new_socket:
            self._asking.new_socket()
        if data_lost:
            sub.state, sub.why = S.WANTED, "the link was lost" if sub.asked_at else ""
            self._asking.want()
        else:
            sub.rhythm.doubt()
        sub.changed()

    def disconnected(self) -> None:
        """The link is down: what comes next does not follow what came last."""
        self._sub.connected = False
        self._polling.over()
        self._sub.line.interrupted()
        self._sub.say()

    def farm_broke(self) -> None:
        """A data farm broke and came back: streams may be dead."""
        self._sub.line.interrupted()
        self._sub.rhythm.doubt()
        self._sub.changed()

    def refused(self, code: int, text: str) -> None:
        """IB's error on the request."""
        self._asking.refused(code, text)

    def standing(self) -> Standing:
        """How it stands."""
        return self._sub.standing()

    def _shown(self, standing: Standing) -> Standing:
        return msgspec.structs.replace(standing, source=self._source(), latency=self._latencies.told())

    def _source(self) -> str:
        return SNAPSHOT if self._sub.polled else self._stream()

    def _stream(self) -> str:
        return DELAYED if self._asking.late else self._asking.way.value

    # What arrives

    def _listen(self, before: int, request: int) -> None:
        self._listeners.pop(before, None)
        if request:
            self._listeners[request] = self

    def _reader(self, way: Way, at: int) -> Reader:
        return Reader(self.instrument, way, at, self._arrived, self._quote)

    @property
    def reader(self) -> Reader:
        """Reads what arrives. There is one as soon as something was asked for."""
        return self._asking.reader

    def market_data_type(self, number: int) -> None:
        """IB says whether the line is live or late."""
        late, self._frozen = number in LATE_TYPES, number != LIVE_TYPE
        if late and not self._late_told:
            self._late_told = True
            self._sub.tell("warning", "feed_delayed", "comes late: a quarter of an hour, as IB delays it")
        self.reader.late = late

    def text(self, at: int, tick_type: int, text: str) -> None:
        """A text of a sampled line. The time of the last trade moves also when its price does not: that is a sign of life."""
        if tick_type in TIMES and self._sub.state in FLOWING:
            self._sub.rhythm.heard(at)
        self.reader.text(at, tick_type, text)

    def _arrived(self, item: Arrival) -> None:
        sub = self._sub
        if sub.state is not (S.DELAYED if self.reader.late else S.LIVE) or sub.why:
            self._lives()
        sub.rhythm.heard(item.at)
        if item.time_source == TimeSource.EXCHANGE:
            # of a whole second its middle: the exchange's time within it is not known
            middle = SECOND // 2 if item.whole and self._asking.way is Way.TICK_BY_TICK else 0
            self._latencies.add(item.source, item.at + self._link.clock_offset - item.what.timestamp - middle)
        before = sub.line.hole(), sub.line.dirty()
        sub.line.arrived(item)
        if (sub.line.hole(), sub.line.dirty()) != before:
            self._filling.rounds.wake()

    def _lives(self) -> None:
        sub = self._sub
        if sub.state in {S.SILENT, S.DEAD} or sub.why:
            sub.tell("info", "feed_lives", f"comes again, from {self._stream()}")
        self._asking.lives()
        self._watching.lives()
        self._polling.over()
        sub.become(S.DELAYED if self.reader.late else S.LIVE)

    def _quote(self, quote: Quote) -> None:
        if not self.wish.quotes:
            return
        now = self._link.clock.now()
        if self._by_quotes and not self._quote_lives(now):
            return
        at, same = self._quoted
        self._quoted = now, same + 1 if at == now else 0
        source, arrival = Way.SAMPLED.value, int(TimeSource.ARRIVAL)
        self._sub.hand_over(
            Tick(self.instrument.id, now, now, self._quoted[1], int(quote.kind), quote.price, quote.size, 0, arrival, source)
        )

    def _quote_lives(self, now: int) -> bool:
        """An option's quote is its sign of life. One that is frozen, or of no session, would look fresh: it is none."""
        sub = self._sub
        if self._frozen or not self.wish.hours.is_open(now):
            return False
        if sub.state is not S.LIVE or sub.why:
            self._lives()
        self._watching.lives()
        sub.rhythm.heard(now)
        return True
