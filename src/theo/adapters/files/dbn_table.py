"""Reading DBN (Databento): bars of the ohlcv schemas, ticks of the trades schema. One instrument a file."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from theo.adapters.files.tables import BATCH_ROWS, ColumnKind, RawBatch, RawColumn
from theo.domain.errors import DataError

READ_BYTES: Final = 1 << 20
BAR_NAMES: Final = ("ts_start", "open", "high", "low", "close", "volume")
TICK_NAMES: Final = ("ts", "price", "size")
_FIELDS: Final = {"ts_start": "ts_event", "ts": "ts_event"}
_PRICES: Final = frozenset({"open", "high", "low", "close", "price"})


class DbnTable:
    """Implements tables.Table. ts_event is a bar's start, and a trade's time at the exchange."""

    def __init__(self, path: Path) -> None:
        self.path = path
        first = next(self._records(), None)
        if first is None:
            raise DataError("holds no records", where=str(path), remedy="Get the file again")
        self.names = TICK_NAMES if hasattr(first, "price") else BAR_NAMES
        if not hasattr(first, "price") and not hasattr(first, "open"):
            raise DataError(
                f"holds records of kind {type(first).__name__}",
                where=str(path),
                remedy="Give a file of an ohlcv or the trades schema",
            )

    def batches(self, wanted: tuple[str, ...]) -> Iterator[RawBatch]:
        """See Table."""
        total, row = self.path.stat().st_size, 1
        held: list[Any] = []
        instrument = None
        for record in self._records():
            instrument = record.instrument_id if instrument is None else instrument
            if record.instrument_id != instrument:
                raise DataError(
                    f"row {row + len(held)} is of instrument {record.instrument_id}, the rows before of {instrument}",
                    where=str(self.path),
                    remedy="Give one file for each instrument",
                )
            held.append(record)
            if len(held) == BATCH_ROWS:
                yield self._batch(row, held, wanted, total)
                row, held = row + len(held), []
        if held:
            yield self._batch(row, held, wanted, total)

    def _batch(self, row: int, records: list[Any], wanted: tuple[str, ...], total: int) -> RawBatch:
        return RawBatch(
            row, len(records), {name: _column(name, records) for name in wanted}, min(row + len(records), total), total
        )

    def _records(self) -> Iterator[Any]:
        """The data records; metadata and system messages are not rows."""
        import databento_dbn as dbn

        compression = dbn.Compression("zstd" if self.path.suffix == ".zst" else "none")
        decoder = dbn.DBNDecoder(compression=compression)
        messages = (dbn.Metadata, dbn.SystemMsg, dbn.SymbolMappingMsg)
        try:
            with self.path.open("rb") as file:
                while chunk := file.read(READ_BYTES):
                    decoder.write(chunk)
                    yield from (r for r in decoder.decode() if not isinstance(r, messages))
                if decoder.buffer():
                    raise DataError("ends within a record", where=str(self.path), remedy="It was cut: get it again")
        except (dbn.DBNError, OSError) as error:
            raise DataError(f"is no whole DBN file: {error}", where=str(self.path), remedy="Get the file again") from error


def _column(name: str, records: list[Any]) -> RawColumn:
    import databento_dbn as dbn

    values = np.array([getattr(record, _FIELDS.get(name, name)) for record in records], dtype=np.int64)
    if name in _FIELDS:
        return RawColumn(ColumnKind.INSTANT, values // 1_000)
    if name not in _PRICES:
        return RawColumn(ColumnKind.NUMBER, values.astype(np.float64))
    return RawColumn(ColumnKind.NUMBER, np.where(values == dbn.UNDEF_PRICE, np.nan, values / dbn.FIXED_PRICE_SCALE))
