"""Rows of a file as ticks: each row checked by itself, and its place in time against the rows before."""

from collections.abc import Iterator
from typing import Final

import msgspec
import numpy as np

from theo.adapters.files.columns import TICK_COLUMNS, missing, recognise
from theo.adapters.files.conversion import Place, to_instants, to_numbers, to_sizes, to_units
from theo.adapters.files.settings import SaleConditions, TickSettings
from theo.adapters.files.tables import ColumnKind, Ints, RawBatch, RawColumn, Table
from theo.domain.errors import DataError
from theo.domain.instrument import SecurityType
from theo.domain.market_data import UNUSABLE, SessionScope, Tick, TickFlag, TickKind, TimeSource
from theo.market.quality import OutlierLimits, TickQuality
from theo.market.sessions import Hours

FIRST: Final = -(2**62)
HISTORY: Final = OutlierLimits(granularity_permille=10)  # what an exchange left standing has been looked at: only wild prints go
SORT_ROWS_MAX: Final = 20_000_000  # 2 GB while sorting


class TickColumns(msgspec.Struct, frozen=True):
    """Rows as whole numbers, one entry a row; ``row`` is the row's number in the file."""

    row: Ints
    time: Ints
    price: Ints
    size: Ints
    flags: Ints
    done: int
    total: int


class TickReader:
    """One pass over a file's ticks. ``seq`` counts the rows of one instant, in the file's order."""

    def __init__(self, table: Table, settings: TickSettings) -> None:
        self._table, self._settings = table, settings
        self._file = str(table.path)
        self._columns = recognise(table, TICK_COLUMNS, settings.columns)
        for name, what in (("time", "the time"), ("price", "the price")):
            if name not in self._columns:
                raise missing(table, what, f"Map it: {name}=COLUMN")
        self.skipped = self.widened = self.flagged = 0  # ticks are flagged, never left out
        self._quality = None
        if settings.sessions is not None:
            self._quality = TickQuality(Hours(settings.sessions, SessionScope.ALL), settings.instrument.tick, HISTORY)
        self._flags: dict[str, int] = {}
        self._last, self._seq = FIRST, -1
        index = settings.instrument.security_type is SecurityType.IND
        self._kind = TickKind.INDEX if index else TickKind.TRADE

    def batches(self) -> Iterator[list[Tick]]:
        """Checked ticks, a batch at a time. Raises DataError at the first row that cannot be."""
        for _, ticks in self.progress():
            yield ticks

    def progress(self) -> Iterator[tuple[tuple[int, int], list[Tick]]]:
        """As batches, each with how much of the file is done, of how much."""
        read = (self._convert(batch) for batch in self._table.batches(tuple(dict.fromkeys(self._columns.values()))))
        for columns in _sorted(read, self._file) if self._settings.sort else read:
            yield (columns.done, columns.total), self._ticks(columns)

    def _convert(self, batch: RawBatch) -> TickColumns:
        place, settings = Place(self._file, batch), self._settings
        raw = {ours: batch.columns[theirs] for ours, theirs in self._columns.items()}
        time = to_instants(raw["time"], settings.zone, place)
        numbers = {"price": to_numbers(raw["price"], "price", place)}
        (price,) = to_units(numbers, settings.instrument, place, rounding=settings.round_prices, any_sign=settings.any_sign)
        size = to_sizes(to_numbers(raw["size"], "size", place), "size", place) if "size" in raw else np.zeros_like(time)
        flags = np.array(self._row_flags(raw, batch.rows, place), np.int64)
        row = np.arange(batch.row, batch.row + batch.rows, dtype=np.int64)
        return TickColumns(row, time, price, size, flags, batch.done, batch.total)

    def _ticks(self, columns: TickColumns) -> list[Tick]:
        c, instrument = columns, self._settings.instrument.id
        kind, exchange = int(self._kind), int(TimeSource.EXCHANGE)
        rows = zip(c.time.tolist(), self._sequence(c), c.price.tolist(), c.size.tolist(), c.flags.tolist(), strict=True)
        ticks = [Tick(instrument, at, at, seq, kind, price, size, flag, exchange, "") for at, seq, price, size, flag in rows]
        if self._quality is not None:
            ticks = list(map(self._quality.on_tick, ticks))
        self.flagged += sum(1 for tick in ticks if tick.flags & UNUSABLE)
        return ticks

    def _sequence(self, columns: TickColumns) -> list[int]:
        """The number of each row among those of its instant; rows must not go back in time."""
        last, seq, made = self._last, self._seq, []
        for index, at in enumerate(columns.time.tolist()):
            if at < last:
                what = f"row {columns.row[index]} is earlier than the row before"
                raise DataError(what, where=self._file, remedy="Sort the file, or say --sort")
            seq = seq + 1 if at == last else 0
            last = at
            made.append(seq)
        self._last, self._seq = last, seq
        return made

    def _row_flags(self, raw: dict[str, RawColumn], rows: int, place: Place) -> list[int]:
        flags = [0] * rows
        if "condition" in raw:
            flags = [self._condition(text, at, place) for at, text in enumerate(_texts(raw["condition"]))]
        if "suspicious" in raw:
            marked = np.nan_to_num(to_numbers(raw["suspicious"], "suspicious", place)) != 0
            suspicious = int(self._settings.suspicious)
            flags = [flag | suspicious if bad else flag for flag, bad in zip(flags, marked.tolist(), strict=True)]
        return flags

    def _condition(self, text: str, index: int, place: Place) -> int:
        known = self._flags.get(text)
        if known is None:
            try:
                known = self._flags[text] = flags_of(int(text or "0", 16), self._settings.conditions)
            except ValueError as error:
                raise place.refuse(
                    index, f"sale condition {text!r} is no hexadecimal number", remedy="Map no condition column, or another one"
                ) from error
        return known


def _sorted(batches: Iterator[TickColumns], file: str) -> Iterator[TickColumns]:
    """All rows as one batch, by time; rows of one instant stay in the file's order."""
    held: list[TickColumns] = []
    rows = 0
    for columns in batches:
        held.append(columns)
        rows += len(columns.row)
        if rows > SORT_ROWS_MAX:
            raise DataError(f"has more than {SORT_ROWS_MAX:,} rows to sort", where=file, remedy="Sort the file, or cut it up")
    if held:
        joined = {name: np.concatenate([getattr(c, name) for c in held]) for name in ("row", "time", "price", "size", "flags")}
        order = np.argsort(joined["time"], kind="stable")
        yield TickColumns(**{name: values[order] for name, values in joined.items()}, done=held[-1].done, total=held[-1].total)


def flags_of(condition: int, meaning: SaleConditions) -> int:
    """The tick flags of a sale condition's bits."""
    flags = TickFlag.NONE
    if condition & meaning.not_last:
        flags |= TickFlag.NOT_LAST
    if condition & meaning.not_high_low:
        flags |= TickFlag.NOT_HIGH_LOW
    if condition & meaning.not_volume:
        flags |= TickFlag.NOT_VOLUME
    return int(flags)


def _texts(column: RawColumn) -> list[str]:
    if column.kind is ColumnKind.TEXT:
        return column.texts
    raise DataError("the sale condition is a number", why="it is written in hexadecimal", remedy="Give it as text")
