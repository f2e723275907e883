"""Levels beside the bars that a home keeps: what an import or a download brings in has them at once."""

from collections import deque
from functools import cache

from theo.adapters.files.roll_calendars import read_calendar
from theo.adapters.sql.market.level_store import SqlLevelStore
from theo.adapters.sql.market.store import SqlMarketStore
from theo.app.home.layout import Home
from theo.app.stored.leveling import Brought, Differences, Leveling
from theo.market.standard_levels import TIMEFRAMES
from theo.ports.level_store import LevelSeries


def measured(home: Home, market: SqlMarketStore) -> Differences:
    """What a contract differed from the one before it, by the roll calendars that the home keeps."""
    instruments = {one.id: one for one in market.instruments()}

    @cache
    def rolls(instrument: int) -> dict[tuple[str, str], int]:
        path = home.roll_calendar(instruments[instrument].symbol)
        listed = read_calendar(path, instruments[instrument]) if path.exists() else ()
        return {(roll.previous, roll.contract): roll.difference for roll in listed}

    return lambda series, previous, contract: rolls(series.instrument).get((previous, contract))


def bring_up_levels(home: Home, market: SqlMarketStore, instrument: int, timeframe: str, source: str) -> list[Brought]:
    """The levels of a series whose bars came in, each of its contracts'; empty for a timeframe of which none are kept.

    Raises HaltRequiredError when another process changes the bars meanwhile. An interruption leaves what was done.
    """
    from theo.app.configuration.file import configured  # pydantic costs as much to load as a small import takes

    if timeframe not in TIMEFRAMES:
        return []
    store = SqlLevelStore(market.engine)
    leveling = Leveling(store, configured(home.configuration).levels, measured(home, market))
    found = [one for one in store.series((timeframe,)) if (one.instrument, one.source) == (instrument, source)]
    return [_whole(leveling, series) for series in found]


def _whole(leveling: Leveling, series: LevelSeries) -> Brought:
    pieces = deque(leveling.bring_up(series), maxlen=1)
    return pieces[0] if pieces else Brought(series)
