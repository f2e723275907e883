"""A market drawn from a seed: every past minute on demand, the live part in continuation of it, nothing kept but caches.

Prices at a time depend on the seed and the time alone, not on where the market was started or what was asked before. Options are
many: they have ticks only once their quote was asked for.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from theo.domain.errors import DataError
from theo.domain.instrument import SecurityType
from theo.domain.market_data import DAY, MINUTE, Bar, Tick, TickKind
from theo.gateway.desk import NEVER, Listing, Quote
from theo.gateway.market.bar_rows import chosen, day_range, joined, session_bars
from theo.gateway.market.black_scholes import OptionModel, implied_volatility, model
from theo.gateway.market.curves import Curves
from theo.gateway.market.open_minutes import OpenMinutes
from theo.gateway.market.pricing import Option, last_trading_at, pricing_of
from theo.gateway.market.quotes import QuoteState
from theo.gateway.market.tick_rows import SOURCE, tick_rows, ticks
from theo.gateway.market.traded import SEARCH_DAYS, Events, Minutes, Traded
from theo.market.sessions import Session, SessionTable

FIRST_AT = 12_784 * DAY  # 2005-01-01: nothing is known of before
WATCHED_MAX = 500  # options with ticks; the one asked for first is dropped
OPTIONS_KEPT_MAX = 1_000  # that were asked for, watched ones among them; at up to 200 KB each
DAILY_KEPT = 65_536  # bars of whole sessions, at about 200 bytes each
TICKS_AN_EVENT = 2.5  # on average: two quotes, and every other time a trade


class SyntheticMarket:
    """A SimulatedMarket of listings from ``start`` (microseconds UTC) on.

    With ``ticks_a_second`` every contract that is open has about so many, for tests of load; otherwise by its kind and the hour.
    """

    def __init__(self, seed: int, listings: Sequence[Listing], start: int, *, ticks_a_second: float | None = None) -> None:
        self._seed, self._now = seed, start
        self._curves = Curves(seed)
        self._listings = {each.con_id: each for each in listings}
        self._events = None if ticks_a_second is None else max(round(ticks_a_second * 60 / TICKS_AN_EVENT), 1)
        self._opened: dict[int, OpenMinutes] = {}
        self._traded: dict[int, Traded] = {}
        self._options: dict[int, None] = {}  # those of the traded that are options, the one asked for first ahead
        self._quotes: dict[int, QuoteState] = {}
        self._daily: dict[tuple[int, int, bool], Bar] = {}
        self._live = [
            self._contract(con_id)
            for con_id, each in sorted(self._listings.items())
            if each.instrument.security_type is not SecurityType.OPT
        ]
        self._watched: dict[int, Traded] = {}
        self._unwatched: list[Traded] = []  # asked for since the chunk was made
        self._chunk: list[Tick] = []
        self._taken = 0
        self._minute = start // MINUTE - 1  # the last one that the chunk holds

    def _hours(self, table: SessionTable) -> OpenMinutes:
        found = self._opened.get(id(table))
        if found is None:
            found = self._opened[id(table)] = OpenMinutes(table)
        return found

    def _contract(self, con_id: int) -> Traded:
        traded = self._traded.get(con_id)
        if traded is None:
            listing = self._listings.get(con_id)
            if listing is None:
                raise DataError(f"the market has no contract {con_id}", remedy="Ask for a contract that is listed")
            traded = self._traded[con_id] = self._made(listing)
        return traded

    def _made(self, listing: Listing) -> Traded:
        if listing.instrument.security_type is SecurityType.OPT:
            self._options[listing.con_id] = None
            if len(self._options) > OPTIONS_KEPT_MAX:
                oldest = next(con_id for con_id in self._options if con_id not in self._watched)
                del self._options[oldest], self._traded[oldest]
        opened = self._hours(listing.hours.table)
        ends = last_trading_at(listing, opened.regular)
        pricing = pricing_of(listing, self._listings.get(listing.underlying), self._curves, ends)
        return Traded(
            self._seed, listing, pricing, self._curves, opened, ends=ends, first_at=FIRST_AT, events_a_minute=self._events
        )

    # ------------------------------------------------------------------------------------------------------------- live

    def next_at(self) -> int:
        """When the next tick happens; NEVER when the session tables end, or nothing is listed."""
        if self._unwatched:
            self._join_watched()
        while self._taken >= len(self._chunk):
            if not self._fill():
                return NEVER
        return self._chunk[self._taken].timestamp

    def advance(self, until: int) -> Iterator[Tick]:
        """Ticks up to and including ``until``, in order of time; the quote of a contract is the one after its newest tick."""
        while self.next_at() <= until:
            tick = self._chunk[self._taken]
            self._taken += 1
            self._now = tick.timestamp
            state = self._quotes.get(tick.instrument)
            if state is not None:
                state.apply(tick)
            yield tick
        self._now = max(self._now, until)

    def _fill(self) -> bool:
        """Make the next minute in which anything is open; false when there is none."""
        contracts = [*self._live, *self._watched.values()]
        minute = max(self._minute + 1, self._now // MINUTE)
        opened = [each for each in contracts if each.is_open(minute)]
        if not opened:
            minute = min((_opens_after(each, minute * MINUTE) for each in contracts), default=NEVER) // MINUTE
            if minute >= NEVER // MINUTE:
                return False
            opened = [each for each in contracts if each.is_open(minute)]
        self._minute = minute
        self._chunk = ticks([tick_rows(each, minute) for each in opened], self._now, NEVER)
        self._taken = 0
        return True

    def _join_watched(self) -> None:
        """Give contracts that were asked for within a minute their ticks of the rest of it."""
        opened = [each for each in self._unwatched if each.is_open(self._minute)]
        self._unwatched.clear()
        if opened and self._chunk:
            rest = self._chunk[self._taken :]
            more = ticks([tick_rows(each, self._minute) for each in opened], self._now, NEVER)
            self._chunk = sorted(rest + more, key=lambda tick: tick.timestamp)
            self._taken = 0

    def quote(self, con_id: int) -> Quote:
        """The market of a contract now. One that is asked for an option has ticks from then on."""
        state = self._quotes.get(con_id)
        if state is None:
            traded = self._contract(con_id)
            state = self._quotes[con_id] = self._state(traded)
            if traded.kind is SecurityType.OPT:
                self._watch(con_id, traded)
        return state.quote()

    def _watch(self, con_id: int, traded: Traded) -> None:
        if len(self._watched) >= WATCHED_MAX:
            first = next(iter(self._watched))
            del self._watched[first], self._quotes[first]
        self._watched[con_id] = traded
        self._unwatched.append(traded)

    def _state(self, traded: Traded) -> QuoteState:
        """A quote from the past alone, as if all of its ticks had been taken."""
        state = QuoteState(traded.listing.instrument, traded.opened, self._now)
        begun = state.session(self._now)
        for session in list(traded.opened.sessions(self._now - SEARCH_DAYS * DAY, self._now + 1, regular=state.regular))[-2:]:
            for bar in self._session_bar(traded, session, regular=state.regular):
                if begun is not None and session.date == begun.date:
                    state.mark(bar.open, bar.high, bar.low, bar.close)
                else:
                    state.settle(bar.close)
        self._replay_last(traded, state)
        if begun is not None:
            state.volume = sum(bar.volume for bar in self._session_bar(traded, begun, regular=False))
        return state

    def _replay_last(self, traded: Traded, state: QuoteState) -> None:
        """Bid, ask and last from the newest minute that has any."""
        minute = traded.last_minute(self._now)
        if minute is None:
            return
        rows = tick_rows(traded, minute)
        newest: dict[int, Tick] = {tick.kind: tick for tick in ticks([rows], 0, self._now)}
        bid, ask = newest.get(TickKind.BID), newest.get(TickKind.ASK)
        if bid is not None and ask is not None:
            state.bid, state.bid_size, state.ask, state.ask_size = bid.price, bid.volume, ask.price, ask.volume
        last = newest.get(TickKind.TRADE) or newest.get(TickKind.INDEX)
        if last is not None:
            state.last, state.last_size, state.last_at = last.price, last.volume, last.timestamp

    # ------------------------------------------------------------------------------------------------------------- past

    def head(self, con_id: int) -> int:
        """The first moment at which a contract was open."""
        traded = self._contract(con_id)
        opens = traded.opened.sessions(traded.begins, traded.begins + SEARCH_DAYS * DAY, regular=False)
        session = next(iter(opens), None)
        return traded.begins if session is None else max(traded.begins, session.full[0][0])

    def ticks(self, con_id: int, start: int, end: int) -> Sequence[Tick]:
        """Ticks with ``start`` <= time < ``end``, and not later than now."""
        traded = self._contract(con_id)
        last = min(end - 1, self._now)
        rows = []
        for day in day_range(start - MINUTE, last + 1):
            starts = traded.minutes(day).start
            starts = starts[(starts > start - MINUTE) & (starts <= last)]
            rows += [tick_rows(traded, minute // MINUTE) for minute in starts.tolist()]
        return ticks(rows, start - 1, last)

    def bars(self, con_id: int, length: int, start: int, end: int, *, regular: bool) -> Sequence[Bar]:
        """Closed and open bars with ``start`` <= start of bar < ``end``; what is later than now is in none.

        Of currencies they are made of prices between bid and ask, of indices of values.
        """
        traded = self._contract(con_id)
        hours = traded.opened.hours(regular=regular)
        found: list[Bar] = []
        for session in traded.opened.sessions(start, min(end, self._now + 1), regular=regular):
            opens, closes = hours.bounds(session)
            if not length:
                if start <= opens < end:
                    found += self._session_bar(traded, session, regular=regular)
                continue
            rows = self._rows(traded, max(opens, start), min(closes, end + length), length)
            made = session_bars(con_id, rows, session, hours, length, SOURCE)
            found += [bar for bar in made if start <= bar.start < end]
        return found

    def _session_bar(self, traded: Traded, session: Session, *, regular: bool) -> list[Bar]:
        """The bar of a session, kept once the session is over; none before its first trade."""
        con_id, hours = traded.listing.con_id, traded.opened.hours(regular=regular)
        key = (con_id, session.date, regular)
        kept = self._daily.get(key)
        if kept is not None:
            return [kept]
        opens, closes = hours.bounds(session)
        bars = list(session_bars(con_id, self._rows(traded, opens, closes, 0), session, hours, 0, SOURCE))
        if bars and closes <= self._now:
            if len(self._daily) >= DAILY_KEPT:
                del self._daily[next(iter(self._daily))]
            self._daily[key] = bars[0]
        return bars

    def _rows(self, traded: Traded, low: int, high: int, length: int) -> Minutes:
        """What bars from ``low`` to ``high`` are made of: whole minutes, or trades for shorter bars and for this very minute."""
        rows = []
        for day in day_range(low, min(high, self._now + 1)):
            minutes = traded.minutes(day)
            minutes = chosen(minutes, (minutes.start > low - MINUTE) & (minutes.start < high) & (minutes.start <= self._now))
            whole = minutes.start + MINUTE <= self._now if length % MINUTE == 0 else np.zeros(len(minutes.start), np.bool_)
            rows.append(chosen(minutes, whole))
            rows += [self._trades(traded, start // MINUTE, low) for start in minutes.start[~whole].tolist()]
        return joined(rows)

    def _trades(self, traded: Traded, minute: int, low: int) -> Minutes:
        """The trades of a minute up to now, each as a row."""
        events: Events = traded.events(minute)
        keep = (events.at >= low) & (events.at <= self._now) & (events.trades | (not traded.has_trades))
        price = events.price[keep]
        return Minutes(events.at[keep], price, price, price, price, events.volume[keep])

    # ---------------------------------------------------------------------------------------------------------- options

    def model(self, con_id: int) -> OptionModel | None:
        """The theoretical value of an option now; None for what is no option, has ended, or has an underlying without price."""
        found = self._option(con_id)
        under = self._under_price(con_id)
        return None if found is None or under is None else found.model(under, self._now)

    def option_price(self, con_id: int, volatility: float, under_price: float) -> OptionModel | None:
        """The value of an option at a volatility and a price of the underlying; None for what is no option or has ended."""
        found = self._option(con_id)
        if found is None or volatility <= 0 or under_price <= 0:
            return None
        return model(under_price, found.years(self._now), volatility, found.terms)

    def implied_volatility(self, con_id: int, option_price: float, under_price: float) -> OptionModel | None:
        """The value of an option at the volatility that a price implies; None where none does."""
        found = self._option(con_id)
        if found is None or under_price <= 0:
            return None
        years = found.years(self._now)
        volatility = implied_volatility(option_price, under_price, years, found.terms)
        return None if volatility is None else model(under_price, years, volatility, found.terms)

    def _option(self, con_id: int) -> Option | None:
        pricing = self._contract(con_id).pricing
        return pricing if isinstance(pricing, Option) and pricing.years(self._now) > 0 else None

    def _under_price(self, con_id: int) -> float | None:
        under = self._listings.get(self._listings[con_id].underlying)
        if under is None:
            return None
        quote = self.quote(under.con_id)
        unit = 10.0**under.instrument.price_decimals
        if quote.bid and quote.ask:
            return (quote.bid + quote.ask) / 2 / unit
        return None if quote.last is None else quote.last / unit


def _opens_after(traded: Traded, at: int) -> int:
    """When a contract opens next; NEVER when it does not."""
    hours = traded.opened.all
    at = max(at, traded.begins, hours.first)
    if at >= min(traded.ends, hours.last):
        return NEVER
    opens = at if hours.is_open(at) else hours.next_boundary(at)
    return opens if opens < min(traded.ends, hours.last) else NEVER
