"""Ticks and bars to CSV and Parquet, with decimal prices and times in UTC, for audit and for other tools."""

import csv
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from theo.adapters.files.parquet_table import DUCKDB_CONFIG
from theo.domain.errors import DataError
from theo.domain.instrument import Instrument
from theo.domain.market_data import Bar, Tick, TickFlag, TickKind

# Column -> its type in Parquet; in CSV the same columns are text.
TICK_COLUMNS: Final = {
    "ts": "TIMESTAMP WITH TIME ZONE",
    "seq": "BIGINT",
    "kind": "VARCHAR",
    "price": "DECIMAL(18, {decimals})",
    "size": "BIGINT",
    "flags": "VARCHAR",
    "source": "VARCHAR",
    "received_at": "TIMESTAMP WITH TIME ZONE",
}
BAR_COLUMNS: Final = {
    "ts_start": "TIMESTAMP WITH TIME ZONE",
    "ts_end": "TIMESTAMP WITH TIME ZONE",
    "open": "DECIMAL(18, {decimals})",
    "high": "DECIMAL(18, {decimals})",
    "low": "DECIMAL(18, {decimals})",
    "close": "DECIMAL(18, {decimals})",
    "volume": "BIGINT",
    "source": "VARCHAR",
    "revision": "INTEGER",
    "contract": "VARCHAR",
}
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
Row = tuple[str | int, ...]


def export_ticks(ticks: Iterable[Tick], instrument: Instrument, path: Path) -> int:
    """Write ticks to a .csv or .parquet file that does not exist yet; how many. Memory does not grow with their number."""
    rows = (_tick_row(tick, instrument) for tick in ticks)
    return _write(rows, TICK_COLUMNS, instrument, path)


def export_bars(bars: Iterable[Bar], instrument: Instrument, path: Path) -> int:
    """Write bars to a .csv or .parquet file that does not exist yet; how many."""
    rows = (_bar_row(bar, instrument) for bar in bars)
    return _write(rows, BAR_COLUMNS, instrument, path)


def _tick_row(tick: Tick, instrument: Instrument) -> Row:
    kind, price = TickKind(tick.kind).name.lower(), str(instrument.decimal(tick.price))
    return (_utc(tick.timestamp), tick.seq, kind, price, tick.volume, _flags(tick.flags), tick.source, _utc(tick.at))


def _bar_row(bar: Bar, instrument: Instrument) -> Row:
    first, high, low, close = (str(instrument.decimal(price)) for price in (bar.open, bar.high, bar.low, bar.close))
    return (_utc(bar.start), _utc(bar.end), first, high, low, close, bar.volume, bar.source, bar.revision, bar.contract)


def _utc(at: int) -> str:
    return (EPOCH + timedelta(microseconds=at)).isoformat()


def _flags(flags: int) -> str:
    return "|".join(str(flag.name).lower() for flag in TickFlag(flags))


def _write(rows: Iterator[Row], columns: dict[str, str], instrument: Instrument, path: Path) -> int:
    """Into a file beside the target, moved into place when it is whole."""
    if path.exists():
        raise DataError("exists already", where=str(path), remedy="Choose another name: an export never overwrites")
    if path.suffix not in {".csv", ".parquet"}:
        raise DataError("is of an unknown format", where=str(path), remedy="Give a name that ends with .csv or .parquet")
    text = path.with_name(f"{path.name}.partial.csv")
    whole = path.with_name(f"{path.name}.partial")
    try:
        count = _write_csv(rows, tuple(columns), text)
        if path.suffix == ".csv":
            text.replace(path)
        else:
            _to_parquet(text, whole, columns, instrument.price_decimals)
            whole.replace(path)
    except OSError as error:
        raise DataError(
            "cannot be written", where=str(path), why=str(error.strerror), remedy="Check the folder and the disk"
        ) from error
    finally:
        text.unlink(missing_ok=True)
        whole.unlink(missing_ok=True)
    return count


def _write_csv(rows: Iterator[Row], names: tuple[str, ...], path: Path) -> int:
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        for row in rows:
            writer.writerow(row)
            count += 1
    return count


def _to_parquet(text: Path, path: Path, columns: dict[str, str], decimals: int) -> None:
    import duckdb

    types = ", ".join(f"'{name}': '{kind.format(decimals=decimals)}'" for name, kind in columns.items())
    source, target = (str(each).replace("'", "''") for each in (text, path))
    query = (
        f"COPY (SELECT * FROM read_csv('{source}', header=true, columns={{{types}}})) "  # noqa: S608 - paths quoted, the rest is ours
        f"TO '{target}' (FORMAT parquet, COMPRESSION zstd)"
    )
    with duckdb.connect(":memory:", config=DUCKDB_CONFIG) as connection:
        try:
            connection.execute(query)
        except duckdb.Error as error:
            raise DataError(
                "cannot be written", where=str(path), why=str(error).splitlines()[0], remedy="Check the disk"
            ) from error
