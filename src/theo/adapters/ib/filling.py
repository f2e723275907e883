"""The holes of one subscription, filled from history: in the order of time where history answers soon, else afterwards."""

from theo.adapters.ib.history import History, Past
from theo.adapters.ib.requests import NoAnswerError, RequestRefusedError
from theo.adapters.ib.rounds import NEVER, Rounds
from theo.adapters.ib.subscription import Subscription
from theo.adapters.ib.tick_line import Seconds
from theo.domain.market_data import SECOND
from theo.ports.feed import FeedState

HISTORY_LAG = 2 * SECOND  # a second is asked for so long after its end
MEND_TRIES_MAX = 5
COMING = frozenset({FeedState.LIVE, FeedState.DELAYED})
MEND_EVERY = 60 * SECOND  # late prints are gathered before history is asked for them


class Filling:
    """Asks history for what the line lacks."""

    def __init__(self, sub: Subscription, history: History) -> None:
        self._sub, self._link, self._line, self._history = sub, sub.link, sub.line, history
        self.rounds = Rounds(sub.link.clock, self.tend)
        self._mend_at = self._mend_tries = 0

    async def tend(self) -> int:
        """Fill what is due."""
        due, now = self._due(), self._link.clock.now()
        if not self._sub.connected:
            return NEVER
        if due > now:
            return due
        await self._fill()
        return now

    def _due(self) -> int:
        """When history is to be asked for a hole, or for what came late."""
        hole, dirty = self._line.hole(), self._line.dirty()
        if hole is not None:
            ends = hole.last
        elif dirty is not None:
            ends = dirty.last
        else:
            return NEVER
        return max((ends + 1) * SECOND + HISTORY_LAG - self._link.clock_offset, 0 if hole is not None else self._mend_at)

    async def _fill(self) -> None:
        """Ask; without an answer live ticks go on, and it is asked for again."""
        hole = self._line.hole()
        wanted = hole or self._line.dirty()
        assert wanted is not None, "asked to fill without a hole"
        self._mend_at = self._link.clock.now() + MEND_EVERY
        try:
            past = await self._past(wanted) if wanted.first <= wanted.last else None
        except (RequestRefusedError, NoAnswerError) as error:
            if self._sub.connected:
                self._not_filled(wanted, str(error))
            return
        self._mend_tries = 0
        prints, now = () if past is None else past.prints, self._link.clock.now()
        if hole is not None and self._line.hole() == hole:
            missed = self._line.fill(prints, now)
        else:  # released meanwhile, or interrupted again: what was asked for is known all the same
            missed = self._line.mend(wanted, prints, now)
        if missed:
            self._sub.tell("info", "backfill", f"has {missed} ticks of a hole of {_length(wanted)} from history")

    async def _past(self, wanted: Seconds) -> Past:
        return await self._history.prints(self._sub.instrument, wanted, self._line.known_minutes())

    def _not_filled(self, wanted: Seconds, why: str) -> None:
        self._line.release()
        if self._mend_tries and self._sub.state not in COMING:
            return  # whatever keeps the stream away may keep history away: no try counts
        self._mend_tries += 1
        if self._mend_tries == 1:
            self._sub.tell("warning", "backfill_late", f"has a hole of {_length(wanted)} that history does not fill now: {why}")
        elif self._mend_tries == MEND_TRIES_MAX:
            self._mend_tries = 0
            self._line.give_up()
            self._sub.tell("warning", "backfill_failed", f"keeps a hole of {_length(wanted)}: {why}")


def _length(wanted: Seconds) -> str:
    return f"{wanted.last - wanted.first + 1} s"
