"""One subscription kept alive: asked for in the best way that is granted, watched for silence, its holes filled from history.

A task of its own (``run``), so that one instrument that has to wait never holds up another. Nothing is asked for anew before the
old request was taken back, except on a new socket, on which there is nothing left to take back.
"""

import asyncio
from collections import deque
from datetime import UTC, datetime

from theo.adapters.ib.codes import Kind, meaning
from theo.adapters.ib.history import History
from theo.adapters.ib.link import Link
from theo.adapters.ib.liveness import Rhythm
from theo.adapters.ib.requests import NoAnswerError, RequestRefusedError
from theo.adapters.ib.stream_reading import LATE_TYPES, TIMES, Quote, Reader
from theo.adapters.ib.streams import ASK, CANCEL, DELAYED, TAKES_LINE, Way, ways
from theo.adapters.ib.tick_line import Arrival, Seconds, TickLine
from theo.domain.errors import ConfigError, RefusedError
from theo.domain.market_data import MINUTE, SECOND, Tick, TickKind, TimeSource
from theo.market.quality import TickQuality
from theo.ports.feed import FeedState, Heard, Hole, Standing, Take, Wish

NEVER = 1 << 62
HISTORY_LAG = 2 * SECOND  # a second is asked for so long after its end
TICK_BY_TICK_AGAIN = 16 * SECOND  # IB takes one such request for an instrument in 15 s
RETRY_FIRST, RETRY_MOST = 30 * SECOND, 5 * MINUTE
MEND_TRIES_MAX = 5
MEND_EVERY = 60 * SECOND  # late prints are gathered before history is asked for them
LATENCIES = 64  # of the newest ticks, whose middle is told
EVIDENCE = 30 * MINUTE  # how far back it is looked for whether a silent market trades
NOT_GRANTED = frozenset({10_185, 10_186, 10_187, 10_189, 10_190, 420})  # this way is not to be had; another may be
COMPETING = 10_197
GONE = frozenset({300, 310, 366})  # what was taken back was not there any more
S = FeedState


class Keeper:
    """``standing`` says how it is. ``place``: how many wishes for traded instruments are more important.

    ``listeners`` is who listens to which request; a keeper has one at most.
    """

    def __init__(
        self, wish: Wish, place: int, link: Link, history: History, listeners: "dict[int, Keeper]", take: Take, heard: Heard
    ) -> None:
        instrument = wish.instrument
        self.wish, self.instrument = wish, instrument
        self._link, self._history, self._contracts = link, history, history.contracts
        self._listeners, self._take, self._heard = listeners, take, heard
        self._said: tuple[FeedState, int, Hole | None] = (S.WANTED, 0, None)
        kind = TickKind.TRADE if instrument.tradable else TickKind.INDEX
        self._quality = TickQuality(wish.hours, instrument.tick)
        self.line = TickLine(instrument.id, int(kind), self._quality, take, wish.since)
        self.line.told = self._say
        self.rhythm = Rhythm(wish.hours)
        self.state, self.why, self.remedy = S.WANTED, "", ""
        self.resumed = 0
        self._request = 0  # the id under which it listens, 0 for none
        self._silences = 0  # in a row: 1 is SILENT, more are DEAD
        self._mend_tries = 0
        self._late_told = False
        self._told = ""  # the refusal that was told last: it is not told at each try
        self._ways, self._way_at = ways(instrument, place), 0
        self._reader: Reader | None = None
        self._connected = False
        self._asked_at = self._tick_by_tick_at = self._retry_at = self._mend_at = 0
        self._retry = RETRY_FIRST
        self._latencies: deque[int] = deque(maxlen=LATENCIES)
        self._quoted = (0, 0)  # when a quote came last, and how many in that moment
        self._wake = asyncio.Event()

    # What the feed says

    @property
    def way(self) -> Way:
        """How its trades come, or are to come."""
        return self._ways[self._way_at]

    @property
    def source(self) -> str:
        """The source of its ticks."""
        return DELAYED if self._reader is not None and self._reader.late else self.way.value

    def connected(self, *, new_socket: bool, data_lost: bool) -> None:
        """The link is up: what stood may have gone with the old socket, or be said to stand."""
        self._connected = True
        self.line.interrupted()
        if new_socket:
            self._listen(0)
            self._way_at = 0
        if data_lost:
            self._want("the link was lost" if self._asked_at else "")
        else:
            self.rhythm.doubt()
        self._say()
        self._wake.set()

    def disconnected(self) -> None:
        """The link is down: what comes next does not follow what came last."""
        self._connected = False
        self.line.interrupted()
        self._say()

    def farm_broke(self) -> None:
        """A data farm broke and came back: streams may be dead."""
        self.line.interrupted()
        self.rhythm.doubt()
        self._say()
        self._wake.set()

    def _say(self) -> None:
        """Tell who listens, when it stands otherwise than it did."""
        found = self.standing()
        said = found.state, found.hole_since, found.hole
        if said != self._said:
            self._said = said
            self._heard(found)

    def standing(self) -> Standing:
        """How it stands."""
        latencies = sorted(self._latencies)
        cut = not self._connected and self.state is not S.REFUSED
        return Standing(
            symbol=self.instrument.symbol,
            source=self.source,
            state=S.WANTED if cut else self.state,
            why="the link is down" if cut else self.why,
            remedy=self.remedy,
            heard_at=self.rhythm.heard_at,
            bound=self.rhythm.bound,
            latency=latencies[len(latencies) // 2] if latencies else None,
            posted=self.line.posted,
            filled=self.line.filled,
            resumed=self.resumed,
            hole_since=self.line.hole_since,
            instrument=self.instrument.id,
            hole=self.line.ended,
        )

    # What arrives

    def _listen(self, request: int) -> None:
        self._listeners.pop(self._request, None)
        self._request = request
        if request:
            self._listeners[request] = self

    @property
    def reader(self) -> Reader:
        """Reads what arrives. There is one as soon as something was asked for."""
        assert self._reader is not None, "nothing was asked for"
        return self._reader

    def market_data_type(self, number: int) -> None:
        """IB says whether the line is live or late."""
        late = number in LATE_TYPES
        if late and not self._late_told:
            self._late_told = True
            self._tell("warning", "feed_delayed", "comes late: a quarter of an hour, as IB delays it")
        self.reader.late = late

    def text(self, at: int, tick_type: int, text: str) -> None:
        """A text of a sampled line. The time of the last trade moves also when its price does not: that is a sign of life."""
        if tick_type in TIMES and self.state in {S.LIVE, S.DELAYED}:
            self.rhythm.heard(at)
        self.reader.text(at, tick_type, text)

    def _arrived(self, item: Arrival) -> None:
        if self.state is not S.LIVE and self.state is not S.DELAYED:
            self._lives()
        self.rhythm.heard(item.at)
        if item.time_source == TimeSource.EXCHANGE:
            # of a whole second its middle: the exchange's time within it is not known
            middle = SECOND // 2 if item.whole and self.way is Way.TICK_BY_TICK else 0
            self._latencies.append(item.at + self._link.clock_offset - item.what.timestamp - middle)
        waits = bool(self.line.hole_since)
        self.line.arrived(item)
        if waits:
            self._wake.set()

    def _lives(self) -> None:
        if self.state in {S.SILENT, S.DEAD} or self.why:
            self._tell("info", "feed_lives", f"comes again, from {self.source}")
        self.state = S.DELAYED if self.reader.late else S.LIVE
        self.why, self.remedy, self._told, self._silences = "", "", "", 0
        self._retry = RETRY_FIRST
        self._say()
        self._wake.set()

    def _quote(self, quote: Quote) -> None:
        if not self.wish.quotes:
            return
        now = self._link.clock.now()
        at, same = self._quoted
        self._quoted = now, same + 1 if at == now else 0
        source, arrival = Way.SAMPLED.value, int(TimeSource.ARRIVAL)
        tick = Tick(self.instrument.id, now, now, self._quoted[1], int(quote.kind), quote.price, quote.size, 0, arrival, source)
        self._take(self._quality.on_tick(tick))

    def refused(self, code: int, text: str) -> None:
        """IB's error on the request: the way is not to be had, or nothing is, or it is no refusal at all."""
        if code in GONE or meaning(code).kind is Kind.ADVISORY:
            return
        if code in NOT_GRANTED and "pacing violation" in text:
            self._later(f"IB takes no such request so soon ({code})", TICK_BY_TICK_AGAIN)
        elif code in NOT_GRANTED and self._way_at + 1 < len(self._ways):
            refused, self._way_at = self.way, self._way_at + 1
            self._tell("info", "feed_source", f"{refused} is not granted ({code}: {text}): {self.way} is asked for")
            self._want("")
        else:
            self._refuse(meaning(code).text, f"{code}: {text}", meaning(code).remedy, competing=code == COMPETING)

    def _refuse(self, what: str, why: str, remedy: str, *, competing: bool = False) -> None:
        if self._told != why:
            self._told = why
            code = "feed_competing" if competing else "feed_refused"
            self._tell("page" if competing else "warning", code, f"is not to be had: {what} ({why}). {remedy}".rstrip(". ") + ".")
        self.line.interrupted()
        self.state, self.why, self.remedy = S.REFUSED, f"{what} ({why})", remedy
        self._again_in(self._retry)
        self._retry = min(2 * self._retry, RETRY_MOST)
        self._say()

    def _later(self, why: str, wait: int) -> None:
        self.state, self.why = S.REFUSED, why
        self._again_in(wait)
        self._say()

    def _again_in(self, wait: int) -> None:
        self._retry_at = self._link.clock.now() + wait
        self._wake.set()

    def _want(self, why: str) -> None:
        self.state, self.why = S.WANTED, why
        self._say()
        self._wake.set()

    def _tell(self, severity: str, code: str, text: str) -> None:
        self._link.notifier.tell(self._link.clock.now(), severity, code, f"{self.instrument.symbol} {text}")

    # What is done

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._wake.clear()
            due = await self._tend() if self._connected else NEVER
            if due > self._link.clock.now():
                await self._sleep(due)

    async def _sleep(self, due: int) -> None:
        """Until something happens, at the latest at ``due``."""
        if due >= NEVER:
            await self._wake.wait()
            return
        woken, passed = asyncio.ensure_future(self._wake.wait()), asyncio.ensure_future(self._link.clock.sleep_until(due))
        try:
            await asyncio.wait((woken, passed), return_when=asyncio.FIRST_COMPLETED)
        finally:
            woken.cancel()
            passed.cancel()

    async def _tend(self) -> int:
        """Do what is due; when to look next."""
        now = self._link.clock.now()
        if self.state is S.REFUSED and now < self._retry_at:
            return self._retry_at
        try:
            if self.state in {S.REFUSED, S.WANTED}:
                self.state = S.WANTED
                return await self._ask()
            filled_at, silent_at = self._fill_at(), self._silent_at(now)
            if filled_at <= now:
                await self._fill()
            elif silent_at <= now:
                await self._silent()
            else:
                return min(filled_at, silent_at)
        except ConnectionError:
            return NEVER  # the socket is gone, and the link is about to say so
        return now

    async def _ask(self) -> int:
        """Take back what was asked for, then ask; when to look next."""
        way, now = self.way, self._link.clock.now()
        if not await self._take_back() or not await self._known():
            return self._retry_at if self.state is S.REFUSED else NEVER
        if way is Way.TICK_BY_TICK and self._tick_by_tick_at and now < self._tick_by_tick_at + TICK_BY_TICK_AGAIN:
            return self._tick_by_tick_at + TICK_BY_TICK_AGAIN
        if not self._has_line():
            return self._retry_at
        await self._may_send(way)
        if self._connected and self.state is S.WANTED:
            self._send(way)
        return now

    def _send(self, way: Way) -> None:
        now = self._link.clock.now()
        if way is Way.TICK_BY_TICK:
            self._tick_by_tick_at = now
        self.line.parts = way is Way.TICK_BY_TICK
        plain = self._reader is not None and self._reader.plain
        self._reader = Reader(self.instrument, way, now, self._arrived, self._quote)
        self._reader.plain |= plain
        self._listen(self._link.next_id())
        self._asked_at = now
        self.state = (S.ASKED, S.SILENT, S.DEAD)[min(self._silences, 2)]
        self._say()
        ASK[way](self._link.client, self._request, self._contracts.contract(self.instrument.id))

    async def _take_back(self) -> bool:
        """Cancel what stands; False when the link went meanwhile."""
        if self._request:
            await self._link.budget.message()
            if self._connected and self._request:
                CANCEL[self.reader.way](self._link.client, self._request)
                self._listen(0)
        return self._connected

    async def _known(self) -> bool:
        """Whether IB lists the contract: asked once, and again when it has expired. False when the link went meanwhile."""
        today = f"{datetime.fromtimestamp(self._link.clock.now() / SECOND, UTC):%Y%m%d}"
        try:
            await self._contracts.resolve((self.instrument,), today)
        except ConfigError as error:
            self._refuse(error.what, error.why, error.remedy)
            return False
        except NoAnswerError as error:
            self._later(str(error), RETRY_FIRST)
            return False
        return self._connected

    def _has_line(self) -> bool:
        """Take or give back the market data line that the way needs; without one it is refused before IB does it."""
        budget, holder = self._link.budget, self.instrument.id
        if self.way not in TAKES_LINE:
            budget.give_line_back(holder)
            return True
        try:
            budget.take_line(holder)
        except RefusedError as error:
            self._refuse(error.what, error.why, error.remedy)
            return False
        return True

    async def _may_send(self, way: Way) -> None:
        if way is Way.REAL_TIME_BARS:  # counted as questions for history are
            contract = self._contracts.contract(self.instrument.id)
            with await self._link.budget.history((contract.conId, way), (contract.conId, way, "new")):
                return
        await self._link.budget.message()

    # Holes

    def _fill_at(self) -> int:
        """When history is to be asked for a hole, or for what came late."""
        hole, dirty = self.line.hole(), self.line.dirty()
        if hole is not None:
            ends = hole.last
        elif dirty is not None:
            ends = dirty.last
        else:
            return NEVER
        return max((ends + 1) * SECOND + HISTORY_LAG - self._link.clock_offset, 0 if hole is not None else self._mend_at)

    async def _fill(self) -> None:
        """Ask history for a hole, or for what came late; without an answer live ticks go on, and it is asked for again."""
        hole = self.line.hole()
        wanted = hole or self.line.dirty()
        assert wanted is not None, "asked to fill without a hole"
        self._mend_at = self._link.clock.now() + MEND_EVERY
        try:
            past = await self._history.prints(self.instrument, wanted) if wanted.first <= wanted.last else None
        except (RequestRefusedError, NoAnswerError) as error:
            if self._connected:
                self._not_filled(wanted, str(error))
            return
        self._mend_tries = 0
        prints, now = () if past is None else past.prints, self._link.clock.now()
        if hole is not None and self.line.hole() == hole:
            missed = self.line.fill(prints, now)
        else:  # released meanwhile, or interrupted again: what was asked for is known all the same
            missed = self.line.mend(wanted, prints, now)
        if missed:
            self._tell("info", "backfill", f"has {missed} ticks of a hole of {_length(wanted)} from history")

    def _not_filled(self, hole: Seconds, why: str) -> None:
        self.line.release()
        self._mend_tries += 1
        if self._mend_tries == 1:
            self._tell("warning", "backfill_late", f"has a hole of {_length(hole)} that history does not fill now: {why}")
        elif self._mend_tries == MEND_TRIES_MAX:
            self._mend_tries = 0
            self.line.give_up()
            self._tell("warning", "backfill_failed", f"keeps a hole of {_length(hole)}: {why}")

    # Silence

    def _silent_at(self, now: int) -> int:
        """When nothing will have come for too long; a dead subscription is asked for anew more and more slowly."""
        silent_at = self.rhythm.due(self._asked_at, now)
        return max(silent_at, self._retry_at) if self.state is S.DEAD else silent_at

    async def _silent(self) -> None:
        """Ask for it anew; when that did not help, look in history whether the market trades at all."""
        bound, now = self.rhythm.bound // SECOND, self._link.clock.now()
        if self._silences and not await self._trades():
            self.rhythm.relax()
            self._asked_at = now
            return
        self.line.interrupted()
        self._silences += 1
        if self._silences == 1:
            self._tell("warning", "feed_silent", f"is silent for {bound} s in open hours: it is asked for anew")
        elif self._silences == 2:  # noqa: PLR2004 - the second in a row
            self._tell("page", "feed_dead", f"is dead: nothing came for {bound} s after it was asked for anew, and it trades")
        if self._silences > 1:
            self._retry_at, self._retry = now + self._retry, min(2 * self._retry, RETRY_MOST)
        if self._reader is not None and self.way is Way.SAMPLED:
            self._reader.plain = True  # a line without the trades that it was asked for: last prices are better than nothing
        self.resumed += 1
        self._want("it was silent")

    async def _trades(self) -> bool:
        """Whether history knows of trades since the last print; True when it does not answer."""
        now = self._link.clock.now()
        since = max(self.rhythm.heard_at or self._asked_at, now - EVIDENCE)
        first, last = -(-since // MINUTE) * MINUTE, now // MINUTE * MINUTE
        if first >= last:
            return False
        try:
            return bool(await self._history.minutes(self.instrument, (first, last)))
        except (RequestRefusedError, NoAnswerError):
            return True


def _length(hole: Seconds) -> str:
    return f"{hole.last - hole.first + 1} s"
