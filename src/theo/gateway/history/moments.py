"""Past ticks, the first moment of data, and volume by price: questions with one answer."""

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal

from theo.domain.instrument import SecurityType
from theo.domain.market_data import HOUR, MINUTE, SECOND
from theo.gateway import access
from theo.gateway.client import Client
from theo.gateway.desk import Desk, Handler, Listing
from theo.gateway.history.asked import KINDS, BarSize, Duration, Span, check_kind
from theo.gateway.history.bar_rows import EPOCH_SECONDS
from theo.gateway.history.date_texts import moment_of, utc_text
from theo.gateway.history.periods import begin_of
from theo.gateway.past_ticks import PAST_TICKS_MAX, TicksOf, answer, rows_after, rows_before
from theo.gateway.request_refused import RequestRefusedError, invalid
from theo.gateway.wire.messages.history import (
    CancelHeadTimeStamp,
    CancelHistogramData,
    HeadTimestamp,
    HistogramData,
    HistogramRow,
    ReqHeadTimeStamp,
    ReqHistogramData,
    ReqHistoricalTicks,
)
from theo.gateway.wire.schema import Message

TICKS: Mapping[str, TicksOf] = {"TRADES": "TRADES", "BID_ASK": "BID_ASK", "MIDPOINT": "MIDPOINT"}
FINE_DAYS_MAX = 7  # a histogram of more than so many sessions is made of bars of an hour, not of a minute
SESSIONS_A_UNIT = {"S": 1, "D": 1, "W": 5, "M": 21, "Y": 252}
DAILY = BarSize(Span.SESSION, 0, "")


class Moments:
    """Handlers of questions about the past that are answered at once, so that there is nothing to take back."""

    def __init__(self) -> None:
        self.handlers: Mapping[type[Message], Handler] = {
            ReqHistoricalTicks: self._ticks,
            ReqHeadTimeStamp: self._head,
            ReqHistogramData: self._histogram,
            CancelHeadTimeStamp: _nothing,
            CancelHistogramData: _nothing,
        }

    def _ticks(self, desk: Desk, client: Client, request: ReqHistoricalTicks) -> None:
        starts, ends = request.start_date_time.strip(), request.end_date_time.strip()
        if bool(starts) is bool(ends):
            raise invalid("bW", "Please specify either start or end date time")
        if request.number_of_ticks < 1:
            raise invalid("bW", "Number of ticks must be greater than zero")
        what = TICKS.get(request.what_to_show)
        if what is None:
            raise invalid("bW", "What to show field is missing or incorrect.")
        moment, _ = moment_of(starts or ends, desk.now, desk.settings.time_zone)
        listing = desk.resolve(client, request.req_id, request.contract)
        if listing is None:
            return
        _check_ticks(desk, listing, what)
        count, regular = min(request.number_of_ticks, PAST_TICKS_MAX), bool(request.use_rth)
        if starts:
            found = rows_after(desk, listing, moment, count, what, regular=regular, ignore_size=request.ignore_size)
        else:
            until = min(moment, desk.now + 1)
            found = rows_before(desk, listing, until, count, what, regular=regular, ignore_size=request.ignore_size)
        client.send(answer(request.req_id, what, found, done=True))

    def _head(self, desk: Desk, client: Client, request: ReqHeadTimeStamp) -> None:
        if request.what_to_show not in KINDS:
            raise invalid("bN", "What to show field is missing or incorrect.")
        listing = desk.resolve(client, request.req_id, request.contract)
        if listing is None:
            return
        check_kind(listing, request.what_to_show, "")
        at = desk.market.head(listing.con_id)
        text = str(at // SECOND) if request.format_date == EPOCH_SECONDS else utc_text(at)
        client.send(HeadTimestamp(request.req_id, text))

    def _histogram(self, desk: Desk, client: Client, request: ReqHistogramData) -> None:
        period = _period(request.time_period)
        listing = desk.resolve(client, request.req_id, request.contract)
        if listing is None:
            return
        begin = begin_of(listing, desk.now + 1, period, DAILY, regular=request.use_rth)
        if begin is None:
            raise RequestRefusedError(10_188, "Failed to request histogram data:No data")
        fine = period.count * SESSIONS_A_UNIT[period.unit] <= FINE_DAYS_MAX
        length = MINUTE if fine else HOUR
        volumes: Counter[int] = Counter()
        for bar in desk.market.bars(listing.con_id, length, begin, desk.now + 1, regular=request.use_rth):
            volumes[bar.close] += bar.volume
        unit = 10**listing.instrument.price_decimals
        found = tuple(HistogramRow(price / unit, Decimal(volume)) for price, volume in sorted(volumes.items()) if volume)
        client.send(HistogramData(request.req_id, found))


def _check_ticks(desk: Desk, listing: Listing, what: TicksOf) -> None:
    kind = listing.instrument.security_type
    if (kind is SecurityType.IND and what != "TRADES") or (kind is SecurityType.CASH and what == "TRADES"):
        contract = listing.contract
        whose = f"{contract.symbol}/{contract.sec_type}@{contract.exchange}"
        raise _ticks_failed(f"No historical market data for {whose} {KINDS[what].name}")
    if not access.is_live(desk, listing):
        raise _ticks_failed(f"No market data permissions for {access.place(listing)} {listing.contract.sec_type}")


def _ticks_failed(why: str) -> RequestRefusedError:
    return RequestRefusedError(10_187, f"Failed to request historical ticks:{why}")


def _period(text: str) -> Duration:
    """``3 days``, ``1 week``: a number and a unit, of which the first letter counts. Raises 10188."""
    number, _, unit = text.strip().partition(" ")
    if not (number.isdecimal() and number.isascii() and int(number[:4]) > 0) or unit[:1].upper() not in SESSIONS_A_UNIT:
        raise RequestRefusedError(10_188, f"Failed to request histogram data:Invalid time period {text}")
    return Duration(int(number[:4]), unit[:1].upper())


def _nothing(_desk: Desk, _client: Client, _request: Message) -> None:
    """Taken, and not answered: ib_async takes back what was answered long ago."""
