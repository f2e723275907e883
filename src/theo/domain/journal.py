"""One journal record as it is stored: numbered per stream, chained by hashes. Encoding lives in theo.engine.codec."""

import hashlib

import msgspec

TRADING = "trading"  # the one stream that the trader writes: inputs and facts
GENESIS = b"\x00" * 32  # the previous hash of a stream's first record


class Record(msgspec.Struct, frozen=True, gc=False):
    """``payload`` bytes are never rewritten. ``hash`` is SHA-256 over every other field and ``previous``.

    ``epoch`` is the writer's lease number, ``recorded_at`` microseconds UTC.
    """

    stream: str
    seq: int
    epoch: int
    recorded_at: int
    type: str
    version: int
    payload: bytes
    previous: bytes
    hash: bytes


def chain_hash(
    stream: str, seq: int, epoch: int, recorded_at: int, kind: str, version: int, payload: bytes, previous: bytes
) -> bytes:
    """SHA-256 over the previous hash, every field but the payload as text, and the payload: 32 bytes.

    The fields hold no newline, so that no two records have the same bytes.
    """
    head = f"{stream}\n{seq}\n{epoch}\n{recorded_at}\n{kind}\n{version}\n"
    return hashlib.sha256(previous + head.encode() + payload).digest()
