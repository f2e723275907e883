"""An asyncio event loop on virtual time: FIFO as asyncio documents it, timers by (time, order), threads and sockets fenced off.

Waiting costs nothing: when nothing is ready, time jumps to the next timer; when there is none, the world is deadlocked and
says so.
"""

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any, NoReturn, TypeVar

Result = TypeVar("Result")
MICROS = 1_000_000
STEPS_MAX = 5_000_000  # handles run in one world: a loop that spins is a bug, not patience


class DeadlockError(Exception):
    """Nothing is ready and no timer is set, but the main task is not done."""


class FencedError(Exception):
    """The simulated world has no threads, sockets, executors or signals."""


class SimLoop(asyncio.BaseEventLoop):
    """Virtual time begins at ``start`` (microseconds UTC)."""

    def __init__(self, start: int) -> None:
        super().__init__()
        self.now = start
        self._timers: list[tuple[int, int, asyncio.TimerHandle]] = []
        self._order = 0
        self.steps = 0

    def time(self) -> float:
        """Seconds, as asyncio wants them; exact time is ``now``."""
        return self.now / MICROS

    _ready: deque[asyncio.Handle]  # of BaseEventLoop, without a stub
    _stopping: bool  # as _ready

    def call_at(
        self, when: float, callback: Callable[..., object], *args: object, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """A timer at virtual time ``when``."""
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        self._order += 1
        heapq.heappush(self._timers, (max(self.now, round(when * MICROS)), self._order, handle))
        return handle

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """A cancelled timer is skipped when its time comes."""

    def _run_once(self) -> None:
        if not self._ready:
            while self._timers and self._timers[0][2].cancelled():
                heapq.heappop(self._timers)
            if not self._timers and not self._stopping:
                raise DeadlockError(f"nothing is ready and no timer is set at {self.now}")
            if self._timers:
                self.now = max(self.now, self._timers[0][0])
                while self._timers and self._timers[0][0] <= self.now:
                    _, _, timer = heapq.heappop(self._timers)
                    if not timer.cancelled():
                        self._ready.append(timer)
        for _ in range(len(self._ready)):
            handle = self._ready.popleft()
            if not handle.cancelled():
                self.steps += 1
                handle._run()
        if self.steps > STEPS_MAX:
            raise RuntimeError(f"more than {STEPS_MAX} steps")

    def _write_to_self(self) -> None:
        """There is no selector to wake."""

    def _process_events(self, event_list: object) -> None:
        """There are no events from outside."""

    def _fence(self, *_args: object, **_kwargs: object) -> NoReturn:
        raise FencedError("threads, sockets and signals do not exist in the simulated world")

    run_in_executor = _fence
    call_soon_threadsafe = _fence
    create_connection = _fence
    create_server = _fence
    getaddrinfo = _fence
    add_signal_handler = _fence


def simulate(start: int, main: Coroutine[Any, Any, Result]) -> Result:
    """Run ``main`` in a fresh world; a task it leaves behind is cancelled."""
    loop = SimLoop(start)
    asyncio.set_event_loop(loop)
    try:
        return loop.run_until_complete(main)
    finally:
        for task in asyncio.all_tasks(loop):
            task.cancel()
        asyncio.set_event_loop(None)
        loop.close()
