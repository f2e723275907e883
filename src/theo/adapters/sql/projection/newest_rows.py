"""The newest rows of tables that only grow: read from their end, by the order of their key."""

from collections.abc import Mapping, Sequence

from sqlalchemy import func, select

from theo.adapters.sql.database.transactions import reading
from theo.adapters.sql.market.store import SqlMarketStore
from theo.adapters.sql.tables.projected import events, latches, runs
from theo.ports.market_store import Cell


def newest_events(market: SqlMarketStore, kind: str) -> dict[str, str]:
    """What the newest one says, by subject."""
    ours = (events.c.home == market.home, events.c.kind == kind)
    order = func.row_number().over(partition_by=events.c.subject, order_by=(events.c.seq.desc(), events.c.place.desc()))
    ranked = select(events.c.subject, events.c.text, order.label("newest")).where(*ours).subquery()
    with reading(market.engine) as connection:
        found = connection.execute(select(ranked.c.subject, ranked.c.text).where(ranked.c.newest == 1))
        return {row.subject: row.text for row in found}


def newest_latch(market: SqlMarketStore, kinds: Sequence[str]) -> Mapping[str, Cell]:
    """The newest row of some kinds of latches; empty without any."""
    ours = select(latches).where(latches.c.home == market.home, latches.c.kind.in_(kinds))
    with reading(market.engine) as connection:
        row = connection.execute(ours.order_by(latches.c.seq.desc(), latches.c.place.desc()).limit(1)).mappings().first()
        return {} if row is None else dict(row)


def runs_after(market: SqlMarketStore, seq: int) -> list[Mapping[str, Cell]]:
    """The starts of a run that are recorded after a trading record, oldest first."""
    ours = select(runs).where(runs.c.home == market.home, runs.c.seq > seq).order_by(runs.c.seq, runs.c.place)
    with reading(market.engine) as connection:
        return [dict(row) for row in connection.execute(ours).mappings()]
