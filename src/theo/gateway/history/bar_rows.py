"""Rows of IB's bars made of the market's bars of trades.

Of quotes the market keeps no past: a bid lies one price step under the trades and an ask one above, the same in every request.
Nor does it keep single trades: the average price is the mean of high, low and close, the count one for each hundred of volume.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import groupby

import msgspec

from theo.domain.instrument import SecurityType
from theo.domain.market_data import SECOND, Bar
from theo.gateway.desk import Desk, Listing
from theo.gateway.history.asked import BarSize, Span
from theo.gateway.history.date_texts import date_of, day_text, moment_text
from theo.gateway.wire.messages.history import HistoricalBar

NO_VOLUME = Decimal(-1)
TRADE_SIZE = 100
EPOCH_SECONDS = 2  # the formatDate that asks for them
AVERAGE_DECIMALS = 6


class BarsAsked(msgspec.Struct, frozen=True, kw_only=True):
    """What rows are made of: a contract's bars of a size and kind, in regular or all hours, with dates of a form."""

    listing: Listing
    size: BarSize
    what: str
    regular: bool
    format_date: int
    zone: str
    version: int


def rows(desk: Desk, asked: BarsAsked, start: int, end: int) -> list[tuple[int, HistoricalBar]]:
    """Bars with ``start`` <= start of bar < ``end`` as rows, each with its start, oldest first."""
    found = desk.market.bars(asked.listing.con_id, asked.size.length, start, end, regular=asked.regular)
    return [(bar.start, _row(asked, bar)) for bar in _gathered(found, asked.size.span)]


def _gathered(bars: Sequence[Bar], span: Span) -> Iterator[Bar]:
    """Bars of sessions gathered to weeks or months, which bear the date of their last session."""
    if span in {Span.TIME, Span.SESSION}:
        yield from bars
        return
    for _, group in groupby(bars, key=lambda bar: _period(bar, span)):
        part = list(group)
        yield msgspec.structs.replace(
            part[0],
            end=part[-1].end,
            high=max(bar.high for bar in part),
            low=min(bar.low for bar in part),
            close=part[-1].close,
            volume=sum(bar.volume for bar in part),
            session_date=part[-1].session_date,
        )


def _period(bar: Bar, span: Span) -> tuple[int, int]:
    day = date_of(bar.session_date)
    return day.isocalendar()[:2] if span is Span.WEEK else (day.year, day.month)


def _row(asked: BarsAsked, bar: Bar) -> HistoricalBar:
    instrument = asked.listing.instrument
    unit, step = 10**instrument.price_decimals, instrument.tick
    if asked.what in {"TRADES", "ADJUSTED_LAST"}:
        index = instrument.security_type is SecurityType.IND
        average = round((bar.high + bar.low + bar.close) / 3 / unit, AVERAGE_DECIMALS)
        volume, count = Decimal(bar.volume), -(-bar.volume // TRADE_SIZE)
        prices, rest = (bar.open, bar.high, bar.low, bar.close), (volume, 0.0 if index else average, count)
    elif asked.what == "BID_ASK":  # the average bid, the highest ask, the lowest bid, the average ask
        middle = (bar.open + bar.close) // 2
        prices, rest = (middle - step, bar.high + step, bar.low - step, middle + step), (NO_VOLUME, -1.0, -1)
    else:
        shift = {"BID": -step, "ASK": step}.get(asked.what, 0)
        prices = (bar.open + shift, bar.high + shift, bar.low + shift, bar.close + shift)
        rest = (NO_VOLUME, -1.0, -1)
    opened, high, low, close = (price / unit for price in prices)
    return HistoricalBar(_date(asked, bar), opened, high, low, close, *rest)


def _date(asked: BarsAsked, bar: Bar) -> str:
    if asked.size.span is not Span.TIME:
        return day_text(bar.session_date)
    if asked.format_date == EPOCH_SECONDS:
        return str(bar.start // SECOND)
    return moment_text(bar.start, asked.zone, asked.version)
