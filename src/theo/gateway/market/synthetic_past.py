"""The past of a seeded market: contracts made on demand, their bars and ticks up to a given now; nothing kept but caches."""

from collections.abc import Sequence

import numpy as np

from theo.domain.errors import DataError
from theo.domain.instrument import SecurityType
from theo.domain.market_data import DAY, MINUTE, Bar, Tick
from theo.gateway.desk import Listing
from theo.gateway.market.bar_rows import chosen, day_range, joined, session_bars
from theo.gateway.market.curves import Curves
from theo.gateway.market.open_minutes import OpenMinutes
from theo.gateway.market.pricing import last_trading_at, pricing_of
from theo.gateway.market.tick_rows import SOURCE, tick_rows, ticks
from theo.gateway.market.traded import SEARCH_DAYS, Events, Minutes, Traded
from theo.market.sessions import Session, SessionTable, Span

FIRST_AT = 12_784 * DAY  # 2005-01-01: nothing is known of before
OPTIONS_KEPT_MAX = 1_000  # that were asked for; at up to 200 KB each
DAILY_KEPT = 65_536  # bars of whole sessions, at about 200 bytes each
TICKS_AN_EVENT = 2.5  # on average: two quotes, and every other time a trade


class SyntheticPast:
    """Contracts of a seed, and what was. ``now`` is what nothing later than is told of."""

    def __init__(self, seed: int, listings: Sequence[Listing], ticks_a_second: float | None) -> None:
        self._seed, self._curves = seed, Curves(seed)
        self.listings = {each.con_id: each for each in listings}
        self._events = None if ticks_a_second is None else max(round(ticks_a_second * 60 / TICKS_AN_EVENT), 1)
        self._opened: dict[int, OpenMinutes] = {}
        self._traded: dict[int, Traded] = {}
        self._options: dict[int, Traded] = {}  # the one asked for first ahead
        self._daily: dict[tuple[int, int, bool], Bar] = {}

    def contract(self, con_id: int) -> Traded:
        """A contract with its market. Raises DataError when it is not listed."""
        traded = self._traded.get(con_id) or self._options.get(con_id)
        if traded is not None:
            return traded
        listing = self.listings.get(con_id)
        if listing is None:
            raise DataError(f"the market has no contract {con_id}", remedy="Ask for a contract that is listed")
        traded = self._made(listing)
        if traded.kind is not SecurityType.OPT:
            self._traded[con_id] = traded
            return traded
        if len(self._options) >= OPTIONS_KEPT_MAX:
            del self._options[next(iter(self._options))]
        self._options[con_id] = traded
        return traded

    def _made(self, listing: Listing) -> Traded:
        opened = self._hours(listing.hours.table)
        ends = last_trading_at(listing, opened.regular)
        pricing = pricing_of(listing, self.listings.get(listing.underlying), self._curves, ends)
        return Traded(
            self._seed, listing, pricing, self._curves, opened, ends=ends, first_at=FIRST_AT, events_a_minute=self._events
        )

    def _hours(self, table: SessionTable) -> OpenMinutes:
        found = self._opened.get(id(table))
        if found is None:
            found = self._opened[id(table)] = OpenMinutes(table)
        return found

    def head(self, con_id: int) -> int:
        """The first moment at which a contract was open."""
        traded = self.contract(con_id)
        opens = traded.opened.sessions(traded.begins, traded.begins + SEARCH_DAYS * DAY, regular=False)
        session = next(iter(opens), None)
        return traded.begins if session is None else max(traded.begins, session.full[0][0])

    def ticks(self, con_id: int, start: int, end: int, now: int) -> Sequence[Tick]:
        """Ticks with ``start`` <= time < ``end``, and not later than now."""
        traded = self.contract(con_id)
        last = min(end - 1, now)
        rows = []
        for day in day_range(start - MINUTE, last + 1):
            starts = traded.minutes(day).start
            starts = starts[(starts > start - MINUTE) & (starts <= last)]
            rows += [tick_rows(traded, minute // MINUTE) for minute in starts.tolist()]
        return ticks(rows, start - 1, last)

    def bars(self, con_id: int, length: int, start: int, end: int, now: int, *, regular: bool) -> Sequence[Bar]:
        """Closed and open bars with ``start`` <= start of bar < ``end``; what is later than now is in none.

        Of currencies they are made of prices between bid and ask, of indices of values.
        """
        traded = self.contract(con_id)
        hours = traded.opened.hours(regular=regular)
        found: list[Bar] = []
        for session in traded.opened.sessions(start, min(end, now + 1), regular=regular):
            opens, closes = hours.bounds(session)
            if not length:
                if start <= opens < end:
                    found += self.session_bar(traded, session, now, regular=regular)
                continue
            rows = self._rows(traded, (max(opens, start), min(closes, end + length)), length, now)
            made = session_bars(con_id, rows, session, hours, length, SOURCE)
            found += [bar for bar in made if start <= bar.start < end]
        return found

    def session_bar(self, traded: Traded, session: Session, now: int, *, regular: bool) -> list[Bar]:
        """The bar of a session, kept once the session is over; none before its first trade."""
        con_id, hours = traded.listing.con_id, traded.opened.hours(regular=regular)
        key = (con_id, session.date, regular)
        kept = self._daily.get(key)
        if kept is not None:
            return [kept]
        opens, closes = hours.bounds(session)
        bars = list(session_bars(con_id, self._rows(traded, (opens, closes), 0, now), session, hours, 0, SOURCE))
        if bars and closes <= now:
            if len(self._daily) >= DAILY_KEPT:
                del self._daily[next(iter(self._daily))]
            self._daily[key] = bars[0]
        return bars

    def _rows(self, traded: Traded, span: Span, length: int, now: int) -> Minutes:
        """What bars within a span are made of: whole minutes, or trades for shorter bars and for this very minute."""
        low, high = span
        rows = []
        for day in day_range(low, min(high, now + 1)):
            minutes = traded.minutes(day)
            minutes = chosen(minutes, (minutes.start > low - MINUTE) & (minutes.start < high) & (minutes.start <= now))
            whole = minutes.start + MINUTE <= now if length % MINUTE == 0 else np.zeros(len(minutes.start), np.bool_)
            rows.append(chosen(minutes, whole))
            rows += [_trades(traded, start // MINUTE, low, now) for start in minutes.start[~whole].tolist()]
        return joined(rows)


def _trades(traded: Traded, minute: int, low: int, now: int) -> Minutes:
    """The trades of a minute up to now, each as a row."""
    events: Events = traded.events(minute)
    keep = (events.at >= low) & (events.at <= now) & (events.trades | (not traded.has_trades))
    price = events.price[keep]
    return Minutes(events.at[keep], price, price, price, price, events.volume[keep])
