"""All sessions of an instrument's calendar that are known: built once, then kept in the home."""

from datetime import date

from theo.adapters.calendars.rows import hours_text, parse_hours
from theo.adapters.calendars.stored import session_table
from theo.app.home.layout import Home
from theo.domain.instrument import Instrument
from theo.market.sessions import SessionTable

SESSIONS_SINCE = date(1990, 1, 1)  # files of bars do not reach further back
YEARS_AHEAD = 1  # sessions are built to the end of the next year, so that the stored table serves for a while


def known_sessions(home: Home, instrument: Instrument) -> SessionTable:
    """All sessions of the instrument's calendar that are known; built once, then kept in the home."""
    known = [row.valid_from for row in parse_hours(hours_text()).hours if row.calendar == instrument.calendar]
    last = date(date.today().year + YEARS_AHEAD, 12, 31)  # noqa: DTZ011 - a year, in which no zone makes a difference
    first = max(SESSIONS_SINCE, min(known, default=SESSIONS_SINCE))
    return session_table(instrument.calendar, first, last, home.sessions)
