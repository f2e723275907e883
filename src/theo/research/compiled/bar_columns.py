"""Bars as arrays: what compiled loops read."""

from collections.abc import Iterable, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from theo.domain.errors import DataError
from theo.domain.market_data import Bar

Int64s = NDArray[np.int64]
Float64s = NDArray[np.float64]
Numbers = Int64s | Float64s
Bools = NDArray[np.bool_]
PRICE_MAX = 2**48  # price units: the sum of 10,000 prices (WINDOW_MAX) stays below 2^62
_NUMBERS = ("start", "end", "high", "low", "close", "session_date")


class BarColumns(msgspec.Struct, frozen=True):
    """Closed bars of one series, oldest first: int64 arrays of one length, times in microseconds UTC, prices in price units.

    ``session_date`` is 0 on intraday bars, ``contract`` "" where there is none. Raises DataError for arrays that differ in
    length or type, bars out of order, or prices beyond ``PRICE_MAX``.
    """

    start: Int64s
    end: Int64s
    high: Int64s
    low: Int64s
    close: Int64s
    session_date: Int64s
    contract: NDArray[np.str_]

    def __post_init__(self) -> None:
        lengths = {name: len(getattr(self, name)) for name in (*_NUMBERS, "contract")}
        if len(set(lengths.values())) != 1:
            shown = ", ".join(f"{name} {length}" for name, length in lengths.items())
            raise DataError(f"the columns differ in length: {shown}", remedy="Give each bar one number in each column")
        for name in _NUMBERS:
            _check_type(name, getattr(self, name))
        for name in ("high", "low", "close"):
            _check_prices(name, getattr(self, name))
        late = np.diff(self.end) <= 0
        if late.any():
            row = int(np.argmax(late)) + 1
            raise DataError("a bar does not end after the one before", where=f"row {row}", remedy="Sort the bars, each end once")

    def __len__(self) -> int:
        return len(self.end)

    def __getitem__(self, rows: slice | Int64s) -> "BarColumns":
        """Some of the bars; of a slice, without a copy."""
        return BarColumns(**{name: column[rows] for name, column in msgspec.structs.asdict(self).items()})


def _check_type(name: str, column: Int64s) -> None:
    if column.dtype != np.int64 or not column.flags.c_contiguous:
        raise DataError(
            f"column {name} is {column.dtype}{'' if column.flags.c_contiguous else ', not contiguous'}",
            why="compiled sums are of whole numbers",
            remedy="Give contiguous int64 arrays: times in microseconds, prices in price units",
        )


def _check_prices(name: str, column: Int64s) -> None:
    if len(column) and max(-int(column.min()), int(column.max())) > PRICE_MAX:
        raise DataError(
            f"column {name} holds a price beyond {PRICE_MAX:,} price units",
            why="64-bit sums would overflow",
            remedy="Use a coarser price unit",
        )


def columns_of(bars: Iterable[Bar]) -> BarColumns:
    """Bars as columns. Raises DataError as BarColumns does, and for a number that does not fit 64 bits."""
    kept: Sequence[Bar] = bars if isinstance(bars, Sequence) else list(bars)
    try:
        numbers = [np.array([getattr(bar, name) for bar in kept], dtype=np.int64) for name in _NUMBERS]
    except OverflowError as error:
        raise DataError("a bar holds a number beyond 64 bits", remedy="Use a coarser price unit") from error
    contract = np.array([bar.contract for bar in kept], dtype=np.str_)
    return BarColumns(**dict(zip(_NUMBERS, numbers, strict=True)), contract=contract)
