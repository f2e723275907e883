"""One link as a state machine: bytes come in, events come out; messages go in, bytes come out. No socket, no clock, no task.

    server = ServerLink()
    for event in server.receive(data):        # Opened | Message | Fault, in the order of the bytes
        if isinstance(event, Opened):
            send(server.open("20261120 09:30:00 UTC"))
        elif isinstance(event, Fault):
            send(server.fault_bytes(event))   # and close if event.closes
        else:
            send(server.encode(answer))       # once StartApi has come: earlier messages are lost by official clients

Whoever owns the socket bounds what it reads at once and what waits to be sent; here nothing grows with what a peer sends.
"""

from enum import Enum, auto

import msgspec

from theo.gateway.wire.codec import Codec, codec
from theo.gateway.wire.faults import Fault, FaultCode, WireError
from theo.gateway.wire.frames import FRAME_BYTES_MAX, KEPT_BYTES_MAX, FrameReader, Lost, Oversized
from theo.gateway.wire.handshake import (
    OFFER_BYTES_MAX,
    PREFIX,
    Announcement,
    Offer,
    announcement_bytes,
    offer_bytes,
    read_announcement,
    read_offer,
)
from theo.gateway.wire.messages.session import ErrorMessage
from theo.gateway.wire.schema import VERSION_MAX, VERSION_MIN, Direction, Message

FAULTS_MAX = 100  # in a row: whoever sends so many frames that are no messages speaks another language


class Opened(msgspec.Struct, frozen=True, gc=False):
    """The versions are agreed. At a server: announce with `open`. At a client: what the server announced."""

    version: int
    offer: Offer
    connection_time: str = ""


Event = Opened | Message | Fault


class LinkState(Enum):
    """Where a link is in its life."""

    GREETING = auto()
    TALKING = auto()
    CLOSED = auto()


class _Link:
    """What both ends share: frames to messages once the version is known, and the count of faults."""

    _incoming: Direction

    def __init__(self, kept_max: int) -> None:
        self.state = LinkState.GREETING
        self._frames = FrameReader(kept_max)
        self._codec: Codec | None = None
        self._faults = 0

    @property
    def version(self) -> int | None:
        """The agreed server version; None before the handshake is done."""
        return None if self._codec is None else self._codec.version

    def encode(self, message: Message) -> bytes:
        """A message as bytes to send.

        Raises:
            WireError: The handshake is not done, or this version cannot carry the message.
        """
        if self._codec is None:
            raise WireError(f"{type(message).__name__} cannot be sent", why="the handshake is not done")
        return self._codec.encode(message)

    def knows(self, message: type[Message]) -> bool:
        """Whether the agreed version has a message; false before the handshake is done."""
        return self._codec is not None and self._codec.knows(message)

    def _speak(self, version: int) -> None:
        self._codec = codec(version)
        self.state = LinkState.TALKING

    def _events(self, data: bytes) -> list[Event]:
        events: list[Event] = []
        for frame in self._frames.feed(data):
            if self.state is LinkState.CLOSED:
                break
            event = self._event(frame)
            self._count(event)
            if isinstance(event, Fault) and self._faults >= FAULTS_MAX:
                event = msgspec.structs.replace(event, closes=True)
            if isinstance(event, Fault) and event.closes:
                self.state = LinkState.CLOSED
            events.append(event)
        return events

    def _count(self, event: Event) -> None:
        self._faults = self._faults + 1 if isinstance(event, Fault) else 0

    def _event(self, frame: bytes | Oversized | Lost) -> Event:
        if isinstance(frame, Lost):
            text = f"Bad message length {frame.length}, more than {FRAME_BYTES_MAX}"
            return Fault(FaultCode.BAD_LENGTH, text, closes=True, answerable=self._codec is not None)
        if self._codec is None:
            return self._greeted(frame)
        if isinstance(frame, Oversized):
            return Fault(FaultCode.READING_REQUEST, f"Error reading request. {frame.length} bytes are no request.")
        return self._codec.decode(self._incoming, frame)

    def _greeted(self, frame: bytes | Oversized) -> Event:
        raise NotImplementedError


class ServerLink(_Link):
    """A server's end of a link."""

    _incoming = Direction.REQUEST

    def __init__(self) -> None:
        super().__init__(KEPT_BYTES_MAX)
        self._prefix = b""

    def receive(self, data: bytes) -> list[Event]:
        """Everything that is complete with these bytes. After a fault that closes, nothing more is read."""
        if self.state is LinkState.CLOSED:
            return []
        if len(self._prefix) < len(PREFIX):
            missing = len(PREFIX) - len(self._prefix)
            self._prefix, data = self._prefix + data[:missing], data[missing:]
            if not PREFIX.startswith(self._prefix):
                return [self._refused("the first bytes are not those of the API")]
        return self._events(data)

    def open(self, connection_time: str) -> bytes:
        """The announcement to send on `Opened`; the time is text such as `20261120 09:30:00 UTC`."""
        assert self._codec is not None, "announced before the client's offer was read"
        return announcement_bytes(Announcement(self._codec.version, connection_time))

    def fault_bytes(self, fault: Fault) -> bytes:
        """What to send on a fault: IB's error, or nothing where the peer could not read it."""
        if not fault.answerable:
            return b""
        message = ErrorMessage(fault.request_id, fault.code, fault.text)
        if self._codec is not None:
            return self._codec.encode(message)
        # too old a client: the layout of an error is the same in every version up to 165
        return codec(VERSION_MIN).encode(message)

    def _greeted(self, frame: bytes | Oversized) -> Event:
        offer = None if isinstance(frame, Oversized) or len(frame) > OFFER_BYTES_MAX else read_offer(frame)
        if offer is None:
            return self._refused("no version range follows the first bytes")
        version = offer.version()
        if version is None:
            return self._refused(f"versions {offer.version_min} to {offer.version_max} are not spoken", answerable=True)
        self._speak(version)
        return Opened(version, offer)

    def _refused(self, why: str, *, answerable: bool = False) -> Fault:
        self.state = LinkState.CLOSED
        text = f"Unsupported version: {why}; this server speaks {VERSION_MIN} to {VERSION_MAX}"
        return Fault(FaultCode.UNSUPPORTED_VERSION, text, closes=True, answerable=answerable)


class ClientLink(_Link):
    """A client's end of a link, for tests and for recording real sessions."""

    _incoming = Direction.ANSWER

    def __init__(self, version_min: int = VERSION_MIN, version_max: int = VERSION_MAX, options: str = "") -> None:
        super().__init__(FRAME_BYTES_MAX)
        self.offer = Offer(version_min, version_max, options)

    def hello(self) -> bytes:
        """The bytes that begin the link."""
        return offer_bytes(self.offer)

    def receive(self, data: bytes) -> list[Event]:
        """Everything that is complete with these bytes. After a fault that closes, nothing more is read."""
        return [] if self.state is LinkState.CLOSED else self._events(data)

    def _greeted(self, frame: bytes | Oversized) -> Event:
        announced = None if isinstance(frame, Oversized) else read_announcement(frame)
        if announced is None or not self.offer.version_min <= announced.version <= self.offer.version_max:
            return Fault(FaultCode.UNSUPPORTED_VERSION, "Unsupported version", closes=True, answerable=False)
        self._speak(announced.version)
        return Opened(announced.version, self.offer, announced.connection_time)
