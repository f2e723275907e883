"""One contract of the synthetic market: its minutes of a day, and its quotes and trades within a minute.

A minute's first trade is at its opening level, its last at its closing one, and one each at its high and its low: so bars of
minutes are known without their ticks, and equal what the ticks make.
"""

from functools import lru_cache
from math import exp

import msgspec
import numpy as np
from numpy.typing import NDArray

from theo.domain.instrument import SecurityType
from theo.domain.market_data import DAY, MINUTE, SECOND, SessionScope
from theo.gateway.desk import NEVER, Listing
from theo.gateway.market.curves import SECOND_PLACES, Curves
from theo.gateway.market.draws import Floats, Ints, stream, uniforms
from theo.gateway.market.factors import MINUTES_A_DAY
from theo.gateway.market.open_minutes import OpenMinutes
from theo.gateway.market.pricing import Grid, Pricing, grid_of

SEARCH_DAYS = 12  # back, for the last event; no exchange has been closed for longer since 1933
DAYS_KEPT = 4  # of one contract: over a weekend; up to 92 KB each
EVENTS_MAX = 30_000  # a minute: 500 a second
DRAWS_AN_EVENT = 5
FIRST_AT, LAST_AT = 0.6, 59.4  # seconds; a minute's first trade comes before, its last after, all others between
JITTER = 0.5  # seconds: contracts of one curve reach their first, high, low and last a little apart
MARKS = 4  # trades that a minute always has: first, high, low, last
BOUGHT_SHARE = 0.5  # of trades are at the ask
TRADED_SHARE = 0.5  # of events; the others move quotes only
BUSY_MINUTES, BUSY_WEIGHT = 15, 3.0  # after the regular open and before the close
QUIET_WEIGHT = 0.15  # outside regular hours
MINUTES_OF_WEIGHT = 450.0  # a regular day of 390 minutes, its busy ones counted thrice
# events a minute in regular hours, a day's volume, and the half of the spread as a part of the price, by security type
EVENTS = {SecurityType.IND: 60, SecurityType.OPT: 6, SecurityType.CASH: 60, SecurityType.FUT: 60}
EVENTS_OTHERS = 40
TURNOVER = {SecurityType.FUT: 300_000, SecurityType.OPT: 1_500, SecurityType.IND: 0, SecurityType.CASH: 0}
TURNOVER_OTHERS = 12_000_000
SPREAD = {SecurityType.OPT: 0.01, SecurityType.CASH: 2e-5, SecurityType.FUT: 1e-5}
SPREAD_OTHERS = 3e-5
BACK_MONTH_FADE = 12.0  # volume falls by e^-12 for each year that a future's end lies beyond the front's
FRONT_YEARS = 0.26
LEAVING_DAYS, LEAVING_FADE = 9, 0.35  # in its last days traders leave a future: its volume falls by e^-0.35 a day
QUOTED_SIZE = {SecurityType.CASH: 1_000_000, SecurityType.OPT: 40, SecurityType.FUT: 60}
QUOTED_SIZE_OTHERS = 900
HISTORY_YEARS = 1.25  # before its end, in which a future is traded
YEAR = 365 * DAY


class Minutes(msgspec.Struct, frozen=True):
    """Open minutes of a day, oldest first: their starts (microseconds UTC), prices in price units, volumes."""

    start: Ints
    open: Ints
    high: Ints
    low: Ints
    close: Ints
    volume: Ints


class Events(msgspec.Struct, frozen=True):
    """What happens within a minute, in order of time, no two at once: the price, the quotes around it, and what was traded."""

    at: Ints
    price: Ints
    bid: Ints
    ask: Ints
    bid_size: Ints
    ask_size: Ints
    volume: Ints
    trades: NDArray[np.bool_]


class Traded:
    """A listing with all that its market is made of."""

    def __init__(
        self,
        seed: int,
        listing: Listing,
        pricing: Pricing,
        curves: Curves,
        opened: OpenMinutes,
        *,
        ends: int,
        first_at: int,
        events_a_minute: int | None = None,
    ) -> None:
        self.listing, self.pricing, self.opened = listing, pricing, opened
        self.kind = listing.instrument.security_type
        self.grid: Grid = grid_of(listing)
        self.ends = ends
        lives = self.ends - int(HISTORY_YEARS * YEAR) if self.ends != NEVER else -NEVER
        self.begins = max(first_at, lives, opened.all.first)
        self._curves = curves
        self._minute_key = stream(seed, "minutes of", listing.con_id)
        self._event_key = stream(seed, "events of", listing.con_id)
        self._events = events_a_minute
        self._turnover = curves.file.turnover.get(listing.contract.trading_class)
        if self._turnover is None:
            self._turnover = curves.file.turnover.get(listing.instrument.symbol, TURNOVER.get(self.kind, TURNOVER_OTHERS))
        if self.kind in {SecurityType.IND, SecurityType.CASH, SecurityType.OPT}:
            self._turnover = TURNOVER[self.kind]
        self.minutes = lru_cache(DAYS_KEPT)(self._make_minutes)
        self._activity = lru_cache(DAYS_KEPT)(self._make_activity)

    @property
    def has_trades(self) -> bool:
        """Currencies are quoted only, indices have values instead of trades."""
        return self.kind not in {SecurityType.CASH, SecurityType.IND}

    def is_open(self, minute: int) -> bool:
        """Whether it is traded in a minute since 1970."""
        at = minute * MINUTE
        return self.begins <= at < min(self.ends, self.opened.all.last) and self.opened.all.is_open(at)

    def _weights(self, day: int) -> Floats:
        """How busy each minute of a UTC day is: 1 in the middle of regular hours."""
        regular = self.opened.mask(day, SessionScope.RTH)
        edges = np.flatnonzero(np.diff(regular.astype(np.int8), prepend=0, append=0))
        weights = np.where(regular, 1.0, QUIET_WEIGHT)
        for opens, closes in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
            weights[opens : opens + BUSY_MINUTES] = BUSY_WEIGHT
            weights[max(closes - BUSY_MINUTES, opens) : closes] = BUSY_WEIGHT
        if self.kind is SecurityType.CASH:
            return np.ones(MINUTES_A_DAY)
        return weights

    def _counts(self, day: int, weights: Floats) -> Ints:
        """Events of each minute of a day."""
        if self._events is not None:
            return np.full(MINUTES_A_DAY, max(self._events, MARKS), dtype=np.int64)
        usual = EVENTS.get(self.kind, EVENTS_OTHERS)
        if self.kind is SecurityType.IND:
            return np.full(MINUTES_A_DAY, usual, dtype=np.int64)
        draws = uniforms(self._minute_key, 2 * day * MINUTES_A_DAY, MINUTES_A_DAY)
        return np.clip(usual * weights * (0.5 + draws), MARKS, EVENTS_MAX).astype(np.int64)

    def _volumes(self, day: int, weights: Floats, counts: Ints) -> Ints:
        """What is traded in each minute of a day: at least one a trade."""
        if not self._turnover:
            return np.zeros(MINUTES_A_DAY, dtype=np.int64)
        usual = self._turnover / MINUTES_OF_WEIGHT * (self._month_share(day) if self.kind is SecurityType.FUT else 1.0)
        draws = uniforms(self._minute_key, (2 * day + 1) * MINUTES_A_DAY, MINUTES_A_DAY)
        return np.maximum((usual * weights * (0.3 + 1.4 * draws)).astype(np.int64), counts)

    def _month_share(self, day: int) -> float:
        """How much of a front month's volume a future has: little while its end is far, and again when it is near."""
        left = max(self.ends - day * DAY, 0)
        early, late = max(left / YEAR - FRONT_YEARS, 0.0), max(LEAVING_DAYS - left / DAY, 0.0)
        return exp(-BACK_MONTH_FADE * early - LEAVING_FADE * late)

    def _make_activity(self, day: int) -> tuple[Ints, Ints]:
        """Events and volume of each minute of a UTC day."""
        weights = self._weights(day)
        counts = self._counts(day, weights)
        return counts, self._volumes(day, weights, counts)

    def _make_minutes(self, day: int) -> Minutes:
        """The open minutes of a UTC day."""
        mask = self.opened.mask(day, SessionScope.ALL)
        places = np.flatnonzero(mask)
        start = (day * MINUTES_A_DAY + places) * MINUTE
        places = places[(start >= self.begins) & (start < self.ends)]
        minutes: Ints = day * MINUTES_A_DAY + places
        levels = self._curves.day(self.pricing.curve, day)
        count = len(places)
        four = np.concatenate([levels.nodes[places], levels.high[places], levels.low[places], levels.nodes[places + 1]])
        units = self.grid.nearest(self.pricing.units(four, np.tile(minutes, 4)))
        first, one, other, last = (units[n * count : (n + 1) * count] for n in range(4))
        volume = self._activity(day)[1][places]
        return Minutes(minutes * MINUTE, first, np.maximum(one, other), np.minimum(one, other), last, volume)

    def events(self, minute: int) -> Events:
        """Everything that happens in a minute since 1970 in which it is open."""
        day, place = divmod(minute, MINUTES_A_DAY)
        counts, volumes = self._activity(day)
        count = int(counts[place])
        draws = uniforms(self._event_key, minute * EVENTS_MAX * DRAWS_AN_EVENT, count * DRAWS_AN_EVENT)
        draws = draws.reshape(DRAWS_AN_EVENT, count)
        at, levels, marked = self._path(minute, draws[0], draws[4])
        price = self.grid.nearest(self.pricing.units(levels, np.full(count, minute, dtype=np.int64)))
        bid, ask = self._quotes(price, draws[1] < BOUGHT_SHARE)
        trades = marked | (draws[2] < TRADED_SHARE) if self.has_trades else np.zeros(count, dtype=np.bool_)
        size = QUOTED_SIZE.get(self.kind, QUOTED_SIZE_OTHERS)
        volume = _shared(int(volumes[place]), trades, draws[2] + draws[3])
        sizes = (1 + size * draws[3:5] * 2).astype(np.int64)
        return Events(at, price, bid, ask, sizes[0], sizes[1], volume, trades)

    def bid_before(self, minute: int) -> int:
        """The bid after the last event before a minute; 0 when there was none for days."""
        at = minute * MINUTE
        for day in range(at // DAY, at // DAY - SEARCH_DAYS, -1):
            minutes = self.minutes(day)
            place = int(np.searchsorted(minutes.start, at)) - 1
            if place >= 0:
                before = int(minutes.start[place]) // MINUTE
                count = int(self._activity(day)[0][before % MINUTES_A_DAY])
                # the last draw of the second row, as in events()
                draw = uniforms(self._event_key, before * EVENTS_MAX * DRAWS_AN_EVENT + 2 * count - 1, 1)
                return int(self._quotes(minutes.close[place : place + 1], draw < BOUGHT_SHARE)[0][0])
        return 0

    def last_minute(self, until: int) -> int | None:
        """The newest minute since 1970 that has an event not later than ``until``; None when there was none for days."""
        for day in range(until // DAY, until // DAY - SEARCH_DAYS, -1):
            starts = self.minutes(day).start
            for start in starts[starts <= until][-2:][::-1].tolist():
                if int(self.events(start // MINUTE).at[0]) <= until:
                    return int(start // MINUTE)
        return None

    def _path(self, minute: int, draws: Floats, jitters: Floats) -> tuple[Ints, Floats, NDArray[np.bool_]]:
        """Times (microseconds UTC), levels, and which events are the minute's first, high, low and last."""
        levels = self._curves.minute(self.pricing.curve, minute)
        places = FIRST_AT + (LAST_AT - FIRST_AT) * draws
        places[:MARKS] = 0.0, levels.high_at, levels.low_at, LAST_AT
        path = np.interp(places, SECOND_PLACES, levels.seconds)
        path[0], path[MARKS - 1] = levels.seconds[0], levels.seconds[-1]
        places[:MARKS] += JITTER * jitters[:MARKS]
        order = np.argsort(places, kind="stable")
        micros = (places[order] * SECOND).astype(np.int64)
        n = np.arange(len(micros))
        at = np.maximum.accumulate(micros - n) + n + minute * MINUTE
        return at, path[order], order < MARKS

    def _quotes(self, price: Ints, bought: NDArray[np.bool_]) -> tuple[Ints, Ints]:
        """Bid and ask: a buyer trades at the ask, a seller at the bid."""
        step = self.grid.steps(price)
        spread = np.maximum(np.rint(price * SPREAD.get(self.kind, SPREAD_OTHERS) / step).astype(np.int64), 1) * step
        bid = np.where(bought, price - spread, price)
        return np.maximum(bid, 0), np.where(bought, price, price + spread)


def _shared(total: int, trades: NDArray[np.bool_], draws: Floats) -> Ints:
    """A volume shared among trades, at least one each, to the last unit."""
    count = int(trades.sum())
    volume = np.zeros(len(trades), dtype=np.int64)
    if count and total >= count:
        parts = np.cumsum(draws[trades] + 0.1)
        reached = np.floor((total - count) * parts / parts[-1]).astype(np.int64)
        reached[-1] = total - count
        volume[trades] = np.diff(reached, prepend=0) + 1
    return volume
