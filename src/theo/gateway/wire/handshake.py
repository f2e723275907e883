r"""The first bytes of a link: what a client offers, what a server announces, and the version that both then speak.

A client sends the four bytes `API\0` and a frame of text, `v157..178` or `v178`, behind a space its options. The server answers
with a frame of two fields, version and time of connection. Source: IB's enhanced handshake, version 100 and later.
"""

import re

import msgspec

from theo.gateway.wire.frames import framed
from theo.gateway.wire.schema import VERSION_MAX, VERSION_MIN

PREFIX = b"API\0"
OFFER_BYTES_MAX = 4_096  # a version range and connect options of some dozens of characters
OFFER = re.compile(r"v(\d{1,5})(?:\.\.(\d{1,5}))?(?: (.*))?", re.ASCII | re.DOTALL)
ANNOUNCEMENT_FIELDS = 2


class Offer(msgspec.Struct, frozen=True, gc=False):
    """The versions that a client speaks, both included, and its connect options."""

    version_min: int
    version_max: int
    options: str = ""

    def version(self) -> int | None:
        """The version of the link: the greatest that both speak; None if there is none."""
        version = min(self.version_max, VERSION_MAX)
        return version if version >= max(self.version_min, VERSION_MIN) else None


class Announcement(msgspec.Struct, frozen=True, gc=False):
    """What a server answers: the version of the link and the time of connection, as text."""

    version: int
    connection_time: str


def offer_bytes(offer: Offer) -> bytes:
    """What a client sends first."""
    span = f"v{offer.version_min}"
    if offer.version_max != offer.version_min:
        span += f"..{offer.version_max}"
    return PREFIX + framed(f"{span} {offer.options}".rstrip(" ").encode())


def read_offer(payload: bytes) -> Offer | None:
    """A client's offer; None for anything else."""
    found = OFFER.fullmatch(payload.decode("utf-8", "backslashreplace"))
    if found is None:
        return None
    first, last, options = found.groups()
    offer = Offer(int(first), int(last or first), options or "")
    return offer if offer.version_min <= offer.version_max else None


def announcement_bytes(announcement: Announcement) -> bytes:
    """What a server answers."""
    return framed(f"{announcement.version}\0{announcement.connection_time}\0".encode())


def read_announcement(payload: bytes) -> Announcement | None:
    """A server's announcement; None for anything else."""
    fields = payload.decode("utf-8", "backslashreplace").split("\0")[:-1]
    if len(fields) != ANNOUNCEMENT_FIELDS or not re.fullmatch(r"\d{1,5}", fields[0], re.ASCII):
        return None
    return Announcement(int(fields[0]), fields[1])
