"""Old decisions out of their table. The journal keeps every one; a note says up to when the table has none."""

from typing import Final

from sqlalchemy import Connection, delete, func, select

from theo.adapters.sql.database.dialect import upsert_rows
from theo.adapters.sql.database.transactions import reading, writing
from theo.adapters.sql.market.store import SqlMarketStore
from theo.adapters.sql.tables.projected import decisions, pruned_decisions

ROWS_A_TIME: Final = 20_000  # one transaction: some tens of milliseconds of the write lock
NEVER: Final = -(2**62)


def prune_decisions(store: SqlMarketStore, before: int) -> int:
    """Delete the home's decisions of bars that ended before a time (microseconds UTC), the oldest first; how many.

    The note is written first: a decision that is missing without it would look like damage.
    """
    with writing(store.engine) as connection:
        until = max(before, noted(connection, store.home))
        upsert_rows(connection, pruned_decisions, [(store.home, until)])
    count = 0
    while gone := _prune_some(store, before):
        count += gone
    return count


def _prune_some(store: SqlMarketStore, before: int) -> int:
    c = decisions.c
    old = (c.home == store.home, c.end_at < before)
    with writing(store.engine) as connection:
        some = select(c.end_at).where(*old).order_by(c.end_at).limit(ROWS_A_TIME).subquery()
        last = connection.execute(select(func.max(some.c.end_at))).scalar()
        return 0 if last is None else connection.execute(delete(decisions).where(*old, c.end_at <= last)).rowcount


def pruned_before(store: SqlMarketStore) -> int:
    """Decisions of bars that ended earlier than this are not in the table; NEVER when all are."""
    with reading(store.engine) as connection:
        return noted(connection, store.home)


def noted(connection: Connection, home: str) -> int:
    """The same within a transaction."""
    found = connection.execute(select(pruned_decisions.c.before).where(pruned_decisions.c.home == home)).scalar()
    return NEVER if found is None else int(found)
