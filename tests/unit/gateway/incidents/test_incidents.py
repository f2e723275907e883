"""Incidents by hand, at a time, and on a request; what stands in the way of messages; scenario files."""

from dataclasses import dataclass, field

import pytest

from tests.unit.gateway.nothing import Nothing
from theo.domain.errors import ConfigError
from theo.domain.market_data import SECOND
from theo.gateway.client import Client
from theo.gateway.desk import Desk, GatewaySettings
from theo.gateway.incidents.catalogue import incidents
from theo.gateway.incidents.interference import Disturbance, Interference
from theo.gateway.incidents.room import IncidentsRoom
from theo.gateway.incidents.scenario import Step, read_scenario
from theo.gateway.session.room import SessionRoom
from theo.gateway.simulator import Simulator
from theo.gateway.wire.connection import ClientLink
from theo.gateway.wire.messages.session import CurrentTime, ErrorMessage, NextValidId, ReqCurrentTime, ReqIds, StartApi
from theo.gateway.wire.schema import Message

START = 1_795_000_000 * SECOND
REQUESTS = frozenset({"ReqIds", "PlaceOrder"})


@dataclass
class Streams:
    """Keeps what was done to it."""

    done: list[str] = field(default_factory=list)

    def silence(self, desk: Desk, *, on: bool) -> None:
        self.done.append(f"silence {on}")

    def drop_all(self, desk: Desk) -> None:
        self.done.append("drop")

    def compete(self, desk: Desk, *, on: bool) -> None:
        self.done.append(f"compete {on}")

    def advise(self, code: int) -> None:
        self.done.append(f"advise {code}")


@dataclass
class Trading:
    """Keeps what was done to it."""

    done: list[str] = field(default_factory=list)

    def hold_reports(self, desk: Desk, *, on: bool) -> None:
        self.done.append(f"hold {on}")

    def swallow_orders(self, count: int) -> None:
        self.done.append(f"swallow {count}")

    def split_modifies(self, count: int) -> None:
        self.done.append(f"split {count}")

    def reject_orders(self, *, on: bool) -> None:
        self.done.append(f"reject {on}")

    def late_rejects(self, count: int) -> None:
        self.done.append(f"late {count}")

    def lose_cancels(self, count: int) -> None:
        self.done.append(f"lose {count}")

    def correct_execution(self, desk: Desk) -> None:
        self.done.append("correct")

    def roll_back_ids(self, desk: Desk, count: int) -> None:
        self.done.append(f"roll {count}")


class Gateway:
    """A simulator with incidents, and one client that has started."""

    def __init__(self, *steps: Step) -> None:
        self.streams, self.trading, interference = Streams(), Trading(), Interference()
        self.room = IncidentsRoom(incidents(self.streams, self.trading, interference), interference, steps, START)
        self.interference = interference
        session = SessionRoom(lambda _client: 1)
        self.simulator = Simulator(GatewaySettings(), Nothing(), Nothing(), [session, self.room], START, self.room.asked)
        self.client, self.link = self.simulator.connect(), ClientLink()
        self.simulator.receive(self.client, self.link.hello())
        self.heard()
        self.send(StartApi(0))
        self.heard()

    def send(self, *messages: Message) -> None:
        for message in messages:
            self.simulator.receive(self.client, self.link.encode(message))

    def heard(self) -> list[Message]:
        return [event for event in self.link.receive(self.client.take()) if isinstance(event, Message)]


def codes(messages: list[Message]) -> list[int]:
    return [m.code for m in messages if isinstance(m, ErrorMessage)]


def test_a_lost_server_is_told_holds_everything_back_and_ends_in_time() -> None:
    gateway = Gateway(Step(incident="server-lost", at=10, lasts=20))
    gateway.simulator.advance(START + 9 * SECOND)
    assert codes(gateway.heard()) == []
    gateway.simulator.advance(START + 10 * SECOND)
    assert codes(gateway.heard()) == [1100]
    assert gateway.trading.done == ["hold True"]
    gateway.simulator.advance(START + 60 * SECOND)
    assert codes(gateway.heard()) == [1102]
    assert gateway.trading.done == ["hold True", "hold False"]
    assert gateway.streams.done == ["silence True", "silence False"]
    assert [at - START for at, _ in gateway.room.played] == [10 * SECOND, 30 * SECOND]


def test_a_step_waits_for_the_nth_request() -> None:
    gateway = Gateway(Step(incident="sent-no-answer", on="ReqIds", nth=2))
    gateway.send(ReqIds(1))
    assert gateway.trading.done == []
    gateway.send(ReqIds(1), ReqIds(1))
    assert gateway.trading.done == ["swallow 1"]


@pytest.mark.parametrize(
    ("how", "expected"),
    [("drop", ["t", "t"]), ("double", ["i", "i", "t", "t"]), ("reorder", ["t", "i", "t"]), ("delay", ["t", "t", "i"])],
)
def test_one_message_meets_a_disturbance(how: str, expected: list[str]) -> None:
    gateway = Gateway()
    gateway.interference.now = START
    gateway.interference.add(Disturbance(how, 1, ("NextValidId",), 5 * SECOND))  # type: ignore[arg-type]  # one of four
    gateway.send(ReqIds(1), ReqCurrentTime(), ReqCurrentTime())
    gateway.simulator.advance(START + 5 * SECOND)
    assert [
        "i" if isinstance(m, NextValidId) else "t" for m in gateway.heard() if isinstance(m, NextValidId | CurrentTime)
    ] == expected


def test_a_restart_closes_every_socket_and_refuses_for_a_while() -> None:
    gateway = Gateway(Step(incident="nightly-restart", at=1, args={"seconds": 30, "ids": 7}))
    gateway.simulator.advance(START + 2 * SECOND)
    assert gateway.client.closes
    assert gateway.trading.done == ["roll 7"]
    assert not gateway.simulator.accepts
    gateway.simulator.advance(START + 31 * SECOND)
    assert gateway.simulator.accepts


def test_a_stalled_socket_neither_reads_nor_writes_until_it_wakes() -> None:
    gateway = Gateway(Step(incident="half-open", at=1, lasts=5))
    gateway.simulator.advance(START + SECOND)
    gateway.send(ReqIds(1))
    assert gateway.heard() == []
    gateway.simulator.advance(START + 6 * SECOND)
    gateway.simulator.advance(START + 7 * SECOND)
    assert gateway.heard() == [NextValidId(1)]


def test_dripping_bytes_lose_nothing() -> None:
    gateway = Gateway(Step(incident="slow-drip", at=1, args={"bytes": 3}))
    gateway.simulator.advance(START + SECOND)
    gateway.send(ReqIds(1))
    pieces: list[bytes] = []
    while piece := gateway.client.take():
        pieces.append(piece)
    assert max(map(len, pieces)) == 3
    assert list(gateway.link.receive(b"".join(pieces))) == [NextValidId(1)]


def test_without_incidents_nothing_stands_in_the_way() -> None:
    gateway = Gateway()
    gateway.send(ReqIds(1))
    assert gateway.heard() == [NextValidId(1)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[[step]]\nincident = "blackout"\nat = 1', "no incident is named 'blackout'"),
        ('[[step]]\nincident = "inactive"', "happens at a time or on a request"),
        ('[[step]]\nincident = "inactive"\nat = 1\non = "ReqIds"', "happens at a time or on a request"),
        ('[[step]]\nincident = "inactive"\non = "Place"', "clients cannot send 'Place'"),
        ('[[step]]\nincident = "inactive"\nat = -1', "at is -1"),
        ('[[step]]\nincident = "inactive"\nat = 1\nwhen = 2', "when"),
        ("[[step]", "the scenario is wrong"),
    ],
)
def test_a_wrong_scenario_names_file_and_remedy(text: str, said: str) -> None:
    known = incidents(Streams(), Trading(), Interference())
    with pytest.raises(ConfigError, match=said) as caught:
        read_scenario(text, "s.toml", known, REQUESTS)
    assert "s.toml" in caught.value.sentence()


def test_every_incident_begins_and_ends_on_a_gateway_without_orders() -> None:
    for name in incidents(Streams(), Trading(), Interference()):
        gateway = Gateway()
        gateway.room.play(gateway.simulator.desk, name, 1.0)
        gateway.simulator.advance(START + 120 * SECOND)
        assert gateway.room.played[0][1] == name


def test_a_client_that_is_gone_hears_nothing_late() -> None:
    gateway = Gateway(Step(incident="late-answers", at=0))
    gateway.simulator.advance(START)
    gateway.send(ReqIds(1))
    client: Client = gateway.client
    gateway.simulator.disconnected(client)
    gateway.simulator.advance(START + 60 * SECOND)
    assert client.take() == b""
