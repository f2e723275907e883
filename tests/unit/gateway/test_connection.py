"""The link as a state machine: greeting, talking, closed, at both ends."""

import pytest

from theo.gateway.wire.connection import ClientLink, LinkState, Opened, ServerLink
from theo.gateway.wire.faults import Fault, FaultCode, WireError
from theo.gateway.wire.frames import framed
from theo.gateway.wire.handshake import Offer, offer_bytes
from theo.gateway.wire.messages.session import ManagedAccounts, NextValidId, ReqIds, StartApi, UserInfo

TIME = "20261120 09:30:00 UTC"


def shaken(version_min: int, version_max: int) -> tuple[ServerLink, ClientLink]:
    """Both ends after the handshake."""
    server, client = ServerLink(), ClientLink(version_min, version_max)
    (opened,) = server.receive(client.hello())
    assert isinstance(opened, Opened)
    (answered,) = client.receive(server.open(TIME))
    assert answered == Opened(opened.version, client.offer, TIME)
    return server, client


# What each client offers, and what a server that ends at 178 then speaks: IB's own clients, measured against real links.
@pytest.mark.parametrize(
    ("versions", "agreed"),
    [((157, 178), 178), ((157, 176), 176), ((100, 157), 157), ((100, 187), 178), ((100, 226), 178), ((178, 178), 178)],
)
def test_the_greatest_common_version_is_spoken(versions: tuple[int, int], agreed: int) -> None:
    server, client = shaken(*versions)
    assert (server.version, client.version) == (agreed, agreed)
    assert server.receive(client.encode(StartApi(7))) == [StartApi(7)]
    answers = [ManagedAccounts("DU1,DU2"), NextValidId(1)]
    assert client.receive(b"".join(map(server.encode, answers))) == answers


@pytest.mark.parametrize("versions", [(100, 156), (179, 200), (213, 225)])
def test_other_versions_are_refused_with_an_error(versions: tuple[int, int]) -> None:
    server = ServerLink()
    (fault,) = server.receive(offer_bytes(Offer(*versions)))
    assert isinstance(fault, Fault)
    assert (fault.code, fault.closes) == (FaultCode.UNSUPPORTED_VERSION, True)
    assert server.fault_bytes(fault).startswith(b"4\x002\x00-1\x00506\0Unsupported version", 4)
    assert server.state is LinkState.CLOSED


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"63\0",
        b"API\0" + framed(b""),
        b"API\0" + framed(b"v178..157"),
        b"API\0" + framed(b"157..178"),
        b"API\0" + framed(b"v157..178\0"),
        b"API\0" + framed(b"v157..178 " + b"x" * 5_000),
        b"API\0\xff\xff\xff\xff",
        b"\x16\x03\x01",
    ],
)
def test_what_is_no_greeting_is_closed_without_a_word(data: bytes) -> None:
    server = ServerLink()
    (fault,) = server.receive(data)
    assert isinstance(fault, Fault)
    assert fault.closes
    assert server.fault_bytes(fault) == b""
    assert server.receive(b"more") == []


def test_connect_options_are_kept() -> None:
    (opened,) = ServerLink().receive(ClientLink(157, 178, "+PACEAPI").hello())
    assert isinstance(opened, Opened)
    assert opened.offer == Offer(157, 178, "+PACEAPI")


def test_a_fault_is_answered_with_its_own_error() -> None:
    server, client = shaken(157, 178)
    (fault,) = server.receive(framed(b"1\x0011\x0042\0x\0"))
    assert isinstance(fault, Fault)
    (error,) = client.receive(server.fault_bytes(fault))
    assert (error.req_id, error.code) == (42, 320)  # type: ignore[union-attr]  # an error message, else the test fails
    assert server.receive(client.encode(ReqIds(1))) == [ReqIds(1)]


def test_nothing_is_sent_before_the_handshake() -> None:
    server = ServerLink()
    with pytest.raises(WireError, match="the handshake is not done"):
        server.encode(NextValidId(1))
    assert not server.knows(NextValidId)
    assert not shaken(100, 157)[0].knows(UserInfo)


def test_a_client_refuses_what_it_did_not_offer() -> None:
    for answer in (framed(b"179\0x\0"), framed(b"156\0x\0"), framed(b"x\0x\0"), framed(b"4\x002\x00-1\x00506\0no\0")):
        client = ClientLink()
        (fault,) = client.receive(answer)
        assert isinstance(fault, Fault)
        assert client.state is LinkState.CLOSED
