"""Ticks and bars as they flow through the platform.

Times are int64 microseconds since the UTC epoch; prices are int64 in the instrument's price unit.
"""

from enum import IntEnum, IntFlag, StrEnum

import msgspec

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


class TickKind(IntEnum):
    """What a tick says. Bars are built from trades; of an index from index values."""

    TRADE = 0
    BID = 1
    ASK = 2
    INDEX = 3
    SETTLEMENT = 4


PRICES = frozenset({int(TickKind.TRADE), int(TickKind.INDEX)})  # kinds at which something was traded, or is worth


class TickFlag(IntFlag):
    """Why a tick is not to be used as it is. A tick with any flag of UNUSABLE is stored and left out of bars."""

    NONE = 0
    OUTLIER = 1
    LATE = 2
    STALE = 4
    CROSSED = 8
    HALTED = 16
    NOT_LAST = 32  # a sale condition: does not update last (nor open and close)
    NOT_HIGH_LOW = 64  # a sale condition: does not update high and low
    NOT_VOLUME = 128  # a sale condition: does not count as volume


UNUSABLE = TickFlag.OUTLIER | TickFlag.LATE | TickFlag.STALE | TickFlag.CROSSED | TickFlag.HALTED


class TimeSource(IntEnum):
    """Whose clock stamped a tick (IB's sampled stream carries no exchange time)."""

    EXCHANGE = 0
    ARRIVAL = 1


class SessionScope(StrEnum):
    """Which hours a bar series covers."""

    RTH = "RTH"
    ALL = "ALL"


class Tick(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="tick"):
    """One tick. ``seq`` counts arrivals per (instrument, timestamp, source); ``volume`` is the size of this trade."""

    instrument: int
    at: int  # when the platform received it: core time
    timestamp: int  # when it happened
    seq: int
    kind: int
    price: int
    volume: int
    flags: int = 0
    time_source: int = 0
    source: str = ""


class Bar(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="bar"):
    """One closed bar: ticks with start <= timestamp < end. ``timeframe`` is the name of its Timeframe.

    ``at`` is when the platform knew it (its end, or later). ``session_date`` (days since the epoch) is set on daily bars.
    ``revision`` counts corrections by late ticks; ``source`` names the series ("ticks", "import:FILE", "ib:history", ...).
    """

    instrument: int
    at: int
    timeframe: str
    start: int
    end: int
    open: int
    high: int
    low: int
    close: int
    volume: int
    source: str = ""
    session_date: int = 0
    revision: int = 0
    contract: str = ""  # the futures contract behind a continuous series; "" where there is none

    def moved(self, difference: int) -> "Bar":
        """The bar with its prices higher by ``difference`` price units."""
        prices = (self.open + difference, self.high + difference, self.low + difference, self.close + difference)
        return Bar(
            self.instrument,
            self.at,
            self.timeframe,
            self.start,
            self.end,
            *prices,
            self.volume,
            self.source,
            self.session_date,
            self.revision,
            self.contract,
        )


class DataMark(StrEnum):
    """How an instrument's data stands from a moment on, as its feed says."""

    WHOLE = "whole"  # it comes as it happens; what was missing before has been handed on
    INTERRUPTED = "interrupted"  # something may be missing, until history has told what
    LOST = "lost"  # it comes again, and what was missing stays missing
    DELAYED = "delayed"  # it comes, as late as its source sends it


class DataMarked(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="marked"):
    """The data of an instrument stand differently from ``at`` on.

    ``since`` is from when on something is missing, or late: microseconds UTC, 0 where nobody knows. ``why`` is for people.
    """

    instrument: int
    at: int
    mark: DataMark
    since: int = 0
    why: str = ""


class ContractRolled(msgspec.Struct, frozen=True, array_like=True, kw_only=True, tag="contract_rolled"):
    """An instrument goes on with another contract from ``at`` on: a roll, the first one named, or an option that was chosen.

    ``difference``: price of ``contract`` less that of ``previous`` at one instant, price units; 0 when ``previous`` is "", the
    contract that was the front before any was named. ``carry``: open trades go on in the new contract, else they are closed.
    ``spread``: by one order of two legs; the simulated exchange fills both at the prices of that instant. ``measured_at``: that
    instant; ``source``: whose bars said it. Both are known of live rolls alone. Of a chosen option
    ``why`` explains it; prices of two have no difference, and nothing is carried over.
    """

    at: int
    instrument: int
    previous: str
    contract: str
    difference: int
    carry: bool = True
    spread: bool = False
    measured_at: int = 0
    source: str = ""
    why: str = ""


MarketData = Tick | Bar | DataMarked | ContractRolled  # what a stream of market data holds, as a process took it


class Timeframe(msgspec.Struct, frozen=True):
    """A bar length. ``length`` is in microseconds and divides a day; 0 means one bar per session ("1d")."""

    name: str
    length: int

    @property
    def intraday(self) -> bool:
        """Whether bars follow the clock rather than the session."""
        return self.length > 0
