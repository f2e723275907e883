"""The wire codec: what is encoded decodes to the same, in whatever pieces it comes; nothing that a peer sends breaks it."""

import tracemalloc
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.gateway.samples import messages
from theo.gateway.wire.codec import REQUEST_FIELDS_MAX, codec
from theo.gateway.wire.connection import FAULTS_MAX, ClientLink, Event, LinkState, Opened, ServerLink
from theo.gateway.wire.faults import Fault, FaultCode
from theo.gateway.wire.frames import FRAME_BYTES_MAX, KEPT_BYTES_MAX, FrameReader, Lost, Oversized, framed
from theo.gateway.wire.kinds import read_float_or_unset, read_int, read_size_or_unset, unescaped
from theo.gateway.wire.messages.market_data import TickByTickBidAsk, TickByTickLast, TickByTickMidPoint
from theo.gateway.wire.messages.others import ScannerData
from theo.gateway.wire.messages.session import ReqIds, StartApi
from theo.gateway.wire.schema import VERSION_MAX, VERSION_MIN, Direction, Entry, Message, Rest
from theo.gateway.wire.table import ENTRIES, REQUESTS

VERSIONS = st.integers(VERSION_MIN, VERSION_MAX)
ONES = [entry for entry in ENTRIES if not entry.only]
HELLO = ClientLink().hello()


def encodable(entry: Entry) -> st.SearchStrategy[tuple[int, Message]]:
    """A version that has the message, and a value of it."""
    return st.tuples(st.integers(entry.since, VERSION_MAX), messages(entry.message))


ANY_ENTRY = st.sampled_from(ONES)
REQUEST_FRAMES = st.sampled_from([entry for entry in REQUESTS if entry.since == VERSION_MIN]).flatmap(
    lambda entry: messages(entry.message).map(codec(VERSION_MAX).encode)
)
# valid requests, rubbish with a right length, and lengths that are too long for the rubbish behind them
FRAMES = st.lists(REQUEST_FRAMES | st.binary(max_size=40).map(framed) | st.binary(max_size=12), max_size=6).map(b"".join)


def read_back(entry: Entry, version: int, message: Message) -> Message:
    frame = codec(version).encode(message)
    found = codec(version).decode(entry.direction, frame[4:])
    assert not isinstance(found, Fault), (entry.name, found)
    return found


@given(st.data(), ANY_ENTRY)
def test_what_is_encoded_is_read_and_encoded_the_same(data: st.DataObject, entry: Entry) -> None:
    """A field that the version does not carry is at its default after reading; everything else comes back."""
    version, message = data.draw(encodable(entry))
    found = read_back(entry, version, message)
    assert read_back(entry, version, found) == found
    assert codec(version).encode(found) == codec(version).encode(message)


# These carry a part of the contract, or fields under a condition.
PLAIN = [entry for entry in ONES if entry.message is not ScannerData and "contract" not in entry.message.__struct_fields__]


@given(st.data(), st.sampled_from(PLAIN))
def test_messages_without_conditions_come_back_whole(data: st.DataObject, entry: Entry) -> None:
    message = data.draw(messages(entry.message))
    assert read_back(entry, VERSION_MAX, message) == message


def served(pieces: list[bytes]) -> tuple[list[Event], LinkState]:
    link = ServerLink()
    return [event for piece in pieces for event in link.receive(piece)], link.state


@given(stream=FRAMES, cuts=st.lists(st.integers(0, 400), max_size=8), hello=st.booleans())
def test_pieces_do_not_matter(*, stream: bytes, cuts: list[int], hello: bool) -> None:
    data = (HELLO if hello else b"") + stream
    edges = [0, *sorted(cut for cut in cuts if cut <= len(data)), len(data)]
    pieces = [data[a:b] for a, b in pairwise(edges)]
    whole = served([data])
    assert served(pieces) == whole
    assert served([data[n : n + 1] for n in range(len(data))]) == whole


@given(st.binary(max_size=300))
def test_bytes_of_any_kind_are_no_exception(data: bytes) -> None:
    for link in (ServerLink(), ClientLink()):
        link.receive(data)
    link = ServerLink()
    events = link.receive(HELLO + data)
    assert isinstance(events[0], Opened)
    for fault in events:
        if isinstance(fault, Fault):
            assert link.fault_bytes(fault)


@given(st.data(), st.sampled_from(REQUESTS), VERSIONS)
def test_spoilt_requests_are_messages_or_faults(data: st.DataObject, entry: Entry, version: int) -> None:
    """One field replaced, doubled or left out, at any place."""
    version = max(version, entry.since)
    fields = codec(version).encode(data.draw(messages(entry.message)))[4:].split(b"\0")[:-1]
    at = data.draw(st.integers(0, len(fields) - 1))
    spoilt = data.draw(st.sampled_from([b"", b"x", b"-1", b"9" * 30, b"1e999", b"nan", b"1_0", "\u0663".encode(), b"0", b"2"]))
    fields[at : at + 1] = data.draw(st.sampled_from([[], [spoilt], [fields[at], spoilt]]))
    found = codec(version).decode(Direction.REQUEST, b"".join(field + b"\0" for field in fields))
    assert isinstance(found, Message | Fault)
    if isinstance(found, Fault):
        assert found.code in {FaultCode.READING_REQUEST, FaultCode.UNKNOWN_MESSAGE_ID}
        assert not found.closes


# These end with whatever a client sends.
COUNTED = [entry for entry in ONES if not any(isinstance(part, Rest) for part in entry.parts)]


@given(data=st.data(), entry=st.sampled_from(COUNTED), more=st.booleans())
def test_a_field_too_few_or_too_many_is_told(*, data: st.DataObject, entry: Entry, more: bool) -> None:
    """More fields than are known are no fault of a server: real ones end some messages with an empty field."""
    version, message = data.draw(encodable(entry))
    payload = codec(version).encode(message)[4:]
    changed = payload + b"0\0" if more else payload[: payload[:-1].rfind(b"\0") + 1]
    found = codec(version).decode(entry.direction, changed)
    if more and entry.direction is Direction.ANSWER:
        assert found == read_back(entry, version, message)
    elif changed:
        assert isinstance(found, Fault)
        assert found.code is FaultCode.READING_REQUEST
        assert found.message_id == entry.message_id


@pytest.mark.parametrize("length", [0, KEPT_BYTES_MAX, KEPT_BYTES_MAX + 1, FRAME_BYTES_MAX])
def test_long_frames_are_skipped_and_the_next_one_is_read(length: int) -> None:
    link = ServerLink()
    link.receive(HELLO)
    next_one = codec(VERSION_MAX).encode(StartApi(7))
    events = link.receive(length.to_bytes(4, "big"))
    for _ in range(length // 65_536):
        events += link.receive(b"\0" * 65_536)
    events += link.receive(b"\0" * (length % 65_536) + next_one)
    assert [type(event) for event in events] == [Fault, StartApi]
    assert link.state is LinkState.TALKING


@pytest.mark.parametrize("length", [FRAME_BYTES_MAX + 1, 2**31, 2**32 - 1])
def test_an_impossible_length_ends_the_link(length: int) -> None:
    link = ServerLink()
    link.receive(HELLO)
    (fault,) = link.receive(length.to_bytes(4, "big") + HELLO)
    assert isinstance(fault, Fault)
    assert fault.code is FaultCode.BAD_LENGTH
    assert fault.closes
    assert link.receive(HELLO) == []


def test_a_million_fields_take_no_memory() -> None:
    payload = b"1\0" * 1_000_000
    data = HELLO + framed(payload) + framed(payload[:KEPT_BYTES_MAX]) + codec(VERSION_MAX).encode(ReqIds(1))
    link = ServerLink()
    tracemalloc.start()
    events = [event for at in range(0, len(data), 65_536) for event in link.receive(data[at : at + 65_536])]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [type(event) for event in events] == [Opened, Fault, Fault, ReqIds]
    assert f"More than {REQUEST_FIELDS_MAX} fields" in str(events[2])
    assert peak < 4 * KEPT_BYTES_MAX


def test_a_count_cannot_ask_for_memory() -> None:
    found = codec(VERSION_MAX).decode(Direction.ANSWER, b"17\x001\0a\0b\x002000000000\0")
    assert isinstance(found, Fault)
    assert "items in" in found.text


def test_faults_in_a_row_end_the_link() -> None:
    link = ServerLink()
    events = link.receive(HELLO + framed(b"\0") * (FAULTS_MAX - 1) + codec(VERSION_MAX).encode(ReqIds(1)))
    assert not any(event.closes for event in events if isinstance(event, Fault))
    events = link.receive(framed(b"\0") * (FAULTS_MAX + 50))
    assert len(events) == FAULTS_MAX
    assert isinstance(events[-1], Fault)
    assert events[-1].closes
    assert link.state is LinkState.CLOSED


@given(st.binary(max_size=200), st.integers(1, 20))
def test_frames_are_cut_where_their_lengths_say(data: bytes, kept_max: int) -> None:
    """Beside a reader that has the whole stream at hand."""
    expected: list[bytes | Oversized | Lost] = []
    at = 0
    while at + 4 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        if length > FRAME_BYTES_MAX:
            expected.append(Lost(length))
            break
        if length > kept_max:
            expected.append(Oversized(length))
        elif at + 4 + length <= len(data):
            expected.append(data[at + 4 : at + 4 + length])
        at += 4 + length
    assert FrameReader(kept_max).feed(data) == expected


@given(st.text(max_size=30))
def test_readers_raise_nothing_but_value_errors(text: str) -> None:
    for read in (read_int, read_float_or_unset, read_size_or_unset, unescaped):
        try:
            read(text)
        except ValueError as error:
            assert len(str(error)) < 200  # noqa: PT017 - only how long it is matters, whether or not it comes


TICK_BY_TICK = (TickByTickLast, "12"), (TickByTickBidAsk, "3"), (TickByTickMidPoint, "4")


@given(st.data(), st.sampled_from(TICK_BY_TICK), VERSIONS)
def test_messages_that_share_a_number_are_told_apart(data: st.DataObject, case: tuple[type[Message], str], version: int) -> None:
    message = data.draw(messages(case[0], tick_type=st.sampled_from([int(digit) for digit in case[1]])))
    assert codec(version).decode(Direction.ANSWER, codec(version).encode(message)[4:]) == message
