"""What the feed says of its subscriptions, as marks in the market data: since when something is missing, late or whole again.

A mark has its place among the ticks: an interruption is marked before whatever comes next, its end after the ticks that filled
the hole, so that no bar of the past counts as one of now.
"""

from collections.abc import Callable, Mapping

from theo.domain.inputs import Input
from theo.domain.market_data import DataMark, DataMarked
from theo.ports.feed import FeedState, HoleEnd, Standing

COMES = {FeedState.LIVE: DataMark.WHOLE, FeedState.DELAYED: DataMark.DELAYED}
NOT_LISTENED = "nobody has listened yet"
Said = tuple[DataMark, int, str]


class Marking:
    """``begin`` before anything else; ``heard`` is what a feed tells. ``post`` takes the marks.

    ``soon`` calls something once the present call is over, and with it the ticks that fill a hole.
    """

    def __init__(
        self, post: Callable[[Input], None], now: Callable[[], int], soon: Callable[[Callable[[], None]], object]
    ) -> None:
        self._post, self._now, self._soon = post, now, soon
        self._standings: dict[int, Standing] = {}
        self._said: dict[int, Said] = {}
        self._lost: dict[int, str] = {}  # instruments of which something stays missing that was not marked yet, and why

    def begin(self, last_heard: Mapping[int, int], at: int) -> None:
        """Nothing is known of these instruments after their last ticks (microseconds UTC, 0: there is none)."""
        for instrument, since in last_heard.items():
            self._mark(instrument, (DataMark.INTERRUPTED, since, NOT_LISTENED), at)

    def heard(self, standing: Standing) -> None:
        """A subscription stands otherwise than it did."""
        instrument, before = standing.instrument, self._standings.get(standing.instrument)
        self._standings[instrument] = standing
        hole = standing.hole
        if hole is not None and hole.end is HoleEnd.KEPT and (before is None or hole != before.hole):
            self._lost[instrument] = "history does not fill it"
        if standing.hole_since or standing.state not in COMES:
            said = DataMark.INTERRUPTED, standing.hole_since or standing.heard_at, self._cause(standing)
            self._mark(instrument, said, self._now())
        else:
            self._soon(lambda: self._comes(instrument))

    def _cause(self, standing: Standing) -> str:
        """Why something is missing. What broke it stays the cause while it is asked for anew: a retry is none."""
        if standing.why or standing.state in COMES:
            return standing.why or "history is being asked"
        mark, _, why = self._said.get(standing.instrument, (DataMark.WHOLE, 0, ""))
        return why if mark is DataMark.INTERRUPTED and why != NOT_LISTENED else f"the stream is {standing.state}"

    def _comes(self, instrument: int) -> None:
        """Unless it has broken again meanwhile."""
        standing = self._standings[instrument]
        if standing.hole_since or standing.state not in COMES:
            return
        mark, since, why = COMES[standing.state], 0, standing.why
        if instrument in self._lost:
            _, since, _ = self._said.get(instrument, (mark, 0, ""))
            self._mark(instrument, (DataMark.LOST, since, self._lost.pop(instrument)), self._now())
            if mark is DataMark.WHOLE:
                return
        if mark is DataMark.DELAYED:
            why = why or f"{standing.source} sends late"
        self._mark(instrument, (mark, since, why), self._now())

    def _mark(self, instrument: int, said: Said, at: int) -> None:
        """What has been said is not said again."""
        if self._said.get(instrument) != said:
            self._said[instrument] = said
            mark, since, why = said
            self._post(DataMarked(instrument, at, mark, since, why))
