"""Generic ticks: which may be asked for, and those that this gateway knows. Those it does not know are taken, and never come."""

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType

from theo.domain.instrument import SecurityType
from theo.domain.market_data import DAY, HOUR, MINUTE, Tick, TickKind
from theo.gateway.desk import Desk, Listing, Quote
from theo.gateway.request_refused import invalid
from theo.gateway.streams.tick_messages import Change, price_of
from theo.gateway.wire.messages.market_data import TickGeneric, TickPrice, TickSize, TickString

NAMES: Mapping[int, str] = MappingProxyType(
    {
        100: "Option Volume",
        101: "Option Open Interest",
        104: "Historical Volatility",
        105: "Average Opt Volume",
        106: "impvolat",
        162: "Index Future Premium",
        165: "Misc. Stats",
        221: "Mark Price",
        225: "Auction",
        232: "Pl Price",
        233: "RTVolume",
        236: "inventory",
        258: "Fundamentals",
        292: "Wide_news",
        293: "TradeCount",
        294: "TradeRate",
        295: "VolumeRate",
        318: "LastRTHTrade",
        375: "RT Trd Volume",
        411: "rthistvol",
        456: "IBDividends",
        460: "Bond Factor Multiplier",
        576: "Etf Nav Last",
        577: "ETF Nav Frozen Last",
        578: "ETF Nav High/Low",
        586: "IPOHLDPRC",
        587: "Pl Price Delayed",
        588: "Futures Open Interest",
        595: "Short-Term Volume X Mins",
        614: "ETF NAV high/low",
        619: "Slow mark price",
        623: "ETF Nav",
    }
)
MARK_TICKS = frozenset({221, 232, 619})
RT_VOLUME, RT_TRADE_VOLUME = 233, 375
SHORTABLE, OPEN_INTEREST, LAST_REGULAR, STATISTICS = 236, 588, 318, 165
EASY_TO_BORROW = 3.0  # above 2.5: at least 1000 shares are there to be sold short
SHARES_TO_BORROW = Decimal(1_000_000)
INTEREST_PER_CONTRACT = 100_000  # open interest of a future is not modelled: a number that stays
WEEKS = ((13, 15, 16), (26, 17, 18), (52, 19, 20))  # weeks, tick types of their low and high
AVERAGE_DAYS = 90  # of the average volume, tick 21


def generic_ids(text: str, sec_type: str) -> frozenset[int]:
    """The ids of a comma list; ``mdoff`` and what only provides news are left out. Raises 321 for one that is none."""
    found = set()
    for part in (each.strip() for each in text.split(",")):
        number, _, provider = part.partition(":")
        if not part or part == "mdoff":
            continue
        if not number.isdecimal() or int(number) not in NAMES:
            legal = ",".join(f"{key}({name})" for key, name in NAMES.items())
            raise invalid("bQ", f"Incorrect generic tick list of {text}.  Legal ones for ({sec_type}) are: {legal}")
        if not provider:
            found.add(int(number))
    return frozenset(found)


class DayVolume:
    """For RTVolume: volume and volume-weighted average price of the session so far, and the newest trade not yet told."""

    __slots__ = ("_amount", "_volume", "trade")

    def __init__(self, desk: Desk, listing: Listing) -> None:
        self._amount = self._volume = 0
        self.trade: Tick | None = None
        session = listing.hours.session_around(desk.now)
        if session is None:
            return
        opened = listing.hours.bounds(session)[0]
        for bar in desk.market.bars(listing.con_id, MINUTE, opened, desk.now, regular=False):
            self._amount += (bar.high + bar.low + bar.close) * bar.volume // 3
            self._volume += bar.volume

    def add(self, tick: Tick) -> None:
        """A trade."""
        self._amount += tick.price * tick.volume
        self._volume += tick.volume
        self.trade = tick

    def text(self, listing: Listing, quote: Quote) -> str:
        """``price;size;time in ms;volume;vwap;single trade``; empty before the first trade. Prices as of TWS."""
        trade = self.trade
        if trade is None:
            return ""
        average = price_of(listing, self._amount / self._volume) if self._volume else price_of(listing, trade.price)
        price = price_of(listing, trade.price)
        return f"{price};{trade.volume};{trade.timestamp // 1000};{quote.volume};{average:.8f};true"


def is_trade(tick: Tick) -> bool:
    """Whether a tick is a trade of some size."""
    return tick.kind == TickKind.TRADE and tick.volume > 0


def first_ticks(desk: Desk, listing: Listing, ids: frozenset[int], quote: Quote) -> list[Change]:
    """The generic ticks with which a line begins."""
    kind, found = listing.instrument.security_type, [*mark_ticks(listing, ids, quote)]
    if SHORTABLE in ids and kind in {SecurityType.STK, SecurityType.ETF}:
        found += [(TickGeneric, (46, EASY_TO_BORROW)), (TickSize, (89, SHARES_TO_BORROW))]
    if OPEN_INTEREST in ids and kind is SecurityType.FUT:
        found.append((TickSize, (86, Decimal(INTEREST_PER_CONTRACT + listing.con_id % INTEREST_PER_CONTRACT))))
    if STATISTICS in ids:
        found += _statistics(desk, listing)
    if LAST_REGULAR in ids:
        bars = desk.market.bars(listing.con_id, MINUTE, desk.now - 4 * DAY, desk.now, regular=True)
        found += [(TickPrice, (57, price_of(listing, bar.close), Decimal(0), 0)) for bar in bars[-1:]]
    return found


def mark_ticks(listing: Listing, ids: frozenset[int], quote: Quote) -> list[Change]:
    """The mark price: the last trade, kept within the quote."""
    mark = mark_price(quote)
    return [(TickPrice, (37, price_of(listing, mark), Decimal(0), 0))] if ids & MARK_TICKS and mark is not None else []


def mark_price(quote: Quote) -> int | None:
    """The last price, not beyond bid and ask."""
    mark = quote.last if quote.last is not None else quote.close
    if mark is None:
        return quote.bid
    if quote.bid is not None:
        mark = max(mark, quote.bid)
    return mark if quote.ask is None else min(mark, quote.ask)


def volume_ticks(listing: Listing, ids: frozenset[int], volume: DayVolume, quote: Quote) -> list[Change]:
    """RTVolume, with and without the trades that a chart leaves out: here the same."""
    text = volume.text(listing, quote)
    pairs = ((RT_VOLUME, 48), (RT_TRADE_VOLUME, 77))
    return [(TickString, (tick_type, text)) for number, tick_type in pairs if text and number in ids]


def _statistics(desk: Desk, listing: Listing) -> list[Change]:
    bars = desk.market.bars(listing.con_id, 0, desk.now - 364 * DAY, desk.now - 12 * HOUR, regular=True)
    found: list[Change] = []
    for weeks, low, high in WEEKS:
        since = [bar for bar in bars if bar.start >= desk.now - weeks * 7 * DAY]
        if since:
            found.append((TickPrice, (low, price_of(listing, min(bar.low for bar in since)), Decimal(0), 0)))
            found.append((TickPrice, (high, price_of(listing, max(bar.high for bar in since)), Decimal(0), 0)))
    volumes = [bar.volume for bar in bars[-AVERAGE_DAYS:]]
    if any(volumes):
        found.append((TickSize, (21, Decimal(sum(volumes) // len(volumes)))))
    return found
