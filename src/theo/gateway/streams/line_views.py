"""What lines see of a contract: the market as their type shows it, what they were told of it, and what is new.

Lines of one type on one contract see the same: it is worked out once for all of them.
"""

from collections.abc import Sequence
from typing import NamedTuple

from theo.domain.market_data import Tick
from theo.gateway.desk import NEVER, Desk, Quote
from theo.gateway.streams import generic_ticks
from theo.gateway.streams.delayed import DelayedQuote
from theo.gateway.streams.generic_ticks import DayVolume
from theo.gateway.streams.line import Line
from theo.gateway.streams.option_ticks import computations, option_value
from theo.gateway.streams.tick_messages import NOTHING, Change, changes, no_quote
from theo.gateway.wire.messages.market_data import TickGeneric

HALTED_TICK = 49
VOLUME_TICKS = frozenset({generic_ticks.RT_VOLUME, generic_ticks.RT_TRADE_VOLUME})


class News(NamedTuple):
    """What happened between two samples, as the lines of one type see it."""

    before: Quote
    after: Quote
    ticks: list[Change]


class LineViews:
    """The state of all that lines look at, for as long as a line does."""

    __slots__ = ("_computed", "_late", "_shown", "_volumes")

    def __init__(self) -> None:
        self._shown: dict[tuple[int, int], Quote] = {}  # by contract and served type: what its lines were told
        self._computed: dict[tuple[int, int], list[Change]] = {}  # as _shown, of options' numbers
        self._late: dict[int, DelayedQuote] = {}
        self._volumes: dict[int, DayVolume] = {}

    def begin(self, desk: Desk, line: Line) -> None:
        """Look at what a new line needs."""
        con_id = line.listing.con_id
        if line.late and con_id not in self._late:
            self._late[con_id] = DelayedQuote(desk, line.listing)
        if line.generic & VOLUME_TICKS and con_id not in self._volumes:
            self._volumes[con_id] = DayVolume(desk, line.listing)

    def end(self, line: Line, others: Sequence[Line]) -> None:
        """Look away from what no other line on the contract needs."""
        con_id = line.listing.con_id
        if all(each.served != line.served for each in others):
            self._shown.pop((con_id, line.served), None)
            self._computed.pop((con_id, line.served), None)
        if not any(each.late for each in others):
            self._late.pop(con_id, None)
        if not others:
            self._volumes.pop(con_id, None)

    def take(self, tick: Tick) -> None:
        """A tick of a contract with lines."""
        volume = self._volumes.get(tick.instrument)
        if volume is not None and generic_ticks.is_trade(tick):
            volume.add(tick)
        late = self._late.get(tick.instrument)
        if late is not None:
            late.add(tick)

    def late_due(self) -> int:
        """When a delayed market moves next."""
        return min((late.next_due() for late in self._late.values()), default=NEVER)

    def advance(self, now: int) -> list[int]:
        """Let delayed markets come to their time; the contracts that moved."""
        moved = [con_id for con_id, late in self._late.items() if late.next_due() <= now]
        for con_id in moved:
            self._late[con_id].advance(now)
        return moved

    def quote(self, desk: Desk, line: Line) -> Quote:
        """What a line has been told, or is told now if it is the first of its type."""
        key = (line.listing.con_id, line.served)
        if key not in self._shown:
            self._shown[key] = self._seen(desk, line)
        return self._shown[key]

    def everything(self, desk: Desk, line: Line) -> list[Change]:
        """All ticks with which a line begins."""
        listing, quote = line.listing, self.quote(desk, line)
        ticks = changes(listing, NOTHING, quote, line.types)
        if quote.bid is None and quote.ask is None:
            ticks = no_quote(listing, line.types) + ticks
        ticks += generic_ticks.first_ticks(desk, listing, line.generic, quote)
        ticks.append((TickGeneric, (HALTED_TICK, 0.0)))
        value = option_value(desk, listing)
        if value is not None:
            numbers = computations(listing, value, quote, line.types)
            self._computed[(listing.con_id, line.served)] = numbers
            ticks += numbers
        return ticks

    def news(self, desk: Desk, line: Line) -> News:
        """What is new for the lines of this one's type; with that they are told."""
        key = (line.listing.con_id, line.served)
        before, after = self._shown[key], self._seen(desk, line)
        self._shown[key] = after
        found = changes(line.listing, before, after, line.types)
        value = option_value(desk, line.listing)
        if value is not None:
            numbers = computations(line.listing, value, after, line.types)
            known = self._computed.get(key, [])
            found += [each for each in numbers if each not in known]
            self._computed[key] = numbers
        return News(before, after, found)

    def generic_news(self, line: Line, news: News) -> list[Change]:
        """What is new of the generic ticks that a line has asked for."""
        listing, volume, found = line.listing, self._volumes.get(line.listing.con_id), []
        if generic_ticks.mark_price(news.before) != generic_ticks.mark_price(news.after):
            found += generic_ticks.mark_ticks(listing, line.generic, news.after)
        if volume is not None:
            found += generic_ticks.volume_ticks(listing, line.generic, volume, news.after)
        return found

    def told(self, con_id: int) -> None:
        """All lines on a contract know its newest trade."""
        volume = self._volumes.get(con_id)
        if volume is not None:
            volume.trade = None

    def _seen(self, desk: Desk, line: Line) -> Quote:
        """The market as a line of this type sees it: when it is closed, only frozen ones have quotes."""
        listing = line.listing
        quote = self._late[listing.con_id].quote if line.late else desk.market.quote(listing.con_id)
        if line.frozen or listing.hours.is_open(desk.now):
            return quote
        return Quote(
            last=quote.last,
            last_size=quote.last_size,
            last_at=quote.last_at,
            volume=quote.volume,
            open=quote.open,
            high=quote.high,
            low=quote.low,
            close=quote.close,
        )
