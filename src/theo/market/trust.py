"""How far a series can be trusted, as a table, and what moves it: data, silence in open hours, gaps, back-fill, another source.

Which bars are missing is found in gaps.py; bad single ticks are flagged in quality.py.
"""

from enum import StrEnum
from types import MappingProxyType

import msgspec

from theo.domain.errors import DataError
from theo.market.sessions import Hours

NEVER = 1 << 62  # later than any time
PERIODS_AHEAD_MAX = 64  # open periods looked at for the next moment of silence: over a week of any calendar


class Trust(StrEnum):
    """What a series' data is worth now."""

    LIVE = "live"
    DELAYED = "delayed"  # the source says that it sends late
    STALE = "stale"  # nothing came, though the market is open
    GAPPED = "gapped"  # it comes, but something before is missing
    BACKFILLED = "backfilled"  # what was missing has been filled in
    FAILED_OVER = "failed_over"  # it comes from another source than the configured one


class TrustEvent(StrEnum):
    """What happened to a series."""

    DATA = "data"
    DELAYED_DATA = "delayed_data"
    SILENCE = "silence"  # no data for longer than the series' bound
    GAP = "gap"
    FILLED = "filled"  # history was asked for: all of it is here now, or nothing was missing
    SOURCE_LOST = "source_lost"  # another source took over
    SOURCE_BACK = "source_back"


TRUSTED = frozenset({Trust.LIVE, Trust.BACKFILLED})  # a signal on anything else is blocked, and says so

T, E = Trust, TrustEvent

# After silence, or from another source, nobody knows what was missed: GAPPED until history says otherwise.
LIFE: MappingProxyType[Trust, dict[TrustEvent, Trust]] = MappingProxyType(
    {
        T.LIVE: {
            E.DATA: T.LIVE,
            E.DELAYED_DATA: T.DELAYED,
            E.SILENCE: T.STALE,
            E.GAP: T.GAPPED,
            E.FILLED: T.LIVE,
            E.SOURCE_LOST: T.FAILED_OVER,
        },
        T.DELAYED: {
            E.DATA: T.LIVE,
            E.DELAYED_DATA: T.DELAYED,
            E.SILENCE: T.STALE,
            E.GAP: T.GAPPED,
            E.FILLED: T.DELAYED,
            E.SOURCE_LOST: T.FAILED_OVER,
        },
        T.STALE: {
            E.DATA: T.GAPPED,
            E.DELAYED_DATA: T.GAPPED,
            E.SILENCE: T.STALE,
            E.GAP: T.STALE,
            E.FILLED: T.STALE,
            E.SOURCE_LOST: T.FAILED_OVER,
            E.SOURCE_BACK: T.STALE,
        },
        T.GAPPED: {
            E.DATA: T.GAPPED,
            E.DELAYED_DATA: T.GAPPED,
            E.SILENCE: T.STALE,
            E.GAP: T.GAPPED,
            E.FILLED: T.BACKFILLED,
            E.SOURCE_LOST: T.FAILED_OVER,
            E.SOURCE_BACK: T.GAPPED,
        },
        T.BACKFILLED: {
            E.DATA: T.LIVE,
            E.DELAYED_DATA: T.DELAYED,
            E.SILENCE: T.STALE,
            E.GAP: T.GAPPED,
            E.FILLED: T.BACKFILLED,
            E.SOURCE_LOST: T.FAILED_OVER,
        },
        T.FAILED_OVER: {
            E.DATA: T.FAILED_OVER,
            E.DELAYED_DATA: T.FAILED_OVER,
            E.SILENCE: T.STALE,
            E.GAP: T.FAILED_OVER,
            E.FILLED: T.FAILED_OVER,
            E.SOURCE_LOST: T.FAILED_OVER,
            E.SOURCE_BACK: T.GAPPED,
        },
    }
)


def next_trust(trust: Trust, event: TrustEvent) -> Trust:
    """The trust after ``event``; raises ValueError for an illegal pair (a source comes back that was not lost)."""
    following = LIFE[trust].get(event)
    if following is None:
        raise ValueError(f"a series that is {trust} cannot meet {event}")
    return following


class SeriesTrust:
    """The trust of one series. It begins STALE: nothing has come yet.

    Silence counts in open hours only, from the latest data or the latest open. ``silence_max`` (microseconds) is the series' own
    bound: how long it may be quiet while its market is open.
    """

    __slots__ = ("_last_at", "hours", "next_due", "silence_max", "trust")

    def __init__(self, hours: Hours, silence_max: int) -> None:
        if silence_max <= 0:
            raise DataError(f"the longest silence of a series is {silence_max}", remedy="Give a positive time")
        self.hours, self.silence_max = hours, silence_max
        self.trust = Trust.STALE
        self._last_at = -NEVER
        self.next_due = NEVER

    def on_data(self, at: int, *, delayed: bool = False) -> bool:
        """Data came at core time ``at``; whether the trust changed. The very first data makes the series LIVE or DELAYED."""
        first = self._last_at == -NEVER
        self._last_at = at
        due = at + self.silence_max
        inside = self.hours.is_open(at) and due <= self.hours.next_boundary(at)
        self.next_due = due if inside else self._silent_at(at)
        if first:
            self.trust = Trust.DELAYED if delayed else Trust.LIVE
            return True
        return self.on_event(TrustEvent.DELAYED_DATA if delayed else TrustEvent.DATA)

    def on_time(self, at: int) -> bool:
        """The clock shows ``at``; whether the trust changed."""
        if at < self.next_due:
            return False
        self.next_due = NEVER
        return self.on_event(TrustEvent.SILENCE)

    def on_event(self, event: TrustEvent) -> bool:
        """Something else happened; whether the trust changed."""
        before, self.trust = self.trust, next_trust(self.trust, event)
        return self.trust is not before

    def state(self) -> object:
        """Plain values that ``restore`` takes back."""
        return [self.trust.value, self._last_at, self.next_due]

    def restore(self, state: object) -> None:
        """Go on where ``state`` was taken."""
        trust, self._last_at, self.next_due = msgspec.convert(state, tuple[Trust, int, int])
        self.trust = trust

    def _silent_at(self, at: int) -> int:
        """When silence that began at ``at`` is too long; each open counts anew."""
        start = at if self.hours.is_open(at) else self.hours.next_open(at)
        for _ in range(PERIODS_AHEAD_MAX):
            if start + self.silence_max <= self.hours.next_close(start):
                return start + self.silence_max
            start = self.hours.next_open(start)
        return NEVER
