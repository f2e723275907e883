"""Payloads to messages and back, for one server version. Codecs are made when a message is first used and kept for all links."""

from functools import cache
from operator import length_hint

from theo.gateway.wire.compiler import Decoder, Encoder, decoder, encoder
from theo.gateway.wire.faults import NO_REQUEST, Fault, FaultCode, WireError, quoted
from theo.gateway.wire.frames import FRAME_BYTES_MAX, framed
from theo.gateway.wire.kinds import client_text, read_int
from theo.gateway.wire.messages.others import UNSUPPORTED, Refusable, Unsupported
from theo.gateway.wire.schema import VERSION_MAX, VERSION_MIN, Direction, Entry, Message, Named
from theo.gateway.wire.table import BY_MESSAGE, by_number

REQUEST_FIELDS_MAX = 10_000  # an order of a hundred legs and a hundred conditions has two thousand
NUMBER_CHARS_MAX = 4  # of a message's number
VARIANT_FIELD = 2  # what tells apart messages that share a number: tickByTick's kind
IDENTITIES = frozenset({"req_id", "order_id", "order.order_id"})


class Codec:
    """Encodes and decodes at one server version. Stateless towards its users; the same instance serves every link."""

    def __init__(self, version: int) -> None:
        assert VERSION_MIN <= version <= VERSION_MAX, f"version {version} is not spoken"
        self.version = version
        self._encoders: dict[type[Message], Encoder] = {}
        self._decoders: dict[type[Message], Decoder] = {}
        self._by_number = {direction: by_number(direction) for direction in Direction}

    def knows(self, message: type[Message]) -> bool:
        """Whether this version has a message."""
        return message is Unsupported or BY_MESSAGE[message].since <= self.version

    def encode(self, message: Message) -> bytes:
        """A message as a frame.

        Raises:
            WireError: This version does not have the message, or one of its values cannot be written.
        """
        write = self._encoders.get(type(message))
        if write is None:
            write = self._encoder_of(type(message))
        payload = write(message).encode("utf-8", "backslashreplace")
        if len(payload) > FRAME_BYTES_MAX:
            raise WireError(f"{type(message).__name__} has {len(payload)} bytes", why=f"a frame holds {FRAME_BYTES_MAX}")
        return framed(payload)

    def decode(self, direction: Direction, payload: bytes) -> Message | Fault:
        """A payload of a peer as a message, or as what is wrong with it. Nothing that a peer can send raises."""
        if not payload:
            return Fault(FaultCode.READING_REQUEST, "Error reading request. The message is empty.")
        if direction is Direction.REQUEST and payload.count(0) > REQUEST_FIELDS_MAX:
            return Fault(FaultCode.READING_REQUEST, f"Error reading request. More than {REQUEST_FIELDS_MAX} fields.")
        if payload[-1]:
            return Fault(FaultCode.READING_REQUEST, "Error reading request. The last field does not end.")
        fields = payload.decode("utf-8", "backslashreplace").split("\0")
        fields.pop()
        return self._message(direction, fields)

    def _message(self, direction: Direction, fields: list[str]) -> Message | Fault:
        number = fields[0]
        for entry in self._by_number[direction].get(number, ()):
            if entry.since <= self.version and _is_variant(entry, fields):
                return self._read(entry, fields)
        if direction is Direction.REQUEST and len(number) <= NUMBER_CHARS_MAX and number.isascii() and number.isdigit():
            refusable = UNSUPPORTED.get(int(number))
            if refusable is not None and refusable.since <= self.version:
                return _unsupported(int(number), refusable, fields)
        return Fault(FaultCode.UNKNOWN_MESSAGE_ID, f"Fatal Error: Unknown message id. {quoted(number)}")

    def _read(self, entry: Entry, fields: list[str]) -> Message | Fault:
        read = self._decoders.get(entry.message)
        if read is None:
            read = self._decoders[entry.message] = decoder(entry, self.version)
        rest = iter(fields)
        next(rest)
        try:
            message = read(rest.__next__, len(fields))
        except StopIteration:
            return _fault(entry, fields, f"The message ends after {len(fields)} fields.")
        except ValueError as error:
            return _fault(entry, fields, f"Field {len(fields) - length_hint(rest)}: {error}.")
        left = length_hint(rest)
        if left and entry.direction is Direction.REQUEST:  # a shifted order must not be taken; servers may know more than we do
            return _fault(entry, fields, f"{left} of {len(fields)} fields are too many at version {self.version}.")
        return message

    def _encoder_of(self, message: type[Message]) -> Encoder:
        if message is Unsupported:
            write: Encoder = _write_unsupported
        else:
            entry = BY_MESSAGE[message]
            if entry.since > self.version:
                raise WireError(f"{entry.name} cannot be sent", why=f"version {self.version} is below {entry.since}")
            write = encoder(entry, self.version)
        self._encoders[message] = write
        return write


@cache
def codec(version: int) -> Codec:
    """The codec of a version between 157 and 178."""
    return Codec(version)


def _is_variant(entry: Entry, fields: list[str]) -> bool:
    return not entry.only or (len(fields) > VARIANT_FIELD and fields[VARIANT_FIELD] in entry.only)


def _unsupported(number: int, refusable: Refusable, fields: list[str]) -> Message | Fault:
    try:
        req_id = read_int(refusable.req_id(fields))
    except (IndexError, ValueError):
        return Fault(FaultCode.READING_REQUEST, f"Error reading request. {refusable.name} has no id.", message_id=number)
    return Unsupported(number, refusable.name, req_id, tuple(fields))


def _write_unsupported(message: Message) -> str:
    assert isinstance(message, Unsupported)
    return "".join(f"{client_text(field)}\0" for field in message.fields)


def _fault(entry: Entry, fields: list[str], why: str) -> Fault:
    text = f"Error reading request. {entry.name}: {why}"
    return Fault(FaultCode.READING_REQUEST, text, _identity(entry, fields), entry.message_id)


def _identity(entry: Entry, fields: list[str]) -> int:
    """The request's or order's id of a message that could not be read, if at least its id can be."""
    for at, part in enumerate(entry.parts, start=1):
        if isinstance(part, Named) and part.path in IDENTITIES:
            try:
                return read_int(fields[at])
            except (IndexError, ValueError):
                return NO_REQUEST
    return NO_REQUEST
