"""The store of market data: instruments, ticks, bars, and imports that become visible at once.

What trading did (orders, fills, trades, deals) is projected from the journal and read as rows (``rows``).
"""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

import msgspec

from theo.domain.instrument import Instrument
from theo.domain.market_data import Bar, Tick

Cell = int | float | str | bytes | None


class BarRange(msgspec.Struct, frozen=True, kw_only=True):
    """Which bars: starts from ``start`` (included) to ``end`` (excluded), microseconds UTC; ``source`` "" means every source.

    ``known_at`` None gives final bars; a time gives each bar's newest revision that was known then.
    """

    instrument: int
    timeframe: str
    start: int = -(2**62)
    end: int = 2**62
    source: str = ""
    known_at: int | None = None


class TickRange(msgspec.Struct, frozen=True, kw_only=True):
    """Which ticks: timestamps from ``start`` (included) to ``end`` (excluded); ``source`` "" means every source."""

    instrument: int
    start: int = -(2**62)
    end: int = 2**62
    source: str = ""


class ArchivedPart(msgspec.Struct, frozen=True, kw_only=True):
    """Ticks of one instrument and one day (UTC) in a file of the archive: ``file`` is its path there.

    ``home`` is whose they are, "" is everyone's. ``first`` and ``last`` are the oldest and newest timestamp, ``digest`` is
    SHA-256 over the ticks in their order.
    """

    file: str
    instrument: int
    first: int
    last: int
    rows: int
    digest: str
    sources: tuple[str, ...]
    home: str = ""


class TickArchive(Protocol):
    """Files of ticks that are in the store no more."""

    def read(self, part: ArchivedPart, wanted: TickRange) -> Iterator[Tick]:
        """The part's ticks that are wanted, in the order in which the store gave them, a few thousand in memory.

        Raises CorruptionError when the file is missing or cannot be read.
        """


class BarArrays(msgspec.Struct, frozen=True):
    """Bars as int64 columns, one entry a bar, oldest first: numpy.frombuffer(column, "int64") reads them without a copy."""

    start: "array[int]"
    end: "array[int]"
    open: "array[int]"
    high: "array[int]"
    low: "array[int]"
    close: "array[int]"
    volume: "array[int]"


class StagedImport(msgspec.Struct, frozen=True):
    """An import that nobody sees yet. ``rows`` were staged by an earlier, interrupted attempt at the same import: skip them.

    ``first`` and ``last`` are the oldest and newest time (bars: start) among them, microseconds UTC, None for none.
    """

    id: int
    source: str
    rows: int
    first: int | None = None
    last: int | None = None


class Published(msgspec.Struct, frozen=True):
    """What became visible: rows of the import, and rows of its source that they replaced."""

    rows: int
    replaced: int


class SeriesInfo(msgspec.Struct, frozen=True):
    """A stored bar series: ``start`` of its first and its last bar, and how many bars (revisions included)."""

    instrument: int
    timeframe: str
    source: str
    first: int
    last: int
    rows: int


class SeriesEnds(msgspec.Struct, frozen=True):
    """A stored bar series of one timeframe, whatever its sources: ``start`` of its first and its last visible bar."""

    instrument: int
    timeframe: str
    first: int
    last: int


class SignalPage(msgspec.Struct, frozen=True, kw_only=True):
    """Which signals of the run, newest first: ends of bars from ``start`` (included) to ``end`` (excluded), microseconds UTC.

    ``after`` is (end, id) of the last one that is known already. Empty texts and None mean every one.
    """

    count: int
    after: tuple[int, str] | None = None
    config: str = ""
    instruments: tuple[int, ...] | None = None
    status: str = ""
    start: int = -(2**62)
    end: int = 2**62


class MarketStore(Protocol):
    """Market data by instrument and time. Each write is one transaction; readers hold bounded memory."""

    def put_instruments(self, instruments: Sequence[Instrument]) -> None:
        """Add or update instruments. Raises DataError when price_decimals of a known id would change."""

    def instruments(self) -> tuple[Instrument, ...]:
        """All instruments, by id."""

    def put_ticks(self, ticks: Sequence[Tick]) -> None:
        """Add ticks; none of them, and DataError, when one with the same (instrument, timestamp, source, seq) is stored."""

    def replace_ticks(self, source: str, instrument: int, start: int, end: int, ticks: Sequence[Tick]) -> int:
        """Replace what ``source`` holds from ``start`` to ``end`` (whole seconds) by ``ticks``; how many rows went.

        Raises DataError when the bounds are not whole seconds or a tick lies outside them.
        """

    def ticks(self, wanted: TickRange) -> Iterator[Tick]:
        """Ticks in order of (timestamp, source, seq), sources in the order in which they were first stored."""

    def put_bars(self, bars: Sequence[Bar]) -> None:
        """Add closed bars and revisions. The same bar again is no error; another bar under the same key raises DataError."""

    def bars(self, wanted: BarRange) -> Iterator[Bar]:
        """One bar per (start, source, contract): its newest revision, in order of (start, contract, source)."""

    def bar_arrays(self, wanted: BarRange) -> BarArrays:
        """The same bars as columns. The range bounds the memory: 56 bytes a bar."""

    def latest_bars(self, instrument: int, timeframe: str, count: int, source: str = "", before: int = 2**62) -> tuple[Bar, ...]:
        """The last ``count`` bars (newest revisions) that started before a time, oldest first."""

    def series_ends(self) -> tuple[SeriesEnds, ...]:
        """The first and last bar of every series, read at the ends of the index: as quick for a million bars as for ten."""

    def series(self) -> tuple[SeriesInfo, ...]:
        """Every visible bar series."""

    def begin_import(self, source: str, fingerprint: str) -> StagedImport:
        """Start or resume an import into ``source``; an interrupted one with another fingerprint is discarded first."""

    def stage_ticks(self, staged: StagedImport, ticks: Sequence[Tick]) -> None:
        """Add a batch of an import's ticks; their own ``source`` is not looked at."""

    def stage_bars(self, staged: StagedImport, bars: Sequence[Bar]) -> None:
        """Add a batch of an import's bars; their own ``source`` is not looked at."""

    def publish(self, staged: StagedImport) -> Published:
        """Make the import visible, at once and whole.

        For each instrument (and timeframe) it replaces what its source held from its first to its last whole second (bar).
        """

    def discard(self, staged: StagedImport) -> None:
        """Drop an import that was not published."""

    def rows(self, table: str, run: str = "", limit: int = 10_000, **equal: Cell) -> Iterator[Mapping[str, Cell]]:
        """Rows of a projected table in order of its key, for reports. Raises DataError for an unknown table or column.

        ``run`` "" means every run; ``equal`` names columns and the values that they must have.
        """

    def signals(self, wanted: SignalPage) -> tuple[Mapping[str, Cell], ...]:
        """Rows of the table of signals, newest first, at most ``count``."""

    def decided_beside(self, config: str, end: int) -> tuple[int | None, int | None]:
        """Of a configuration's decisions, the ends of the bars nearest before and after one; None where there is none."""

    def close(self) -> None:
        """Release the store."""
