"""Requests for bars, read as TWS reads them: sizes, durations, kinds; what is wrong is refused in its order and its words."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

import msgspec

from theo.domain.instrument import SecurityType
from theo.domain.market_data import DAY, HOUR, MINUTE, SECOND
from theo.gateway.desk import Listing
from theo.gateway.request_refused import RequestRefusedError, invalid
from theo.gateway.wire.messages.history import ReqHistoricalData

MARK = "bM"
LEGAL_SIZES = (
    "1 secs, 5 secs, 10 secs, 15 secs, 30 secs, 1 min, 2 mins, 3 mins, 5 mins, 10 mins, 15 mins, 20 mins, 30 mins, 1 hour, "
    "2 hours, 3 hours, 4 hours, 8 hours, 1 day, 1W, 1M"
)
SERVICE = "Historical Market Data Service error message:"
SECONDS_MIN, SECONDS_MAX, DAYS_MAX, WEEKS_MAX, MONTHS_MAX = 30, 86_400, 365, 52, 12
YEARS_MAX = 100
FORMATS = (1, 2, 3)
KEPT_SIZE_MIN = 5 * SECOND
SMALL = 30 * SECOND  # bars up to this are paced and reach back less far


class Span(StrEnum):
    """What a bar covers."""

    TIME = "time"
    SESSION = "session"
    WEEK = "week"
    MONTH = "month"


class BarSize(msgspec.Struct, frozen=True):
    """A size: ``length`` in microseconds, 0 for a session and what is made of sessions; ``label`` as in texts of errors."""

    span: Span
    length: int
    label: str


class Duration(msgspec.Struct, frozen=True):
    """So many of S, D, W, M or Y."""

    count: int
    unit: str


class Kind(msgspec.Struct, frozen=True):
    """A whatToShow: its name in the two texts of 162 that name it, and for which security types there are such data."""

    name: str
    no_data_name: str
    types: frozenset[SecurityType]


def _sizes() -> Mapping[str, BarSize]:
    found = {f"{n} secs": BarSize(Span.TIME, n * SECOND, f"{n}s") for n in (1, 5, 10, 15, 30)}
    found |= {f"{n} min{'s' * (n > 1)}": BarSize(Span.TIME, n * MINUTE, f"{n}m") for n in (1, 2, 3, 5, 10, 15, 20, 30)}
    found |= {f"{n} hour{'s' * (n > 1)}": BarSize(Span.TIME, n * HOUR, f"{n}h") for n in (1, 2, 3, 4, 8)}
    found["1 day"] = BarSize(Span.SESSION, 0, "1d")
    found |= {name: BarSize(Span.WEEK, 0, "1W") for name in ("1w", "1 w", "1 week")}
    found |= {name: BarSize(Span.MONTH, 0, "1M") for name in ("1m", "1 m", "1 month")}
    return MappingProxyType(found)


SIZES = _sizes()
_SHARES = frozenset({SecurityType.STK, SecurityType.ETF})
_QUOTED = frozenset(SecurityType) - {SecurityType.IND}
_NONE: frozenset[SecurityType] = frozenset()
KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "TRADES": Kind("Last", "Trades", frozenset(SecurityType) - {SecurityType.CASH}),
        "MIDPOINT": Kind("Midpoint", "Midpoint", _QUOTED),
        "BID": Kind("Bid", "Bid", _QUOTED),
        "ASK": Kind("Ask", "Ask", _QUOTED),
        "BID_ASK": Kind("BidAsk", "BidAsk", _QUOTED),
        "ADJUSTED_LAST": Kind("AdjustedLast", "AdjustedLast", _SHARES),
        "SCHEDULE": Kind("Schedule", "Schedule", frozenset(SecurityType)),
        "HISTORICAL_VOLATILITY": Kind("HV", "HistoricalVolatility", _NONE),
        "OPTION_IMPLIED_VOLATILITY": Kind("IV", "OptionImpliedVolatility", _NONE),
        "REBATE_RATE": Kind("RebateRate", "RebateRate", _NONE),
        "FEE_RATE": Kind("FeeRate", "FeeRate", _NONE),
        "YIELD_BID": Kind("YieldBid", "YieldBid", _NONE),
        "YIELD_ASK": Kind("YieldAsk", "YieldAsk", _NONE),
        "YIELD_BID_ASK": Kind("YieldBidAsk", "YieldBidAsk", _NONE),
        "YIELD_LAST": Kind("YieldLast", "YieldLast", _NONE),
        "AGGTRADES": Kind("AggTrades", "AggTrades", _NONE),
    }
)
# IB's table of step sizes: the longest time, in seconds, of which bars of so many seconds are given
LONGEST_OF_SMALL: Mapping[int, int] = MappingProxyType(
    {1 * SECOND: 2_000, 5 * SECOND: 10_000, 10 * SECOND: 14_400, 15 * SECOND: 28_800, 30 * SECOND: 86_400}
)


def bar_size(text: str) -> BarSize:
    """A bar size. Raises 321 with all legal ones."""
    found = SIZES.get(text.strip().lower())
    if found is None:
        raise invalid(MARK, f"Historical data bar size setting is invalid. Legal ones are: {LEGAL_SIZES}")
    return found


def duration(text: str) -> Duration:
    """``3600 S``, ``2 D``, ``1 W``, ``6 M``, ``1 Y``; a number alone is seconds. Raises 321."""
    text = text.strip()
    if not text:
        raise invalid(MARK, "Historical data request duration not specified.")
    number, _, unit = (f"{text} S" if text.isdecimal() else text).partition(" ")
    unit = unit.upper()
    if not (number.isdecimal() and number.isascii()) or unit not in {"S", "D", "W", "M", "Y"}:
        form = "integer{SPACE}unit (S|D|W|M|Y)."
        raise invalid(MARK, f"When specifying a unit, historical data request duration format is {form}")
    count = int(number[:9])
    if count < 1 or (unit == "S" and count < SECONDS_MIN) or (unit == "Y" and count > YEARS_MAX):
        raise invalid(MARK, "Historical data requested duration is invalid.")
    if unit == "S" and count > SECONDS_MAX:
        raise invalid(MARK, "Historical data request for greater than 86400 seconds rejected.")
    for letter, most, words in (("D", DAYS_MAX, "365 days"), ("W", WEEKS_MAX, "52 weeks"), ("M", MONTHS_MAX, "12 months")):
        if unit == letter and count > most:
            requests = "requests" if letter == "D" else "request"
            raise invalid(MARK, f"Historical data {requests} for durations longer than {words} must be made in years.")
    return Duration(count, unit)


def checked(request: ReqHistoricalData) -> tuple[BarSize, Duration]:
    """The size and duration of a request of which all parts fit each other. Raises 321 in TWS's order of checks."""
    asked_for = duration(request.duration)
    adjusted, ends = request.what_to_show == "ADJUSTED_LAST", bool(request.end_date_time.strip())
    if adjusted and ends:
        raise invalid(MARK, "End date not supported with adjusted last")
    size = bar_size(request.bar_size_setting)
    if adjusted and size.span in {Span.WEEK, Span.MONTH}:
        raise invalid(MARK, "Multi day bar size not supported with adjusted last")
    if request.what_to_show not in KINDS:
        raise invalid(MARK, "What to show field is missing or incorrect.")
    if request.format_date not in FORMATS:
        raise invalid(MARK, f"Date formatting selection of {request.format_date} rejected.")
    if request.what_to_show == "SCHEDULE" and size.span is not Span.SESSION:
        raise invalid(MARK, "Only daily resolution supported for Schedule requests")
    if request.keep_up_to_date and ends:
        raise invalid(MARK, "End date/time not supported with keep up to date")
    if request.keep_up_to_date and 0 < size.length < KEPT_SIZE_MIN:
        raise invalid(MARK, "Bar size not supported with keep up to date")
    _check_step(size, asked_for)
    return size, asked_for


def _check_step(size: BarSize, asked_for: Duration) -> None:
    if not 0 < size.length <= SMALL:
        return
    seconds = asked_for.count * (DAY // SECOND if asked_for.unit == "D" else 1)
    if asked_for.unit not in {"S", "D"} or seconds > LONGEST_OF_SMALL[size.length]:
        raise RequestRefusedError(162, f"{SERVICE}invalid step: {size.length // SECOND}")


def check_kind(listing: Listing, what: str, label: str) -> None:
    """Raises 162 when a contract has no data of a kind."""
    if listing.instrument.security_type not in KINDS[what].types:
        contract = listing.contract
        whose = f"{contract.symbol}/{contract.sec_type}@{contract.exchange}"
        raise RequestRefusedError(162, f"{SERVICE}No historical market data for {whose} {KINDS[what].name} {label}".rstrip())


def no_data(listing: Listing, what: str) -> RequestRefusedError:
    """162 in the form that says that there are none."""
    contract = listing.contract
    name = contract.local_symbol or contract.symbol
    return RequestRefusedError(
        162, f"{SERVICE}HMDS query returned no data: {name}@{contract.exchange} {KINDS[what].no_data_name}"
    )
