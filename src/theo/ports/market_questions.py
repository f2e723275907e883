"""Questions about the market that are asked once: does a symbol exist, what is its price, is its market open, its past.

A broker and a data vendor are adapters of the same port; what a source does not serve it refuses. Streams are in feed.py.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

import msgspec

from theo.domain.instrument import Instrument
from theo.domain.market_data import Bar, Timeframe
from theo.market.sessions import Hours, Span
from theo.market.splits import Split
from theo.ports.feed import Progress


class Phase(StrEnum):
    """The part of the trading day."""

    REGULAR = "regular"
    BEFORE = "before the regular hours"
    AFTER = "after the regular hours"
    CLOSED = "closed"


class MarketStatus(msgspec.Struct, frozen=True):
    """``until`` (microseconds UTC) is when the phase ends, 0 where the source does not say."""

    phase: Phase
    until: int

    @property
    def is_open(self) -> bool:
        """Whether anything can be traded."""
        return self.phase is not Phase.CLOSED


class Listed(msgspec.Struct, frozen=True):
    """What a source says of an instrument. ``tick`` is its smallest increment as the source writes it.

    ``contract`` is the source's name of what is traded now, ``last_day`` (YYYYMMDD) its last trade day, "" where it has none.
    """

    con_id: int
    name: str
    exchanges: tuple[str, ...]
    order_types: tuple[str, ...]
    tick: Decimal
    tradable: bool
    contract: str
    last_day: str


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """The market of an instrument at ``at`` (microseconds UTC), prices in price units, None where there is none."""

    at: int
    bid: int | None = None
    ask: int | None = None
    last: int | None = None
    open: int | None = None
    high: int | None = None
    low: int | None = None
    close: int | None = None  # of the session before
    bid_size: int = 0
    ask_size: int = 0
    last_size: int = 0
    volume: int = 0
    late: bool = False  # a quarter of an hour
    last_at: int = 0  # when the last trade was, by the exchange; 0 where the source does not say


class PriceNow(msgspec.Struct, frozen=True):
    """The newest price and the part of the day that it is of; ``change`` in price units since the session before, if known."""

    price: int | None
    phase: Phase
    change: int | None
    late: bool


class OptionSeries(msgspec.Struct, frozen=True):
    """Options of one class at one exchange: expiries YYYYMMDD, strikes as the source writes them."""

    exchange: str
    trading_class: str
    multiplier: int
    expiries: tuple[str, ...]
    strikes: tuple[Decimal, ...]


class DepthRow(msgspec.Struct, frozen=True):
    """A level of a book: price in price units."""

    price: int
    size: int


class Depth(msgspec.Struct, frozen=True):
    """The best levels first."""

    bids: tuple[DepthRow, ...]
    asks: tuple[DepthRow, ...]


class Dividend(msgspec.Struct, frozen=True):
    """Cash for a share that is held before ``date`` (days since 1970-01-01), in micros of the instrument's currency."""

    date: int
    amount: int


class MarketQuestions(Protocol):
    """Each question raises RefusedError for what the source does not serve, and TheoError when no answer comes."""

    async def validate_symbol(self, instrument: Instrument) -> Listed:
        """Whether it exists and can be traded. Raises ConfigError for what is not listed, or not only once."""

    async def get_current_price(self, instrument: Instrument) -> PriceNow:
        """The newest price, also before and after the regular hours."""

    async def get_market_status(self, instrument: Instrument) -> MarketStatus:
        """Whether it trades now, and until when."""

    def get_historical_data(
        self, instrument: Instrument, timeframe: Timeframe, hours: Hours, span: Span, tell: Callable[[Progress], None]
    ) -> AsyncIterator[Sequence[Bar]]:
        """As ports.feed.BarHistory.bars."""

    async def get_option_chain(self, instrument: Instrument) -> tuple[OptionSeries, ...]:
        """All option classes on an underlying, exchange by exchange."""

    async def get_market_data(self, instrument: Instrument) -> Snapshot:
        """The market now: best bid and offer, last trade, the day's prices and volume."""

    async def get_market_depth(self, instrument: Instrument, rows: int) -> Depth:
        """The best levels of the book."""

    async def get_fundamental_data(self, instrument: Instrument) -> Mapping[str, str]:
        """Figures of the company by the source's names of them."""

    async def get_corporate_actions(self, instrument: Instrument) -> tuple[Split | Dividend, ...]:
        """Splits and dividends, oldest first."""
