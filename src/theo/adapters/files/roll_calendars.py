"""Roll calendars as CSV: ``previous,contract,at,difference,measured_at``; times ISO 8601 UTC, differences decimal prices."""

import csv
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path

from theo.domain.errors import DataError
from theo.domain.instrument import Instrument
from theo.market.rolls import Roll, checked_calendar

COLUMNS = ("previous", "contract", "at", "difference", "measured_at")
EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def write_calendar(path: Path, rolls: tuple[Roll, ...], instrument: Instrument) -> None:
    """Replace the file; written beside it first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".new")
    with beside.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(COLUMNS)
        for roll in rolls:
            times = _text(roll.at), _text(roll.measured_at)
            rows.writerow((roll.previous, roll.contract, times[0], instrument.decimal(roll.difference), times[1]))
    beside.replace(path)


def read_calendar(path: Path, instrument: Instrument) -> tuple[Roll, ...]:
    """The rolls of a file. Raises DataError naming file and line."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = csv.reader(file)
        head = next(rows, None)
        if tuple(head or ()) != COLUMNS:
            raise DataError(
                f"the first line is {head}", where=str(path), remedy=f"Write {','.join(COLUMNS)}, or make it: theo import roll"
            )
        return checked_calendar([_roll(row, instrument, f"{path}:{line}") for line, row in enumerate(rows, start=2)])


def _roll(row: list[str], instrument: Instrument, where: str) -> Roll:
    try:
        previous, contract, at, difference, measured_at = row
        units = instrument.units(Decimal(difference))
        return Roll(previous=previous, contract=contract, at=_time(at), difference=units, measured_at=_time(measured_at))
    except (ValueError, InvalidOperation, TypeError) as error:
        raise DataError(
            f"{','.join(row)} is no roll: {error}", where=where, remedy="Times as 2026-12-10T23:00:00+00:00"
        ) from error


def _text(at: int) -> str:
    return (EPOCH + timedelta(microseconds=at)).isoformat()


def _time(text: str) -> int:
    return (datetime.fromisoformat(text) - EPOCH) // timedelta(microseconds=1)
