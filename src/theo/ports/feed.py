"""Market data, seen from the core: who wants which instrument, where its ticks come from, and how well they come.

A broker's streams, a data vendor's and a recorded session are adapters of the same port. What the ticks mean is in
domain/market_data.py; whether a series made of them may be traded on is judged in market/trust.py.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from enum import StrEnum
from typing import Protocol

import msgspec

from theo.domain.instrument import Instrument
from theo.domain.market_data import Bar, Tick, Timeframe
from theo.market.sessions import Hours, Span

Take = Callable[[Tick], None]


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """An instrument that is to be listened to. ``hours`` are all of its hours: silence in them means something.

    ``quotes``: best bid and offer too. ``since`` (microseconds UTC): from when on its ticks are wanted, as far as history has
    them; 0 is from now on. ``contract``: the month of a future; "" is the one that trades.
    """

    instrument: Instrument
    hours: Hours
    quotes: bool = False
    since: int = 0
    contract: str = ""


class FeedState(StrEnum):
    """How a subscription stands."""

    WANTED = "wanted"  # not asked for yet: no link, or the budget makes it wait
    ASKED = "asked"  # nothing has come yet
    LIVE = "live"
    DELAYED = "delayed"  # the source says that it sends late
    SILENT = "silent"  # open hours, and nothing came for longer than its bound: asked for anew
    DEAD = "dead"  # still nothing, though its market trades: a person was told
    POLLED = "polled"  # no stream is to be had: prices are asked for one by one, and what is traded between them is missing
    REFUSED = "refused"  # ``why`` and ``remedy`` say more; asked for again now and then


class HoleEnd(StrEnum):
    """What became of a hole."""

    FILLED = "filled"  # before anything later was handed on: ticks are whole and in the order of time
    FILLED_LATE = "filled late"  # wholly, but later ticks had been handed on: its bars were made without it
    KEPT = "kept"  # history does not fill it


class Hole(msgspec.Struct, frozen=True):
    """A time without ticks that is over: from ``since`` to ``until`` (microseconds UTC, excluded)."""

    since: int
    until: int
    end: HoleEnd


class Latency(msgspec.Struct, frozen=True):
    """From the exchange's time to ours, in microseconds: of the newest ``count`` ticks the middle, and what few exceed."""

    p50: int
    p95: int
    p99: int
    count: int


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """One subscription. Times in microseconds UTC (0: never), durations in microseconds.

    ``bound`` is how long it may be silent in open hours. ``latency`` is that of the source, the difference of the two clocks
    taken out; None where it names no time. ``filled`` counts ticks that history gave for holes, ``resumed``
    how often it was asked for anew. ``hole_since`` is from when on ticks are missing that may yet come, 0 without a hole;
    ``hole`` is the last one that ended.
    """

    symbol: str
    source: str
    state: FeedState
    why: str = ""
    remedy: str = ""
    heard_at: int = 0
    bound: int = 0
    latency: Latency | None = None
    posted: int = 0
    filled: int = 0
    resumed: int = 0
    hole_since: int = 0
    instrument: int = 0
    hole: Hole | None = None
    contract: str = ""


Heard = Callable[[Standing], None]


def unheard(_standing: Standing) -> None:
    """Nobody asked to be told."""


class Feed(Protocol):
    """Ticks of a set of instruments, handed to ``take`` in the order in which the core is to see them.

    Of one source no whole second is handed over twice, whatever was interrupted in between. Trouble of a subscription is told
    and seen in ``standings``; it is never raised.
    """

    def subscribe(self, wishes: Sequence[Wish], take: Take, heard: Heard = unheard) -> None:
        """Listen to these from now on, the most important first: where a source has few places, they get them.

        ``heard`` is told at each change of a subscription's state or hole, in its place among the ticks: of a hole as soon as it
        is known (which may be later than it began) and before any later tick; of its end just before the ticks that fill it,
        which come in one go.
        """

    def drop(self, instrument: int, contract: str) -> None:
        """Listen to this month of an instrument no longer: nothing of it is handed on from now on."""

    async def run(self) -> None:
        """Keep what is subscribed alive until cancelled."""

    def standings(self) -> tuple[Standing, ...]:
        """How each subscription stands, in the order of the wishes."""


class Progress(msgspec.Struct, frozen=True):
    """How far a question for history is: all before ``until`` (microseconds UTC) is there, of what ends at ``end``."""

    until: int
    end: int
    bars: int


class BarHistory(Protocol):
    """Past bars of a source, for warm-up and import."""

    def bars(
        self, instrument: Instrument, timeframe: Timeframe, hours: Hours, span: Span, tell: Callable[[Progress], None]
    ) -> AsyncIterator[Sequence[Bar]]:
        """Closed bars with ``span[0]`` <= start < ``span[1]``, oldest first, piece by piece.

        Whoever was interrupted goes on from the end of the last piece. Raises RefusedError for what the source does not give.
        """

    async def earliest(self, instrument: Instrument) -> int:
        """When the source's history of an instrument begins, microseconds UTC."""
