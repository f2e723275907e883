"""Walking a stream's chain: the first record that is not what was written, and why.

A chain shows a changed byte, a missing or a moved record, and a cut beginning. A cut end, and a record after which every hash was
made again, show only against anchors.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Protocol

import msgspec

from theo.adapters.sql.journal.anchors import MARK_BYTES, Anchor, mark_of
from theo.adapters.sql.journal.audit_trail import STREAM
from theo.domain.errors import CorruptionError, HaltRequiredError
from theo.domain.journal import GENESIS, TRADING, Record, chain_hash
from theo.engine.journal import MARKET

FIRST: Final = -(2**62)  # a number that nobody gave: a record before the first shows too
STREAMS: Final = frozenset({TRADING, MARKET, STREAM})


class ChainFault(msgspec.Struct, frozen=True):
    """The first place at which a stream contradicts itself; ``seq`` is the record's number, ``what`` the contradiction."""

    stream: str
    seq: int
    what: str


class Verified(msgspec.Struct, frozen=True):
    """A walked stream: how many records were right before the fault, if there is one."""

    stream: str
    records: int
    fault: ChainFault | None


class Streams(Protocol):
    """What is walked: a journal, or whatever else is kept as one."""

    def streams(self) -> tuple[str, ...]:
        """Their names."""

    def read(self, stream: str, first_seq: int = 1, last_seq: int | None = None) -> Iterator[Record]:
        """The records of one, in order."""


def verify(store: Streams, anchors: Sequence[Anchor] = (), known: frozenset[str] = STREAMS) -> tuple[Verified, ...]:
    """Walk every stream of the store, and every stream that an anchor names; ``known`` are those that may be there."""
    try:
        stored = store.streams()
    except CorruptionError:
        stored = (TRADING,)  # so damaged that not even the names can be read: its walk says where
    names = sorted({*stored, *(anchor.stream for anchor in anchors)})
    return tuple(verify_stream(name, store.read(name, first_seq=FIRST), anchors, known) for name in names)


def verify_stream(
    stream: str, records: Iterable[Record], anchors: Sequence[Anchor] = (), known_streams: frozenset[str] = STREAMS
) -> Verified:
    """Walk one stream from its first record on; pure but for the iterator it is given."""
    if stream not in known_streams:
        return Verified(stream, 0, ChainFault(stream, 1, "is of a stream that the platform does not write"))
    known = Anchored(stream, anchors)
    count, previous = 0, GENESIS
    try:
        for record in records:
            what = _contradiction(record, stream, count + 1, previous, known)
            if what:
                return Verified(stream, count, ChainFault(stream, count + 1, what))
            count, previous = count + 1, record.hash
    except (CorruptionError, HaltRequiredError) as error:
        return Verified(stream, count, ChainFault(stream, count + 1, f"cannot be read: {error}"))
    if known.last > count:
        return Verified(stream, count, ChainFault(stream, count + 1, f"is missing: an anchor knows record {known.last}"))
    return Verified(stream, count, None)


class Anchored:
    """What the anchors know of one stream's records; some bytes a record."""

    def __init__(self, stream: str, anchors: Sequence[Anchor]) -> None:
        ours = [anchor for anchor in anchors if anchor.stream == stream]
        self._hashes = {anchor.seq: anchor.hash for anchor in ours}
        self.last = max(self._hashes, default=0)
        self._marks = bytearray(self.last * MARK_BYTES)  # zeros: not known
        for anchor in ours:
            start = (anchor.first - 1) * MARK_BYTES
            self._marks[start : start + len(anchor.marks)] = anchor.marks

    def knows_another(self, seq: int, digest: bytes) -> bool:
        """Whether record ``seq`` had another hash than this one when it was anchored."""
        whole = self._hashes.get(seq, digest)
        mark = bytes(self._marks[(seq - 1) * MARK_BYTES : seq * MARK_BYTES])
        return whole != digest or (any(mark) and mark != mark_of(digest))


NOTHING: Final = Anchored("", ())


def _contradiction(record: Record, stream: str, seq: int, previous: bytes, known: Anchored) -> str:
    """What is wrong with the record that should be number ``seq``; "" when nothing is."""
    if record.seq > seq:
        return (
            f"is missing: record {record.seq} follows record {seq - 1}"
            if seq > 1
            else f"is missing: the stream begins at {record.seq}"
        )
    if record.seq < seq:
        return "comes twice or has a number that no record has"
    if record.previous != previous:
        return "does not follow the record before it: one of the two was changed or moved"
    if not _hash_is_right(record, stream):
        return "was changed: its hash is another"
    if known.knows_another(seq, record.hash):
        return "is another record than the one that was anchored"
    return ""


def _hash_is_right(r: Record, stream: str) -> bool:
    try:
        return chain_hash(stream, r.seq, r.epoch, r.recorded_at, r.type, r.version, r.payload, r.previous) == r.hash
    except TypeError:  # SQLite holds any kind of value in any column: text where bytes were written
        return False


def chained(records: Iterable[Record]) -> Iterator[Record]:
    """The same records, each checked against the one before it. Raises CorruptionError at the first that does not follow.

    For readers that begin in the middle: the first record's own hash is checked, its predecessor is not known.
    """
    last: Record | None = None
    for r in records:
        seq, previous = (r.seq, r.previous) if last is None else (last.seq + 1, last.hash)
        what = _contradiction(r, r.stream, seq, previous, NOTHING)
        if what:
            raise CorruptionError(
                f"record {seq} {what}",
                where=r.stream,
                remedy="Stop, copy the folder, run `theo journal verify`, restore a backup",
            )
        last = r
        yield r
