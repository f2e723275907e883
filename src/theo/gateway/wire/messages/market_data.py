"""Streams: market data lines, tick by tick, real-time bars, depth, and the options' numbers."""

import msgspec

from theo.gateway.wire.kinds import Long, MarketSize, TagValue
from theo.gateway.wire.messages.contract import CONTRACT_ASKED, DATA_LEGS, DELTA_NEUTRAL, Contract
from theo.gateway.wire.schema import Message, Repeat, Rest, answer, request


class ReqMktData(Message, frozen=True):
    """Asks for a line of sampled ticks, or for a snapshot."""

    req_id: int
    contract: Contract
    generic_tick_list: str = ""
    snapshot: bool = False
    regulatory_snapshot: bool = False
    mkt_data_options: tuple[TagValue, ...] = ()


class CancelMktData(Message, frozen=True):
    """Ends a line."""

    req_id: int


class ReqMarketDataType(Message, frozen=True):
    """1 live, 2 frozen, 3 delayed, 4 delayed-frozen, for the lines asked for after it. Not answered."""

    market_data_type: int


class ReqTickByTickData(Message, frozen=True):
    """Asks for every tick: Last, AllLast, BidAsk or MidPoint."""

    req_id: int
    contract: Contract
    tick_type: str
    number_of_ticks: int = 0
    ignore_size: bool = False


class CancelTickByTickData(Message, frozen=True):
    """Ends a tick-by-tick stream."""

    req_id: int


class ReqRealTimeBars(Message, frozen=True):
    """Asks for bars of five seconds."""

    req_id: int
    contract: Contract
    bar_size: int
    what_to_show: str
    use_rth: bool
    real_time_bars_options: tuple[TagValue, ...] = ()


class CancelRealTimeBars(Message, frozen=True):
    """Ends a stream of bars."""

    req_id: int


class ReqMktDepth(Message, frozen=True):
    """Asks for the order book."""

    req_id: int
    contract: Contract
    num_rows: int
    is_smart_depth: bool = False
    mkt_depth_options: tuple[TagValue, ...] = ()


class CancelMktDepth(Message, frozen=True):
    """Ends an order book."""

    req_id: int
    is_smart_depth: bool = False


class ReqMktDepthExchanges(Message, frozen=True):
    """Asks which exchanges have order books."""


class ReqSmartComponents(Message, frozen=True):
    """Asks for the exchanges behind the letters of a best bid or offer."""

    req_id: int
    bbo_exchange: str


class CalculateImpliedVolatility(Message, frozen=True):
    """Asks for the volatility that an option's price implies. Some clients count their options in a field before them."""

    req_id: int
    contract: Contract
    option_price: float
    under_price: float
    options: tuple[str, ...] = ()


class CalculateOptionPrice(Message, frozen=True):
    """Asks for the price that a volatility implies. Options as in CalculateImpliedVolatility."""

    req_id: int
    contract: Contract
    volatility: float
    under_price: float
    options: tuple[str, ...] = ()


class CancelCalculateImpliedVolatility(Message, frozen=True):
    """Takes the question back."""

    req_id: int


class CancelCalculateOptionPrice(Message, frozen=True):
    """Takes the question back."""

    req_id: int


class TickPrice(Message, frozen=True):
    """A price of a line; -1 with size 0 is "no quote". Mask: 1 can execute automatically, 2 past limit, 4 before the open."""

    req_id: int
    tick_type: int
    price: float
    size: MarketSize
    attributes: int = 0


class TickSize(Message, frozen=True):
    """A size of a line."""

    req_id: int
    tick_type: int
    size: MarketSize


class TickGeneric(Message, frozen=True):
    """A number of a line that is neither price nor size."""

    req_id: int
    tick_type: int
    value: float


class TickString(Message, frozen=True):
    """A text of a line: time of the last trade in seconds, RT volume."""

    req_id: int
    tick_type: int
    value: str


class TickEFP(Message, frozen=True):
    """An exchange-for-physical price."""

    req_id: int
    tick_type: int
    basis_points: float
    formatted_basis_points: str
    total_dividends: float
    hold_days: int
    future_last_trade_date: str
    dividend_impact: float
    dividends_to_last_trade_date: float


class TickOptionComputation(Message, frozen=True):
    """Numbers of an option's model. Not computed: -1, and -2 for delta, gamma, vega and theta."""

    req_id: int
    tick_type: int
    tick_attrib: int
    implied_vol: float
    delta: float
    opt_price: float
    pv_dividend: float
    gamma: float
    vega: float
    theta: float
    und_price: float


class TickReqParams(Message, frozen=True):
    """What a line is quoted in: the first answer to it."""

    req_id: int
    min_tick: float
    bbo_exchange: str
    snapshot_permissions: int


class TickSnapshotEnd(Message, frozen=True):
    """The snapshot is complete."""

    req_id: int


class MarketDataType(Message, frozen=True):
    """Which type of data a line has now: 1 live, 2 frozen, 3 delayed, 4 delayed-frozen."""

    req_id: int
    market_data_type: int


class RerouteMktDataReq(Message, frozen=True):
    """A CFD's data has to be asked for on another contract."""

    req_id: int
    con_id: int
    exchange: str


class RerouteMktDepthReq(Message, frozen=True):
    """As RerouteMktDataReq, for the order book."""

    req_id: int
    con_id: int
    exchange: str


class TickByTickLast(Message, frozen=True):
    """A trade: 1 Last, 2 AllLast. Mask: 1 past limit, 2 unreported."""

    req_id: int
    tick_type: int
    time_s: Long
    price: float
    size: MarketSize
    attributes: int
    exchange: str
    special_conditions: str


class TickByTickBidAsk(Message, frozen=True):
    """A change of the best bid or offer; `tick_type` is 3. Mask: 1 bid past low, 2 ask past high."""

    req_id: int
    tick_type: int
    time_s: Long
    bid_price: float
    ask_price: float
    bid_size: MarketSize
    ask_size: MarketSize
    attributes: int


class TickByTickMidPoint(Message, frozen=True):
    """A change of the middle; `tick_type` is 4."""

    req_id: int
    tick_type: int
    time_s: Long
    mid_point: float


class RealtimeBar(Message, frozen=True):
    """A bar of five seconds by its start."""

    req_id: int
    time_s: Long
    open: float
    high: float
    low: float
    close: float
    volume: MarketSize
    wap: float
    count: int


class UpdateMktDepth(Message, frozen=True):
    """A row of the book: 0 insert, 1 update, 2 delete; side 0 ask, 1 bid."""

    req_id: int
    position: int
    operation: int
    side: int
    price: float
    size: MarketSize


class UpdateMktDepthL2(Message, frozen=True):
    """A row of the book with its market maker or exchange."""

    req_id: int
    position: int
    market_maker: str
    operation: int
    side: int
    price: float
    size: MarketSize
    is_smart_depth: bool


class DepthExchange(msgspec.Struct, frozen=True, gc=False):
    """An exchange that has an order book."""

    exchange: str
    sec_type: str
    listing_exch: str
    service_data_type: str
    agg_group: int


class MktDepthExchanges(Message, frozen=True):
    """The exchanges that have order books."""

    exchanges: tuple[DepthExchange, ...]


class SmartComponent(msgspec.Struct, frozen=True, gc=False):
    """An exchange and its letter."""

    bit_number: int
    exchange: str
    exchange_letter: str


class SmartComponents(Message, frozen=True):
    """The exchanges behind the letters."""

    req_id: int
    components: tuple[SmartComponent, ...]


class DeltaNeutralValidation(Message, frozen=True):
    """The underlying that a request for delta-neutral data came back with."""

    req_id: int
    con_id: int
    delta: float
    price: float


REQUESTS = (
    request(
        ReqMktData,
        1,
        "req_id",
        *CONTRACT_ASKED,
        DATA_LEGS,
        DELTA_NEUTRAL,
        "generic_tick_list",
        "snapshot",
        "regulatory_snapshot",
        "mkt_data_options",
        version=11,
    ),
    request(CancelMktData, 2, version=2),
    request(ReqMktDepth, 10, "req_id", *CONTRACT_ASKED, "num_rows", "is_smart_depth", "mkt_depth_options", version=5),
    request(CancelMktDepth, 11, version=1),
    request(
        ReqRealTimeBars,
        50,
        "req_id",
        *CONTRACT_ASKED,
        "bar_size",
        "what_to_show",
        "use_rth",
        "real_time_bars_options",
        version=3,
    ),
    request(CancelRealTimeBars, 51, version=1),
    request(
        CalculateImpliedVolatility,
        54,
        "req_id",
        *CONTRACT_ASKED,
        "option_price",
        "under_price",
        Rest("options"),
        version=3,
    ),
    request(CalculateOptionPrice, 55, "req_id", *CONTRACT_ASKED, "volatility", "under_price", Rest("options"), version=3),
    request(CancelCalculateImpliedVolatility, 56, version=1),
    request(CancelCalculateOptionPrice, 57, version=1),
    request(ReqMarketDataType, 59, version=1),
    request(ReqMktDepthExchanges, 82),
    request(ReqSmartComponents, 83),
    request(ReqTickByTickData, 97, "req_id", *CONTRACT_ASKED, "tick_type", "number_of_ticks", "ignore_size"),
    request(CancelTickByTickData, 98),
)
ANSWERS = (
    answer(TickPrice, 1, version=6),
    answer(TickSize, 2, version=6),
    answer(UpdateMktDepth, 12, version=1),
    answer(UpdateMktDepthL2, 13, version=1),
    answer(TickOptionComputation, 21),
    answer(TickGeneric, 45, version=6),
    answer(TickString, 46, version=6),
    answer(TickEFP, 47, version=6),
    answer(RealtimeBar, 50, version=3),
    answer(DeltaNeutralValidation, 56, version=1),
    answer(TickSnapshotEnd, 57, version=1),
    answer(MarketDataType, 58, version=1),
    answer(MktDepthExchanges, 80, Repeat("exchanges")),
    answer(TickReqParams, 81),
    answer(SmartComponents, 82, "req_id", Repeat("components")),
    answer(RerouteMktDataReq, 91),
    answer(RerouteMktDepthReq, 92),
    answer(TickByTickLast, 99, only=("1", "2")),
    answer(TickByTickBidAsk, 99, only=("3",)),
    answer(TickByTickMidPoint, 99, only=("4",)),
)
