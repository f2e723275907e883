"""Session tables kept in a folder of the platform's home, so that the slow library is loaded once per version and range."""

import os
from datetime import date
from hashlib import sha256
from pathlib import Path

import msgspec

from theo.adapters.calendars.library import library_version
from theo.adapters.calendars.rows import hours_text, parse_hours
from theo.adapters.calendars.tables import ALWAYS, always_open, build_table
from theo.market.sessions import SessionTable

LAYOUT = "1"  # of the stored file; another layout is another file name


def session_table(calendar: str, first: date, last: date, folder: Path | None = None) -> SessionTable:
    """The sessions of NYSE, CME_EQUITY, CFE, VIX or ALWAYS for the days ``first`` to ``last`` (both included).

    With a folder the table is read from it, or built and stored there; its file name carries library version, hours.toml and
    range, so that a change of any of them builds anew. A file that cannot be read is built anew as well. Raises DataError.
    """
    if calendar == ALWAYS:
        return always_open(first, last)
    text = hours_text()
    path = None if folder is None else folder / f"{calendar}-{first}-{last}-{_fingerprint(text)}.json"
    stored = None if path is None else _read(path)
    if stored is not None:
        return stored
    table = build_table(calendar, first, last, parse_hours(text))
    if path is not None:
        _write(path, msgspec.json.encode(table))
    return table


def _fingerprint(text: str) -> str:
    return sha256(f"{LAYOUT}\n{library_version()}\n{text}".encode()).hexdigest()[:12]


def _read(path: Path) -> SessionTable | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=SessionTable)
    except (OSError, msgspec.MsgspecError):
        return None


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all: another process may be reading or writing the same file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_bytes(content)
    draft.replace(path)
