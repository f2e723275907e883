"""The newest event of a kind about each subject."""

from sqlalchemy import func, select

from theo.adapters.sql.database.transactions import reading
from theo.adapters.sql.market.store import SqlMarketStore
from theo.adapters.sql.tables.projected import events


def newest_events(market: SqlMarketStore, kind: str) -> dict[str, str]:
    """What the newest one says, by subject."""
    ours = (events.c.home == market.home, events.c.kind == kind)
    order = func.row_number().over(partition_by=events.c.subject, order_by=(events.c.seq.desc(), events.c.place.desc()))
    ranked = select(events.c.subject, events.c.text, order.label("newest")).where(*ours).subquery()
    with reading(market.engine) as connection:
        found = connection.execute(select(ranked.c.subject, ranked.c.text).where(ranked.c.newest == 1))
        return {row.subject: row.text for row in found}
