"""How far a series can be trusted, as a table, and what moves it: data, silence in open hours, gaps, back-fill, another source.

Which bars are missing is found in gaps.py; bad single ticks are flagged in quality.py. That a signal on an untrusted series is
refused is a rule of risk (theo.risk.rules.data_trust).
"""

from collections.abc import Callable, Sequence
from enum import StrEnum
from itertools import pairwise
from types import MappingProxyType

import msgspec

from theo.domain.errors import ConfigError
from theo.domain.market_data import DAY, Bar, DataMark, DataMarked
from theo.market.gaps import gaps_between
from theo.market.sessions import Hours


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


HISTORY = ":history"  # how the source of bars ends that a live series' own source gives for the time before it was listened to
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


class TrustBounds(msgspec.Struct, frozen=True, kw_only=True):
    """When a hole in a series matters, and for how long.

    ``whole_bars_min`` bars in a row heal a hole that history has not filled: no window of that many bars holds it any more (50 is
    the correlation's window). ``history_gaps_block``: whether a hole in imported bars counts as one. By default it does not: the
    file is the history, and an interval without a trade has no bar. Raises ConfigError for less than one bar.
    """

    whole_bars_min: int = 50
    history_gaps_block: bool = False

    def __post_init__(self) -> None:
        if self.whole_bars_min < 1:
            raise ConfigError(f"whole_bars_min is {self.whole_bars_min}", remedy="Use 1 or more bars")


class Standing(msgspec.Struct, frozen=True):
    """The trust of a series at a moment. ``since`` (microseconds UTC): from when on data is missing, or comes from elsewhere.

    0 while it is trusted, and before the first bar. ``missing`` counts the bars of the hole; ``why`` is what its feed said.
    """

    trust: Trust
    since: int = 0
    missing: int = 0
    why: str = ""


class SeriesTrust:
    """The trust of one bar series in ``hours``: the hours that it shares with the series that are decided on with it.

    A fold of its bars that costs nothing while each begins where the one before ended: such bars are told only where they stand
    apart. The rest is read from the newest bar when somebody asks (``standing``), so that asking changes nothing. ``last_due``
    gives the last bar end that is due at a time; ``late_max`` (microseconds) is how long a due bar may take to come.
    ``whole`` series have no other source that could fill a hole: they are history themselves. ``source`` is where the bars
    should come from, "" for where the first one came from; history of the same source (HISTORY) is as good.

    Beside its bars it is told of what the feed says (``on_mark``): while data is interrupted nothing that closes is trusted. What
    history has then handed on has been put into its bars; where it could not be, the hole counts as one that nobody filled.
    """

    __slots__ = (
        "_bounds",
        "_broken",
        "_delayed",
        "_filled",
        "_hours",
        "_last_due",
        "_late_max",
        "_length",
        "_missing",
        "_resumed",
        "_since",
        "_source",
        "_trust",
        "_unmended",
        "_whole",
        "_why",
    )

    def __init__(
        self,
        hours: Hours,
        length: int,
        last_due: Callable[[int], int],
        *,
        late_max: int,
        whole: bool,
        source: str = "",
        bounds: TrustBounds | None = None,
    ) -> None:
        self._hours, self._length, self._last_due, self._late_max = hours, length, last_due, late_max
        self._bounds = bounds or TrustBounds()
        self._whole = whole and not self._bounds.history_gaps_block
        self._trust = Trust.STALE
        self._source = source
        self._since = self._resumed = self._missing = 0
        self._broken = self._delayed = 0  # since when data is interrupted, or comes late
        self._filled = (0, 0)  # the newest hole of which all is here: from when until when
        self._unmended = False  # something of the hole could not be put into its bars
        self._why = ""

    def on_bar_apart(self, before: int, bar: Bar) -> None:
        """A bar that does not begin at ``before``, the end of the bar before it; 0: it is the first."""
        if not before:
            self._trust = Trust.GAPPED if bar.start < self._resumed else Trust.LIVE
            self._source = self._source or bar.source
            return
        hours = self._hours
        resumes = before if hours.is_open(before) else hours.next_open(before)
        if bar.start <= resumes:
            return  # closed hours lie between, or it overlaps the one before
        gaps = tuple(gaps_between(hours, self._length, before, bar.start))
        if not gaps:
            return
        self._trust = next_trust(self._trust, TrustEvent.GAP)
        self._since, self._resumed, self._missing = gaps[0].start, bar.start, sum(gap.bars for gap in gaps)
        if self._whole or self._is_filled():
            self._trust = next_trust(self._trust, TrustEvent.FILLED)

    def on_replaced(self, bars: Sequence[Bar]) -> None:
        """Bars came again, or between others: these are the newest now. A gap among them may be gone."""
        if not self._missing or not bars or self._since < bars[0].start:
            return
        self._trust, self._since, self._missing = Trust.LIVE, 0, 0
        for before, bar in pairwise(bars):
            if bar.start != before.end:
                self.on_bar_apart(before.end, bar)

    def on_unmended(self) -> None:
        """What came late could not be put where it belongs."""
        self._unmended = self._unmended or bool(self._broken)

    def on_mark(self, marked: DataMarked, *, lost: bool = False) -> None:
        """The feed says how the instrument's data stands; ``lost``: something of the hole came too late for its bars."""
        mark, since = marked.mark, marked.since or marked.at
        if mark is DataMark.WHOLE and not (self._broken or self._delayed):
            return
        self._delayed = since if mark is DataMark.DELAYED else 0
        if mark is DataMark.INTERRUPTED:
            self._broken, self._why = min(since, self._broken or since), marked.why
            return
        if mark is DataMark.LOST or lost or self._unmended:
            self._trust = next_trust(self._trust, TrustEvent.GAP)
            self._since, self._resumed, self._missing = self._broken or since, marked.at, 0
        elif self._broken:
            self._fill(marked.at)
        self._broken, self._unmended, self._why = 0, False, marked.why

    def _fill(self, at: int) -> None:
        """All that was missing is here: what has no bar had no trade."""
        self._filled = self._broken, at
        if self._trust is Trust.GAPPED and self._missing and self._is_filled():
            self._trust = next_trust(self._trust, TrustEvent.FILLED)
        elif self._trust is Trust.LIVE:
            self._trust = Trust.BACKFILLED
            self._since, self._resumed, self._missing = self._broken, at, 0

    def _is_filled(self) -> bool:
        """Whether the gap lies within the hole that has been filled."""
        begins, ends = self._filled
        return begins < self._since + self._length and self._resumed - self._length < ends

    def standing(self, newest: Bar | None, at: int) -> Standing:
        """The trust at core time ``at``, with the series' newest bar. Raises DataError outside the session table."""
        if self._delayed:
            return Standing(Trust.DELAYED, self._delayed, 0, self._why)
        if newest is None:
            return Standing(Trust.STALE, self._broken, 0, self._why)
        trust, since = self._trust, self._since
        if trust is Trust.GAPPED and self._is_behind(newest.end):
            trust = next_trust(trust, TrustEvent.FILLED)
        if trust is Trust.BACKFILLED and newest.start > self._resumed:
            trust = next_trust(trust, TrustEvent.DATA)
        if newest.source != self._source and not newest.source.endswith(HISTORY):
            trust, since = next_trust(trust, TrustEvent.SOURCE_LOST), newest.start
        if self._broken:
            trust, since = next_trust(trust, TrustEvent.GAP), self._broken
        by = at - self._late_max
        if newest.end < by and newest.end < self._last_due(by):
            trust, since = next_trust(trust, TrustEvent.SILENCE), self._broken or newest.end
        if trust is Trust.LIVE:
            return Standing(trust)
        missing = self._missing if since == self._since else 0
        told = self._broken or (trust is Trust.GAPPED and not missing)
        return Standing(trust, since, missing, self._why if told else "")

    def _is_behind(self, end: int) -> bool:
        """Whether enough bars lie between the hole and ``end``: all of them are there, or the hole would be a later one."""
        hours, count = self._hours, 0
        days = max(self._resumed // DAY - 1, hours.table.first_date), min(end // DAY + 1, hours.table.last_date)
        for session in hours.sessions_between(*days):
            count += sum(1 for start, closes in hours.bars_of(session, self._length) if self._resumed <= start and closes <= end)
            if count >= self._bounds.whole_bars_min:
                return True
        return False

    def state(self) -> object:
        """Plain values that ``restore`` takes back."""
        gap = [self._trust.value, self._source, self._since, self._resumed, self._missing]
        return [*gap, self._broken, self._delayed, list(self._filled), self._unmended, self._why]

    def restore(self, state: object) -> None:
        """Go on where ``state`` was taken."""
        kept = msgspec.convert(state, tuple[Trust, str, int, int, int, int, int, tuple[int, int], bool, str])
        self._trust, self._source, self._since, self._resumed, self._missing = kept[:5]
        self._broken, self._delayed, self._filled, self._unmended, self._why = kept[5:]
