"""A trader's journal, written on by the real store: alerts in their words, behind what a run has recorded."""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from theo.adapters.sql.database.place import Place
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.api.event_values import KINDS
from theo.domain.facts import FACTS_VERSION, Alerted, Fact
from theo.domain.journal import GENESIS, TRADING, Record, chain_hash
from theo.engine.codec import STEPS, Step, decode_facts, encode_steps

AT = 1_547_000_000_000_000


class Writing:
    """The one writer of a folder's journal, until its context ends."""

    def __init__(self, folder: Path | Place) -> None:
        self.store = SqlJournalStore(folder)
        self._epoch = self.store.claim(TRADING)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.store.close()

    def alerts(self, *texts: str) -> None:
        """One record with an alert for each text."""
        self.facts([Alerted(AT, "info", "test", text) for text in texts])

    def facts(self, facts: Sequence[Fact]) -> None:
        """One record with one step."""
        self.record(encode_steps([Step(AT, 0, None, list(facts))]))

    def record(self, payload: bytes, version: int = FACTS_VERSION) -> None:
        """The next record, durable when this returns."""
        head = self.store.head(TRADING)
        seq, previous = (1, GENESIS) if head is None else (head.seq + 1, head.hash)
        parts = (TRADING, seq, self._epoch, AT, STEPS, version, payload, previous)
        self.store.append([Record(*parts, chain_hash(*parts))])


def expected_ids(folder: Path | Place) -> list[str]:
    """The ids of every event of a journal, counted here."""
    store = SqlJournalStore(folder)
    try:
        facts = ((record.seq, place, fact) for record in store.read(TRADING) for place, fact in enumerate(decode_facts(record)))
        return [f"{seq}.{place}" for seq, place, fact in facts if type(fact) in KINDS]
    finally:
        store.close()
