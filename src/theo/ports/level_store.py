"""The store of levels: one row a bar, states from which they go on, and what became known."""

from collections.abc import Iterator, Sequence
from typing import Protocol

import msgspec

from theo.domain.market_data import Bar
from theo.market.standard_levels import LevelValues, NewLevel


class LevelSeries(msgspec.Struct, frozen=True):
    """Bars of one instrument, timeframe and source. ``chain`` is a contract where several have bars of the same time, else "".

    ``bars`` are all that are stored, revisions included.
    """

    instrument: int
    timeframe: str
    source: str
    chain: str = ""
    bars: int = 0


class LevelMark(msgspec.Struct, frozen=True):
    """The state after the bar that began at ``start``, the ``bars``-th of its series; ``parameters`` as LevelSettings.text."""

    start: int
    parameters: str
    bars: int
    state: bytes


class Piece(msgspec.Struct, frozen=True):
    """Bars in order of time, each with the number under which its source is stored.

    ``stamp`` changes with every bar that is added or revised there. ``past`` are the starts between which they lie: (, ].
    """

    bars: tuple[Bar, ...]
    numbers: tuple[int, ...]
    stamp: tuple[int, ...]
    past: tuple[int, int]


class Levels(msgspec.Struct, frozen=True):
    """The levels of a bar, in price units, in the order of LEVEL_NAMES; None before there is a value."""

    start: int
    contract: str
    values: LevelValues


class Written(msgspec.Struct, frozen=True):
    """How many rows are ``new``, how many were stored with other values and ``changed``, and the levels not announced before."""

    new: int
    changed: int
    announced: tuple[NewLevel, ...] = ()


class Announced(msgspec.Struct, frozen=True):
    """A level that became known in a series."""

    instrument: int
    timeframe: str
    source: str
    chain: str
    new: NewLevel


class LevelStore(Protocol):
    """Levels beside the bars that they are of. A bar that is added or revised takes the marks after it away."""

    def series(self, timeframes: Sequence[str]) -> tuple[LevelSeries, ...]:
        """Every visible series of bars, contract by contract where those overlap."""

    def newest_mark(self, series: LevelSeries, parameters: str) -> LevelMark | None:
        """Where to go on; None: from the series' first bar."""

    def forget_marks(self, series: LevelSeries, since: int) -> None:
        """Levels of bars that begin at ``since`` or later are computed again when they are next brought up."""

    def piece(self, series: LevelSeries, after: int, count: int) -> Piece:
        """The next ``count`` bars (newest revisions) that begin later than ``after``; fewer, or none, at the end."""

    def put(
        self, series: LevelSeries, piece: Piece, values: Sequence[LevelValues], new: Sequence[NewLevel], mark: LevelMark
    ) -> Written | None:
        """Store a piece's levels with the mark at its end, in one transaction; None when its bars are no longer those."""

    def levels(self, series: LevelSeries, start: int, end: int) -> Iterator[Levels]:
        """Stored rows of bars that begin from ``start`` (included) to ``end`` (excluded), oldest first."""

    def announced(
        self, instrument: int | None = None, limit: int = 20, timeframe: str = "", until: int | None = None
    ) -> tuple[Announced, ...]:
        """What became known last, newest first: ``limit``, and all that became known at the same time as the last of those.

        Of one timeframe, or of all for ""; ``until`` leaves out what became known later.
        """
