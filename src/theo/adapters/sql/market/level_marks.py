"""level_marks: states from which levels go on, each right as long as no bar up to it is added or revised."""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import Connection, bindparam, delete, or_, select

from theo.adapters.sql.database.dialect import upsert_rows
from theo.adapters.sql.database.meanings import Value
from theo.adapters.sql.market.sources import view_of
from theo.adapters.sql.tables.market import level_marks as table
from theo.adapters.sql.tables.market import sources
from theo.domain.market_data import Bar
from theo.ports.level_store import LevelMark, LevelSeries

KEPT_EVERY: Final = 256  # bars: a mark of some 2,000 bytes is kept so often; between them only the newest


_C: Final = table.c
_OF_SERIES: Final = (
    _C.instrument == bindparam("of_instrument"),
    _C.timeframe == bindparam("of_timeframe"),
    _C.source == bindparam("of_source"),
    _C.chain == bindparam("of_chain"),
)
_NEWEST: Final = (
    select(_C.start_at, _C.parameters, _C.bars, _C.state)
    .where(*_OF_SERIES, or_(_C.home == bindparam("of_home"), _C.home == bindparam("other_home")))
    .order_by(_C.start_at.desc())
    .limit(1)
)
_PASSING: Final = delete(table).where(
    *_OF_SERIES,
    _C.home == bindparam("of_home"),
    or_(_C.bars % KEPT_EVERY != 0, _C.parameters != bindparam("but"), _C.start_at >= bindparam("since")),
)


def _values(series: LevelSeries) -> dict[str, Value]:
    return {
        "of_instrument": series.instrument,
        "of_timeframe": series.timeframe,
        "of_source": series.source,
        "of_chain": series.chain,
    }


def newest(connection: Connection, series: LevelSeries, parameters: str) -> LevelMark | None:
    """The last mark; None where that is of other parameters."""
    homes = view_of(connection).homes
    found = connection.execute(_NEWEST, _values(series) | {"of_home": homes[0], "other_home": homes[-1]}).first()
    if found is None or found.parameters != parameters:
        return None
    return LevelMark(found.start_at, found.parameters, found.bars, found.state.encode())


def put(connection: Connection, home: str, series: LevelSeries, mark: LevelMark) -> None:
    """Add the newest mark; the one before it goes, but for every KEPT_EVERY-th bar's, and so do those of other parameters."""
    connection.execute(_PASSING, _values(series) | {"of_home": home, "but": mark.parameters, "since": mark.start})
    key = (home, series.instrument, series.timeframe, series.source, series.chain, mark.start)
    upsert_rows(connection, table, [(*key, mark.parameters, mark.bars, mark.state.decode())])


def forget(connection: Connection, home: str, series: tuple[int, str, str], since: int) -> None:
    """Of (instrument, timeframe, source): marks at or after a bar that begins at ``since``."""
    c = table.c
    ours = (c.home == home, c.instrument == series[0], c.timeframe == series[1], c.source == series[2])
    connection.execute(delete(table).where(*ours, c.start_at >= since))


def forget_after_bars(connection: Connection, bars: Iterable[Bar], ids: dict[str, int]) -> None:
    """Bars are added or revised."""
    since: dict[tuple[int, str, str], int] = {}
    for bar in bars:
        series = (bar.instrument, bar.timeframe, bar.source)
        since[series] = min(bar.start, since.get(series, bar.start))
    homes = {row.name: row.home for row in connection.execute(select(sources).where(sources.c.id.in_(sorted({*ids.values()}))))}
    for series, start in since.items():
        forget(connection, homes.get(series[2], ""), series, start)


def forget_of_source(connection: Connection, source_id: int, series: tuple[int, str], since: int) -> None:
    """Bars of a source's number become visible, or go."""
    found = connection.execute(select(sources.c.name, sources.c.home).where(sources.c.id == source_id)).one()
    forget(connection, found.home, (*series, found.name), since)
