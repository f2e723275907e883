"""One number over ticks in their order, the same wherever they lie: database, archive or file."""

import hashlib
from collections.abc import Iterable

import msgspec

from theo.domain.market_data import Tick

_encode = msgspec.msgpack.Encoder().encode


class TickDigest:
    """SHA-256 over every field of every tick."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.rows = 0

    def add(self, ticks: Iterable[Tick]) -> None:
        """The next ticks."""
        encoded = [_encode(tick) for tick in ticks]
        self._hash.update(b"".join(encoded))
        self.rows += len(encoded)

    @property
    def text(self) -> str:
        """In hexadecimal."""
        return self._hash.hexdigest()
