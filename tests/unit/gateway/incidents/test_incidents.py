"""Incidents by hand, at a time, on a request, or as soon as they can happen; what stands in the way of messages."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.unit.gateway.incidents.field import Field, told
from tests.unit.gateway.tables import at
from tests.unit.gateway.trading.pit import placing, statuses
from theo.domain.errors import ConfigError
from theo.domain.market_data import DAY, SECOND
from theo.gateway.client import Client
from theo.gateway.incidents.catalogue import ALWAYS, ELSEWHERE
from theo.gateway.incidents.day_times import day_time, next_after
from theo.gateway.incidents.interference import Disturbance
from theo.gateway.incidents.scenario import Step
from theo.gateway.wire.messages.session import CurrentTime, NextValidId, ReqCurrentTime, ReqIds

# what goes wrong in the field, by the names under which it is known
SESSION = {
    *("nightly-restart", "blind-after-1102", "farm-blip", "competing-session", "reset-window-1100", "weekly-2fa"),
    *("advisory-codes", "not-subscribed", "index-has-no-quotes", "sampled-ticks", "pacing", "too-many-lines"),
    *("time-zone-shift", "duplicate-and-late-ticks"),
}
ORDERS = {
    *("sent-no-answer", "fills-during-1100", "two-permids", "partial-restart", "partial-bracket", "oco-both-fill", "tws-order"),
    *("duplicate-id", "duplicate-callbacks", "reject-201", "inactive", "cancel-races-fill"),
}
OURSELVES = {
    *("crash-anywhere", "breaker-reset-by-crash", "kill-switch-throws", "database-away", "two-traders", "clock-jump"),
    *("roll-gap", "paper-sends-live"),
}


def test_all_that_goes_wrong_in_the_field_is_known_by_its_name() -> None:
    known = set(Field().incidents.incidents)
    assert known >= SESSION | ORDERS | {"half-open", "slow-drip"}
    assert set(ELSEWHERE) == OURSELVES  # and nothing of that is said to be playable
    assert known.isdisjoint(OURSELVES)
    assert set(ALWAYS) == {"index-has-no-quotes", "sampled-ticks"}


def test_a_lost_server_is_told_and_ends_in_time() -> None:
    field = Field(Step(incident="server-lost", at=100, lasts=20))
    assert told(field.wait(39.9)) == []
    assert told(field.wait(0.2)) == [1100]
    assert field.lasting == ["server-lost"]
    assert told(field.wait(60)) == [1102]
    assert [name for _, name in field.incidents.played] == ["server-lost", "server-lost ends"]
    (begun, _), (ended, _) = field.incidents.played
    assert ended - begun == 20 * SECOND
    assert field.lasting == []


def test_a_step_waits_for_the_nth_request() -> None:
    field = Field(Step(incident="reject-201", on="PlaceOrder", nth=2))
    sent = [field.peer.ask(placing(n, "BUY", "LMT", 1, lmt_price=500.0)) for n in (1, 2, 3)]
    assert [statuses(heard, n)[-1] for n, heard in enumerate(sent, start=1)] == ["Submitted", "Inactive", "Submitted"]


def test_an_incident_that_begins_again_ends_when_the_newer_one_does() -> None:
    field = Field()
    field.play("farm-blip", 10.0)
    field.wait(5)
    field.play("farm-blip", 10.0)
    assert told(field.wait(9)) == []
    assert [m.code for m in field.wait(1)] == [2104]
    assert field.wait(60) == []


def test_what_is_not_played_cannot_be_ended() -> None:
    field = Field()
    with pytest.raises(ConfigError, match="server-lost is not being played"):
        field.end("server-lost")
    field.play("reject-201")
    assert field.lasting == ["reject-201"]
    field.peer.ask(placing(1, "BUY", "MKT", 1))
    with pytest.raises(ConfigError, match="it has ended, or never begun"):
        field.end("reject-201")
    field.play("oco-both-fill")
    assert field.waiting == ["oco-both-fill"]
    field.end("oco-both-fill")
    assert field.waiting == []


@pytest.mark.parametrize(
    ("name", "args", "said"),
    [
        ("server-los", {}, "no incident is named 'server-los'. Did you mean 'server-lost'"),
        ("not-subscribed", {"code": 200}, "200 refuses no data. Use one of: 354, 10089, 10168"),
        ("advisory-codes", {"code": 354}, "354 is no advisory"),
        ("time-zone-shift", {"zone": "Mars/Base"}, "no time zone is named 'Mars/Base'"),
        ("reject-201", {"counts": 2}, "reject-201 takes no argument 'counts'. Did you mean 'count'"),
        ("reject-201", {"count": "two"}, "count is 'two'"),
        ("late-ticks", {"seconds": -1}, "seconds is -1"),
        ("nightly-restart", {"ids": 1.5}, "ids is 1.5"),
    ],
)
def test_what_cannot_be_played_is_refused_and_changes_nothing(name: str, args: dict[str, Any], said: str) -> None:
    field = Field()
    with pytest.raises(ConfigError) as caught:
        field.play(name, **args)
    assert said in caught.value.sentence()
    assert (field.incidents.played, field.lasting, field.peer.client.closes) == ([], [], False)


def test_what_cannot_be_played_at_its_time_is_written_down() -> None:
    field = Field(Step(incident="tws-order", at=70, args={"symbol": "NONE"}), Step(incident="server-lost", at=80))
    assert told(field.wait(30)) == [1100]  # and time goes on
    ((when, name, why),) = field.incidents.failed
    assert (when, name) == (field.now - 20 * SECOND, "tws-order")
    assert "0 contracts fit NONE" in why


@pytest.mark.parametrize(
    ("text", "after", "expected"),
    [
        ("23:45", "2026-11-24 10:00", "2026-11-24 23:45"),
        ("09:30:15", "2026-11-24 10:00", "2026-11-25 09:30:15"),
        ("Sun 01:00", "2026-11-24 10:00", "2026-11-29 01:00"),
        ("Tue 10:00", "2026-11-24 10:00", "2026-12-01 10:00"),  # later than, not at
        ("02:30", "2026-03-07 12:00", "2026-03-08 03:30"),  # a time that the clocks skip
        ("01:30", "2026-10-31 12:00", "2026-11-01 01:30"),  # there are two of them: the first
    ],
)
def test_times_of_the_day_are_of_a_zone(text: str, after: str, expected: str) -> None:
    wanted = day_time(text)
    assert wanted is not None
    assert next_after(at(after), wanted, "America/New_York") == at(expected)


def test_a_time_of_the_day_comes_each_day_in_its_own_zone() -> None:
    field = Field(Step(incident="clock-skew", at="23:45", zone="UTC", lasts=60))
    field.simulator.advance(field.now + 3 * DAY)
    began = [when for when, name in field.incidents.played if name == "clock-skew"]
    assert [f"{datetime.fromtimestamp(when // SECOND, UTC):%d %H:%M}" for when in began] == ["24 23:45", "25 23:45", "26 23:45"]


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("drop", ["t", "t"]),
        ("double", ["i", "i", "t", "t"]),
        ("reorder", ["t", "i", "t"]),
        ("delay", ["t", "t", "i"]),
        ("echo", ["i", "t", "t", "i"]),
    ],
)
def test_one_message_meets_a_disturbance(how: str, expected: list[str]) -> None:
    field = Field()
    between = field.incidents.interference
    between.add(Disturbance(how, 1, ("NextValidId",), 5 * SECOND))  # type: ignore[arg-type]  # one of five
    heard = [*field.peer.ask(ReqIds(), ReqCurrentTime(), ReqCurrentTime()), *field.wait(5)]
    assert ["i" if isinstance(m, NextValidId) else "t" for m in heard if isinstance(m, NextValidId | CurrentTime)] == expected


def test_without_disturbances_nothing_stands_in_the_way() -> None:
    field = Field()
    assert field.peer.client.outgoing is Client.deliver
    field.play("late-answers", seconds=3)
    assert field.peer.client.outgoing is not Client.deliver
    assert field.peer.ask(ReqIds()) == []
    assert [type(m) for m in field.end("late-answers")] == [NextValidId]  # what was late is told now
    assert field.peer.client.outgoing is Client.deliver


def test_one_incident_s_end_leaves_another_s_messages_late() -> None:
    field = Field()
    field.play("late-commissions")
    field.play("late-ticks")
    field.end("late-ticks")
    field.peer.ask(placing(1, "BUY", "MKT", 1))
    assert "CommissionReport" not in {type(m).__name__ for m in field.trades("600")}
    assert "CommissionReport" in {type(m).__name__ for m in field.wait(60)}


def test_a_client_that_is_gone_hears_nothing_late() -> None:
    field = Field()
    field.play("late-answers")
    field.peer.ask(ReqIds())
    field.simulator.disconnected(field.peer.client)
    assert field.wait(60) == []
