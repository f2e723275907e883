"""Quotes of one chosen option: held back until the core has heard of the choice, and taken back when they stand no more."""

from collections.abc import Callable

from theo.domain.inputs import Input
from theo.domain.market_data import Tick, TickKind, TimeSource
from theo.ports.feed import FeedState, Standing

SIDES = (TickKind.BID, TickKind.ASK)
NO_QUOTE = "theo:no-quote"  # source of what says that there is none


class QuoteLine:
    """``take`` and ``heard`` are for a feed; ``post`` takes ticks of ``instrument``."""

    def __init__(self, instrument: int, post: Callable[[Input], None], now: Callable[[], int]) -> None:
        self._instrument, self._post, self._now = instrument, post, now
        self._newest: dict[int, Tick] = {}  # by side
        self._begun = False
        self._lives = True  # while nothing else is told
        self._count = 0

    def take(self, tick: Tick) -> None:
        """A quote of it."""
        if tick.kind in SIDES:
            self._newest[tick.kind] = tick
            if self._begun:
                self._post(tick)

    def heard(self, standing: Standing) -> None:
        """How its stream stands: of one that is silent, lost or refused no quote stands any more."""
        self._lives = standing.state in {FeedState.WANTED, FeedState.ASKED, FeedState.LIVE}
        if not self._lives or (standing.state is FeedState.WANTED and standing.why):
            self._none()

    @property
    def settled(self) -> bool:
        """Whether both sides are here, or none is to be had."""
        return not self._lives or all(kind in self._newest for kind in SIDES)

    def begins(self) -> None:
        """The core knows of it: hand on what is here, and what comes."""
        self._begun = True
        for tick in self._newest.values():
            self._post(tick)

    def ends(self) -> None:
        """It is not the one any more, and no other is."""
        self._none()
        self._begun = False

    def _none(self) -> None:
        stand = [kind for kind, tick in self._newest.items() if tick.price]
        self._newest.clear()
        for kind in stand if self._begun else ():
            now, self._count = self._now(), self._count + 1
            self._post(Tick(self._instrument, now, now, self._count, kind, 0, 0, 0, int(TimeSource.ARRIVAL), NO_QUOTE))
