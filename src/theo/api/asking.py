"""Asking the running trader: posted on a thread, waited for on the event loop, and told once the tables know of it.

Who waits holds no thread: it looks now and then, on threads that serve nothing else. A trader that is silent delays no reading.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Annotated, Final
from uuid import uuid4

from fastapi import Depends, Header, Request

from theo.api.blocking import BoundedThreads
from theo.api.sources import Sources
from theo.api.upkeep import Following
from theo.domain.errors import ConflictError, HaltRequiredError
from theo.ports.store import CommandOutcome

ANSWER_S_MAX: Final = 5.0  # a trader looks at its inbox ten times a second; a busy one within a commit's retries
MARGIN_S_MAX: Final = 15.0  # where the broker is asked on the way, which has a bound of its own
LOOK_S_FIRST: Final = 0.05
LOOK_S_MAX: Final = 0.5  # between two looks in the end: a trader that has not answered by then is busy, or silent
SLOWER: Final = 1.5
KEY_LETTERS_MAX: Final = 100

Ask = Callable[[], CommandOutcome | None]
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=KEY_LETTERS_MAX,
        pattern="^[!-~]+$",
        examples=["2f6c8e1a"],
        description="Your own id of the command: a repeat within 24 hours is carried out once, and answered alike.",
    ),
]


class Asking:
    """One per interface."""

    def __init__(self, sources: Sources, threads: BoundedThreads, following: Following) -> None:
        self._sources, self._threads, self._following = sources, threads, following

    async def answer(self, command: str, ask: Ask, wait_s: float = ANSWER_S_MAX) -> CommandOutcome | None:
        """What came of what is asked; None where the trader is silent for so long. Raises what ``ask`` raises."""
        try:
            outcome = await self._threads.run(ask)
        except ConflictError:  # no trader runs: what the last one did is known once the tables have come to its end
            await self.told()
            outcome = await self._threads.run(ask)
        loop, pause = asyncio.get_running_loop(), LOOK_S_FIRST
        ends = loop.time() + wait_s
        while outcome is None and (left := ends - loop.time()) > 0:
            await asyncio.sleep(min(pause, left))
            pause = min(pause * SLOWER, LOOK_S_MAX)
            with suppress(HaltRequiredError):  # an inbox that cannot be read now says nothing of what was posted
                outcome = await self._threads.run(lambda: self._sources.signals.outcome(command))
        return outcome

    async def told(self) -> bool:
        """Whether the tables have come to what is recorded by now, within a bound."""
        return await self._following.reached(await self._threads.run(self._sources.events.newest))


def command_id(key: str | None) -> str:
    """The client's own, else a new one."""
    return key or uuid4().hex


def _asking(request: Request) -> Asking:
    found = request.app.state.asking
    assert isinstance(found, Asking)
    return found


Trader = Annotated[Asking, Depends(_asking)]
