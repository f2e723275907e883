"""Texts of time as the gateway writes them, in the zone of its login."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def local(at: int, zone: str) -> datetime:
    """A moment (microseconds UTC) in a zone."""
    return (EPOCH + timedelta(microseconds=at)).astimezone(ZoneInfo(zone))


def connection_time(at: int, zone: str) -> str:
    """As it is announced when a client connects: ``20261120 09:30:00 EST``."""
    return local(at, zone).strftime("%Y%m%d %H:%M:%S %Z")


def with_zone(at: int, zone: str) -> str:
    """As executions have it: ``20261120 09:30:00 America/New_York``."""
    return f"{local(at, zone):%Y%m%d %H:%M:%S} {zone}"
