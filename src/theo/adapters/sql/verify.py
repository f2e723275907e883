"""Walking a stream's chain: the first record that is not what was written, and why.

A chain shows a changed byte, a missing or a moved record, and a cut beginning. A cut end shows only against anchors.
"""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from theo.domain.errors import CorruptionError, HaltRequiredError
from theo.domain.journal import GENESIS, TRADING, Record, chain_hash
from theo.ports.store import JournalStore, StreamHead


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


def verify(store: JournalStore, anchors: Sequence[StreamHead] = ()) -> tuple[Verified, ...]:
    """Walk every stream of the store, and every stream that an anchor names."""
    try:
        stored = store.streams()
    except CorruptionError:
        stored = (TRADING,)  # so damaged that not even the names can be read: its walk says where
    names = sorted({*stored, *(anchor.stream for anchor in anchors)})
    return tuple(verify_stream(name, store.read(name, first_seq=-(2**62)), anchors) for name in names)


def verify_stream(stream: str, records: Iterable[Record], anchors: Sequence[StreamHead] = ()) -> Verified:
    """Walk one stream from its first record on; pure but for the iterator it is given."""
    marks = {a.seq: a.hash for a in anchors if a.stream == stream}
    count, previous = 0, GENESIS
    try:
        for record in records:
            what = _contradiction(record, stream, count + 1, previous, marks.get(record.seq))
            if what:
                return Verified(stream, count, ChainFault(stream, count + 1, what))
            count, previous = count + 1, record.hash
    except (CorruptionError, HaltRequiredError) as error:
        return Verified(stream, count, ChainFault(stream, count + 1, f"cannot be read: {error}"))
    if marks and max(marks) > count:
        return Verified(stream, count, ChainFault(stream, count + 1, f"is missing: an anchor knows record {max(marks)}"))
    return Verified(stream, count, None)


def _contradiction(record: Record, stream: str, seq: int, previous: bytes, mark: bytes | None) -> str:
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
    if mark is not None and mark != record.hash:
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
        what = _contradiction(r, r.stream, seq, previous, None)
        if what:
            raise CorruptionError(
                f"record {seq} {what}",
                where=r.stream,
                remedy="Stop, copy the folder, run `theo journal verify`, restore a backup",
            )
        last = r
        yield r
