"""Which of a file's columns is which: by what the user says, then by the names that files use."""

from collections.abc import Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Final

from theo.adapters.files.tables import Table
from theo.domain.errors import DataError

# Our name -> names in files, lower case, the first that is present wins.
BAR_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "start": ("ts_start", "start", "start_time", "bar_start", "open_time"),
        "end": ("ts_end", "end", "end_time", "bar_end", "close_time"),
        "time": ("ts", "timestamp", "time", "datetime", "date_time"),
        "date": ("date", "day", "session_date", "session"),
        "open": ("open", "o", "open_price"),
        "high": ("high", "h", "high_price"),
        "low": ("low", "l", "low_price"),
        "close": ("close", "c", "last", "settle", "close_price"),
        "volume": ("volume", "v", "vol"),
        "contract": ("contract", "contract_month"),
    }
)
TICK_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "time": ("ts", "timestamp", "time", "datetime", "date_time", "ts_event"),
        "price": ("price", "last", "px"),
        "size": ("size", "volume", "qty", "quantity"),
        "condition": ("cond", "condition", "conditions", "sale_condition"),
        "suspicious": ("suspicious",),
    }
)


def recognise(table: Table, known: Mapping[str, tuple[str, ...]], said: Mapping[str, str]) -> dict[str, str]:
    """Our name -> the file's name, of all columns that are there. Raises DataError for a column that is said and is not."""
    for ours, theirs in said.items():
        if ours not in known:
            raise DataError(
                f"{ours!r} is no column of ours",
                where=str(table.path),
                remedy=f"Map one of {', '.join(known)} to a column of the file",
            )
        if theirs not in table.names:
            close = get_close_matches(theirs, table.names, 1)
            hint = f"Did you mean {close[0]!r}?" if close else f"The file has {', '.join(table.names)}"
            raise DataError(f"there is no column {theirs!r}", where=str(table.path), remedy=hint)
    found = dict(said)
    taken = set(said.values())
    by_name = {name.lower().replace(" ", "_"): name for name in table.names}
    for ours, names in known.items():
        match = next((by_name[name] for name in names if name in by_name), None)
        if ours not in found and match is not None and match not in taken:
            found[ours] = match
            taken.add(match)
    return found


def missing(table: Table, what: str, remedy: str) -> DataError:
    """The error of a file without a column that is needed."""
    return DataError(f"has no column for {what}", where=str(table.path), why=f"it has {', '.join(table.names)}", remedy=remedy)
