"""Session tables for tests of the gateway: real holidays of late 2026, without the calendar library."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from theo.domain.market_data import SECOND
from theo.market.sessions import CloseKind, Session, SessionTable, Span

EPOCH = date(1970, 1, 1)
NEW_YORK = ZoneInfo("America/New_York")
FIRST, LAST = date(2026, 6, 1), date(2027, 1, 15)
HOLIDAYS = {date(2026, 6, 19), date(2026, 7, 3), date(2026, 9, 7), date(2026, 11, 26), date(2026, 12, 25), date(2027, 1, 1)}
HALF_DAYS = {date(2026, 11, 27), date(2026, 12, 24)}


def at(text: str) -> int:
    """A New York wall-clock time, `2026-11-20 09:30`, in microseconds UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).timestamp()) * SECOND


def at_utc(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND


def _span(day: date, opens: str, closes: str, days_before: int = 0) -> Span:
    return at(f"{day - timedelta(days=days_before)} {opens}"), at(f"{day} {closes}")


def _table(name: str, opens: str, closes: str, days_before: int, regular: tuple[str, str]) -> SessionTable:
    sessions = []
    for n in range((LAST - FIRST).days + 1):
        day = FIRST + timedelta(days=n)
        if day.weekday() > 4 or day in HOLIDAYS:
            continue
        half = day in HALF_DAYS
        rth = _span(day, regular[0], "13:00" if half else regular[1])
        full = _span(day, opens, "17:00" if half and name == "NYSE" else "13:15" if half else closes, days_before)
        sessions.append(Session((day - EPOCH).days, (rth,), (full,), CloseKind.EARLY if half else CloseKind.NORMAL))
    return SessionTable(name, "by hand", (FIRST - EPOCH).days, (LAST - EPOCH).days, tuple(sessions))


def tables() -> dict[str, SessionTable]:
    """NYSE, CME_EQUITY, CFE and VIX from June 2026 to the middle of January 2027."""
    return {
        "NYSE": _table("NYSE", "04:00", "20:00", 0, ("09:30", "16:00")),
        "CME_EQUITY": _table("CME_EQUITY", "18:00", "17:00", 1, ("09:30", "16:00")),
        "CFE": _table("CFE", "18:00", "17:00", 1, ("09:30", "16:00")),
        "VIX": _table("VIX", "03:15", "16:15", 0, ("09:30", "16:15")),
    }
