"""What was: historical bars and ticks, schedules, head timestamps, histograms."""

import msgspec

from theo.gateway.wire.kinds import Long, MarketSize, TagValue
from theo.gateway.wire.messages.contract import CONTRACT_ASKED, DATA_LEGS, Contract
from theo.gateway.wire.schema import Fixed, Message, Repeat, answer, parts_of, request


class ReqHistoricalData(Message, frozen=True):
    """Asks for bars up to an end; an empty end is now. With `keep_up_to_date` updates follow."""

    req_id: int
    contract: Contract
    end_date_time: str
    bar_size_setting: str
    duration: str
    use_rth: bool
    what_to_show: str
    format_date: int = 1
    keep_up_to_date: bool = False
    chart_options: tuple[TagValue, ...] = ()


class CancelHistoricalData(Message, frozen=True):
    """Takes a question back, or ends its updates."""

    req_id: int


class ReqHeadTimeStamp(Message, frozen=True):
    """Asks for the first moment of which there are data."""

    req_id: int
    contract: Contract
    use_rth: bool
    what_to_show: str
    format_date: int = 1


class CancelHeadTimeStamp(Message, frozen=True):
    """Takes the question back; ib_async sends it after the answer too."""

    req_id: int


class ReqHistogramData(Message, frozen=True):
    """Asks for the volume at each price."""

    req_id: int
    contract: Contract
    use_rth: bool
    time_period: str


class CancelHistogramData(Message, frozen=True):
    """Takes the question back."""

    req_id: int


class ReqHistoricalTicks(Message, frozen=True):
    """Asks for ticks after a start or before an end."""

    req_id: int
    contract: Contract
    start_date_time: str
    end_date_time: str
    number_of_ticks: int
    what_to_show: str
    use_rth: int = 1
    ignore_size: bool = False
    misc_options: tuple[TagValue, ...] = ()


class HistoricalBar(msgspec.Struct, frozen=True, gc=False):
    """A bar by its start, as text in the form that was asked for."""

    date: str
    open: float
    high: float
    low: float
    close: float
    volume: MarketSize
    wap: float
    count: int


class HistoricalData(Message, frozen=True):
    """The bars that were asked for, all at once."""

    req_id: int
    start_date: str
    end_date: str
    bars: tuple[HistoricalBar, ...]


class HistoricalDataUpdate(Message, frozen=True):
    """The last bar as it is now. The order of its fields is not that of HistoricalBar."""

    req_id: int
    count: int
    date: str
    open: float
    close: float
    high: float
    low: float
    wap: float
    volume: MarketSize


class HistoricalSession(msgspec.Struct, frozen=True, gc=False):
    """A session of a schedule."""

    start_date_time: str
    end_date_time: str
    ref_date: str


class HistoricalSchedule(Message, frozen=True):
    """The answer to whatToShow SCHEDULE."""

    req_id: int
    start_date_time: str
    end_date_time: str
    time_zone: str
    sessions: tuple[HistoricalSession, ...]


class HeadTimestamp(Message, frozen=True):
    """The first moment of which there are data."""

    req_id: int
    head_timestamp: str


class HistogramRow(msgspec.Struct, frozen=True, gc=False):
    """A price and its volume."""

    price: float
    size: MarketSize


class HistogramData(Message, frozen=True):
    """The volume at each price."""

    req_id: int
    rows: tuple[HistogramRow, ...]


class HistoricalTick(msgspec.Struct, frozen=True, gc=False):
    """A middle."""

    time_s: Long
    price: float
    size: MarketSize


class HistoricalTickBidAsk(msgspec.Struct, frozen=True, gc=False):
    """A best bid and offer. Mask: 1 ask past high, 2 bid past low: the reverse of the tick-by-tick one."""

    time_s: Long
    attributes: int
    price_bid: float
    price_ask: float
    size_bid: MarketSize
    size_ask: MarketSize


class HistoricalTickLast(msgspec.Struct, frozen=True, gc=False):
    """A trade. Mask: 1 past limit, 2 unreported."""

    time_s: Long
    attributes: int
    price: float
    size: MarketSize
    exchange: str
    special_conditions: str


class HistoricalTicks(Message, frozen=True):
    """Middles; `done` when no more follow."""

    req_id: int
    ticks: tuple[HistoricalTick, ...]
    done: bool


class HistoricalTicksBidAsk(Message, frozen=True):
    """Best bids and offers; `done` when no more follow."""

    req_id: int
    ticks: tuple[HistoricalTickBidAsk, ...]
    done: bool


class HistoricalTicksLast(Message, frozen=True):
    """Trades; `done` when no more follow."""

    req_id: int
    ticks: tuple[HistoricalTickLast, ...]
    done: bool


_MIDDLE = parts_of("time_s", Fixed("0", "unused"), "price", "size")

REQUESTS = (
    request(
        ReqHistoricalData,
        20,
        "req_id",
        *CONTRACT_ASKED,
        "contract.include_expired",
        *("end_date_time", "bar_size_setting", "duration", "use_rth", "what_to_show", "format_date"),
        DATA_LEGS,
        "keep_up_to_date",
        "chart_options",
    ),
    request(CancelHistoricalData, 25, version=1),
    request(
        ReqHeadTimeStamp, 87, "req_id", *CONTRACT_ASKED, "contract.include_expired", "use_rth", "what_to_show", "format_date"
    ),
    request(ReqHistogramData, 88, "req_id", *CONTRACT_ASKED, "contract.include_expired", "use_rth", "time_period"),
    request(CancelHistogramData, 89),
    request(CancelHeadTimeStamp, 90),
    request(
        ReqHistoricalTicks,
        96,
        "req_id",
        *CONTRACT_ASKED,
        "contract.include_expired",
        *("start_date_time", "end_date_time", "number_of_ticks", "what_to_show", "use_rth", "ignore_size", "misc_options"),
    ),
)
ANSWERS = (
    answer(HistoricalData, 17, "req_id", "start_date", "end_date", Repeat("bars")),
    answer(HeadTimestamp, 88),
    answer(HistogramData, 89, "req_id", Repeat("rows")),
    answer(HistoricalDataUpdate, 90),
    answer(HistoricalTicks, 96, "req_id", Repeat("ticks", _MIDDLE), "done"),
    answer(HistoricalTicksBidAsk, 97, "req_id", Repeat("ticks"), "done"),
    answer(HistoricalTicksLast, 98, "req_id", Repeat("ticks"), "done"),
    answer(HistoricalSchedule, 106, "req_id", "start_date_time", "end_date_time", "time_zone", Repeat("sessions"), since=165),
)
