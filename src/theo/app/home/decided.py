"""Decisions that are no longer in their table, out of the journal: found by halving, so that a year costs no more than a day."""

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from theo.domain.facts import Decided
from theo.domain.journal import TRADING
from theo.domain.market_data import HOUR
from theo.engine.codec import STEPS, decode_steps
from theo.ports.market_store import Cell, MarketStore
from theo.ports.store import JournalStore

DECIDED_WITHIN: Final = HOUR  # a decision falls with its bar's end, or its grace later
_versions = msgspec.json.Decoder(dict[str, str])


def recorded_decisions(journal: JournalStore, tables: MarketStore, end: int) -> Iterator[Mapping[str, Cell]]:
    """Those on bars that ended at ``end``, as rows of the table: configuration, version, verdict, numbers, truths."""
    runs = [(int(row["seq"] or 0), _versions.decode(str(row["config_versions"]))) for row in tables.rows("runs")]
    for record in journal.read(TRADING, first_recorded(journal, TRADING, end)):
        steps = decode_steps(record) if record.type == STEPS else []
        if steps and steps[0].at > end + DECIDED_WITHIN:  # the record itself may be of much later, where time is played fast
            return
        for fact in (fact for step in steps for fact in step.facts):
            if isinstance(fact, Decided) and fact.end == end:
                known = (versions for seq, versions in reversed(runs) if seq <= record.seq and fact.config in versions)
                version = next((versions[fact.config] for versions in known), "")
                numbers = msgspec.json.encode(fact.numbers).decode()
                named = {"config": fact.config, "config_version": version}
                yield {**named, "verdict": fact.verdict, "numbers": numbers, "truths": fact.truths}


def first_recorded(journal: JournalStore, stream: str, at: int) -> int:
    """The number of the first record of a stream that was recorded at ``at`` or later."""
    head = journal.head(stream)
    low, high = 1, 1 if head is None else head.seq
    while low < high:
        middle = (low + high) // 2
        early = any(record.recorded_at < at for record in journal.read(stream, middle, middle))
        low, high = (middle + 1, high) if early else (low, middle)
    return low
