"""Raw columns to our units: times to microseconds UTC, prices to price units, sizes to whole numbers.

Each error names the file, the row and the remedy.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from theo.adapters.files.tables import MISSING_TIME, ColumnKind, Floats, Ints, Mask, RawBatch, RawColumn
from theo.domain.errors import DataError
from theo.domain.instrument import Instrument
from theo.domain.market_data import DAY, HOUR

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
MICROSECOND: Final = timedelta(microseconds=1)
# A number is seconds, milliseconds, microseconds or nanoseconds since the epoch by its size: unambiguous from 1973 to 5138.
_EPOCH_UNITS: Final = ((1e11, 1e6), (1e14, 1e3), (1e17, 1.0), (float("inf"), 1e-3))
OFF_GRID: Final = 1e-6  # of a price unit: what a binary price may differ from its decimal
EXACT_MAX: Final = float(2**53)


class Place:
    """Where a batch is, for errors."""

    def __init__(self, file: str, batch: RawBatch) -> None:
        self._file, self._row = file, batch.row

    def refuse(self, index: int, what: str, *, why: str = "", remedy: str = "") -> DataError:
        """The error of the batch's row number ``index``."""
        return DataError(f"row {self._row + int(index)}: {what}", where=self._file, why=why, remedy=remedy)


def first_true(mask: Mask) -> int | None:
    """The first place at which a mask holds."""
    return int(mask.argmax()) if mask.any() else None


def to_instants(column: RawColumn, zone: str, place: Place) -> Ints:
    """A time column as microseconds UTC. Raises DataError for missing, unreadable, zoneless and ambiguous times."""
    if column.kind is ColumnKind.TEXT:
        return _text_instants(column.texts, zone, place)
    assert column.numbers is not None
    if column.kind is ColumnKind.NUMBER:
        return _epoch_instants(column.numbers, place)
    values = column.numbers.astype(np.int64)
    at = first_true(values == MISSING_TIME)
    if at is not None:
        raise place.refuse(at, "the time is missing", remedy="Remove the row, or get the file again")
    if column.kind is ColumnKind.INSTANT:
        return values
    wall = values * DAY if column.kind is ColumnKind.DAY else values
    return _localised(wall, zone, place)


def _epoch_instants(numbers: "Ints | Floats", place: Place) -> Ints:
    at = first_true(~np.isfinite(numbers))
    if at is not None:
        raise place.refuse(at, "the time is missing", remedy="Remove the row, or get the file again")
    largest = float(np.abs(numbers).max(initial=0))
    scale = next(scale for bound, scale in _EPOCH_UNITS if largest < bound)
    return np.rint(numbers * scale).astype(np.int64)


def _text_instants(texts: list[str], zone: str, place: Place) -> Ints:
    if texts and _is_number(texts[0]):
        return _epoch_instants(to_numbers(RawColumn(ColumnKind.TEXT, texts=texts), "time", place), place)
    made = np.empty(len(texts), np.int64)
    naive = np.zeros(len(texts), np.bool_)
    for at, text in enumerate(texts):
        try:
            moment = datetime.fromisoformat(text)
        except ValueError as error:
            raise place.refuse(
                at, f"{text!r} is no time", remedy="Write times as 2019-01-04T14:30:00Z, or as numbers since the epoch"
            ) from error
        naive[at] = moment.tzinfo is None
        made[at] = ((moment.replace(tzinfo=UTC) if naive[at] else moment) - EPOCH) // MICROSECOND
    if naive.any():
        if not naive.all():
            raise place.refuse(int(naive.argmax()), "has a time without a zone, other rows have one", remedy="Give all or none")
        return _localised(made, zone, place)
    return made


def _is_number(text: str) -> bool:
    return text.lstrip("-").replace(".", "", 1).isdigit()


def _localised(wall: Ints, zone: str, place: Place) -> Ints:
    """Times of a zone's clock as UTC. One look at the zone an hour of data: offsets change on whole hours of the clock."""
    if not zone:
        raise place.refuse(
            0,
            "the time has no zone",
            why="the same clock time is another moment in New York, Chicago and London",
            remedy='Say which with --zone, for example "America/New_York" or "UTC"',
        )
    try:
        clock = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise DataError(f"there is no time zone {zone!r}", remedy='Name it as "America/New_York" or "UTC"') from error
    half_hours, inverse = np.unique(wall // (HOUR // 2), return_inverse=True)
    offsets = np.empty(len(half_hours), np.int64)
    for number, half_hour in enumerate(half_hours):
        local = (EPOCH + timedelta(microseconds=int(half_hour) * (HOUR // 2))).replace(tzinfo=clock)
        early, late = local.utcoffset(), local.replace(fold=1).utcoffset()
        assert early is not None
        assert late is not None
        if early != late:
            at = int((inverse == number).argmax())
            what = "comes twice" if early > late else "does not exist"
            raise place.refuse(
                at,
                f"{local:%Y-%m-%d %H:%M} {what} in {zone}",
                why="the clocks were changed",
                remedy="Give the file with times in UTC",
            )
        offsets[number] = early // MICROSECOND
    return wall - offsets[inverse]


def to_days(column: RawColumn, place: Place) -> Ints:
    """A date column as days since the epoch; times of day are refused."""
    if column.kind is ColumnKind.TEXT:
        days = []
        for at, text in enumerate(column.texts):
            try:
                days.append(datetime.fromisoformat(text).date().toordinal() - EPOCH_DAY)
            except ValueError as error:
                raise place.refuse(at, f"{text!r} is no date", remedy="Write dates as 2019-01-04") from error
        return np.array(days, np.int64)
    assert column.numbers is not None
    values = column.numbers.astype(np.int64)
    found = first_true(values == MISSING_TIME)
    if found is not None:
        raise place.refuse(found, "the date is missing", remedy="Remove the row, or get the file again")
    if column.kind is ColumnKind.DAY:
        return values
    found = first_true(values % DAY != 0)
    if found is not None:
        raise place.refuse(
            found, "the date has a time of day", remedy="Map the column as start or end, or give the intraday timeframe"
        )
    return values // DAY


def to_numbers(column: RawColumn, name: str, place: Place) -> Floats:
    """A column as numbers, NaN where a cell is empty. Raises DataError for text that is no number."""
    if column.kind is not ColumnKind.TEXT:
        assert column.numbers is not None
        return column.numbers.astype(np.float64)
    try:
        return np.array([text or "nan" for text in column.texts], dtype=np.float64)
    except ValueError:
        for at, text in enumerate(column.texts):
            try:
                float(text or "nan")
            except ValueError as error:
                raise place.refuse(
                    at, f"{name} {text!r} is no number", remedy="Correct the row, or map another column"
                ) from error
        raise


def to_units(prices: dict[str, Floats], instrument: Instrument, place: Place, *, rounding: bool, any_sign: bool) -> list[Ints]:
    """Price columns as whole price units, in the same order. Raises DataError for the first row that holds no price of it."""
    names = list(prices)
    numbers = np.stack(list(prices.values()), axis=1).ravel()  # row by row, so that the first fault is the first row's

    def refuse(mask: Mask, what: Callable[[str, float], str], why: str, remedy: str) -> None:
        at = first_true(mask)
        if at is not None:
            text = what(names[at % len(names)], float(numbers[at]))
            raise place.refuse(at // len(names), text, why=why, remedy=remedy)

    refuse(
        ~np.isfinite(numbers),
        lambda name, _: f"{name} is missing or no number",
        "a bar or a tick has a price",
        "Remove the row, or get the file again",
    )
    if not any_sign:
        remedy = "Correct the row; for spreads say that prices may have any sign"
        refuse(numbers <= 0, lambda name, value: f"{name} is {value:g}", "a price is above zero", remedy)
    scaled = numbers * float(10**instrument.price_decimals)
    whole = np.rint(scaled)
    refuse(
        np.abs(scaled) >= EXACT_MAX,
        lambda name, value: f"{name} {value:g} is too large",
        "it would not be exact",
        "Lower price_decimals of the instrument",
    )
    if not rounding:
        refuse(
            np.abs(scaled - whole) > OFF_GRID,
            lambda name, value: f"{name} {value!r} has more than {instrument.price_decimals} decimals",
            f"prices of {instrument.symbol} are stored in units of 1e-{instrument.price_decimals}",
            "Raise price_decimals of the instrument before its first use, or round with --round",
        )
    units = whole.astype(np.int64).reshape(-1, len(names))
    return [np.ascontiguousarray(units[:, at]) for at in range(len(names))]


def to_sizes(numbers: Floats, name: str, place: Place) -> Ints:
    """Sizes or volumes as whole numbers; NaN becomes 0 only where a file has no such number (an index)."""
    at = first_true(~np.isnan(numbers) & ((numbers < 0) | (numbers != np.rint(numbers)) | (numbers >= EXACT_MAX)))
    if at is not None:
        raise place.refuse(at, f"{name} is {numbers[at]:g}", why="it is a whole number, zero or more", remedy="Correct the row")
    return np.nan_to_num(numbers, nan=0.0).astype(np.int64)
