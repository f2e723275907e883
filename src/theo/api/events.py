"""`/api/events`: the trading journal as a stream over a WebSocket, resumed by its numbers without a gap and without a double.

Each client has a place in the journal and is told what is behind it. Nothing is queued for a client but what its own connection
holds: one that does not read is closed with the reason, and goes on from the id that it saw last.
"""

import asyncio
import re
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from typing import Final

import msgspec
from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from theo.api.event_tail import RECORDS_MAX, WHOLE, Place, Tail, Told, told_of
from theo.api.problems import status_of
from theo.api.reading import Reader
from theo.domain.errors import HaltRequiredError, TheoError, UserError

router = APIRouter()
AGAIN, REFUSED, FAILED = 1013, 1008, 1011  # close codes: try again later, policy violation, internal error
REASON_BYTES_MAX: Final = 120  # a WebSocket's close frame takes 123
_AFTER: Final = re.compile(r"(\d{1,15})(?:\.(\d{1,9}))?", re.ASCII)
_PARAMETERS: Final = frozenset({"after", "journal"})


@router.websocket("/api/events")
async def events(socket: WebSocket) -> None:
    """Told until the client leaves. ``after=ID`` resumes behind an event, ``after=SEQ`` behind a whole record.

    ``journal`` is what a hello named: another one than is served here is refused.
    """
    reader, tail = socket.app.state.reader, socket.app.state.tail
    assert isinstance(reader, Reader)
    assert isinstance(tail, Tail)
    await socket.accept()
    tail.streams += 1
    telling = asyncio.create_task(_tell(socket, reader, tail))
    leaving = asyncio.create_task(_left(socket))
    try:
        await asyncio.wait((telling, leaving), return_when=asyncio.FIRST_COMPLETED)
    finally:
        tail.streams -= 1
        telling.cancel()
        leaving.cancel()
        await asyncio.wait((telling, leaving))
    if not telling.cancelled():
        telling.result()  # a defect is the server's to log


async def _left(socket: WebSocket) -> None:
    """Until the client is gone; what it says is not listened to."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass


async def _tell(socket: WebSocket, reader: Reader, tail: Tail) -> None:
    """Until something ends it, which the client is told."""
    try:
        await _Stream(socket, reader, tail).run()
    except WebSocketDisconnect:
        return
    except TimeoutError:
        await _close(socket, AGAIN, "too slow: resume after the last id that you have read")
    except TheoError as error:
        refused = status_of(error) < HTTPStatus.INTERNAL_SERVER_ERROR
        waits = isinstance(error, HaltRequiredError)
        await _close(socket, REFUSED if refused else AGAIN if waits else FAILED, error.what)
    except Exception:
        await _close(socket, FAILED, "the platform has a defect here: look at the log of `theo api`")
        raise


async def _close(socket: WebSocket, code: int, reason: str) -> None:
    """The reason, to a client that reads it; the server ends the connection in any case."""
    text = reason.encode()[:REASON_BYTES_MAX].decode(errors="ignore")
    with suppress(WebSocketDisconnect, RuntimeError):  # the client has gone meanwhile
        await socket.close(code, text)


class _Stream:
    """What one client is told, from its place on."""

    def __init__(self, socket: WebSocket, reader: Reader, tail: Tail) -> None:
        self._socket, self._reader, self._tail = socket, reader, tail
        self._sent_at = 0.0

    async def run(self) -> None:
        """Never ends by itself. Raises UserError for what cannot be asked, TimeoutError for a client that does not read."""
        tail, sources = self._tail, self._reader.sources
        if tail.streams > tail.pace.streams_max:
            raise HaltRequiredError(f"there are {tail.pace.streams_max} streams already")
        await tail.begun()
        platform = await self._reader.run(sources.upkeep.platform)
        journal = await self._reader.run(sources.events.identity)
        newest = await self._reader.run(sources.events.newest)
        place = _asked(dict(self._socket.query_params), newest, journal)
        await self._send({"kind": "hello", "id": _id(place), "newest": newest, "run": platform.run, "journal": journal})
        while True:
            place = await self._told_from(place)

    async def _told_from(self, place: Place) -> Place:
        """Tell what is behind a place, or wait for it; the place behind that."""
        tail = self._tail
        first = place[0] + (place[1] == WHOLE)
        if first > tail.newest:
            if await tail.moved():
                await self._heartbeat(place)
            return place
        if first > tail.kept_after:
            last, told = tail.newest, tail.behind(place)
        else:
            last = min(tail.newest, first + RECORDS_MAX - 1)
            told = await self._reader.run(partial(told_of, self._reader.sources, first, last))
        for each in told:
            if each.place > place:
                await self._send(each)
        place = (last, WHOLE)
        await self._heartbeat(place)
        return place

    async def _heartbeat(self, place: Place) -> None:
        """After a while without an event: records without one are resumed behind, too."""
        if asyncio.get_running_loop().time() - self._sent_at >= self._tail.pace.silence_s:
            await self._send({"kind": "heartbeat", "id": _id(place)})

    async def _send(self, message: Told | dict[str, str | int]) -> None:
        text = message.text if isinstance(message, Told) else msgspec.json.encode(message).decode()
        await asyncio.wait_for(self._socket.send_text(text), self._tail.pace.send_s_max)
        self._sent_at = asyncio.get_running_loop().time()


def _id(place: Place) -> str:
    return f"{place[0]}" if place[1] == WHOLE else f"{place[0]}.{place[1]}"


def _asked(asked: dict[str, str], newest: int, journal: str) -> Place:
    """The place to begin behind. Raises UserError for what is not there to be asked."""
    match = _AFTER.fullmatch(asked.get("after", str(newest)))
    if match is None or set(asked) - _PARAMETERS:
        raise UserError("after=SEQ, after=SEQ.PLACE and journal= are all that can be asked")
    if asked.get("journal", journal) != journal:
        raise UserError(f"the journal is {journal or 'not begun'}: this is another one")
    place = (int(match[1]), int(match[2]) if match[2] else WHOLE)
    if place[0] > newest:
        raise UserError(f"the journal ends at record {newest}: this is another one")
    return place
