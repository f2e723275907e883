"""The trading journal as the interface tells it: facts by record, with every instrument that the run knew by then."""

import threading
from collections.abc import Callable, Iterable, Mapping

from theo.adapters.sql.journal.store import SqlJournalStore
from theo.api.sources import FactPage, RecordedFact
from theo.domain.errors import CorruptionError, HaltRequiredError
from theo.domain.facts import Decided, Restarted, RunStarted
from theo.domain.instrument import Instrument
from theo.domain.journal import TRADING, Record
from theo.drive.record import known
from theo.engine.codec import decode_steps


class RunEvents:
    """Implements theo.api.sources.Events over a journal that may not have begun yet. For several threads.

    ``told`` is the instruments of every start that is in the tables, and ``projected`` the newest record there.
    """

    def __init__(
        self,
        journal: Callable[[], SqlJournalStore | None],
        projected: Callable[[], int],
        told: Callable[[], Mapping[int, Instrument]],
    ) -> None:
        self._journal, self._projected, self._told = journal, projected, told
        self._known: dict[int, Instrument] = {}
        self._known_to = 0  # every start up to this record is in what is known
        self._lock = threading.Lock()

    def newest(self) -> int:
        """See theo.api.sources.Events."""
        journal = self._journal()
        head = None if journal is None else journal.head(TRADING)
        return 0 if head is None else head.seq

    def identity(self) -> str:
        """See theo.api.sources.Events."""
        journal = self._journal()
        first = None if journal is None else next(journal.read(TRADING, 1, 1), None)
        return "" if first is None else first.hash.hex()[:16]

    def facts(self, first: int, last: int) -> FactPage:
        """See theo.api.sources.Events."""
        journal = self._journal()
        if journal is None:
            return FactPage((), {})
        self._learn_to(first - 1)
        records = list(journal.read(TRADING, first, last))
        if [record.seq for record in records] != list(range(first, last + 1)):
            raise CorruptionError(
                f"of records {first} to {last} some are missing", where=TRADING, remedy="Run `theo audit verify`"
            )
        found = [each for record in records for each in _facts(record)]
        worlds = (each.fact.world for each in found if isinstance(each.fact, RunStarted | Restarted) and each.fact.world)
        return FactPage(tuple(found), self._learned(worlds, first, last))

    def _learn_to(self, record: int) -> None:
        """From the tables, when the records since the last that is known were not read here."""
        if record <= self._known_to:
            return
        projected = self._projected()
        if projected < record:
            raise HaltRequiredError(
                f"what the run knew at record {record} is not in the tables yet",
                why=f"they are at record {projected}",
                remedy="Ask again: /health tells how far they are",
            )
        told = self._told()
        with self._lock:
            self._known |= told
            self._known_to = max(self._known_to, projected)

    def _learned(self, worlds: Iterable[str], first: int, last: int) -> Mapping[int, Instrument]:
        new = {i.id: i for world in worlds for i in known(world).instruments}
        with self._lock:
            self._known |= new
            if first - 1 <= self._known_to:
                self._known_to = max(self._known_to, last)
            return dict(self._known)


def _facts(record: Record) -> Iterable[RecordedFact]:
    """With their places among all facts of the record, decisions left out."""
    numbered = enumerate((step.at, fact) for step in decode_steps(record) for fact in step.facts)
    return (RecordedFact(record.seq, place, at, fact) for place, (at, fact) in numbered if not isinstance(fact, Decided))
