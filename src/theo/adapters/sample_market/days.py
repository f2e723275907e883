"""Daily S&P 500 prices and VIX closes, read from the data files of the installed `arch` package (2014-2018 in common).

The files are opened where they are installed; the package itself is not imported (that would cost seconds).
"""

import csv
import gzip
from datetime import date
from importlib.util import find_spec
from pathlib import Path

import msgspec

from theo.domain.errors import DataError


class RealDay(msgspec.Struct, frozen=True):
    """One trading day as it was: prices in hundredths of a point."""

    day: date
    open: int
    high: int
    low: int
    close: int
    vix: int
    vix_before: int  # the previous day's close


def real_days() -> list[RealDay]:
    """The days on which both series exist, oldest first. Raises DataError when the package's files are not there."""
    index = {row[0]: row[1:5] for row in _rows("sp500")}
    days: list[RealDay] = []
    before = 0
    for text, vix in _rows("vix"):
        if vix == ".":  # the file's mark for a holiday
            continue
        close = _hundredths(vix)
        if before and text in index:
            month, day, year = (int(part) for part in text.split("/"))
            o, h, low, c = (_hundredths(p) for p in index[text])
            days.append(RealDay(date(year, month, day), o, max(o, h, c), min(o, low, c), c, close, before))
        before = close
    return days


def _rows(name: str) -> list[list[str]]:
    spec = find_spec("arch")
    folder = Path(spec.origin).parent if spec and spec.origin else None
    path = folder / "data" / name / f"{name}.csv.gz" if folder else None
    if path is None or not path.is_file():
        raise DataError(
            f"the real days of {name} are not installed",
            where=str(path or "package arch"),
            remedy="Install the packages of requirements.lock again: `make run` does it",
        )
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return list(csv.reader(lines))[1:]


def _hundredths(text: str) -> int:
    return round(float(text) * 100)
