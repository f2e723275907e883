"""`theo db verify`: the bars that a server has made of ticks, against the platform's own."""

from collections.abc import Iterator
from contextlib import closing
from itertools import chain
from pathlib import Path
from typing import Final

import msgspec
from sqlalchemy import Connection

from theo.adapters.calendars.tables import always_open
from theo.adapters.sql.market.aggregate_rows import BarValues, Series, one_moment, series_ticks, server_bars, stored_series
from theo.adapters.sql.market.store import SqlMarketStore
from theo.app.exit_codes import EXIT_PROBLEM
from theo.app.home.layout import Home, open_home
from theo.app.terminal.output import json_text
from theo.app.times import date_at, iso
from theo.domain.market_data import DAY, MINUTE, Bar, SessionScope
from theo.domain.timeframe import timeframe
from theo.market.bars import BarTree
from theo.market.sessions import Hours

MINUTES: Final = (5, 15, 30, 60)
DIFFERENCES_SHOWN: Final = 5  # of each series and timeframe


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """One symbol, source and timeframe: ``bars`` of ours, of ``ticks``; how many differ, and the first of them in words."""

    symbol: str
    source: str
    timeframe: str
    ticks: int
    bars: int
    differing: int
    first: list[str]


def run_verify(path: Path, *, json: bool) -> int:
    """Exit code 1 when a bar differs, is missing, or is one too many."""
    home = open_home(path)
    if home.server is None:
        print("[]" if json else "SQLite makes no bars of its own: there is nothing to compare")
        return 0
    compared = compare_bars(home)
    if json:
        print(json_text(compared))
    else:
        print("\n".join(line for one in compared for line in lines_of(one)) or "no ticks are stored")
    return EXIT_PROBLEM if any(one.differing for one in compared) else 0


def compare_bars(home: Home) -> list[Compared]:
    """Every series of ticks on the home's server."""
    with closing(SqlMarketStore(home.place(home.store))) as store, one_moment(store) as connection:
        return [one for series in list(stored_series(connection, store.instruments())) for one in _compare(connection, series)]


class _Side:
    """The server's bars of one timeframe, walked along with ours."""

    def __init__(self, minutes: int, theirs: Iterator[BarValues]) -> None:
        self.minutes, self.bars, self.differing = minutes, 0, 0
        self.first: list[str] = []
        self._theirs = theirs
        self._next = next(theirs, None)

    def take(self, bar: Bar) -> None:
        """Compare one of ours with theirs of the same start."""
        self.bars += 1
        ours = (bar.start, bar.open, bar.high, bar.low, bar.close, bar.volume)
        self._skip_to(bar.start)
        if self._next is None or self._next[0] != bar.start:
            self._differs(bar.start, "the server has none")
            return
        if self._next != ours:
            self._differs(bar.start, f"the server has {self._next[1:]}, its ticks give {ours[1:]}")
        self._next = next(self._theirs, None)

    def _skip_to(self, start: int | None) -> None:
        while self._next is not None and (start is None or self._next[0] < start):
            self._differs(self._next[0], "no tick is stored for it")
            self._next = next(self._theirs, None)

    def end(self) -> None:
        """What they have beyond ours."""
        self._skip_to(None)

    def _differs(self, start: int, text: str) -> None:
        self.differing += 1
        if len(self.first) < DIFFERENCES_SHOWN:
            self.first.append(f"{iso(start)}: {text}")


def _compare(connection: Connection, series: Series) -> list[Compared]:
    hours = Hours(always_open(date_at(series.first - DAY), date_at(series.last + 3 * DAY)), SessionScope.ALL)
    frames = {f"{minutes}min": minutes for minutes in MINUTES}
    tree = BarTree(series.instrument.id, [timeframe(name) for name in frames], hours)
    sides = {name: _Side(minutes, server_bars(connection, series, minutes)) for name, minutes in frames.items()}
    count = 0
    for tick in series_ticks(connection, series):
        count += 1
        for bar in tree.on_tick(tick):
            if bar.timeframe in sides:
                sides[bar.timeframe].take(bar)
    for bar in chain(tree.on_time(series.last + DAY + 60 * MINUTE)):
        if bar.timeframe in sides:
            sides[bar.timeframe].take(bar)
    for side in sides.values():
        side.end()
    return [
        Compared(
            symbol=series.instrument.symbol,
            source=series.source,
            timeframe=name,
            ticks=count,
            bars=side.bars,
            differing=side.differing,
            first=side.first,
        )
        for name, side in sides.items()
    ]


def lines_of(one: Compared) -> list[str]:
    """In words."""
    verdict = "equal" if not one.differing else f"{one.differing} differ: refresh the aggregate over these times"
    lines = [f"{one.symbol} {one.timeframe} from {one.source}: {one.bars:,} bars of {one.ticks:,} ticks, {verdict}"]
    return lines + [f"  {text}" for text in one.first]
