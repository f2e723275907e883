"""The checks of the machine: Python, packages, sample data, clock, disk."""

import importlib
import shutil
import sys
import tempfile
import time
from datetime import UTC, datetime

from theo.adapters.sample_market.days import real_days
from theo.app.checks.check import Check, Level
from theo.app.home.journals import journal_folders, journal_written_at
from theo.app.home.layout import Home
from theo.domain.errors import TheoError

PYTHON_MIN = (3, 11)
INSTALL_AGAIN = "Install the packages again: `make run` does it"
# Import names of what the package depends on (pyproject.toml); a test compares the two.
PACKAGES = (
    "alembic",
    "arch",
    "databento_dbn",
    "duckdb",
    "fastapi",
    "ib_async",
    "msgspec",
    "numba",
    "numpy",
    "pandas",
    "pandas_market_calendars",
    "psycopg",
    "pydantic",
    "pydantic_settings",
    "rich",
    "sqlalchemy",
    "starlette",
    "structlog",
    "typer",
    "tzdata",
    "uvicorn",
    "websockets",
)
MEBIBYTE = 1 << 20
DISK_MIB_FAIL, DISK_MIB_WARN = 100, 2_000  # a day of a few symbols' ticks takes tens of MiB
CLOCK_BACK_S_MAX = 60.0  # behind the newest record: more than a correction by the time service
BUILT_YEAR = 2025  # no clock is right that shows an earlier one


def machine_checks(home: Home) -> list[Check]:
    """Everything that does not depend on what the home holds, and whether it can hold anything."""
    return [_python(), _packages(), _sample(), _clock(home), _writable(home), _disk(home)]


def _python() -> Check:
    version = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info[:2] >= PYTHON_MIN:
        return Check("python", Level.OK, version)
    least = ".".join(map(str, PYTHON_MIN))
    return Check("python", Level.FAIL, f"{version} is too old", f"Install Python {least} or later")


def _packages() -> Check:
    missing = [name for name in PACKAGES if not _importable(name)]
    if missing:
        return Check("packages", Level.FAIL, f"cannot be imported: {', '.join(missing)}", INSTALL_AGAIN)
    return Check("packages", Level.OK, f"all {len(PACKAGES)} can be imported")


def _importable(name: str) -> bool:
    try:
        importlib.import_module(name)
    except Exception:  # noqa: BLE001 - a broken package may raise anything; it is named, and the check goes on
        return False
    return True


def _sample() -> Check:
    try:
        days = real_days()
    except TheoError as error:
        return Check("sample data", Level.FAIL, str(error), INSTALL_AGAIN)
    return Check("sample data", Level.OK, f"{len(days):,} real days, {days[0].day} to {days[-1].day}")


def _clock(home: Home) -> Check:
    """Against the year and against the files that this home's runs have written."""
    now = time.time()
    shown = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    fix = "Set the machine's clock and keep a time service running"
    if datetime.fromtimestamp(now, UTC).year < BUILT_YEAR:
        return Check("clock", Level.FAIL, f"{shown} lies in the past", fix)
    newest = max((journal_written_at(folder) for folder in journal_folders(home)), default=0.0)
    if newest - now > CLOCK_BACK_S_MAX:
        return Check("clock", Level.FAIL, f"{shown} is {newest - now:.0f} s before the newest record was written", fix)
    return Check("clock", Level.OK, shown)


def _writable(home: Home) -> Check:
    try:
        with tempfile.TemporaryFile(dir=home.path):
            pass
    except OSError as error:
        return Check(
            "home", Level.FAIL, f"{home.path} cannot be written: {error.strerror}", "Change its owner, or use another --home"
        )
    return Check("home", Level.OK, str(home.path))


def _disk(home: Home) -> Check:
    free = shutil.disk_usage(home.path).free // MEBIBYTE
    text = f"{free:,} MiB free"
    if free < DISK_MIB_FAIL:
        return Check("disk", Level.FAIL, text, "Free space: without a journal nothing is traded")
    if free < DISK_MIB_WARN:
        return Check("disk", Level.WARN, text, f"Free space; {DISK_MIB_WARN:,} MiB are comfortable")
    return Check("disk", Level.OK, text)
