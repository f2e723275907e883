"""Whether a subscription still lives: silence in open hours beyond its bound is asked about, then told."""

from theo.adapters.ib.asking import Asking
from theo.adapters.ib.history import History
from theo.adapters.ib.requests import NoAnswerError, RequestRefusedError
from theo.adapters.ib.rounds import NEVER, Rounds
from theo.adapters.ib.streams import lives_by_quotes
from theo.adapters.ib.subscription import Pauses, Subscription
from theo.domain.market_data import MINUTE, SECOND
from theo.ports.feed import FeedState

QUOTE_AGAIN = 20 * SECOND  # an option's quote that has not changed for so long is asked for anew
SILENT_AFTER = 3  # such questions without a quote in a row
EVIDENCE = 30 * MINUTE  # how far back it is looked for whether a silent market trades


class Watching:
    """Watches what is asked for. ``asking`` is told to ask anew."""

    def __init__(self, sub: Subscription, asking: Asking, history: History) -> None:
        self._sub, self._asking, self._history = sub, asking, history
        self._link = sub.link
        self.rounds = Rounds(sub.link.clock, self.tend)
        self._again_at = 0  # a dead subscription is asked for anew more and more slowly
        self._pauses = Pauses()

    def lives(self) -> None:
        """Ticks come."""
        self._sub.silences = 0
        self._pauses.forget()

    async def tend(self) -> int:
        """Look whether it is silent."""
        sub, now = self._sub, self._link.clock.now()
        if not sub.connected or not sub.asked:
            return NEVER
        if lives_by_quotes(sub.instrument):
            return self._quoted_again(now)
        due = sub.rhythm.due(sub.asked_at, now)
        if sub.state is FeedState.DEAD:
            due = max(due, self._again_at)
        if due > now:
            return due
        await self._silent()
        return now

    def _quoted_again(self, now: int) -> int:
        """A quote that does not change is not told again: it is asked for anew, so that what is old is known to be so."""
        sub = self._sub
        hours = sub.wish.hours
        if not hours.is_open(now):
            return hours.next_open(now)
        due = max(sub.asked_at, sub.rhythm.heard_at, hours.span_at(now)[0]) + QUOTE_AGAIN
        if due > now:
            return due
        sub.silences += 1
        if sub.silences == SILENT_AFTER:
            sub.tell("warning", "feed_silent", f"has no quotes for {sub.silences * QUOTE_AGAIN // SECOND} s in open hours")
            sub.become(FeedState.SILENT, "it has no quotes")
        sub.resumed += 1
        sub.asked = False
        self._asking.want()
        return NEVER

    async def _silent(self) -> None:
        """Ask for it anew; when that did not help, look in history whether the market trades at all."""
        sub, bound = self._sub, self._sub.rhythm.bound // SECOND
        if sub.silences:
            asked_at, heard_at = sub.asked_at, sub.rhythm.heard_at
            trades = await self._trades()
            if not sub.connected or not sub.asked or (asked_at, heard_at) != (sub.asked_at, sub.rhythm.heard_at):
                return  # something has come, or it is asked for anew already
            if not trades:
                sub.rhythm.relax()
                sub.asked_at = self._link.clock.now()
                return
        sub.line.interrupted()
        sub.silences += 1
        if sub.silences == 1:
            sub.tell("warning", "feed_silent", f"is silent for {bound} s in open hours: it is asked for anew")
        elif sub.silences == 2:  # noqa: PLR2004 - the second in a row
            sub.tell("page", "feed_dead", f"is dead: nothing came for {bound} s after it was asked for anew, and it trades")
        if sub.silences > 1:
            self._again_at = self._link.clock.now() + self._pauses.next()
        self._asking.take_prices()
        sub.resumed += 1
        sub.asked = False
        sub.become(FeedState.SILENT if sub.silences == 1 else FeedState.DEAD, "it was silent")
        self._asking.want()

    async def _trades(self) -> bool:
        """Whether history knows of trades since the last print; True when it does not answer."""
        sub, now = self._sub, self._link.clock.now()
        since = max(sub.rhythm.heard_at or sub.asked_at, now - EVIDENCE)
        first, last = -(-since // MINUTE) * MINUTE, now // MINUTE * MINUTE
        if first >= last:
            return False
        try:
            return bool(await self._history.minutes(sub.instrument, (first, last)))
        except (RequestRefusedError, NoAnswerError):
            return True
