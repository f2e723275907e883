"""Frames: four bytes of length, big-endian, and the payload. What is inside a payload is in `codec`."""

import msgspec

LENGTH_BYTES = 4
FRAME_BYTES_MAX = 0xFFFFFF  # the protocol's own limit: a greater length is no length, and the next frame cannot be found
KEPT_BYTES_MAX = 1 << 20  # a whole order of a hundred conditions has 10 kB; longer frames are skipped, not gathered


class Oversized(msgspec.Struct, frozen=True, gc=False):
    """A frame that is too long to keep; its bytes are dropped as they come, and the frames after it are read."""

    length: int


class Lost(msgspec.Struct, frozen=True, gc=False):
    """A length beyond the protocol: where the next frame begins is not known any more. Nothing is read after it."""

    length: int


def framed(payload: bytes) -> bytes:
    """A payload with its length in front."""
    return len(payload).to_bytes(LENGTH_BYTES, "big") + payload


class FrameReader:
    """Cuts a stream of bytes into payloads, in whatever pieces it arrives. It holds at most `kept_max` bytes and a piece."""

    def __init__(self, kept_max: int = KEPT_BYTES_MAX) -> None:
        self._kept_max = kept_max
        self._buffer = bytearray()
        self._skipping = 0
        self._lost = False

    def feed(self, data: bytes) -> list[bytes | Oversized | Lost]:
        """Everything that is complete with these bytes; an oversized frame is told as soon as its length is."""
        found: list[bytes | Oversized | Lost] = []
        if self._lost:
            return found
        buffer = self._buffer
        buffer += data
        at = 0
        while True:
            if self._skipping:
                step = min(self._skipping, len(buffer) - at)
                self._skipping -= step
                at += step
            if self._skipping or len(buffer) - at < LENGTH_BYTES:
                break
            start = at + LENGTH_BYTES
            length = int.from_bytes(buffer[at:start], "big")
            if length > FRAME_BYTES_MAX:
                self._lost = True
                found.append(Lost(length))
                buffer.clear()
                return found
            if length > self._kept_max:
                self._skipping, at = length, start
                found.append(Oversized(length))
                continue
            if len(buffer) - start < length:
                break
            at = start + length
            found.append(bytes(buffer[start:at]))
        del buffer[:at]
        return found
