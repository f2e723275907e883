"""A market drawn from a seed: every past minute on demand, the live part in continuation of it.

Prices at a time depend on the seed and the time alone, not on where the market was started or what was asked before. Options are
many: they have ticks only once their quote was asked for.
"""

from collections.abc import Iterator, Sequence

from theo.domain.instrument import SecurityType
from theo.domain.market_data import DAY, MINUTE, Bar, Tick, TickKind
from theo.gateway.desk import NEVER, Listing, Quote
from theo.gateway.market.black_scholes import OptionModel, implied_volatility, model
from theo.gateway.market.pricing import Option
from theo.gateway.market.quotes import QuoteState
from theo.gateway.market.synthetic_past import SyntheticPast
from theo.gateway.market.tick_rows import tick_rows, ticks
from theo.gateway.market.traded import SEARCH_DAYS, Traded

WATCHED_MAX = 500  # options with ticks; the one asked for first is dropped


class SyntheticMarket:
    """A SimulatedMarket of listings from ``start`` (microseconds UTC) on.

    With ``ticks_a_second`` every contract that is open has about so many, for tests of load; otherwise by its kind and the hour.
    """

    def __init__(self, seed: int, listings: Sequence[Listing], start: int, *, ticks_a_second: float | None = None) -> None:
        self._past, self._now = SyntheticPast(seed, listings, ticks_a_second), start
        self._quotes: dict[int, QuoteState] = {}
        self._live = [
            self._past.contract(con_id)
            for con_id, each in sorted(self._past.listings.items())
            if each.instrument.security_type is not SecurityType.OPT
        ]
        self._watched: dict[int, Traded] = {}
        self._unwatched: list[Traded] = []  # asked for since the chunk was made
        self._chunk: list[Tick] = []
        self._taken = 0
        self._minute = start // MINUTE - 1  # the last one that the chunk holds

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
        self._chunk = []  # a busy minute has 60,000 ticks: the one that is over makes room first
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
            traded = self._past.contract(con_id)
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
            for bar in self._past.session_bar(traded, session, self._now, regular=state.regular):
                if begun is not None and session.date == begun.date:
                    state.mark(bar.open, bar.high, bar.low, bar.close)
                else:
                    state.settle(bar.close)
        self._replay_last(traded, state)
        if begun is not None:
            state.volume = sum(bar.volume for bar in self._past.session_bar(traded, begun, self._now, regular=False))
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

    def head(self, con_id: int) -> int:
        """The first moment at which a contract was open."""
        return self._past.head(con_id)

    def ticks(self, con_id: int, start: int, end: int) -> Sequence[Tick]:
        """Ticks with ``start`` <= time < ``end``, and not later than now."""
        return self._past.ticks(con_id, start, end, self._now)

    def bars(self, con_id: int, length: int, start: int, end: int, *, regular: bool) -> Sequence[Bar]:
        """Closed and open bars with ``start`` <= start of bar < ``end``; what is later than now is in none.

        Of currencies they are made of prices between bid and ask, of indices of values.
        """
        return self._past.bars(con_id, length, start, end, self._now, regular=regular)

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
        pricing = self._past.contract(con_id).pricing
        return pricing if isinstance(pricing, Option) and pricing.years(self._now) > 0 else None

    def _under_price(self, con_id: int) -> float | None:
        under = self._past.listings.get(self._past.listings[con_id].underlying)
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
