"""A raw client over TCP: no client library, so that it can also behave badly."""

import asyncio
import contextlib

from theo.gateway.wire.connection import ClientLink
from theo.gateway.wire.messages.session import StartApi
from theo.gateway.wire.schema import Message

WAIT_SECONDS = 10


class Peer:
    """``writer`` takes any bytes; what is read is decoded."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, link: ClientLink) -> None:
        self._reader, self.writer, self._link = reader, writer, link
        self._read: list[Message] = []

    async def begin(self, client_id: int | None) -> None:
        self.writer.write(self._link.hello())
        if client_id is not None:
            await self.more()
            self.send(StartApi(client_id))

    def send(self, *messages: Message) -> None:
        for message in messages:
            self.writer.write(self._link.encode(message))

    async def more(self) -> bool:
        data = await self._reader.read(65_536)
        self._read += [event for event in self._link.receive(data) if isinstance(event, Message)]
        return bool(data)

    async def end(self) -> None:
        """Read until the server has closed the connection; what it said is kept."""
        async with asyncio.timeout(WAIT_SECONDS):
            with contextlib.suppress(ConnectionError):
                while await self.more():
                    pass

    async def leave(self) -> None:
        """Close the socket at once, whatever was not sent or read yet."""
        self.writer.transport.abort()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()

    async def until(self, kind: type[Message]) -> list[Message]:
        """Everything up to the first of a kind, or to the end."""
        async with asyncio.timeout(WAIT_SECONDS):
            while not any(isinstance(m, kind) for m in self._read) and await self.more():
                pass
        done, self._read = self._read, []
        return done
