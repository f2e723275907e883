"""Ticks, and the bars that a server has made of them, side by side as of one moment."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import msgspec
from sqlalchemy import Connection, func, select, text
from sqlalchemy.exc import DBAPIError

from theo.adapters.sql.database.dialect import raw_pages
from theo.adapters.sql.database.transactions import translated
from theo.adapters.sql.market.store import SqlMarketStore
from theo.adapters.sql.tables.market import sources, ticks
from theo.domain.instrument import Instrument
from theo.domain.market_data import Tick, TickKind

PAGE_ROWS: Final = 10_000
MADE_OF: Final = (
    int(TickKind.TRADE),
    int(TickKind.INDEX),
)  # what the server makes bars of
BarValues = tuple[int, int, int, int, int, int]  # start, open, high, low, close, volume


class Series(msgspec.Struct, frozen=True):
    """One instrument's ticks of one source number; ``first`` and ``last`` timestamps in microseconds UTC."""

    instrument: Instrument
    source_id: int
    source: str
    first: int
    last: int


@contextmanager
def one_moment(store: SqlMarketStore) -> Iterator[Connection]:
    """A connection that sees one state of everything, whatever is written meanwhile."""
    try:
        with store.engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
            yield connection
    except DBAPIError as error:
        raise translated(store.engine, error) from error


def stored_series(connection: Connection, instruments: tuple[Instrument, ...]) -> Iterator[Series]:
    """Every instrument and source with ticks."""
    t, names = ticks.c, {row.id: row.name for row in connection.execute(sources.select())}
    for instrument in instruments:
        ours = select(t.source_id, func.min(t.timestamp), func.max(t.timestamp)).where(t.instrument == instrument.id)
        for source_id, first, last in connection.execute(ours.group_by(t.source_id).order_by(t.source_id)).all():
            yield Series(instrument, source_id, names.get(source_id, "?"), first, last)


def series_ticks(connection: Connection, series: Series) -> Iterator[Tick]:
    """In the order in which the server's bars take them; what they are made of is all trades here."""
    t = ticks.c
    wanted = (
        select(t.timestamp, t.seq, t.kind, t.price, t.volume, t.flags)
        .where(t.instrument == series.instrument.id, t.source_id == series.source_id)
        .order_by(t.timestamp, t.seq)
    )
    for page in raw_pages(connection, wanted, PAGE_ROWS):
        for at, seq, kind, price, volume, flags in page:
            if kind in MADE_OF:
                yield Tick(series.instrument.id, at, at, seq, int(TickKind.TRADE), price, volume, flags, 0, "")


def server_bars(connection: Connection, series: Series, minutes: int) -> Iterator[BarValues]:
    """The server's bars in price units, by start."""
    scale = 10**series.instrument.price_decimals
    query = (
        "SELECT (extract(epoch FROM created) * 1000000)::bigint, "  # noqa: S608 - our own numbers
        + ", ".join(f"({name} * {scale})::bigint" for name in ("open", "high", "low", "close"))
        + f", volume FROM public.stock_ohlc_{minutes}min WHERE instrument = :instrument AND source_id = :source ORDER BY created"
    )
    found = connection.execution_options(yield_per=PAGE_ROWS).execute(
        text(query), {"instrument": series.instrument.id, "source": series.source_id}
    )
    for page in found.partitions():
        yield from (tuple(row) for row in page)
