"""Chained records for the tests of journal stores."""

from collections.abc import Sequence

from theo.domain.journal import GENESIS, TRADING, Record, chain_hash


def chain(payloads: Sequence[bytes], epoch: int, stream: str = TRADING, after: Record | None = None) -> list[Record]:
    """One record a payload, chained behind ``after``."""
    seq, previous = (0, GENESIS) if after is None else (after.seq, after.hash)
    made = []
    for payload in payloads:
        seq += 1
        digest = chain_hash(stream, seq, epoch, seq * 1_000, "step", 1, payload, previous)
        made.append(Record(stream, seq, epoch, seq * 1_000, "step", 1, payload, previous, digest))
        previous = digest
    return made
