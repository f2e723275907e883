"""Markets that were: a recorded session tick by tick, and imported bars or ticks with quotes made around them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from heapq import merge
from random import Random

import msgspec

from theo.domain.errors import DataError
from theo.domain.instrument import SecurityType
from theo.domain.market_data import MINUTE, Bar, Tick, TickKind
from theo.gateway.desk import NEVER, Listing, Quote
from theo.gateway.market.bar_rows import session_bars
from theo.gateway.market.open_minutes import OpenMinutes
from theo.gateway.market.past import Past
from theo.gateway.market.quotes import QuoteState
from theo.market.sessions import SessionTable

SOURCE = "replay"
QUOTED_SIZE_MAX = 500  # of the quotes that are made around imported prices
PRICES_A_BAR = 4
QUOTES = 2  # before each price: bid and ask
EVEN = 0.5


class RecordedMarket:
    """A SimulatedMarket of ticks as they were recorded, by conId and in order of arrival (``at``), read as they are needed.

    What lies before ``start`` is its past; without a start it begins with the first tick. Past ticks and minutes are bounded
    (past.py). Raises DataError for a tick of a contract that is not listed, and for one that arrives before the one ahead of it.
    """

    def __init__(self, listings: Sequence[Listing], ticks: Iterable[Tick], start: int | None = None) -> None:
        self._listings = {each.con_id: each for each in listings}
        self._opened: dict[int, OpenMinutes] = {}
        self._pasts: dict[int, Past] = {}
        self._quotes: dict[int, QuoteState] = {}
        self._coming = iter(ticks)
        self._next = next(self._coming, None)
        first = 0 if self._next is None else self._next.at
        self._now = first if start is None else start
        if start is not None:
            for _ in self.advance(start - 1):
                pass  # the past: quotes and bars know it, nobody is told
        self._now = max(self._now, first if start is None else start)

    def _contract(self, con_id: int) -> Listing:
        listing = self._listings.get(con_id)
        if listing is None:
            raise DataError(f"the market has no contract {con_id}", remedy="List the contract, or leave its data out")
        return listing

    def _hours(self, table: SessionTable) -> OpenMinutes:
        found = self._opened.get(id(table))
        if found is None:
            found = self._opened[id(table)] = OpenMinutes(table)
        return found

    def next_at(self) -> int:
        """When the next tick arrives; NEVER at the end of what was given."""
        return NEVER if self._next is None else self._next.at

    def advance(self, until: int) -> Iterator[Tick]:
        """Ticks that arrive up to and including ``until``."""
        while (tick := self._next) is not None and tick.at <= until:
            self._next = next(self._coming, None)
            if self._next is not None and self._next.at < tick.at:
                raise DataError(
                    f"a tick of contract {self._next.instrument} at {self._next.at} follows one at {tick.at}",
                    why="recordings are played in order of arrival",
                    remedy="Sort the recording by arrival",
                )
            self._now = tick.at
            self._past(tick.instrument).add(tick)
            self._state(tick.instrument, tick.timestamp).apply(tick)
            yield tick
        self._now = max(self._now, until)

    def _past(self, con_id: int) -> Past:
        past = self._pasts.get(con_id)
        if past is None:
            past = self._pasts[con_id] = Past(self._contract(con_id).instrument.security_type)
        return past

    def _state(self, con_id: int, at: int) -> QuoteState:
        state = self._quotes.get(con_id)
        if state is None:
            listing = self._contract(con_id)
            state = QuoteState(listing.instrument, self._hours(listing.hours.table), at)
            self._quotes[con_id] = state
        return state

    def quote(self, con_id: int) -> Quote:
        """The market of a contract after the newest tick; empty before its first."""
        state = self._quotes.get(con_id)
        return Quote() if state is None else state.quote()

    def head(self, con_id: int) -> int:
        """The start of the first minute that is known; now when nothing is."""
        begins = self._past(con_id).begins
        return self._now if begins is None else begins

    def ticks(self, con_id: int, start: int, end: int) -> Sequence[Tick]:
        """Past ticks as far as they are kept."""
        return list(self._past(con_id).ticks(start, end))

    def bars(self, con_id: int, length: int, start: int, end: int, *, regular: bool) -> Sequence[Bar]:
        """Bars of what was played; those shorter than a minute as far as ticks are kept."""
        opened = self._hours(self._contract(con_id).hours.table)
        hours = opened.hours(regular=regular)
        sessions = list(opened.sessions(start, min(end, self._now + 1), regular=regular))
        if not sessions:
            return []
        low, high = hours.bounds(sessions[0])[0], hours.bounds(sessions[-1])[1]
        past = self._past(con_id)
        rows = past.trades(low, high) if length % MINUTE else past.minutes(low, high)
        made = (bar for session in sessions for bar in session_bars(con_id, rows, session, hours, length, SOURCE))
        return [bar for bar in made if start <= bar.start < end]


class ImportedMarket(RecordedMarket):
    """A SimulatedMarket of bars or ticks by conId, each series in order of time.

    A bar is played as its open, high and low in a seeded order, and close, a quarter of its volume each. Around prices without
    quotes of their own a bid and an ask are made, one tick apart, on a seeded side; an index has none.
    """

    def __init__(
        self, seed: int, listings: Sequence[Listing], series: Mapping[int, Iterable[Bar | Tick]], start: int | None = None
    ) -> None:
        known = {each.con_id: each for each in listings}
        for con_id in series:
            if con_id not in known:
                raise DataError(f"contract {con_id} has data and is not listed", remedy="List it, or leave its data out")
        played = []
        for con_id, items in sorted(series.items()):
            draw = Random(f"{seed}:{con_id}")  # noqa: S311 - a seeded market, not a secret
            played.append(_Player(draw, known[con_id]).ticks(items))
        super().__init__(listings, merge(*played, key=lambda tick: tick.at), start)


class _Player:
    """Makes a series the ticks of its contract."""

    def __init__(self, draw: Random, listing: Listing) -> None:
        self._draw, self._listing = draw, listing
        self._index = listing.instrument.security_type is SecurityType.IND
        self._bid = 0

    def ticks(self, series: Iterable[Bar | Tick]) -> Iterator[Tick]:
        """Every tick of a series. Once a quote of its own was seen, none are made."""
        quoted = self._index
        for item in series:
            if isinstance(item, Bar):
                yield from self._bar(item)
                continue
            quoted = quoted or item.kind in {TickKind.BID, TickKind.ASK}
            if not quoted and item.kind == TickKind.TRADE:
                yield from self._quotes(item.at, item.price)
            yield msgspec.structs.replace(item, instrument=self._listing.con_id)

    def _bar(self, bar: Bar) -> Iterator[Tick]:
        """The four prices of a bar within its time."""
        draw, con_id = self._draw, self._listing.con_id
        kind = TickKind.INDEX if self._index else TickKind.TRADE
        middle = (bar.high, bar.low) if draw.random() < EVEN else (bar.low, bar.high)
        room = bar.end - bar.start - PRICES_A_BAR
        inner = sorted(bar.start + 1 + int(draw.random() * room) for _ in middle)
        times = (bar.start, inner[0], inner[1] + 1, bar.end - 1)
        quarter = bar.volume // PRICES_A_BAR
        volumes = (bar.volume - quarter * (PRICES_A_BAR - 1), quarter, quarter, quarter)
        for at, price, volume in zip(times, (bar.open, *middle, bar.close), volumes, strict=True):
            if not self._index:
                yield from self._quotes(at, price)
            yield Tick(con_id, at, at, QUOTES, kind, price, volume, 0, 0, bar.source)

    def _quotes(self, at: int, price: int) -> Iterator[Tick]:
        """A bid and an ask, one of them at the price; of a rise the ask is told first, so that quotes never cross."""
        draw, con_id, step = self._draw, self._listing.con_id, self._listing.instrument.tick
        bid = price - step if draw.random() < EVEN else price
        both = [(TickKind.BID, bid), (TickKind.ASK, bid + step)]
        if bid > self._bid:
            both.reverse()
        self._bid = bid
        for seq, (kind, quoted) in enumerate(both):
            yield Tick(con_id, at, at, seq, kind, quoted, 1 + int(draw.random() * QUOTED_SIZE_MAX), 0, 0, SOURCE)
