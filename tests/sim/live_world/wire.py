"""TCP on the simulated loop: ordered bytes, seeded latency and segments, resets, and connections of which nobody hears again."""

import asyncio
import errno
from collections.abc import Callable
from random import Random
from typing import Any, Protocol

import msgspec

from tests.sim.world.loop import SimLoop
from theo.domain.market_data import SECOND

SEGMENTS_MAX = 4
SHORT = 5_000  # microseconds: how long the system takes to tell the other end that a process is gone


class Wire(msgspec.Struct, frozen=True, kw_only=True):
    """Latency of each segment in microseconds, drawn between the two, and how often a write arrives in pieces."""

    least: int = 0
    most: int = 0
    pieces: float = 0.0


AT_ONCE = Wire()


class Far(Protocol):
    """The other end: what it does with bytes, and with the end of them."""

    def heard(self, data: bytes) -> None:
        """Bytes have arrived."""

    def gone(self) -> None:
        """The connection has ended."""


class Pipe(asyncio.Transport):
    """One connection: the client's transport, and for the far end ``say`` and ``end``. ``dark``: what is sent arrives nowhere."""

    def __init__(self, loop: "NetLoop", protocol: asyncio.BaseProtocol, wire: Wire, draw: Random) -> None:
        super().__init__()
        self._loop, self._near, self._wire, self._draw = loop, protocol, wire, draw
        self._far: Far | None = None
        self._up_at = self._down_at = 0
        self.dark = False
        self._closing = self._near_gone = self._far_gone = False

    def meet(self, far: Far) -> None:
        """Who is on the other end."""
        self._far = far

    # The client's transport

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Bytes to the far end."""
        if not self._closing:
            for piece in self._segments(bytes(data)):
                self._up_at = self._later(self._up_at, self._arrive_far, piece)

    def write_eof(self) -> None:
        """The end follows with close."""

    def close(self) -> None:
        """The client ends it: it hears of it at once, the far end when that arrives."""
        if not self._closing:
            self._closing = True
            self._up_at = self._later(self._up_at, self._far_ends)
            self._loop.call_soon(self._near_ends, None)

    abort = close

    def is_closing(self) -> bool:
        """Whether the client has ended it."""
        return self._closing

    @property
    def lost(self) -> bool:
        """Whether the client has been told of its end."""
        return self._near_gone

    def get_extra_info(self, name: str, default: Any = None) -> Any:  # noqa: ANN401 - as asyncio has it
        """Nothing is known of it."""
        return default

    # The far end

    def say(self, data: bytes) -> None:
        """Bytes to the client."""
        for piece in self._segments(data):
            self._down_at = self._later(self._down_at, self._arrive_near, piece)

    def end(self) -> None:
        """The far end closes it once everything has arrived."""
        self._far_gone = True
        self._down_at = self._later(self._down_at, self._near_ends, None)

    # What happens to it

    def reset(self) -> None:
        """Both ends lose it, with all that is on its way."""
        self.dark = True
        self._closing = True
        self._loop.call_soon(self._near_ends, ConnectionResetError(errno.ECONNRESET, "connection reset by peer"))
        self._loop.call_soon(self._far_lost)

    def cut(self) -> None:
        """The client's process is gone: it hears nothing more; what it has sent arrives, and then the far end sees the end."""
        if not self._near_gone:
            self._closing = self._near_gone = True
            self._loop.call_at(max(self._up_at, self._loop.now + SHORT) / SECOND, self._far_lost)

    def starve(self, far_notices_in: int) -> None:
        """Half-open: nothing arrives at either end; the far end gives up after so long, the near one by itself."""
        self.dark = True
        self._loop.call_at((self._loop.now + far_notices_in) / SECOND, self._far_lost)

    def _segments(self, data: bytes) -> list[bytes]:
        if len(data) < SEGMENTS_MAX or not self._wire.pieces or self._draw.random() >= self._wire.pieces:
            return [data]
        cuts = sorted({1 + int(self._draw.random() * (len(data) - 1)) for _ in range(SEGMENTS_MAX - 1)})
        return [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]

    def _later(self, not_before: int, action: Callable[..., None], *given: object) -> int:
        """Do it after the latency, and never before what was sent earlier; when that is."""
        wire = self._wire
        latency = wire.least + (int(self._draw.random() * (wire.most - wire.least)) if wire.most else 0)
        at = max(not_before, self._loop.now + latency)
        self._loop.call_at(at / SECOND, action, *given)
        return at

    def _arrive_far(self, data: bytes) -> None:
        if self._far is not None and not self.dark and not self._far_gone:
            self._far.heard(data)

    def _arrive_near(self, data: bytes) -> None:
        if not (self.dark or self._closing or self._near_gone):
            self._near.data_received(data)  # type: ignore[attr-defined]  # a stream's protocol

    def _near_ends(self, error: Exception | None) -> None:
        if not self._near_gone and (self._closing or not self.dark):
            self._near_gone = self._closing = True
            self._near.connection_lost(error)

    def _far_ends(self) -> None:
        if not self.dark:
            self._far_lost()

    def _far_lost(self) -> None:
        if self._far is not None:
            far, self._far = self._far, None
            self._far_gone = True
            far.gone()


class NetLoop(SimLoop):
    """The simulated loop with one address to connect to: ``dial`` answers, or raises OSError."""

    def __init__(self, start: int, draw: Random, wire: Wire = AT_ONCE) -> None:
        super().__init__(start)
        self._draw, self.wire = draw, wire
        self.dial: Callable[[Pipe], Far] = _nobody
        self.pipes: list[Pipe] = []  # the newest connection, and before it those that the client has not lost
        self.broken: list[str] = []  # what nobody caught
        self.set_exception_handler(self._uncaught)

    def _uncaught(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self.broken.append(f"{context.get('message')}: {context.get('exception')!r}")

    async def create_connection(  # type: ignore[override]  # of all its ways the one that is used
        self, factory: Callable[[], asyncio.BaseProtocol], _host: str, _port: int
    ) -> tuple[asyncio.Transport, asyncio.BaseProtocol]:
        """As asyncio's. Raises ConnectionRefusedError when nobody listens."""
        wire = self.wire
        await asyncio.sleep((wire.least + wire.most) / 2 / SECOND)
        protocol = factory()
        pipe = Pipe(self, protocol, wire, self._draw)
        pipe.meet(self.dial(pipe))
        self.pipes = [*(each for each in self.pipes if not each.lost), pipe]
        protocol.connection_made(pipe)
        return pipe, protocol


def _nobody(_pipe: Pipe) -> Far:
    raise ConnectionRefusedError(errno.ECONNREFUSED, "nobody listens")
