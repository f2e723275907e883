"""Rows of a file as bars: each row checked by itself, and against the rows before it."""

from collections.abc import Iterator
from datetime import date
from typing import Final

import msgspec
import numpy as np

from theo.adapters.files.columns import BAR_COLUMNS, missing, recognise
from theo.adapters.files.conversion import EPOCH_DAY, Place, first_true, to_days, to_instants, to_numbers, to_sizes, to_units
from theo.adapters.files.settings import BadRange, BarSettings, Label
from theo.adapters.files.tables import ColumnKind, Ints, Mask, RawBatch, RawColumn, Table
from theo.domain.errors import DataError
from theo.domain.market_data import DAY, Bar
from theo.market.splits import split_adjusted

SPACING_ROWS_MIN: Final = 10  # with fewer bars their spacing says nothing of their length
SORT_ROWS_MAX: Final = 20_000_000  # 2 GB while sorting
PRICES: Final = ("open", "high", "low", "close")


class BarColumns(msgspec.Struct, frozen=True):
    """Rows as whole numbers, one entry a row; ``row`` is the row's number in the file."""

    row: Ints
    start: Ints
    end: Ints
    session_date: Ints
    open: Ints
    high: Ints
    low: Ints
    close: Ints
    volume: Ints
    contract: list[str]
    done: int
    total: int


class BarReader:
    """One pass over a file's bars. ``skipped`` counts rows left out and ``widened`` rows changed, as the settings ask."""

    def __init__(self, table: Table, settings: BarSettings) -> None:
        self._table, self._settings = table, settings
        self._file = str(table.path)
        self._columns = recognise(table, BAR_COLUMNS, settings.columns)
        self._check_columns()
        if settings.splits and settings.sessions is None:
            raise DataError("splits need a session table", where=self._file, remedy="Give the instrument's calendar")
        sessions = () if settings.sessions is None else settings.sessions.sessions
        spans = {session.date: session.spans(settings.scope) for session in sessions}
        self._sessions = {day: (span[0][0], span[-1][1]) for day, span in spans.items() if span}
        self.skipped = self.widened = self.flagged = 0

    def _check_columns(self) -> None:
        found, table, settings = self._columns, self._table, self._settings
        if "close" not in found:
            raise missing(table, "the close", "Map it: close=COLUMN")
        if ("open" in found) + ("high" in found) + ("low" in found) not in {0, 3}:
            raise missing(table, "all of open, high and low", "Map the missing ones, or none of them for a series of closes")
        if not settings.timeframe.intraday:
            if "date" not in found:
                raise missing(table, "the date", "Map it: date=COLUMN")
            return
        if "start" not in found and "end" not in found:
            if "time" not in found:
                raise missing(table, "the time", "Map it: start=COLUMN or end=COLUMN")
            if settings.label is None:
                raise missing(
                    table,
                    f"a bar's start or end by name: {found['time']!r} may be either",
                    "Say with --label start or --label end which it is",
                )
            found["start" if settings.label is Label.START else "end"] = found["time"]
        found.pop("time", None)
        found.pop("date", None)

    def batches(self) -> Iterator[list[Bar]]:
        """Checked bars, at most a batch at a time. Raises DataError at the first row that cannot be."""
        for _, bars in self.progress():
            yield bars

    def progress(self) -> Iterator[tuple[tuple[int, int], list[Bar]]]:
        """As batches, each with how much of the file is done, of how much."""
        wanted = tuple(dict.fromkeys(self._columns.values()))
        order = _Order(self._file, self._settings, ends_known="start" in self._columns and "end" in self._columns)
        read = (self._convert(batch) for batch in self._table.batches(wanted))
        for columns in _sorted(read, self._file) if self._settings.sort else read:
            order.check(columns)
            yield (columns.done, columns.total), self._bars(self._enclose(columns))
        order.check_spacing()

    def _convert(self, batch: RawBatch) -> BarColumns:
        place, settings = Place(self._file, batch), self._settings
        raw = {ours: batch.columns[theirs] for ours, theirs in self._columns.items()}
        prices = {name: to_numbers(raw[name], name, place) for name in (PRICES if "open" in raw else ("close",))}
        rounding, any_sign = settings.round_prices, settings.any_sign
        units = to_units(prices, settings.instrument, place, rounding=rounding, any_sign=any_sign)
        first, high, low, close = units if len(units) > 1 else units * len(PRICES)
        start, end, date = self._times(raw, batch.rows, place)
        volume = (
            to_sizes(to_numbers(raw["volume"], "volume", place), "volume", place) if "volume" in raw else np.zeros_like(start)
        )
        rows = np.arange(batch.row, batch.row + batch.rows, dtype=np.int64)
        contract = _texts(raw["contract"]) if "contract" in raw else []
        return BarColumns(rows, start, end, date, first, high, low, close, volume, contract, batch.done, batch.total)

    def _times(self, raw: dict[str, RawColumn], rows: int, place: Place) -> tuple[Ints, Ints, Ints]:
        """Starts, ends and session dates. A daily bar without a session table is not known before its UTC day's end."""
        zone, length = self._settings.zone, self._settings.timeframe.length
        if not length:
            days = to_days(raw["date"], place)
            return (*self._day_bounds(days, place), days)
        none = np.zeros(rows, np.int64)
        if "start" in raw:
            start = to_instants(raw["start"], zone, place)
            cell_end = start // length * length + length
            if "end" not in raw:
                return start, cell_end, none
            end = to_instants(raw["end"], zone, place)
        else:
            end = to_instants(raw["end"], zone, place)
            start = (end - 1) // length * length
            cell_end = start + length
        at = first_true((end <= start) | (end > cell_end))
        if at is not None:
            minutes, name = (end[at] - start[at]) / 60e6, self._settings.timeframe.name
            raise place.refuse(
                at,
                f"the bar lasts {minutes:g} minutes and does not fit a bar of {name}",
                why="bars lie on the grid of their length from the UTC epoch",
                remedy="Give the timeframe of the file, and the right zone",
            )
        return start, end, none

    def _day_bounds(self, days: Ints, place: Place) -> tuple[Ints, Ints]:
        if self._settings.sessions is None:
            return days * DAY, days * DAY + DAY
        found = [self._sessions.get(day) for day in days.tolist()]
        if None in found:
            at = found.index(None)
            raise place.refuse(
                at,
                f"{date.fromordinal(int(days[at]) + EPOCH_DAY)} is no session of {self._settings.sessions.calendar}",
                remedy="Remove the row, or give the right calendar",
            )
        spans = [span for span in found if span is not None]
        return np.array([span[0] for span in spans], np.int64), np.array([span[1] for span in spans], np.int64)

    def _enclose(self, columns: BarColumns) -> BarColumns:
        """Treat rows whose high and low do not enclose open and close as the settings say."""
        c = columns
        top, bottom = np.maximum(c.open, c.close), np.minimum(c.open, c.close)
        wrong = (c.high < top) | (c.low > bottom)
        at = first_true(wrong)
        if at is None:
            return columns
        if self._settings.bad_range is BadRange.REFUSE:
            text = self._settings.instrument.text
            raise DataError(
                f"row {c.row[at]}: open {text(c.open[at])} or close {text(c.close[at])} lies outside "
                f"low {text(c.low[at])} to high {text(c.high[at])}",
                where=self._file,
                why=f"{int(wrong.sum())} rows of this batch are so",
                remedy="Correct the file, or say --bad-range widen (high and low are moved) or skip (the bars are left out)",
            )
        if self._settings.bad_range is BadRange.WIDEN:
            self.widened += int(wrong.sum())
            high, low = np.maximum(np.maximum(c.high, c.low), top), np.minimum(np.minimum(c.low, c.high), bottom)
            return msgspec.structs.replace(columns, high=high, low=low)
        self.skipped += int(wrong.sum())
        return taken(columns, np.flatnonzero(~wrong))

    def _bars(self, columns: BarColumns) -> list[Bar]:
        c, settings = columns, self._settings
        instrument, name = settings.instrument.id, settings.timeframe.name
        contracts = c.contract or [""] * len(c.row)
        rows = zip(
            *(values.tolist() for values in (c.start, c.end, c.open, c.high, c.low, c.close, c.volume, c.session_date)),
            contracts,
            strict=True,
        )
        bars = [
            Bar(instrument, end, name, start, end, first, high, low, last, volume, "", date, 0, contract)
            for start, end, first, high, low, last, volume, date, contract in rows
        ]
        if not settings.splits or settings.sessions is None:
            return bars
        return list(split_adjusted(bars, settings.splits, settings.sessions))


class _Order:
    """What consecutive rows must satisfy: ascending starts, one bar a start and contract, and the timeframe's spacing."""

    def __init__(self, file: str, settings: BarSettings, *, ends_known: bool) -> None:
        self._file, self._settings, self._ends_known = file, settings, ends_known
        self._last_end = self._last_start = self._last_row = -(2**62)
        self._at_start: dict[str, int] = {}  # contracts of the last start -> row
        self._rows = 0
        self._shortest_gap = self._longest = 0

    def check(self, columns: BarColumns) -> None:
        """Check a batch against itself and what came before."""
        start = columns.start
        before = np.concatenate((np.array([self._last_start], np.int64), start[:-1]))
        at = first_true(start < before)
        if at is not None:
            raise DataError(
                f"row {columns.row[at]} is earlier than row {columns.row[at - 1] if at else self._last_row}",
                where=self._file,
                remedy="Sort the file, or say --sort",
            )
        self._check_duplicates(columns, start == before)
        ends = np.concatenate((np.array([self._last_end], np.int64), columns.end[:-1]))
        at = first_true((start < ends) & (start > before))
        if at is not None:
            raise DataError(
                f"row {columns.row[at]} begins before the bar of the row before ends",
                where=self._file,
                why=f"bars of {self._settings.timeframe.name} do not overlap",
                remedy="Give the timeframe of the file",
            )
        gaps = (start - before)[start > before]
        gaps = gaps[gaps < DAY]
        if len(gaps):
            self._shortest_gap = min(self._shortest_gap or DAY, int(gaps.min()))
        if len(start):
            self._longest = max(self._longest, int((columns.end - start).max()))
            self._last_start, self._last_end, self._last_row = int(start[-1]), int(columns.end[-1]), int(columns.row[-1])
        self._rows += len(start)

    def _check_duplicates(self, columns: BarColumns, same: Mask) -> None:
        for at in np.flatnonzero(same).tolist():
            if at and not same[at - 1]:
                self._at_start = {self._contract(columns, at - 1): int(columns.row[at - 1])}
            contract = self._contract(columns, at)
            if contract in self._at_start:
                raise DataError(
                    f"rows {self._at_start[contract]} and {columns.row[at]} are bars of the same time",
                    where=self._file,
                    remedy="Remove one of them; for a file of several contracts map the column: contract=COLUMN",
                )
            self._at_start[contract] = int(columns.row[at])
        if len(same) and not same[-1]:
            self._at_start = {self._contract(columns, len(same) - 1): int(columns.row[-1])}

    @staticmethod
    def _contract(columns: BarColumns, at: int) -> str:
        return columns.contract[at] if columns.contract else ""

    def check_spacing(self) -> None:
        """Whether the file's bars have the length that was said."""
        length = self._settings.timeframe.length
        if not length or self._rows < SPACING_ROWS_MIN:
            return
        seen = self._longest if self._ends_known else self._shortest_gap
        if seen != length and (self._ends_known or seen > length):
            raise DataError(
                f"the bars are {seen / 60e6:g} minutes apart, not {self._settings.timeframe.name}",
                where=self._file,
                remedy="Give the timeframe of the file; longer bars are built from it later",
            )


def _texts(column: RawColumn) -> list[str]:
    if column.kind is ColumnKind.TEXT:
        return column.texts
    assert column.numbers is not None
    return ["" if np.isnan(value) else f"{value:.0f}" for value in column.numbers.tolist()]


def taken(columns: BarColumns, places: Ints) -> BarColumns:
    """The columns' rows at these places."""
    arrays = {
        name: getattr(columns, name)[places]
        for name in ("row", "start", "end", "session_date", "open", "high", "low", "close", "volume")
    }
    contract = [columns.contract[at] for at in places.tolist()] if columns.contract else []
    return msgspec.structs.replace(columns, **arrays, contract=contract)


def _sorted(batches: Iterator[BarColumns], file: str) -> Iterator[BarColumns]:
    """All rows as one batch, by start and contract; rows that are equal in both stay in the file's order."""
    held: list[BarColumns] = []
    rows = 0
    for columns in batches:
        held.append(columns)
        rows += len(columns.row)
        if rows > SORT_ROWS_MAX:
            raise DataError(f"has more than {SORT_ROWS_MAX:,} rows to sort", where=file, remedy="Sort the file, or cut it up")
    if not held:
        return
    whole = msgspec.structs.replace(
        held[-1],
        **{
            name: np.concatenate([getattr(c, name) for c in held])
            for name in ("row", "start", "end", "session_date", "open", "high", "low", "close", "volume")
        },
        contract=[text for c in held for text in c.contract],
    )
    keys = (np.array(whole.contract), whole.start) if whole.contract else (whole.start,)
    yield taken(whole, np.lexsort(keys))
