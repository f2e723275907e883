"""Every request that the real clients can write is read to the values that were given."""

import inspect
import math
from decimal import Decimal

import ib_async
import ibapi.client
import ibapi.execution
import ibapi.scanner
import msgspec
import pytest

from tests.unit.gateway.peers import IbAsync, Official, Peer
from tests.unit.gateway.samples import Filler
from theo.gateway.wire.codec import codec
from theo.gateway.wire.faults import Fault
from theo.gateway.wire.kinds import TagValue, read_tags
from theo.gateway.wire.messages.contract import Contract
from theo.gateway.wire.messages.history import ReqHeadTimeStamp, ReqHistoricalData
from theo.gateway.wire.messages.market_data import CalculateImpliedVolatility, CalculateOptionPrice, ReqMktData, ReqMktDepth
from theo.gateway.wire.messages.order import Order
from theo.gateway.wire.messages.orders import CancelOrder, PlaceOrder, ReqExecutions
from theo.gateway.wire.messages.others import UNSUPPORTED, Unsupported
from theo.gateway.wire.messages.session import StartApi
from theo.gateway.wire.schema import Direction, Message, wire_name
from theo.gateway.wire.table import REQUESTS

VERSIONS = (157, 158, 160, 162, 163, 164, 166, 169, 170, 176, 177, 178)
PEERS: tuple[Peer, ...] = (*(IbAsync(version) for version in VERSIONS), Official())
BY_NAME = {wire_name(entry.message): entry for entry in REQUESTS}
# What a user hands over, where it is not the message's fields in their order.
ARGUMENTS: dict[type[Message], tuple[str, ...]] = {
    StartApi: (),
    ReqHistoricalData: (
        *("req_id", "contract", "end_date_time", "duration", "bar_size_setting", "what_to_show", "use_rth", "format_date"),
        *("keep_up_to_date", "chart_options"),
    ),
    ReqHeadTimeStamp: ("req_id", "contract", "what_to_show", "use_rth", "format_date"),
}
# Values that a library or the wire decides.
GIVEN: dict[type[Message], dict[str, object]] = {
    StartApi: {"client_id": 1_234, "optional_capabilities": "text1234"},
    CalculateImpliedVolatility: {"options": ("2", "a=1;b=2;")},
    CalculateOptionPrice: {"options": ("2", "a=1;b=2;")},
}
ORDERS: dict[str, tuple[dict[str, object], dict[str, object]]] = {
    "volatility": ({}, {"order_type": "VOL"}),
    "combination": ({"sec_type": "BAG"}, {"order_type": "VOL"}),
    "benchmark": ({}, {"order_type": "PEG BENCH", "volatility": None}),
    "best": ({}, {"order_type": "PEG BEST", "volatility": None}),
    "best up to the middle": ({}, {"order_type": "PEG BEST", "volatility": None, "compete_against_best_offset": math.inf}),
    "middle": ({}, {"order_type": "PEG MID", "volatility": None}),
    "alternative venue": ({"exchange": "IBKRATS"}, {"order_type": "VOL"}),
}


def peer_id(peer: Peer) -> str:
    return f"{type(peer).__name__} {peer.version}"


def sample(message: type[Message]) -> Message:
    """A request with everything set that any contract can have."""
    fill = Filler()
    given = dict(GIVEN.get(message, {}))
    if "contract" in message.__struct_fields__:
        given["contract"] = fill.filled(Contract, sec_type="BAG" if message in {ReqMktData, ReqHistoricalData} else "OPT")
    return fill.filled(message, **given)


def arguments(peer: Peer, message: Message) -> tuple[object, ...]:
    """What the library's method is called with."""
    if isinstance(message, ReqExecutions):
        made = (ib_async.ExecutionFilter if isinstance(peer, IbAsync) else ibapi.execution.ExecutionFilter)()
        made.clientId, made.acctCode, made.time, made.symbol = message.client_id, message.account, message.time, message.symbol
        made.secType, made.exchange, made.side = message.sec_type, message.exchange, message.side
        return (message.req_id, made)
    if isinstance(message, PlaceOrder):
        return (message.order.order_id, peer.given(message.contract), peer.given(message.order))
    if isinstance(message, CalculateImpliedVolatility | CalculateOptionPrice):
        numbers = (getattr(message, name) for name in message.__struct_fields__[2:4])
        return (message.req_id, peer.given(message.contract), *numbers, peer.given(read_tags(message.options[1])))
    names = ARGUMENTS.get(type(message), message.__struct_fields__)
    if isinstance(message, CancelOrder) and peer.version < 169:
        names = ("order_id",)
    return tuple(peer.given(getattr(message, name)) for name in names)


def read(frame: bytes, version: int) -> Message:
    found = codec(version).decode(Direction.REQUEST, frame[4:])
    assert int.from_bytes(frame[:4], "big") == len(frame) - 4
    assert not isinstance(found, Fault), found
    return found


def carried(message: Message, version: int) -> Message:
    """A message as it is after a journey: what the version does not carry is at its default."""
    return read(codec(version).encode(message), version)


@pytest.mark.parametrize("name", sorted(set(BY_NAME) - {"placeOrder"}))
async def test_requests(name: str) -> None:
    entry = BY_NAME[name]
    for peer in PEERS:
        if peer.version >= entry.since:
            message = sample(entry.message)
            if isinstance(peer, Official) and isinstance(message, ReqMktData | ReqMktDepth):
                empty = {each: () for each in message.__struct_fields__ if each.endswith("_options")}
                message = msgspec.structs.replace(message, **empty)  # the official client of 2020 refuses to write these
            assert_read(peer, name, message)


def assert_read(peer: Peer, name: str, message: Message) -> None:
    """What a library writes is read to the message, and is what we would write ourselves."""
    frame = peer.sent(name, arguments(peer, message))
    assert read(frame, peer.version) == carried(message, peer.version), peer_id(peer)
    if isinstance(peer, IbAsync):
        assert frame.replace(b"Infinite", b"Infinity")[4:] == codec(peer.version).encode(message)[4:], peer_id(peer)


@pytest.mark.parametrize("case", ORDERS)
async def test_orders(case: str) -> None:
    of_contract, of_order = ORDERS[case]
    fill = Filler()
    message = PlaceOrder(fill.filled(Contract, **of_contract), fill.order(**of_order))
    for peer in PEERS:
        assert_read(peer, "placeOrder", message)


@pytest.mark.parametrize(("peer", "fields"), [(IbAsync(178), 114), (IbAsync(176), 115), (IbAsync(157), 110), (Official(), 110)])
async def test_a_plain_order_has_as_many_fields_as_real_servers_count(peer: Peer, fields: int) -> None:
    """And everything that is not set comes as None, however a library writes it. Counts: recorded from real links."""
    contract = Contract(con_id=654_503_320, symbol="MES", sec_type="FUT", exchange="CME", currency="USD")
    order = Order(order_id=7, action="BUY", total_quantity=Decimal(1), order_type="LMT", lmt_price=4500.25, tif="GTC")
    frame = peer.sent("placeOrder", arguments(peer, PlaceOrder(contract, order)))
    assert frame[4:].count(0) == fields
    found = read(frame, peer.version)
    assert isinstance(found, PlaceOrder)
    assert found.contract == contract
    unset = [name for name in Order.__struct_fields__ if getattr(order, name) is None and getattr(found.order, name) is not None]
    # the official client of 2020 sends these two as 0 whether or not they were set; ib_async sends the sizes as 0
    assert set(unset) <= {"display_size", "use_price_mgmt_algo", "cash_qty"}
    for name in ("action", "total_quantity", "order_type", "lmt_price", "tif", "order_id"):
        assert getattr(found.order, name) == getattr(order, name)


async def test_the_quantity_is_exact() -> None:
    for quantity in ("1", "1.0", "0.0001", "123456789.123"):
        order = Order(order_id=1, action="BUY", total_quantity=Decimal(quantity), order_type="MKT")
        found = read(IbAsync(178).sent("placeOrder", (1, ib_async.Contract(), IbAsync(178).given(order))), 178)
        assert isinstance(found, PlaceOrder)
        assert found.order.total_quantity == Decimal(quantity)


REFUSED: dict[str, tuple[object, ...]] = {
    "reqNewsBulletins": (True,),
    "cancelNewsBulletins": (),
    "requestFA": (1,),
    "replaceFA": (55, 1, "<xml/>"),
    "reqScannerSubscription": (55, ib_async.ScannerSubscription(), [], []),
    "cancelScannerSubscription": (55,),
    "reqScannerParameters": (),
    "reqFundamentalData": (55, ib_async.Contract(symbol="SPY"), "ReportSnapshot", []),
    "cancelFundamentalData": (55,),
    "verifyRequest": ("a", "b"),
    "verifyMessage": ("a",),
    "queryDisplayGroups": (55,),
    "subscribeToGroupEvents": (55, 4),
    "updateDisplayGroup": (55, "8314@SMART"),
    "unsubscribeFromGroupEvents": (55,),
    "verifyAndAuthRequest": ("a", "b", "c"),
    "verifyAndAuthMessage": ("a", "b"),
    "reqNewsArticle": (55, "BRFG", "BRFG$1", []),
    "reqNewsProviders": (),
    "reqHistoricalNews": (55, 8314, "BRFG", "", "", 10, []),
    "reqWshMetaData": (55,),
    "cancelWshMetaData": (55,),
    "reqWshEventData": (55, ib_async.WshEventData()),
    "cancelWshEventData": (55,),
}


# The official client writes the verification messages only with an authentication of its own.
REFUSED_BY_OFFICIAL = [name for name in REFUSED if hasattr(ibapi.client.EClient, name) and not name.startswith("verify")]


@pytest.mark.parametrize(
    ("peer", "name"),
    [
        *((IbAsync(version), name) for version in (170, 178) for name in REFUSED),
        *((Official(), name) for name in REFUSED_BY_OFFICIAL),
    ],
)
async def test_what_is_not_offered_is_named_with_its_id(peer: Peer, name: str) -> None:
    arguments = REFUSED[name]
    if isinstance(peer, Official):
        own = {ib_async.Contract: ibapi.client.Contract, ib_async.ScannerSubscription: ibapi.scanner.ScannerSubscription}
        arguments = tuple(own[type(each)]() if type(each) in own else each for each in arguments)
    frame = peer.sent(name, arguments)
    found = read(frame, peer.version)
    assert isinstance(found, Unsupported)
    assert (found.name, found.req_id) == (name, 55 if 55 in arguments else -1)
    assert codec(peer.version).encode(found) == frame


def test_every_request_of_both_clients_is_known() -> None:
    """A new method of a client fails this test until it is described."""
    known = set(BY_NAME) | {each.name for each in UNSUPPORTED.values()}
    for client in (ib_async.client.Client, ibapi.client.EClient):
        methods = {
            name
            for name, _ in inspect.getmembers(client, inspect.isfunction)
            if name.startswith(("req", "cancel", "place", "calculate", "exercise", "query", "subscribe", "unsubscribe", "verify"))
            or name in {"updateDisplayGroup", "replaceFA", "setServerLogLevel", "startApi"}
        }
        assert methods <= known, client
    assert set(REFUSED) == {each.name for each in UNSUPPORTED.values()}


def test_a_version_that_lacks_a_request_does_not_know_it() -> None:
    found = codec(166).decode(Direction.REQUEST, b"104\x001\0")
    assert isinstance(found, Fault)
    assert found.code == 505
    assert not isinstance(codec(167).decode(Direction.REQUEST, b"104\x001\0"), Fault)


@pytest.mark.parametrize(
    ("payload", "code", "request_id", "words"),
    [
        (b"", 320, -1, "empty"),
        (b"8\x001\x001", 320, -1, "does not end"),
        (b"8\x001\0\0x\0", 320, -1, "too many"),
        (b"8\x001\0", 320, -1, "ends after 2 fields"),
        (b"8\x001\0x\0", 320, -1, "Field 3: 'x' is no whole number"),
        (b"8\x001\x002147483648\0", 320, -1, "more than 32 bits"),
        (b"2\x002\x0077\x001\0", 320, 77, "cancelMktData: 1 of 4"),
        (b"3\x0099999999999\0", 320, -1, "placeOrder"),
        (b"3\x0077\x005\0", 320, 77, "placeOrder: The message ends after 3 fields"),
        (b"54\x003\x0077\0" + b"0\0" * 12 + b"Infinity\x001\0", 320, 77, "'Infinity' is no number"),
        (b"999\0", 505, -1, "Unknown message id. '999'"),
        (b"\0", 505, -1, "Unknown message id. ''"),
        (b"23\x001\0x\0", 320, -1, "cancelScannerSubscription has no id"),
    ],
)
def test_what_is_wrong_is_told_with_the_id_that_could_be_read(payload: bytes, code: int, request_id: int, words: str) -> None:
    found = codec(178).decode(Direction.REQUEST, payload)
    assert isinstance(found, Fault)
    assert (found.code, found.request_id, found.closes) == (code, request_id, False)
    assert words in found.text


def test_options_travel_in_one_field() -> None:
    found = read(codec(178).encode(ReqMktData(1, Contract(), mkt_data_options=(TagValue("a", "1"), TagValue("b", "")))), 178)
    assert isinstance(found, ReqMktData)
    assert found.mkt_data_options == (TagValue("a", "1"), TagValue("b", ""))
