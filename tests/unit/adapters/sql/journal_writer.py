"""A process that appends records and says each number once it is stored, until it is killed. Arguments: home, group size."""

import sys
from pathlib import Path

from tests.contracts.journal_records import chain
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.domain.journal import TRADING


def main() -> None:
    store = SqlJournalStore(Path(sys.argv[1]))
    epoch, group = store.claim(TRADING), int(sys.argv[2])
    head = store.head(TRADING)
    last = next(iter(store.read(TRADING, head.seq))) if head else None
    while True:
        records = chain([b"payload" * 40] * group, epoch, after=last)
        store.append(records)
        last = records[-1]
        print(last.seq, flush=True)  # noqa: T201 - this is how the test hears what was acknowledged


if __name__ == "__main__":
    main()
