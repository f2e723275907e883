"""What is asked of IB for one subscription: the best way that is granted, taken back before it is asked for anew.

On a new socket there is nothing left to take back. Nothing here waits for history: a stream of bars, which IB counts as a
question for history, gives way to the next way when no place is free, and is asked for again later.
"""

import contextlib
from collections.abc import Callable
from datetime import UTC, datetime

from theo.adapters.ib.codes import Kind, meaning
from theo.adapters.ib.contracts import Contracts
from theo.adapters.ib.quoting import Quoting
from theo.adapters.ib.requests import NoAnswerError
from theo.adapters.ib.rounds import NEVER, Rounds
from theo.adapters.ib.stream_reading import Reader
from theo.adapters.ib.streams import ASK, CANCEL, TAKES_LINE, Way, ways
from theo.adapters.ib.subscription import RETRY_FIRST, Pauses, Subscription
from theo.domain.errors import ConfigError, RefusedError
from theo.domain.market_data import MINUTE, SECOND
from theo.ports.feed import FeedState

SAME_AGAIN = 16 * SECOND  # IB takes one tick-by-tick request for an instrument in 15 s, and one for the same bars
BETTER_AGAIN = 5 * MINUTE  # after a way that had no place free: whether it has one now
NOT_GRANTED = frozenset({10_185, 10_186, 10_187, 10_189, 10_190, 420})  # this way is not to be had; another may be
COMPETING = 10_197
GONE = frozenset({300, 310, 366})  # what was taken back was not there any more
S = FeedState


class Asking:
    """``listen`` is told under which request answers come, 0 for none; ``read`` makes who reads them.

    ``quoting`` is asked for with each stream of every trade, and taken back with it; None where quotes are not wanted so.
    """

    def __init__(
        self,
        sub: Subscription,
        place: int,
        contracts: Contracts,
        listen: Callable[[int, int], None],
        read: Callable[[Way, int], Reader],
        quoting: Quoting | None = None,
    ) -> None:
        self._sub, self._link, self._contracts, self._quoting = sub, sub.link, contracts, quoting
        self._listen_to, self._read = listen, read
        self.rounds = Rounds(sub.link.clock, self.tend)
        self._ways, self._way_at = ways(sub.instrument, place, quotes=sub.wish.quotes), 0
        self._wanted = True
        self._request = 0
        self._reader: Reader | None = None
        self._told = ""  # the refusal that was told last: it is not told at each try
        self._tick_by_tick_at = self._retry_at = self._better_at = 0
        self._pauses = Pauses()

    @property
    def way(self) -> Way:
        """How its trades come, or are to come."""
        return self._ways[self._way_at]

    @property
    def reader(self) -> Reader:
        """Reads what arrives. There is one as soon as something was asked for."""
        assert self._reader is not None, "nothing was asked for"
        return self._reader

    @property
    def late(self) -> bool:
        """Whether what comes is told to be delayed."""
        return self._reader is not None and self._reader.late

    def want(self) -> None:
        """Ask for it anew as soon as that can be."""
        self._wanted, self._retry_at = True, 0
        self.rounds.wake()

    def new_socket(self) -> None:
        """What was asked for has gone with the old one, and what was not granted there may be here."""
        self._listen(0)
        if self._quoting is not None:
            self._quoting.forget()
        self._way_at = self._better_at = 0

    def lives(self) -> None:
        """Ticks come."""
        self._told = ""
        self._pauses.forget()

    def take_prices(self) -> None:
        """A sampled line without the trades that it was asked for: last prices are better than nothing."""
        if self._reader is not None and self.way is Way.SAMPLED:
            self._reader.plain = True

    def refused(self, code: int, text: str) -> None:
        """IB's error on the request: the way is not to be had, or nothing is, or it is no refusal at all."""
        if code in GONE or meaning(code).kind is Kind.ADVISORY:
            return
        if code in NOT_GRANTED and "pacing violation" in text:
            self._later(f"IB takes no such request so soon ({code})", SAME_AGAIN)
        elif code in NOT_GRANTED and self._way_at + 1 < len(self._ways):
            self._fall_back(f"is not granted ({code}: {text})")
            self.want()
        else:
            self._refuse(meaning(code).text, f"{code}: {text}", meaning(code).remedy, competing=code == COMPETING)

    def _fall_back(self, why: str) -> None:
        refused, self._way_at = self.way, self._way_at + 1
        self._sub.tell("info", "feed_source", f"{refused} {why}: {self.way} is asked for")

    def _refuse(self, what: str, why: str, remedy: str, *, competing: bool = False) -> None:
        if self._told != why:
            self._told = why
            code = "feed_competing" if competing else "feed_refused"
            text = f"is not to be had: {what} ({why}). {remedy}".rstrip(". ")
            self._sub.tell("page" if competing else "warning", code, f"{text}.")
        self._sub.line.interrupted()
        self._again_in(self._pauses.next())
        self._sub.become(S.REFUSED, f"{what} ({why})", remedy)

    def _later(self, why: str, wait: int) -> None:
        self._again_in(wait)
        self._sub.become(S.REFUSED, why)

    def _again_in(self, wait: int) -> None:
        self._wanted, self._sub.asked = True, False
        self._retry_at = self._link.clock.now() + wait

    # What is done

    async def tend(self) -> int:
        """Ask when it is wanted, or when a better way may be had again."""
        now, due = self._link.clock.now(), self._retry_at if self._wanted else self._better_due()
        if not self._sub.connected:
            return NEVER
        if due > now:
            return due
        if not self._wanted:
            self._try_better(now)
            return now
        return await self._ask()

    def _better_due(self) -> int:
        return self._better_at or NEVER

    def _try_better(self, now: int) -> None:
        """Bars are exact, samples are not: back to them when there is a place for them."""
        if self._bars_at():
            self._better_at = now + BETTER_AGAIN
            return
        self._better_at = self._way_at = 0
        self._sub.tell("info", "feed_source", f"{self.way} may be had again: it is asked for")
        self.want()

    async def _ask(self) -> int:
        """Take back what was asked for, then ask; when to look next."""
        way = self.way
        if not await self._take_back() or not await self._known():
            return self._retry_at if self._sub.connected else NEVER
        now = self._link.clock.now()
        if way is Way.TICK_BY_TICK and self._tick_by_tick_at and now < self._tick_by_tick_at + SAME_AGAIN:
            return self._tick_by_tick_at + SAME_AGAIN
        if not self._has_line():
            return self._retry_at
        if way is Way.REAL_TIME_BARS and (at := self._bars_at()):
            return self._no_bars_until(at, now)
        await self._may_send(way)
        if self._sub.connected and self._wanted:
            self._send(way)
            if way is Way.TICK_BY_TICK and self._quoting is not None:
                await self._quoting.ask(self._contracts.month(self._sub.instrument.id, self._sub.wish.contract))
                self._tick_by_tick_at = self._link.clock.now()
        return now

    def _send(self, way: Way) -> None:
        sub, now = self._sub, self._link.clock.now()
        if way is Way.TICK_BY_TICK:
            self._tick_by_tick_at = now
        sub.line.parts = way is Way.TICK_BY_TICK
        plain = self._reader is not None and self._reader.plain
        self._reader = self._read(way, now)
        self._reader.plain |= plain
        self._listen(self._link.next_id())
        self._wanted, sub.asked, sub.asked_at = False, True, now
        if sub.state is S.WANTED or not sub.rhythm.heard_at:
            sub.become(S.ASKED)
        else:
            sub.changed()
        ASK[way](self._link.client, self._request, self._contracts.month(sub.instrument.id, sub.wish.contract))

    async def _take_back(self) -> bool:
        """Cancel what stands; False when the link went meanwhile."""
        if self._quoting is not None:
            await self._quoting.take_back()
        if self._request:
            await self._link.budget.message()
            if self._sub.connected and self._request:
                CANCEL[self.reader.way](self._link.client, self._request)
                self._listen(0)
                self._sub.line.interrupted()
                self._sub.say()
        return self._sub.connected

    async def leave(self) -> None:
        """It is not wanted any more: take back what stands, and give back its place."""
        request, self._request = self._request, 0
        if self._quoting is not None:
            await self._quoting.take_back()
        if request and self._link.up:
            await self._link.budget.message()
            with contextlib.suppress(ConnectionError):  # it has gone with the socket
                CANCEL[self.reader.way](self._link.client, request)
        self._link.budget.give_line_back(self._sub.holder)

    def _listen(self, request: int) -> None:
        self._listen_to(self._request, request)
        self._request = request
        self._sub.asked = request > 0

    async def _known(self) -> bool:
        """Whether IB lists the contract: asked once, and again when it has expired. False when the link went meanwhile."""
        today = f"{datetime.fromtimestamp(self._link.clock.now() / SECOND, UTC):%Y%m%d}"
        try:
            await self._contracts.resolve((self._sub.instrument,), today)
            self._contracts.month(self._sub.instrument.id, self._sub.wish.contract)
        except ConfigError as error:
            self._refuse(error.what, error.why, error.remedy)
            return False
        except KeyError:
            self._refuse(f"IB does not list {self._sub.wish.contract}", "its last trade day is over, or IB has taken it away", "")
            return False
        except NoAnswerError as error:
            self._later(str(error), RETRY_FIRST)
            return False
        return self._sub.connected

    def _has_line(self) -> bool:
        """Take or give back the market data line that the way needs; without one it is refused before IB does it."""
        budget, holder = self._link.budget, self._sub.holder
        if self.way not in TAKES_LINE:
            budget.give_line_back(holder)
            return True
        try:
            budget.take_line(holder)
        except RefusedError as error:
            self._refuse(error.what, error.why, error.remedy)
            return False
        return True

    def _bars(self) -> tuple[tuple[int, Way], tuple[int, Way, str]]:
        con_id = self._contracts.month(self._sub.instrument.id, self._sub.wish.contract).conId
        return (con_id, Way.REAL_TIME_BARS), (con_id, Way.REAL_TIME_BARS, "new")

    def _bars_at(self) -> int:
        return self._link.budget.stream_at(*self._bars())

    def _no_bars_until(self, at: int, now: int) -> int:
        """A short while is waited for; samples stand in for a long one."""
        if at - now <= SAME_AGAIN:
            return at
        self._better_at = now + BETTER_AGAIN
        self._fall_back("has no place free among the questions for history")
        return now

    async def _may_send(self, way: Way) -> None:
        if way is Way.REAL_TIME_BARS:
            await self._link.budget.stream(*self._bars())
        else:
            await self._link.budget.message()
