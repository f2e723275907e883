"""Historical bars: answered at once or after a delay, then kept up to date; one request at a time for each id."""

import heapq
from collections.abc import Mapping

import msgspec

from theo.domain.market_data import SECOND
from theo.gateway import access
from theo.gateway.client import Client
from theo.gateway.desk import NEVER, Desk, Handler, Listing
from theo.gateway.history.asked import MARK, SERVICE, SMALL, BarSize, Duration, check_kind, checked, no_data
from theo.gateway.history.bar_rows import BarsAsked, rows
from theo.gateway.history.date_texts import (
    NO_ZONE,
    NO_ZONE_TEXT,
    ZONED_SINCE,
    day_text,
    moment_of,
    moment_text,
    zone_text,
)
from theo.gateway.history.pacing import HistoryPacing
from theo.gateway.history.periods import begin_of, earliest, sessions_before
from theo.gateway.open_hours import open_spans, spans_of
from theo.gateway.register import Register, Subscription
from theo.gateway.request_refused import RequestRefusedError, invalid, unprocessed
from theo.gateway.wire.messages.history import (
    CancelHistoricalData,
    HistoricalBar,
    HistoricalData,
    HistoricalDataUpdate,
    HistoricalSchedule,
    HistoricalSession,
    ReqHistoricalData,
)
from theo.gateway.wire.schema import Message

OPEN_MAX = 50  # requests that are not answered yet or are kept up to date, of all clients
BARS_MAX = 100_000  # of one answer; IB gives up earlier
UPDATE_EVERY = 5 * SECOND
PACED = f"{SERVICE}Historical data request pacing violation"
SCHEDULE_SINCE = 165  # older clients know no such answer


class Question(msgspec.Struct, frozen=True):
    """A request that can be answered: what it is about is settled."""

    request: ReqHistoricalData
    listing: Listing
    size: BarSize
    lasts: Duration
    end: int | None  # None is whenever it is answered

    @property
    def schedule(self) -> bool:
        """Whether it asks for sessions instead of bars."""
        return self.request.what_to_show == "SCHEDULE"


class OpenRequest(Subscription):
    """A request that waits for its answer, or whose answer is kept up to date: then ``rows`` are the last bars told."""

    __slots__ = ("question", "rows", "waits")

    def __init__(self, client: Client, question: Question) -> None:
        super().__init__(client, question.request.req_id, question.listing)
        self.question, self.waits = question, True
        self.rows: dict[int, HistoricalBar] = {}


class HistoricalBars:
    """Handlers and state of historical bars. ``answer_delay`` (microseconds) is how long the service takes."""

    def __init__(self) -> None:
        self.register: Register[OpenRequest] = Register()
        self.handlers: Mapping[type[Message], Handler] = {
            ReqHistoricalData: self._request,
            CancelHistoricalData: self._cancel,
        }
        self.answer_delay = 0
        self._pacing = HistoryPacing()
        self._due: list[tuple[int, int, OpenRequest]] = []
        self._number = 0
        self._update_at = NEVER

    def _request(self, desk: Desk, client: Client, request: ReqHistoricalData) -> None:
        end = None
        if request.end_date_time.strip():
            end, zoned = moment_of(request.end_date_time, desk.now, desk.settings.time_zone)
            if not zoned and _version(client) >= ZONED_SINCE:
                client.error(request.req_id, NO_ZONE, NO_ZONE_TEXT)
        size, lasts = checked(request)
        listing = desk.resolve(client, request.req_id, request.contract)
        if listing is None:
            return
        check_kind(listing, request.what_to_show, size.label)
        question = Question(request, listing, size, lasts, end)
        self._check(desk, client, question)
        waiting = OpenRequest(client, question)
        self.register.add(waiting)
        if not self.answer_delay:
            self._answer(desk, waiting)
            return
        self._number += 1
        heapq.heappush(self._due, (desk.now + self.answer_delay, self._number, waiting))

    def _check(self, desk: Desk, client: Client, question: Question) -> None:
        request, listing = question.request, question.listing
        if self.register.get(client, request.req_id) is not None:
            raise unprocessed(MARK, "Duplicate ticker ID for API historical data query")
        if len(self.register) >= OPEN_MAX:
            raise unprocessed(MARK, f"Only {OPEN_MAX} simultaneous API historical data requests allowed.")
        if not access.is_live(desk, listing):
            whose = f"{access.place(listing)} {listing.contract.sec_type}"
            raise RequestRefusedError(162, f"{SERVICE}No market data permissions for {whose}")
        if not desk.settings.enforce_pacing or not 0 < question.size.length <= SMALL:
            return
        whole = msgspec.structs.replace(request, req_id=0)
        contract = (listing.con_id, request.contract.exchange, request.what_to_show)
        weight = 2 if request.what_to_show == "BID_ASK" else 1
        if not self._pacing.allows(desk.now, whole, contract, weight):
            raise RequestRefusedError(162, PACED)

    def _answer(self, desk: Desk, waiting: OpenRequest) -> None:
        """Answer, and keep it open only if it is to be kept up to date."""
        waiting.waits = False
        keeps = waiting.question.request.keep_up_to_date
        if not keeps:
            self.register.remove(waiting)
        try:
            if waiting.question.schedule:
                _tell_schedule(desk, waiting)
            else:
                _tell_bars(desk, waiting)
        except RequestRefusedError:
            self.register.remove(waiting)
            raise
        if keeps and self._update_at == NEVER:
            self._update_at = desk.now - desk.now % UPDATE_EVERY + UPDATE_EVERY

    def _cancel(self, _desk: Desk, client: Client, request: CancelHistoricalData) -> None:
        found = self.register.get(client, request.req_id)
        if found is None:
            raise RequestRefusedError(366, f"No historical data query found for ticker id:{request.req_id}")
        self.register.remove(found)
        raise RequestRefusedError(162, f"{SERVICE}API historical data query cancelled: {request.req_id}")

    def next_due(self) -> int:
        """The next answer or update."""
        return min(self._update_at, self._due[0][0]) if self._due else self._update_at

    def on_time(self, desk: Desk, at: int) -> None:
        """Send answers that have taken long enough, and updates."""
        while self._due and self._due[0][0] <= at:
            waiting = heapq.heappop(self._due)[2]
            if self.register.get(waiting.client, waiting.req_id) is waiting:
                try:
                    self._answer(desk, waiting)
                except RequestRefusedError as refused:
                    waiting.client.error(waiting.req_id, refused.code, refused.text)
        if self._update_at > at:
            return
        kept = [each for each in self.register if each.question.request.keep_up_to_date]
        self._update_at = at - at % UPDATE_EVERY + UPDATE_EVERY if kept else NEVER
        for each in kept:
            if not each.waits and not each.silent:
                _tell_update(desk, each)


def _version(client: Client) -> int:
    return client.link.version or 0


def _bars_asked(desk: Desk, open_request: OpenRequest) -> BarsAsked:
    request = open_request.question.request
    return BarsAsked(
        listing=open_request.listing,
        size=open_request.question.size,
        what=request.what_to_show,
        regular=request.use_rth,
        format_date=request.format_date,
        zone=desk.settings.time_zone,
        version=_version(open_request.client),
    )


def _tell_bars(desk: Desk, open_request: OpenRequest) -> None:
    question, listing, client = open_request.question, open_request.listing, open_request.client
    what, regular = question.request.what_to_show, question.request.use_rth
    end = desk.now + 1 if question.end is None else min(question.end, desk.now + 1)
    begin = begin_of(listing, end, question.lasts, question.size, regular=regular)
    if begin is None:
        raise no_data(listing, what)
    begin = max(begin, desk.market.head(listing.con_id), earliest(desk.now, question.size))
    if question.size.length:
        spans = open_spans(listing.hours, begin, end, regular=regular)
        if sum(closes - opens for opens, closes in spans) > BARS_MAX * question.size.length:
            raise RequestRefusedError(162, f"{SERVICE}Time length exceed max.")
    found = rows(desk, _bars_asked(desk, open_request), begin, end) if begin < end else []
    if not found:
        raise no_data(listing, what)
    zone, version = desk.settings.time_zone, _version(client)
    texts = moment_text(begin, zone, version), moment_text(end, zone, version)
    client.send(HistoricalData(open_request.req_id, *texts, tuple(row for _, row in found)))
    open_request.rows = dict(found[-1:])


def _tell_update(desk: Desk, kept: OpenRequest) -> None:
    """Every bar from the last one told on that is new or another now."""
    since = next(iter(kept.rows))
    found = rows(desk, _bars_asked(desk, kept), since, desk.now + 1)
    for start, row in found:
        if kept.rows.get(start) != row:
            kept.client.send(
                HistoricalDataUpdate(
                    kept.req_id, row.count, row.date, row.open, row.close, row.high, row.low, row.wap, row.volume
                )
            )
    if found:
        kept.rows = dict(found[-1:])


def _tell_schedule(desk: Desk, open_request: OpenRequest) -> None:
    question, listing, client = open_request.question, open_request.listing, open_request.client
    if _version(client) < SCHEDULE_SINCE:
        raise invalid(MARK, "What to show field is missing or incorrect.")
    regular, zone = question.request.use_rth, listing.time_zone
    end = desk.now + 1 if question.end is None else question.end
    begin = begin_of(listing, end, question.lasts, question.size, regular=regular)
    if begin is None:
        raise no_data(listing, question.request.what_to_show)
    sessions = tuple(
        HistoricalSession(zone_text(spans[0][0], zone), zone_text(spans[-1][1], zone), day_text(session.date))
        for session in sessions_before(listing, begin, end, regular=regular)
        if (spans := spans_of(session, regular=regular))[-1][1] > begin
    )
    first, last = sessions[0].start_date_time, sessions[-1].end_date_time
    client.send(HistoricalSchedule(open_request.req_id, first, last, zone, sessions))
