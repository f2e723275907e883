"""The store of levels over the market database."""

from collections.abc import Iterator, Sequence

from sqlalchemy import Engine

from theo.adapters.sql.database.transactions import reading, writing
from theo.adapters.sql.market import level_marks, level_rows
from theo.adapters.sql.market.sources import view_of
from theo.market.standard_levels import LevelValues, NewLevel
from theo.ports.level_store import Announced, LevelMark, Levels, LevelSeries, Piece, Written


class SqlLevelStore:
    """Implements ports.level_store.LevelStore on the engine of a market store, which whoever opened it closes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def series(self, timeframes: Sequence[str]) -> tuple[LevelSeries, ...]:
        """See the port."""
        with reading(self._engine) as connection:
            return level_rows.all_series(connection, timeframes)

    def newest_mark(self, series: LevelSeries, parameters: str) -> LevelMark | None:
        """See the port."""
        with reading(self._engine) as connection:
            return level_marks.newest(connection, series, parameters)

    def forget_marks(self, series: LevelSeries, since: int) -> None:
        """See the port."""
        with writing(self._engine) as connection:
            for home in view_of(connection).homes:
                level_marks.forget(connection, home, (series.instrument, series.timeframe, series.source), since)

    def piece(self, series: LevelSeries, after: int, count: int) -> Piece:
        """See the port."""
        with reading(self._engine) as connection:
            return level_rows.piece(connection, series, after, count)

    def put(
        self, series: LevelSeries, piece: Piece, values: Sequence[LevelValues], new: Sequence[NewLevel], mark: LevelMark
    ) -> Written | None:
        """See the port."""
        with writing(self._engine) as connection:
            return level_rows.put(connection, series, piece, values, new, mark)

    def levels(self, series: LevelSeries, start: int, end: int) -> Iterator[Levels]:
        """See the port."""
        with reading(self._engine) as connection:
            yield from level_rows.read(connection, series, start, end)

    def newest(self, instrument: int, timeframe: str) -> int | None:
        """The start of the newest bar that has levels, of any source; found by the index."""
        with reading(self._engine) as connection:
            return level_rows.newest(connection, instrument, timeframe)

    def announced(
        self, instrument: int | None = None, limit: int = 20, timeframe: str = "", until: int | None = None
    ) -> tuple[Announced, ...]:
        """See the port."""
        with reading(self._engine) as connection:
            return level_rows.announced(connection, instrument, limit, timeframe, until)
