"""Questions to IB whose answers come in many callbacks: gathered until the last, refused with IB's own error, or timed out.

Each question has a bound: TWS answers some requests late or never.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from theo.adapters.ib.callbacks import Callbacks
from theo.adapters.ib.codes import Kind, meaning
from theo.domain.errors import RefusedError, TheoError

ENDS = {  # of each row's callback, the callback that ends the answer; both begin with the request's id
    "contractDetails": "contractDetailsEnd",
    "execDetails": "execDetailsEnd",
    "historicalData": "historicalDataEnd",
    "accountSummary": "accountSummaryEnd",
    "securityDefinitionOptionParameter": "securityDefinitionOptionParameterEnd",
}
SINGLE = frozenset({"headTimestamp", "symbolSamples", "historicalSchedule", "marketRule", "histogramData", "fundamentalData"})
PIECES = frozenset({"historicalTicks", "historicalTicksBidAsk", "historicalTicksLast"})  # their last argument says "done"
NAMED = {"openOrder": "openOrderEnd", "completedOrder": "completedOrdersEnd", "position": "positionEnd", "currentTime": ""}
ANSWER_SECONDS = 20.0
OWED_MAX = 3  # answers that may still come of questions without an id; beyond it the question is asked no more often
Row = tuple[Any, ...]  # the arguments of one callback, as ib_async decodes them


class NoAnswerError(TheoError):
    """IB did not answer a question within its bound, or the link was lost meanwhile."""


class RequestRefusedError(RefusedError):
    """IB refused a question; ``code`` is IB's."""

    def __init__(self, code: int, text: str) -> None:
        self.code = code
        super().__init__(f"IB refused ({code}): {text}", why=meaning(code).text, remedy=meaning(code).remedy)


class _Answer:
    """Rows so far, and the future of all of them; ``stale``: so many ends come before that of the answer itself."""

    __slots__ = ("future", "rows", "stale")

    def __init__(self, stale: int = 0) -> None:
        self.rows: list[Row] = []
        self.stale = stale
        self.future: asyncio.Future[list[Row]] = asyncio.get_running_loop().create_future()

    def end(self) -> None:
        """All rows are here, unless they may be those of an earlier question."""
        if self.stale:
            self.stale -= 1
            self.rows.clear()
        elif not self.future.done():
            self.future.set_result(self.rows)

    def fail(self, error: Exception) -> None:
        """There will be no answer."""
        if not self.future.done():
            self.future.set_exception(error)


class Requests:
    """Open questions by their id, or by the row's name where IB gives them none."""

    def __init__(self, callbacks: Callbacks) -> None:
        self._by_id: dict[int, _Answer] = {}
        self._by_name: dict[str, _Answer] = {}
        self._owed: dict[str, int] = {}  # answers of this socket to questions that were given up: they may never come
        self._turns = {name: asyncio.Lock() for name in NAMED}
        for row, end in ENDS.items():
            callbacks.on(row, self._row)
            callbacks.on(end, lambda request, *_: self._end(request))
        for name in SINGLE:
            callbacks.on(name, self._only_row)
        for name in PIECES:
            callbacks.on(name, self._piece)
        for name, end in NAMED.items():
            callbacks.on(name, self._named_row(name))
            if end:
                callbacks.on(end, self._named_end(name))
        callbacks.on("error", self._error)
        callbacks.on("connectAck", self._owed.clear)

    async def by_id(self, request: int, send: Callable[[], None], seconds: float = ANSWER_SECONDS) -> list[Row]:
        """Send a question under an id; the rows, each without the id.

        Raises RequestRefusedError with IB's code, NoAnswerError after ``seconds`` or when the link is lost.
        """
        answer = self._by_id[request] = _Answer()
        try:
            return await self._answered(answer, send, f"request {request}", seconds)
        finally:
            del self._by_id[request]

    async def by_name(self, name: str, send: Callable[[], None], seconds: float = ANSWER_SECONDS) -> list[Row]:
        """Ask one of the questions without an id; only one of a kind is open at a time. Raises NoAnswerError.

        The answer to a question that was given up may still come. Since nothing tells it from the next one's, that one is sent
        once more for each of them, and only the last of so many answers counts: whichever are lost, it was asked for now.
        """
        async with self._turns[name]:
            owed = min(self._owed.get(name, 0), OWED_MAX)
            answer = self._by_name[name] = _Answer(owed)

            def send_all() -> None:
                for _ in range(owed + 1):
                    send()

            try:
                return await self._answered(answer, send_all, name, seconds)
            except NoAnswerError:
                self._owed[name] = owed + 1
                raise
            finally:
                del self._by_name[name]

    async def _answered(self, answer: _Answer, send: Callable[[], None], what: str, seconds: float) -> list[Row]:
        try:
            send()
            async with asyncio.timeout(seconds):
                return await answer.future
        except (TimeoutError, ConnectionError) as error:
            raise NoAnswerError(f"IB gave no answer to {what}", why=str(error) or f"{seconds:g} s passed") from error

    def open(self) -> int:
        """How many questions wait for their answers."""
        return len(self._by_id) + len(self._by_name)

    def lost(self, reason: str) -> None:
        """The link is gone: nothing that was asked will be answered."""
        for answer in (*self._by_id.values(), *self._by_name.values()):
            answer.fail(NoAnswerError("the link to IB was lost before the answer", why=reason))

    def _row(self, request: int, *row: object) -> None:
        if answer := self._by_id.get(request):
            answer.rows.append(row)

    def _end(self, request: int) -> None:
        if answer := self._by_id.get(request):
            answer.end()

    def _only_row(self, request: int, *row: object) -> None:
        self._row(request, *row)
        self._end(request)

    def _piece(self, request: int, ticks: list[Any], done: bool) -> None:  # noqa: FBT001 - as ib_async calls it
        self._row(request, ticks)
        if done:
            self._end(request)

    def _named_row(self, name: str) -> Callable[..., None]:
        def row(*arguments: object) -> None:
            if answer := self._by_name.get(name):
                answer.rows.append(arguments)
                if not NAMED[name]:
                    answer.end()

        return row

    def _named_end(self, name: str) -> Callable[..., None]:
        def end(*_arguments: object) -> None:
            if answer := self._by_name.get(name):
                answer.end()

        return end

    def _error(self, request: int, code: int, text: str, _advanced: str = "") -> None:
        answer = self._by_id.get(request)
        if answer is not None and meaning(code).kind is not Kind.ADVISORY:
            answer.fail(RequestRefusedError(code, text))
