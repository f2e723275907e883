"""IB's limits, kept by never reaching them: messages a second, questions open at once, history pacing, market data lines.

Waiting is visible: ``waiting`` says how many requests stand in line and since when. Orders have a part of the message rate of
their own and never wait behind data requests.
"""

import asyncio
from collections import deque
from collections.abc import Hashable

import msgspec

from theo.domain.errors import RefusedError
from theo.domain.market_data import MINUTE, SECOND
from theo.ports.clock import Clock


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """IB's limits with a margin (sources: IB's "Historical Data Limitations", "Requesting Market Data", TWS API "Pacing")."""

    messages: int = 40  # a second, of IB's 50: data requests
    messages_orders: int = 46  # a second, orders included
    history_open: int = 40  # of IB's 50 unanswered
    history_in_ten_minutes: int = 55  # of IB's 60
    history_same_in_two_seconds: int = 5  # IB answers 162 to the sixth of one contract, exchange and type
    history_same_again: int = 16 * SECOND  # IB refuses the identical question within 15 s
    lines: int = 95  # of IB's 100, which TWS's own windows share


class Budget:
    """Grants requests in order of asking; times are the clock's."""

    def __init__(self, clock: Clock, limits: Limits | None = None) -> None:
        self._clock, self.limits = clock, limits or Limits()
        self._sent: deque[int] = deque()
        self._history: deque[_Asked] = deque()
        self._asked: dict[Hashable, deque[_Asked]] = {}
        self._turn = asyncio.Lock()
        self._history_turn = asyncio.Lock()
        self._open = asyncio.Semaphore(self.limits.history_open)
        self._lines: set[Hashable] = set()
        self.waiting = 0

    async def message(self) -> None:
        """Return when a data request may be sent."""
        self.waiting += 1
        try:
            async with self._turn:
                while (at := self._free_at(self.limits.messages)) > self._clock.now():
                    await self._clock.sleep_until(at)
                self._sent.append(self._clock.now())
        finally:
            self.waiting -= 1

    async def order(self) -> None:
        """Return when an order message may be sent: at once, except in a burst of orders."""
        while (at := self._free_at(self.limits.messages_orders)) > self._clock.now():
            await self._clock.sleep_until(at)
        self._sent.append(self._clock.now())

    def _free_at(self, most: int) -> int:
        """When a further message is within ``most`` a second."""
        now, sent = self._clock.now(), self._sent
        while sent and sent[0] <= now - SECOND:
            sent.popleft()
        return now if len(sent) < most else sent[len(sent) - most] + SECOND + 1

    async def history(self, contract: Hashable, question: Hashable, weight: int = 1) -> "OpenHistory":
        """Return when a historical question may be sent; ``weight`` is 2 for BID_ASK. Leave the context when it is answered.

        Whoever waits for the next ten minutes holds no place among the open questions.
        """
        self.waiting += 1
        try:
            while (at := self._question_at(contract, question)) > self._clock.now():
                await self._clock.sleep_until(at)  # out of the turn: questions about others go on
            async with self._history_turn:
                while (at := self._history_at(contract, question, weight)) > self._clock.now():
                    await self._clock.sleep_until(at)
                asked = self._count(contract, question, weight)
                opened = await self.open_history()
                asked.at = self._clock.now()
        finally:
            self.waiting -= 1
        return opened

    def stream_at(self, contract: Hashable, question: Hashable) -> int:
        """When a stream of bars may be asked for, which IB counts as a question for history; 0 is now. Nobody queues for it."""
        at = self._history_at(contract, question, 1)
        return at if at > self._clock.now() else 0

    async def stream(self, contract: Hashable, question: Hashable) -> None:
        """Take the place that is free by ``stream_at`` before any question that waits for one; return when it may be sent."""
        asked = self._count(contract, question, 1)
        await self.message()
        asked.at = self._clock.now()

    def _count(self, contract: Hashable, question: Hashable, weight: int) -> "_Asked":
        asked = _Asked(self._clock.now())
        self._history.extend([asked] * weight)
        for key in (contract, question):
            self._asked.setdefault(key, deque()).append(asked)
        return asked

    async def open_history(self) -> "OpenHistory":
        """As ``history`` for what IB does not pace: bars of a minute and longer, and where history begins."""
        await self._open.acquire()
        try:
            await self.message()
        except BaseException:
            self._open.release()
            raise
        return OpenHistory(self._open)

    def _history_at(self, contract: Hashable, question: Hashable, weight: int) -> int:
        """When a question is within every limit."""
        now = self._clock.now()
        _forget(self._history, now - 10 * MINUTE)
        over = len(self._history) + weight - self.limits.history_in_ten_minutes
        at = self._history[over - 1].at + 10 * MINUTE + 1 if over > 0 else now
        return max(at, self._question_at(contract, question))

    def _question_at(self, contract: Hashable, question: Hashable) -> int:
        """When it is within the limits of its contract and of identical questions."""
        now, limits = self._clock.now(), self.limits
        for key in [key for key, times in self._asked.items() if _forget(times, now - limits.history_same_again)]:
            del self._asked[key]
        at = now
        same = sorted(asked.at for asked in self._asked.get(contract, ()))
        if len(same) >= limits.history_same_in_two_seconds:
            at = max(at, same[-limits.history_same_in_two_seconds] + 2 * SECOND + 1)
        if again := self._asked.get(question):
            at = max(at, max(asked.at for asked in again) + limits.history_same_again + 1)
        return at

    def take_line(self, subscription: Hashable) -> None:
        """A market data line for a subscription. Raises RefusedError when none is left: before IB says 101."""
        if subscription not in self._lines and len(self._lines) >= self.limits.lines:
            raise RefusedError(
                f"no market data line is left for {subscription}",
                why=f"{self.limits.lines} are in use, of IB's 100 that TWS's own windows share",
                remedy="Watch fewer symbols, or buy a quote booster pack and raise [ib] lines",
            )
        self._lines.add(subscription)

    def give_line_back(self, subscription: Hashable) -> None:
        """The subscription ended."""
        self._lines.discard(subscription)

    @property
    def lines_used(self) -> int:
        """Market data lines in use."""
        return len(self._lines)


class OpenHistory:
    """A historical question that has not been answered: a context that ends with the answer."""

    def __init__(self, open_questions: asyncio.Semaphore) -> None:
        self._open = open_questions

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_error: object) -> None:
        self._open.release()


class _Asked:
    """When a question was sent; before that, when its place was taken."""

    __slots__ = ("at",)

    def __init__(self, at: int) -> None:
        self.at = at


def _forget(asked: deque[_Asked], before: int) -> bool:
    """Drop what lies before; whether nothing is left."""
    while asked and asked[0].at <= before:
        asked.popleft()
    return not asked
