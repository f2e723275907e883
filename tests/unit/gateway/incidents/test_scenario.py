"""Scenarios: files of steps, and single ones from the command line; mistakes are told with place and remedy."""

from pathlib import Path

import pytest

from tests.unit.gateway.incidents.field import Field
from theo.domain.errors import ConfigError
from theo.gateway.building import REQUESTS
from theo.gateway.incidents.scenario import Step, load_scenario, read_scenario, read_step
from theo.gateway.wire.messages.session import ReqIds

KNOWN = Field().incidents.incidents


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_every_incident_can_be_named_by_time_and_by_condition(name: str) -> None:
    text = f'[[step]]\nincident = "{name}"\nat = 1.5\nfor = 2\n[[step]]\nincident = "{name}"\non = "PlaceOrder"\nnth = 3'
    assert read_scenario(text, "s.toml", KNOWN, REQUESTS) == (
        Step(incident=name, at=1.5, lasts=2),
        Step(incident=name, on="PlaceOrder", nth=3),
    )
    assert read_step(f"{name}@1.5,for=2", KNOWN, REQUESTS) == Step(incident=name, at=1.5, lasts=2)
    assert read_step(f"{name}@PlaceOrder,nth=3", KNOWN, REQUESTS) == Step(incident=name, on="PlaceOrder", nth=3)


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_every_incident_begins_at_its_time_and_at_its_condition(name: str) -> None:
    for step in (Step(incident=name, at=70, lasts=5), Step(incident=name, on="ReqIds", nth=2, lasts=5)):
        field = Field(step)
        field.peer.ask(ReqIds())
        assert (field.incidents.played, field.waiting) == ([], [])
        field.wait(10)
        if step.on:
            field.peer.ask(ReqIds())
        begun = [(at - field.now, played) for at, played in field.incidents.played]
        assert begun == ([] if field.waiting else [(0, name)])
        assert field.waiting in ([], [name])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[[step]]\nincident = "servr-lost"\nat = 1', "no incident is named 'servr-lost'. Did you mean 'server-lost'"),
        ('[[step]]\nincident = "inactive"', "happens at a time or on a request"),
        ('[[step]]\nincident = "inactive"\nat = 1\non = "ReqIds"', "happens at a time or on a request"),
        ('[[step]]\nincident = "inactive"\non = "PlaceOder"', "clients cannot send 'PlaceOder'. Did you mean 'PlaceOrder'"),
        ('[[step]]\nincident = "inactive"\nat = -1', "at is -1"),
        ('[[step]]\nincident = "inactive"\nat = "25:00"', "at is '25:00'. Use seconds after the start"),
        ('[[step]]\nincident = "inactive"\nat = "23:45"\nzone = "Mars/Base"', "no time zone is named 'Mars/Base'"),
        ('[[step]]\nincident = "inactive"\nat = 1\nzone = "UTC"', "a zone belongs to a time of the day"),
        ('[[step]]\nincident = "inactive"\nat = 1\nfor = 0', "above 0"),
        ('[[step]]\nincident = "inactive"\nat = 1\nwhen = 2', "when"),
        ("[[step]", "the scenario is wrong"),
    ],
)
def test_a_wrong_scenario_names_file_and_remedy(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_scenario(text, "s.toml", KNOWN, REQUESTS)
    assert said in caught.value.sentence()
    assert caught.value.sentence().startswith("s.toml")


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "evening.toml"
    path.write_text('[[step]]\nincident = "nightly-restart"\nat = "Sun 01:00"\nargs.ids = 3\n', encoding="utf-8")
    assert load_scenario(path, KNOWN, REQUESTS) == (Step(incident="nightly-restart", at="Sun 01:00", args={"ids": 3}),)
    with pytest.raises(ConfigError, match="cannot be read"):
        load_scenario(tmp_path / "none.toml", KNOWN, REQUESTS)


@pytest.mark.parametrize(
    ("text", "step"),
    [
        ("server-lost", Step(incident="server-lost", at=0)),
        ("nightly-restart", Step(incident="nightly-restart", at="23:45")),
        ("weekly-2fa,for=60", Step(incident="weekly-2fa", at="Sun 01:00", lasts=60)),
        ("nightly-restart@02:00,zone=UTC,ids=7", Step(incident="nightly-restart", at="02:00", zone="UTC", args={"ids": 7})),
        ("not-subscribed,code=10089,symbol=SPY", Step(incident="not-subscribed", at=0, args={"code": 10089, "symbol": "SPY"})),
        ("late-ticks@5,seconds=0.5", Step(incident="late-ticks", at=5, args={"seconds": 0.5})),
    ],
)
def test_a_step_on_the_command_line(text: str, step: Step) -> None:
    assert read_step(text, KNOWN, REQUESTS) == step


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nightly-restrat", "no incident is named 'nightly-restrat'. Did you mean 'nightly-restart'"),
        ("server-lost@soon,for=2", "clients cannot send 'soon'"),
        ("server-lost@9:00", "at is '9:00'"),
        ("server-lost@nan", "clients cannot send 'nan'"),
        ("reject-201,coutn=2", "reject-201 takes no argument 'coutn'. Did you mean 'count'"),
        ("server-lost,ids=2", "server-lost takes no argument 'ids'. It takes none"),
        ("server-lost,for", "'for' is no KEY=VALUE"),
        ("server-lost,for=ever", "the incident is wrong"),
        ("server-lost,for=nan", "above 0"),
        ("server-lost@1,zone=UTC", "a zone belongs to a time of the day"),
    ],
)
def test_a_wrong_step_on_the_command_line_is_told(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_step(text, KNOWN, REQUESTS)
    assert said in caught.value.sentence()
