"""How one subscription stands, and who is told. Shared by the rooms that keep it: asking, watching, filling, polling.

Each room has a task of its own, so that none ever waits for what another waits for.
"""

from collections.abc import Callable

from theo.adapters.ib.link import Link
from theo.adapters.ib.liveness import Rhythm
from theo.adapters.ib.tick_line import TickLine
from theo.domain.market_data import MINUTE, SECOND, Tick, TickKind
from theo.market.quality import TickQuality
from theo.ports.feed import FeedState, Heard, Hole, Standing, Take, Wish, unheard

RETRY_FIRST, RETRY_MOST = 30 * SECOND, 5 * MINUTE
FLOWING = frozenset({FeedState.LIVE, FeedState.DELAYED})


class Subscription:
    """``asked``: something is asked for and was not refused or taken back. ``silences``: in a row, 1 is SILENT, more are DEAD.

    ``shown`` says what else belongs to its standing; ``rounds`` are woken by each change.
    """

    def __init__(self, wish: Wish, link: Link, take: Take, heard: Heard) -> None:
        instrument = wish.instrument
        self.wish, self.instrument, self.link = wish, instrument, link
        self.holder = (instrument.id, wish.contract)  # of a market data line
        self._take, self._heard = take, heard
        self._quality = TickQuality(wish.hours, instrument.tick)
        kind = TickKind.TRADE if instrument.tradable else TickKind.INDEX
        self.line = TickLine(instrument.id, int(kind), self._quality, take, wish.since)
        self.line.told = self.say
        self.kind = int(kind)
        self.rhythm = Rhythm(wish.hours)
        self.state, self.why, self.remedy = FeedState.WANTED, "", ""
        self.connected = self.asked = self.polled = False
        self.asked_at = self.resumed = self.silences = 0
        self.shown: Callable[[Standing], Standing] = _as_it_is
        self.rounds: list[Callable[[], None]] = []
        self._said: tuple[FeedState, int, Hole | None] = (FeedState.WANTED, 0, None)

    def become(self, state: FeedState, why: str = "", remedy: str = "") -> None:
        """It stands otherwise."""
        self.state, self.why, self.remedy = state, why, remedy
        self.changed()

    def changed(self) -> None:
        """Say so, and let each room look at it."""
        self.say()
        for wake in self.rounds:
            wake()

    def say(self) -> None:
        """Tell who listens, when it stands otherwise than it did."""
        found = self.standing()
        said = found.state, found.hole_since, found.hole
        if said != self._said:
            self._said = said
            self._heard(found)

    def forget(self) -> None:
        """Nobody listens any more."""
        self._heard = unheard

    def tell(self, severity: str, code: str, text: str) -> None:
        """Tell a person."""
        name = self.wish.contract or self.instrument.symbol
        self.link.notifier.tell(self.link.clock.now(), severity, code, f"{name} {text}")

    def hand_over(self, tick: Tick) -> None:
        """A tick that is not one of the stream's trades."""
        self._take(self._quality.on_tick(tick))

    def standing(self) -> Standing:
        """How it stands."""
        state, why = self.state, self.why
        if self.polled:
            state = FeedState.POLLED
        elif not self.connected and state is not FeedState.REFUSED:
            state, why = FeedState.WANTED, "the link is down"
        return self.shown(
            Standing(
                symbol=self.instrument.symbol,
                instrument=self.instrument.id,
                source="",
                state=state,
                why=why,
                remedy=self.remedy,
                heard_at=self.rhythm.heard_at,
                bound=self.rhythm.bound,
                posted=self.line.posted,
                filled=self.line.filled,
                resumed=self.resumed,
                hole_since=self.line.hole_since,
                hole=self.line.ended,
                contract=self.wish.contract,
            )
        )


class Pauses:
    """Between tries that fail: twice as long each time."""

    __slots__ = ("_next",)

    def __init__(self) -> None:
        self._next = RETRY_FIRST

    def next(self) -> int:
        """The pause before the next try, microseconds."""
        pause, self._next = self._next, min(2 * self._next, RETRY_MOST)
        return pause

    def forget(self) -> None:
        """It worked."""
        self._next = RETRY_FIRST


def _as_it_is(standing: Standing) -> Standing:
    return standing
