"""Every answer that the real clients understand reaches their users with the values that were encoded."""

import logging
import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import ib_async.decoder
import ibapi.decoder
import pytest

from tests.unit.gateway.peers import (
    EXECUTED_TEXT,
    Anything,
    Call,
    IbAsync,
    Official,
    Part,
    Peer,
    attributes,
    differences,
    is_unset,
)
from tests.unit.gateway.samples import Filler
from theo.gateway.wire.codec import codec
from theo.gateway.wire.faults import Fault, WireError
from theo.gateway.wire.messages import account, contracts, history, market_data, orders, others, session
from theo.gateway.wire.messages.contract import Contract
from theo.gateway.wire.messages.order import Order, OrderState
from theo.gateway.wire.schema import Direction, Entry, Message
from theo.gateway.wire.table import ANSWERS, BY_MESSAGE

# ib_async reads the duration from version 159 on, which the wire has since 158; it stands last there, so nothing else is harmed.
VERSIONS = (157, 159, 160, 162, 163, 164, 166, 169, 170, 176, 177, 178)
PEERS: tuple[Peer, ...] = (*(IbAsync(version) for version in VERSIONS), Official())
DECODER: Any = ib_async.decoder.Decoder  # no wrapper is needed to see which numbers it knows
ORDERS: dict[str, dict[str, object]] = {
    "everything": {"order_type": "LMT"},
    "benchmark": {"order_type": "PEG BENCH"},
}
# Values with a meaning for a decoder, or that no client hands on.
GIVEN: dict[type[Message], dict[str, object]] = {
    market_data.TickByTickLast: {"tick_type": 2},
    market_data.TickByTickBidAsk: {"tick_type": 3},
    market_data.TickByTickMidPoint: {"tick_type": 4},
    contracts.ContractDetails: {"md_size_multiplier": 1},
    contracts.BondContractDetails: {"md_size_multiplier": 1},
}
# The arguments of a callback, where they are not the message's fields in their order: names of fields, "" for one that is not
# looked at, "." for an object that has them all.
ARGUMENTS: dict[type[Message], tuple[str, ...]] = {
    market_data.TickPrice: ("req_id", "tick_type", "price", "size"),
    market_data.TickByTickLast: ("req_id", "tick_type", "time_s", "price", "size", "", "exchange", "special_conditions"),
    market_data.TickByTickBidAsk: ("req_id", "time_s", "bid_price", "ask_price", "bid_size", "ask_size", ""),
    market_data.TickByTickMidPoint: ("req_id", "time_s", "mid_point"),
    market_data.DeltaNeutralValidation: ("req_id", "."),
    contracts.ContractDetails: ("req_id", "."),
    contracts.BondContractDetails: ("req_id", "."),
    history.HistoricalDataUpdate: ("req_id", "."),
    orders.OpenOrder: ("order.order_id", "contract", "order", "state"),
    orders.CommissionReport: (".",),
    account.PositionMulti: ("req_id", "account", "model_code", "contract", "position", "avg_cost"),
}
OFFICIAL_ARGUMENTS: dict[type[Message], tuple[str, ...]] = {
    market_data.TickPrice: ("req_id", "tick_type", "price", ""),
    session.ErrorMessage: ("req_id", "code", "text"),
}
NAMES = {
    market_data.TickPrice: "priceSizeTick",
    market_data.TickByTickLast: "tickByTickAllLast",
    session.ErrorMessage: "error",
    account.PnL: "pnl",
    account.PnLSingle: "pnlSingle",
}
Calls = list[tuple[str, tuple[object, ...]]]
MANY: dict[type[Message], Callable[[Any], Calls]] = {
    history.HistoricalData: lambda m: [
        *(("historicalData", (m.req_id, bar)) for bar in m.bars),
        ("historicalDataEnd", (m.req_id, m.start_date, m.end_date)),
    ],
    others.ScannerData: lambda m: [
        *(
            (
                "scannerData",
                (m.req_id, r.rank, Part(r, ("contract", "market_name")), r.distance, r.benchmark, r.projection, r.legs),
            )
            for r in m.rows
        ),
        ("scannerDataEnd", (m.req_id,)),
    ],
}


def sample(entry: Entry) -> Message:
    """An answer with a value of its own in every field."""
    fill = Filler()
    given = dict(GIVEN.get(entry.message, {}))
    if entry.message is orders.ExecDetails:
        given["execution"] = fill.filled(orders.Execution, time=EXECUTED_TEXT)
    return fill.filled(entry.message, **given)


def carried(message: Message, version: int) -> Message:
    """A message as it is after a journey: what the version does not carry is at its default."""
    found = codec(version).decode(Direction.ANSWER, codec(version).encode(message)[4:])
    assert not isinstance(found, Fault), found
    return found


def expected_calls(peer: Peer, entry: Entry, message: Message) -> Calls:
    """What the library should call its user with."""
    if entry.message in MANY:
        return MANY[entry.message](message)
    name, paths = NAMES.get(entry.message, entry.name), ARGUMENTS.get(entry.message, message.__struct_fields__)
    if isinstance(peer, Official):
        paths = OFFICIAL_ARGUMENTS.get(entry.message, paths)
        name = "tickPrice" if entry.message is market_data.TickPrice else name
    return [(name, tuple(argument(message, path) for path in paths))]


def argument(message: Message, path: str) -> object:
    if path == ".":
        return Part(message, tuple(name for name in message.__struct_fields__ if name != "req_id"))
    value: object = message
    for name in filter(None, path.split(".")):
        value = getattr(value, name)
    return value if path else Anything()


def wrong(calls: list[Call], expected: Calls) -> list[str]:
    """Where the calls are not those expected."""
    if [name for name, _ in calls] != [name for name, _ in expected]:
        return [f"called {[name for name, _ in calls]}, not {[name for name, _ in expected]}"]
    found = []
    for (name, theirs), (_, ours) in zip(calls, expected, strict=True):
        if len(theirs) != len(ours):
            found.append(f"{name}: {len(theirs)} arguments, not {len(ours)}")
        for n, (their, our) in enumerate(zip(theirs, ours, strict=False)):
            found += differences(their, our, f"{name}({n})")
    return found


def peer_id(peer: Peer) -> str:
    return f"{type(peer).__name__} {peer.version}"


def knows(peer: Peer, entry: Entry) -> bool:
    numbers = DECODER(None, peer.version).handlers if isinstance(peer, IbAsync) else ibapi.decoder.Decoder.msgId2handleInfo
    return entry.message_id in numbers and peer.version >= entry.since


def assert_told(peer: Peer, entry: Entry, message: Message) -> None:
    """A library calls its user with the message's values."""
    calls = peer.heard(codec(peer.version).encode(message))
    assert wrong(calls, expected_calls(peer, entry, carried(message, peer.version))) == [], peer_id(peer)


@pytest.mark.parametrize("entry", ANSWERS, ids=lambda entry: entry.name)
def test_answers(entry: Entry, caplog: pytest.LogCaptureFixture) -> None:
    peers = [peer for peer in PEERS if knows(peer, entry)]
    assert peers
    for peer in peers:
        assert_told(peer, entry, sample(entry))
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


@pytest.mark.parametrize("case", ORDERS)
@pytest.mark.parametrize("answer", [orders.OpenOrder, orders.CompletedOrder])
def test_orders(answer: type[orders.OpenOrder | orders.CompletedOrder], case: str) -> None:
    fill = Filler()
    message = fill.filled(answer, order=fill.order(**ORDERS[case]))
    for peer in PEERS:
        assert_told(peer, BY_MESSAGE[answer], message)


# written as 0 by real servers: the clients read an empty field as 0 there
PLAIN = Order(order_id=5, order_type="MKT", display_size=0, volatility_type=0, reference_price_type=0, filled_quantity=Decimal(0))
NOT_SET = [name for name in Order.__struct_fields__ if getattr(PLAIN, name) is None]


@pytest.mark.parametrize("peer", PEERS, ids=peer_id)
def test_what_is_not_set_is_not_set_for_the_client(peer: Peer) -> None:
    for message in (
        orders.OpenOrder(Contract(), PLAIN, OrderState("Submitted")),
        orders.CompletedOrder(Contract(), PLAIN, OrderState("Filled")),
    ):
        ((_, arguments),) = peer.heard(codec(peer.version).encode(message))
        theirs = next(each for each in arguments if type(each).__name__ == "Order")
        assert [name for name in NOT_SET if not is_unset(attributes(theirs).get(name))] == []
        assert theirs.orderType == "MKT"


def test_every_answer_of_both_clients_is_known() -> None:
    """A new number of a client fails this test until it is described."""
    ours = {entry.message_id for entry in ANSWERS}
    assert set(DECODER(None, 178).handlers) <= ours
    assert set(ibapi.decoder.Decoder.msgId2handleInfo) <= ours


@pytest.mark.parametrize("peer", [IbAsync(157), IbAsync(178), Official()], ids=peer_id)
@pytest.mark.parametrize("bit", [1, 2])
def test_masks(peer: Peer, bit: int) -> None:
    """The two bits of a bid and ask are exchanged between streams and history."""
    size = Decimal(1)
    stream = market_data.TickByTickBidAsk(1, 3, 9, 1.0, 2.0, size, size, bit)
    ((_, streamed),) = peer.heard(codec(peer.version).encode(stream))
    assert (streamed[-1].bidPastLow, streamed[-1].askPastHigh) == (bit == 1, bit == 2)
    past = history.HistoricalTicksBidAsk(1, (history.HistoricalTickBidAsk(9, bit, 1.0, 2.0, size, size),), done=True)
    ((_, (_, (tick,), done)),) = peer.heard(codec(peer.version).encode(past))
    assert done
    assert (tick.tickAttribBidAsk.askPastHigh, tick.tickAttribBidAsk.bidPastLow) == (bit == 1, bit == 2)
    ((_, (*_, mask, _, _)),) = peer.heard(codec(peer.version).encode(market_data.TickByTickLast(1, 1, 9, 1.0, size, bit, "", "")))
    assert (mask.pastLimit, mask.unreported) == (bit == 1, bit == 2)


@pytest.mark.parametrize(
    ("size", "whole", "fractional"), [("10.0", b"10", b"10"), ("0.5", b"0", b"0.5"), ("1E+2", b"100", b"100")]
)
def test_sizes_have_no_point_below_version_163(size: str, whole: bytes, fractional: bytes) -> None:
    """A point there ends the run loop of the official client of 2020."""
    tick = market_data.TickSize(1, 0, Decimal(size))
    for version, expected in ((157, whole), (162, whole), (163, fractional), (178, fractional)):
        assert codec(version).encode(tick)[4:].split(b"\0")[4] == expected
    assert codec(157).encode(orders.OrderStatus(1, "Submitted", Decimal(size), Decimal(0)))[4:].split(b"\0")[3] == fractional


def test_margins_of_a_what_if_order_are_numbers() -> None:
    """ib_async waits for ever for a margin that is empty; one that is not set has to be the largest double."""
    state = OrderState("PreSubmitted", init_margin_change=1270.5)
    ((_, (_, _, _, theirs)),) = IbAsync(178).heard(codec(178).encode(orders.OpenOrder(Contract(), Order(what_if=True), state)))
    assert float(theirs.initMarginChange) == 1270.5
    assert float(theirs.maintMarginChange) == ib_async.util.UNSET_DOUBLE


@pytest.mark.parametrize("text", ["farm is OK", "\u8ba2\u5355\u5df2\u53d6\u6d88", "na\u00efve \U0001f600"])
def test_texts_beyond_ascii_arrive(text: str) -> None:
    message = session.ErrorMessage(-1, 202, text)
    frame = codec(157).encode(message)
    assert frame.isascii()
    assert carried(message, 157) == message
    ((_, (_, _, heard)),) = Official().heard(frame)
    assert heard.encode("utf-16", "surrogatepass").decode("utf-16") == text  # Java's escapes are UTF-16 code units


def test_what_cannot_be_written_is_refused() -> None:
    for message in (
        session.ErrorMessage(1, 2, "a\0b"),
        market_data.TickPrice(1, 1, math.nan, Decimal(1)),
        market_data.TickPrice(1, 1, -math.inf, Decimal(1)),
    ):
        with pytest.raises(WireError):
            codec(178).encode(message)
    with pytest.raises(WireError, match="version 166 is below 167"):
        codec(166).encode(session.UserInfo(1, "x"))
    assert not codec(166).knows(session.UserInfo)
    assert codec(167).knows(session.UserInfo)
    with pytest.raises(WireError, match="a frame holds"):
        codec(178).encode(others.ScannerParameters("x" * (1 << 24)))
