"""Wall-clock time of one zone by arithmetic: local times, and the account day that ends at 17:00 New York time.

The offsets are a value built once (adapters/calendars), so that nothing here reads zone data.
"""

from bisect import bisect_right

import msgspec

from theo.domain.errors import DataError
from theo.domain.market_data import DAY, HOUR

ACCOUNT_ZONE = "America/New_York"
ACCOUNT_DAY_END = 17 * HOUR  # wall-clock, America/New_York: when futures' trade date and IB's statements turn


class ZoneOffsets(msgspec.Struct, frozen=True):
    """Offsets from UTC: from ``since[i]`` (microseconds UTC) on, local time is UTC + ``offsets[i]``; known to ``until``."""

    zone: str
    since: tuple[int, ...]
    offsets: tuple[int, ...]
    until: int


class WallClock:
    """Local time of a zone. Every lookup outside the known range raises DataError."""

    __slots__ = ("_account_day", "_account_from", "_from", "_offset", "_until", "zone")

    def __init__(self, zone: ZoneOffsets) -> None:
        self.zone = zone
        self._from = self._until = self._offset = 0
        self._account_from, self._account_day = 0, (0, 0)  # the answer of last time, and since when it holds

    def local(self, at: int) -> int:
        """Local wall-clock time as microseconds since local 1970-01-01 00:00."""
        if not self._from <= at < self._until:
            self._seek(at)
        return at + self._offset

    def _seek(self, at: int) -> None:
        since = self.zone.since
        if not since[0] <= at < self.zone.until:
            raise DataError(
                f"time {at} lies outside the known offsets of {self.zone.zone} ({since[0]} to {self.zone.until})",
                remedy="Build the offsets for a longer range",
            )
        i = bisect_right(since, at) - 1
        self._from, self._offset = since[i], self.zone.offsets[i]
        self._until = since[i + 1] if i + 1 < len(since) else self.zone.until

    def day(self, at: int) -> int:
        """The local calendar day, in days since 1970-01-01."""
        return self.local(at) // DAY

    def time_of_day(self, at: int) -> int:
        """Microseconds since local midnight."""
        return self.local(at) % DAY

    def utc(self, day: int, time_of_day: int) -> int:
        """The instant of a local day and time.

        A time that a clock change skips is taken with the offset before the change; one that happens twice is its first
        occurrence (as zoneinfo's fold 0).
        """
        local = day * DAY + time_of_day
        before = self._offset_at(local - DAY)  # offsets are below a day
        after = self._offset_at(local + DAY)
        if before == after:
            return local - before
        change = self.zone.since[bisect_right(self.zone.since, local + DAY) - 1]
        return local - before if local - before < change or local - after < change else local - after

    def _offset_at(self, at: int) -> int:
        return self.local(at) - at

    def next_at(self, at: int, time_of_day: int) -> int:
        """The first instant after ``at`` at which the local clock shows ``time_of_day``."""
        day = self.day(at)
        instant = self.utc(day, time_of_day)
        return instant if instant > at else self.utc(day + 1, time_of_day)

    def account_day(self, at: int) -> tuple[int, int]:
        """The account day of a time and its end in microseconds UTC; the end itself belongs to the next day.

        The day is named by the local date on which it ends, in days since 1970-01-01.
        """
        if not self._account_from <= at < self._account_day[1]:
            local = self.local(at)
            day = local // DAY + (local % DAY >= ACCOUNT_DAY_END)
            self._account_from, self._account_day = at, (day, self.utc(day, ACCOUNT_DAY_END))
        return self._account_day
