"""The journal's end, looked at for every client at once, and the newest events, made once for all of them.

What is kept here is bounded; a client that is further back reads the store. Both are the same records turned into the same text,
so it does not matter where a client gets them from.
"""

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from itertools import takewhile
from typing import Final

import msgspec

from theo.api.blocking import BoundedThreads
from theo.api.event_values import event_of
from theo.api.sources import Sources
from theo.domain.errors import HaltRequiredError, TheoError

LOOK_S: Final = 0.1  # between two looks at the journal's end
RECORDS_MAX: Final = 200  # read at once
KEPT_MAX: Final = 5_000  # events; some MB of text
Place = tuple[int, int]  # of an event: its record, and its number there
WHOLE: Final = 2**62  # a place behind every fact of a record


class Told(msgspec.Struct, frozen=True, gc=False):
    """An event as clients get it."""

    place: Place
    text: str


class Pace(msgspec.Struct, frozen=True):
    """How long is waited for what, in seconds, and how many streams there may be.

    After ``silence_s`` without an event a heartbeat says how far everything was told. A journal that could not be looked at for
    ``look_old_s_max`` ends the streams. A client that takes longer than ``send_s_max`` for a message is closed.
    """

    silence_s: float = 5.0
    look_old_s_max: float = 5.0
    send_s_max: float = 10.0
    streams_max: int = 64


def told_of(sources: Sources, first: int, last: int) -> list[Told]:
    """The events of records ``first`` to ``last``. Raises what reading them raises."""
    page = sources.events.facts(first, last)
    made = ((each, event_of(each, page.instruments)) for each in page.facts)
    return [Told((each.seq, each.place), msgspec.json.encode(event).decode()) for each, event in made if event is not None]


class Tail:
    """``newest`` is the newest record whose events can be told; everything after ``kept_after`` is kept here."""

    def __init__(self, sources: Sources, pace: Pace) -> None:
        self.pace, self.streams, self.newest, self.kept_after = pace, 0, 0, 0
        self._sources = sources
        self._kept: deque[Told] = deque()
        self._trouble = "the journal was not looked at yet"
        self._begun = False
        self._looked_at = _loop_time()
        self._moved = asyncio.Event()

    async def follow(self) -> None:
        """Look again and again, until it is cancelled. A store that cannot be read now is asked again."""
        thread = BoundedThreads(threads=1, waiting_max=1)
        try:
            while True:
                try:
                    await self._look(thread)
                except TheoError as error:
                    self._trouble = error.what
                await asyncio.sleep(LOOK_S)
        finally:
            thread.close()

    async def _look(self, thread: BoundedThreads) -> None:
        newest = await thread.run(self._sources.events.newest)
        if not self._begun:
            self.newest = self.kept_after = newest
            self._begun = True
            self._wake()
        if newest < self.newest:
            raise HaltRequiredError(f"the journal ends at record {newest}, and record {self.newest} was told already")
        while self.newest < newest:
            last = min(newest, self.newest + RECORDS_MAX)
            self._keep(await thread.run(partial(told_of, self._sources, self.newest + 1, last)), last)
        self._looked_at = _loop_time()

    def _keep(self, told: list[Told], last: int) -> None:
        self._kept.extend(told)
        self.newest = last
        while len(self._kept) > KEPT_MAX:
            self.kept_after = self._kept.popleft().place[0]
        self._wake()

    def _wake(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()

    def behind(self, place: Place) -> list[Told]:
        """The kept events behind a place, in order."""
        newer: Iterator[Told] = takewhile(lambda told: told.place > place, reversed(self._kept))
        return list(newer)[::-1]

    def lag_s(self) -> float:
        """How old the last look at the journal's end is that told everything until then."""
        return _loop_time() - self._looked_at

    async def begun(self) -> None:
        """Wait for the first look. Raises HaltRequiredError when it does not come."""
        while not self._begun:
            await self.moved()

    async def moved(self) -> bool:
        """Wait until there is more, or for as long as silence lasts: whether everything until now was told then.

        Raises HaltRequiredError when nobody can look.
        """
        with suppress(TimeoutError):
            await asyncio.wait_for(self._moved.wait(), self.pace.silence_s)
            return False
        age = _loop_time() - self._looked_at
        if age > self.pace.look_old_s_max:
            raise HaltRequiredError(self._trouble)
        return age <= self.pace.silence_s


def _loop_time() -> float:
    return asyncio.get_running_loop().time()
