"""The ticks of one subscription in order: what has been handed on, holes, what waits until a hole is filled, what came late.

Nothing here asks IB; keeper.py does, and says here what came of it. IB's ticks carry whole seconds, so what is known of a second
is a list of (price, size): what history has and was not handed on yet is what was missed. While a hole is being filled live
ticks wait, so that the core sees the past before the present; not for longer than HOLD_MAX.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from theo.domain.market_data import SECOND, Tick, TimeSource
from theo.market.quality import TickQuality
from theo.ports.feed import Hole, HoleEnd

HISTORY = "ib:history"
HOLD_MAX = 30 * SECOND
HELD_MAX = 20_000  # ticks: more than a busy future has in HOLD_MAX
SECOND_LASTS = 3 * SECOND // 2  # prints of one second of the exchange arrive within so long of its first: later ones are repeats
TRADE, SAMPLE = 0, 1  # what an arrival covers
ALIKE_LASTS = SECOND  # of the same price and size: a repeat on an uneven line comes sooner than that
REMEMBERED_SECONDS = 900  # of what was handed on: a back-fill reaches back less far beyond the last tick


class Print(NamedTuple):
    """A trade, or an index value: ``timestamp`` microseconds UTC, ``price`` in price units, ``size`` 0 for an index."""

    timestamp: int
    price: int
    size: int


class Arrival(NamedTuple):
    """A print as it came, ``at`` by our clock. ``covers``: the seconds of which it is all that its stream tells.

    They begin at a multiple of their number: 5 for a print of a bar, SAMPLE for a sample, 0 for one trade.
    """

    what: Print
    at: int
    source: str
    time_source: int
    covers: int

    @property
    def whole(self) -> bool:
        """Whether its stream leaves no trade out."""
        return self.covers != SAMPLE

    def seconds(self) -> range:
        """Those that it covers, since the epoch."""
        first = self.what.timestamp // SECOND // (self.covers or 1) * self.covers
        return range(first, first + self.covers)


class Seconds(NamedTuple):
    """Seconds since the epoch, both included."""

    first: int
    last: int


class TickLine:
    """``post`` gets ticks in their order. ``newest`` is the newest second handed on or known otherwise, 0 before the first.

    ``ended`` is the last hole that is over, which ``told`` hears of just before the ticks that fill it are handed on.
    ``parts``: whether the last second before an interruption, and the first after it, may be known in part only. That is so for
    single ticks; bars are whole, and of a sampled stream nothing can be compared.
    """

    __slots__ = (
        "_broken_after",
        "_broken_in_part",
        "_covered",
        "_dirty",
        "_handed",
        "_held",
        "_hold_since",
        "_instrument",
        "_kind",
        "_last_timestamp",
        "_post",
        "_quality",
        "_reached_at",
        "_released",
        "_resumed_at",
        "_same",
        "ended",
        "filled",
        "newest",
        "parts",
        "posted",
        "told",
    )

    def __init__(self, instrument: int, kind: int, quality: TickQuality, post: Callable[[Tick], None], since: int = 0) -> None:
        self._instrument, self._kind, self._quality, self._post = instrument, kind, quality, post
        self._handed: dict[int, list[tuple[int, int]]] = {}  # by second: prices and sizes
        self._covered: set[int] = set()  # seconds handed on as bars or samples: history's trades are not added to them
        self._held: list[Arrival] = []
        self._hold_since = 0
        self._broken_after = self._resumed_at = 0
        self._broken_in_part = False
        self._dirty: Seconds | None = None
        self._released: Seconds | None = None  # the part of it that an interruption left
        self.ended: Hole | None = None
        self.told: Callable[[], None] = _nobody
        self._last_timestamp = self._same = self._reached_at = 0
        self.newest = since // SECOND - 1 if since else 0
        self.parts = True
        self.posted = self.filled = 0
        if since:
            self._broken_after = self.newest

    # What arrives

    def arrived(self, item: Arrival) -> None:
        """A live print. One of a second that is over is late or a repeat: history decides which."""
        second = item.what.timestamp // SECOND
        reached = self._reached()
        if second > reached:
            self._reached_at = item.at
        if item.whole and (second < reached or (self.parts and item.at - self._reached_at > self._lasts(item))):
            self._late(item, second)
        elif not self._broken_after:
            self._hand_on(item)
        else:
            self._resumed_at = self._resumed_at or second
            self._hold_since = self._hold_since or item.at
            self._held.append(item)
            if item.at - self._hold_since > HOLD_MAX or len(self._held) > HELD_MAX:
                self.release()

    def _lasts(self, item: Arrival) -> int:
        key = _key(item.what)
        alike = (item.what.price, item.what.size) in self._handed.get(key[0], ()) or any(_key(x.what) == key for x in self._held)
        return ALIKE_LASTS if alike else SECOND_LASTS

    def _reached(self) -> int:
        return self._held[-1].what.timestamp // SECOND if self._held else self.newest

    def _late(self, item: Arrival, second: int) -> None:
        if self.parts:
            self._soil(Seconds(second, self._reached()))
        elif second not in self._handed:  # a bar that comes late has seconds of its own
            self._hand_on(item)

    # Holes

    def interrupted(self) -> None:
        """From now on nothing is certain until the next print comes and history has told what lies between."""
        if not self._broken_after:
            self._broken_after = self.newest
            self._broken_in_part = self.parts and self.newest in self._handed
        self._resumed_at = 0

    @property
    def hole_since(self) -> int:
        """From when on something is missing after an interruption (microseconds UTC), 0 without a hole."""
        firsts = [self._released.first] if self._released is not None else []
        firsts += [self._first_missing()] if self._broken_after else []
        return min(firsts, default=0) * SECOND

    def hole(self) -> Seconds | None:
        """What is to be asked for; None while there is no hole, or while nobody knows where it ends."""
        if not self._broken_after or not self._resumed_at:
            return None
        return Seconds(self._first_missing(), self._resumed_at - (not self.parts))

    def _first_missing(self) -> int:
        return self._broken_after + (not self._broken_in_part)

    def dirty(self) -> Seconds | None:
        """Seconds of which something is missing though what came after them was handed on."""
        return self._dirty

    def known_minutes(self) -> set[int]:
        """Minutes since the epoch of which something was handed on, or waits here."""
        return {second // 60 for second in (*self._handed, *self._covered, *(x.what.timestamp // SECOND for x in self._held))}

    def fill(self, past: Iterable[Print], at: int) -> int:
        """History of the hole: hand on what was missed, then what waited. How many prints were missed."""
        hole = self.hole()
        self._broken_after = self._resumed_at = self._hold_since = 0
        if hole is not None:
            self._end(hole, HoleEnd.FILLED)
        missed = self._missed(past, at)
        waited, self._held = self._held, []
        for item in waited:
            self._hand_on(item)
        return missed

    def mend(self, hole: Seconds, past: Iterable[Print], at: int) -> int:
        """History of dirty seconds, or of a hole that nobody waits for any longer: hand on what was missed. How many."""
        if self._dirty == hole:
            self._mended(HoleEnd.FILLED_LATE)
        return self._missed(past, at)

    def give_up(self) -> None:
        """What is missing before what was handed on stays missing."""
        self._mended(HoleEnd.KEPT)

    def release(self) -> None:
        """What waited is handed on: nobody waits for history any longer, and the hole is mended when it comes."""
        waited, again = self._held, not self._resumed_at  # interrupted anew since: that hole has no end yet
        if not waited:
            return
        hole = Seconds(self._first_missing(), (self._resumed_at or self._reached()) - (not self.parts))
        self._held, self._broken_after, self._resumed_at, self._hold_since = [], 0, 0, 0
        if hole.first <= hole.last:
            self._soil(hole)
            self._released = _both(self._released, hole)
        else:
            self._end(hole, HoleEnd.FILLED)
        for item in waited:
            self._hand_on(item)
        if again:
            self.interrupted()

    def _mended(self, end: HoleEnd) -> None:
        hole, self._dirty, self._released = self._released, None, None
        if hole is not None:
            self._end(hole, end)

    def _end(self, hole: Seconds, end: HoleEnd) -> None:
        self.ended = Hole(hole.first * SECOND, max(hole.first, hole.last + 1) * SECOND, end)
        self.told()

    def _soil(self, hole: Seconds) -> None:
        self._dirty = _both(self._dirty, hole)

    def _missed(self, past: Iterable[Print], at: int) -> int:
        """Hand on the prints of whole seconds of history that were not, and forget which of them wait here. How many."""
        seconds: dict[int, list[Print]] = {}
        for each in past:
            seconds.setdefault(each.timestamp // SECOND, []).append(each)
        known = {_key(each) for prints in seconds.values() for each in prints}
        self._held = [item for item in self._held if _key(item.what) not in known and seconds.keys().isdisjoint(item.seconds())]
        missed = 0
        for second, prints in sorted(seconds.items()):
            if second in self._covered:
                continue
            handed = Counter(self._handed.get(second, ()))
            for place, each in enumerate(prints):
                if handed[each.price, each.size]:
                    handed[each.price, each.size] -= 1
                    continue
                self._hand_on(Arrival(each, at, HISTORY, TimeSource.EXCHANGE, TRADE), place)
                missed += 1
        self.filled += missed
        return missed

    # What goes on

    def _hand_on(self, item: Arrival, place: int | None = None) -> None:
        """``place`` is where in its second history has a print; a live one comes after all that its second has so far."""
        price, size = item.what.price, item.what.size
        second = item.what.timestamp // SECOND
        handed = self._handed.setdefault(second, [])
        if item.whole:
            seq = len(handed) if place is None else place
        else:
            self._same = self._same + 1 if item.what.timestamp == self._last_timestamp else 0
            self._last_timestamp, seq = item.what.timestamp, self._same
        handed.append((price, size))
        self._covered.update(item.seconds())
        self.newest = max(self.newest, second)
        if len(self._handed) > 2 * REMEMBERED_SECONDS:
            self._forget()
        tick = Tick(
            self._instrument,
            item.at,
            item.what.timestamp,
            seq,
            self._kind,
            price,
            size,
            0,
            int(item.time_source),
            item.source,
        )
        self.posted += 1
        self._post(self._quality.on_tick(tick))

    def _forget(self) -> None:
        oldest = sorted(self._handed)[-REMEMBERED_SECONDS]
        if self._dirty is not None:
            oldest = min(oldest, self._dirty.first)
        if self._broken_after:
            oldest = min(oldest, self._broken_after)
        self._handed = {second: prints for second, prints in self._handed.items() if second >= oldest}
        self._covered = {second for second in self._covered if second >= oldest}


def _key(what: Print) -> tuple[int, int, int]:
    return what.timestamp // SECOND, what.price, what.size


def _both(known: Seconds | None, other: Seconds) -> Seconds:
    return other if known is None else Seconds(min(known.first, other.first), max(known.last, other.last))


def _nobody() -> None:
    pass


def prints_of_bar(start: int, length: int, prices: Sequence[int], size: int) -> list[Print]:
    """A bar (open, high, low, close in price units) as prints of which the same bar is made, and every longer one.

    ``start`` and ``length`` in microseconds, at least four seconds. All of the volume is the close's.
    """
    opened, high, low, closed = prices
    steps = [opened]
    if high > max(opened, closed):
        steps.append(high)
    if low < min(opened, closed):
        steps.append(low)
    prints = [Print(start + n * SECOND, price, 0) for n, price in enumerate(steps)]
    return [*prints, Print(start + length - SECOND, closed, size)]
