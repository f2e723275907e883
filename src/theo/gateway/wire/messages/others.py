"""What a simulator does not offer: news, advisor configuration, scanners, display groups, verification, event calendars.

Their requests become one value that names them, so that a server can refuse them with IB's own error instead of keeping silent.
Their answers are described as all others are: recordings of real sessions hold them.
"""

from collections.abc import Mapping

import msgspec

from theo.gateway.wire.faults import NO_REQUEST
from theo.gateway.wire.kinds import Long
from theo.gateway.wire.messages.contract import Contract
from theo.gateway.wire.schema import Message, Repeat, answer, parts_of, under


class Unsupported(Message, frozen=True):
    """A request that is understood and not offered. `fields` are all of the message, its number first, as sent."""

    message_id: int
    name: str
    req_id: int
    fields: tuple[str, ...]


class Refusable(msgspec.Struct, frozen=True):
    """A request that is not offered: its name, and which of its fields is the request's id (0: none is)."""

    name: str
    req_id_at: int = 0
    since: int = 0

    def req_id(self, fields: list[str]) -> str:
        """The request's id as sent; -1 for a request that has none."""
        return fields[self.req_id_at] if self.req_id_at else str(NO_REQUEST)


class UpdateNewsBulletin(Message, frozen=True):
    """A bulletin of the broker."""

    msg_id: int
    msg_type: int
    news_message: str
    orig_exch: str


class ReceiveFA(Message, frozen=True):
    """A part of an advisor's configuration."""

    fa_data_type: int
    xml: str


class ReplaceFAEnd(Message, frozen=True):
    """A part of an advisor's configuration has been replaced."""

    req_id: int
    text: str


class ScannerParameters(Message, frozen=True):
    """What scanners can be asked."""

    xml: str


class ScannerRow(msgspec.Struct, frozen=True, gc=False):
    """A contract that a scanner found. Its wire fields `market_name` and `contract.trading_class` follow the local symbol."""

    rank: int
    contract: Contract
    market_name: str
    distance: str
    benchmark: str
    projection: str
    legs: str


class ScannerData(Message, frozen=True):
    """What a scanner found."""

    req_id: int
    rows: tuple[ScannerRow, ...]


class FundamentalData(Message, frozen=True):
    """A report about a company."""

    req_id: int
    data: str


class VerifyMessageAPI(Message, frozen=True):
    """A step of verification."""

    api_data: str


class VerifyCompleted(Message, frozen=True):
    """The end of verification."""

    is_successful: bool
    error_text: str


class DisplayGroupList(Message, frozen=True):
    """The display groups."""

    req_id: int
    groups: str


class DisplayGroupUpdated(Message, frozen=True):
    """The contract of a display group."""

    req_id: int
    contract_info: str


class VerifyAndAuthMessageAPI(Message, frozen=True):
    """A step of verification with a challenge."""

    api_data: str
    challenge: str


class VerifyAndAuthCompleted(Message, frozen=True):
    """The end of verification with a challenge."""

    is_successful: bool
    error_text: str


class NewsArticle(Message, frozen=True):
    """An article: 0 text, 1 binary."""

    req_id: int
    article_type: int
    article_text: str


class TickNews(Message, frozen=True):
    """A headline of a line."""

    req_id: int
    time_ms: Long
    provider_code: str
    article_id: str
    headline: str
    extra_data: str


class NewsProvider(msgspec.Struct, frozen=True, gc=False):
    """A source of news."""

    code: str
    name: str


class NewsProviders(Message, frozen=True):
    """The sources of news."""

    providers: tuple[NewsProvider, ...]


class HistoricalNews(Message, frozen=True):
    """A headline of the past."""

    req_id: int
    time: str
    provider_code: str
    article_id: str
    headline: str


class HistoricalNewsEnd(Message, frozen=True):
    """No more headlines in this answer."""

    req_id: int
    has_more: bool


class WshMetaData(Message, frozen=True):
    """What the event calendar can be asked."""

    req_id: int
    data: str


class WshEventData(Message, frozen=True):
    """Events."""

    req_id: int
    data: str


WSH_SINCE = 161
UNSUPPORTED: Mapping[int, Refusable] = {
    12: Refusable("reqNewsBulletins"),
    13: Refusable("cancelNewsBulletins"),
    18: Refusable("requestFA"),
    19: Refusable("replaceFA", req_id_at=4),
    22: Refusable("reqScannerSubscription", req_id_at=1),
    23: Refusable("cancelScannerSubscription", req_id_at=2),
    24: Refusable("reqScannerParameters"),
    52: Refusable("reqFundamentalData", req_id_at=2),
    53: Refusable("cancelFundamentalData", req_id_at=2),
    65: Refusable("verifyRequest"),
    66: Refusable("verifyMessage"),
    67: Refusable("queryDisplayGroups", req_id_at=2),
    68: Refusable("subscribeToGroupEvents", req_id_at=2),
    69: Refusable("updateDisplayGroup", req_id_at=2),
    70: Refusable("unsubscribeFromGroupEvents", req_id_at=2),
    72: Refusable("verifyAndAuthRequest"),
    73: Refusable("verifyAndAuthMessage"),
    84: Refusable("reqNewsArticle", req_id_at=1),
    85: Refusable("reqNewsProviders"),
    86: Refusable("reqHistoricalNews", req_id_at=1),
    100: Refusable("reqWshMetaData", req_id_at=1, since=WSH_SINCE),
    101: Refusable("cancelWshMetaData", req_id_at=1, since=WSH_SINCE),
    102: Refusable("reqWshEventData", req_id_at=1, since=WSH_SINCE),
    103: Refusable("cancelWshEventData", req_id_at=1, since=WSH_SINCE),
}

_ROW = parts_of(
    "rank",
    *under("contract", "con_id", "symbol", "sec_type", "last_trade_date_or_contract_month", "strike", "right", "exchange"),
    *under("contract", "currency", "local_symbol"),
    "market_name",
    "contract.trading_class",
    *("distance", "benchmark", "projection", "legs"),
)
ANSWERS = (
    answer(UpdateNewsBulletin, 14, version=1),
    answer(ReceiveFA, 16, version=1),
    answer(ScannerParameters, 19, version=1),
    answer(ScannerData, 20, "req_id", Repeat("rows", _ROW), version=3),
    answer(FundamentalData, 51, version=1),
    answer(VerifyMessageAPI, 65, version=1),
    answer(VerifyCompleted, 66, version=1),
    answer(DisplayGroupList, 67, version=1),
    answer(DisplayGroupUpdated, 68, version=1),
    answer(VerifyAndAuthMessageAPI, 69, version=1),
    answer(VerifyAndAuthCompleted, 70, version=1),
    answer(NewsArticle, 83),
    answer(TickNews, 84),
    answer(NewsProviders, 85, Repeat("providers")),
    answer(HistoricalNews, 86),
    answer(HistoricalNewsEnd, 87),
    answer(ReplaceFAEnd, 103),
    answer(WshMetaData, 104, since=WSH_SINCE),
    answer(WshEventData, 105, since=WSH_SINCE),
)
