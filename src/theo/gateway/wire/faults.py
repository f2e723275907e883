"""What a peer can do wrong on the wire, as values: what to answer, and whether the link can go on.

Nothing here raises beyond this package except `WireError`, which is a mistake of the program that uses the codec.
"""

from enum import IntEnum

import msgspec

from theo.domain.errors import TheoError

NO_REQUEST = -1  # IB's request id of a notice that answers no request
QUOTED_CHARS_MAX = 40  # of a peer's text inside an error's text


class WireError(TheoError):
    """A message that cannot be written: not known at this version, or with a text that would break its frame."""


class FaultCode(IntEnum):
    """IB's own codes for what went wrong before a request could be understood."""

    READING_REQUEST = 320
    UNKNOWN_MESSAGE_ID = 505
    UNSUPPORTED_VERSION = 506
    BAD_LENGTH = 507
    BAD_MESSAGE = 508


class Fault(msgspec.Struct, frozen=True, gc=False):
    """Bytes that are no message.

    `text` is what to answer with `code` on `request_id` (-1 if none could be read). With `closes` the place of the next message
    is lost, or the peer will never be understood: answer if `answerable`, then close.
    """

    code: FaultCode
    text: str
    request_id: int = NO_REQUEST
    message_id: int | None = None
    closes: bool = False
    answerable: bool = True


def quoted(text: str) -> str:
    """A peer's text made safe to repeat: short, in quotes, without control characters."""
    shown = text if len(text) <= QUOTED_CHARS_MAX else text[:QUOTED_CHARS_MAX] + "..."
    return repr(shown)
