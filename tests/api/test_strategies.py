"""Rule sets over HTTP: stored ones beside those that are shipped, changed by number, with their history."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.conftest import Answered, Served, serving
from tests.api.home import TREND, make_home, theo
from tests.api.trading import trader_on
from theo.app.home.layout import open_home
from theo.app.rulesets.finding import shipped_text

NAME = "/api/strategies/trend"
SLOWER = TREND.replace("sma(9)", "sma(12)")
WRONG = TREND.replace('"SPY"', '"SPYY"').replace("quantity = 10", "quantity = -1")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_home(tmp_path_factory.mktemp("strategies"))


@pytest.fixture
def editing(home: Path, tmp_path: Path) -> Iterator[Served]:
    """A server over a home whose scans are begun anew."""
    for file in home.rglob("settings.db*"):
        file.unlink()
    with serving(home, folder=open_home(home).store) as served:
        yield served


def post(served: Served, path: str, body: dict[str, Any], method: str = "POST", **headers: str) -> Answered:
    return served.get(path, {"Content-Type": "application/json", **headers}, method, json.dumps(body))


def stored(served: Served) -> Answered:
    return post(served, "/api/strategies", {"document": TREND, "reason": "first"})


def test_a_stored_one_is_listed_beside_the_shipped_ones(editing: Served) -> None:
    made = stored(editing)
    assert (made.status, made.headers["location"]) == (201, NAME)
    assert (made.body["origin"], made.body["change"], made.body["active"], made.body["text"]) == ("stored", 1, True, TREND)
    listed = {each["name"]: each for each in editing.get("/api/strategies").body["strategies"]}
    assert {each["origin"] for each in listed.values()} == {"shipped", "stored"}
    assert listed["trend"] == {name: value for name, value in made.body.items() if name != "text"}
    assert listed["spy-vix"]["change"] is None
    assert editing.get(NAME).body == made.body


def test_the_command_line_and_the_interface_see_the_same(editing: Served) -> None:
    made = stored(editing).body
    (shown,) = json.loads(theo(editing.home, "scan", "list", "--json"))
    assert (shown["name"], shown["version"], shown["change"], shown["user"]) == ("trend", made["version"], 1, made["user"])
    assert made["user"].endswith("(API)")
    theo(editing.home, "scan", "edit", "trend", "--set", "size.quantity=5", "--reason", "less")
    found = editing.get(NAME).body
    assert (found["change"], "quantity = 5" in found["text"]) == (2, True)
    assert found["user"].endswith("(command line)")


def test_an_edit_names_what_it_has_read_and_is_refused_when_another_was_quicker(editing: Served) -> None:
    stored(editing)
    done = post(editing, NAME, {"document": SLOWER, "change": 1, "reason": "slower"}, "PUT")
    assert (done.status, done.body["change"], done.body["text"]) == (200, 2, SLOWER)
    late = post(editing, NAME, {"document": TREND, "change": 1}, "PUT")
    assert late.status == 409
    assert f"changed meanwhile: edit by {done.body['user']}" in late.body["detail"]
    assert post(editing, f"{NAME}/disable", {"change": 1}).status == 409
    assert editing.get(NAME).body == done.body


def test_every_mistake_of_a_document_is_named_in_one_problem(editing: Served) -> None:
    refused = post(editing, "/api/strategies", {"document": WRONG})
    assert refused.status == 422
    assert {"symbols.primary", "size.quantity"} <= {each["where"] for each in refused.body["errors"]}
    assert all(each["what"] for each in refused.body["errors"])
    assert post(editing, "/api/strategies", {"document": "name ="}).status == 422
    assert [each["origin"] for each in editing.get("/api/strategies").body["strategies"] if each["name"] == "trend"] == []


def test_it_is_switched_off_and_on_and_all_of_it_is_in_its_history(editing: Served) -> None:
    stored(editing)
    off = post(editing, f"{NAME}/disable", {"change": 1, "reason": "holidays"})
    assert (off.status, off.body["active"], off.body["change"]) == (200, False, 2)
    on = post(editing, f"{NAME}/enable", {"change": 2})
    assert (on.status, on.body["active"], on.body["change"]) == (200, True, 3)
    first = editing.get(f"{NAME}/history?limit=2").body
    rest = editing.get(f"{NAME}/history?limit=2&cursor={first['next']}").body
    changes = [*first["changes"], *rest["changes"]]
    assert [(each["change"], each["action"], each["reason"]) for each in changes] == [
        (1, "create", "first"),
        (2, "disable", "holidays"),
        (3, "enable", ""),
    ]
    assert (rest["next"], changes[0]["before"], changes[0]["after"]) == (None, None, TREND)
    trail = theo(editing.home, "audit", "list")
    assert all(f"scan {action}" in trail for action in ("create", "disable", "enable"))


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("/api/strategies/nothing", "PUT", 404),
        ("/api/strategies/nothing/enable", "POST", 404),
        ("/api/strategies/spy-vix", "PUT", 409),
        ("/api/strategies/spy-vix/disable", "POST", 409),
    ],
)
def test_what_is_not_there_or_shipped_is_not_changed(editing: Served, path: str, method: str, status: int) -> None:
    body = {"change": 1} | ({"document": TREND} if method == "PUT" else {})
    assert post(editing, path, body, method).status == status


def test_a_name_is_given_once(editing: Served) -> None:
    stored(editing)
    again = stored(editing)
    assert (again.status, "there is a scan 'trend' already" in again.body["detail"]) == (409, True)
    other = post(editing, "/api/strategies", {"document": TREND, "name": "my trend"})
    assert (other.status, other.headers["location"]) == (201, "/api/strategies/my%20trend")
    assert editing.get(other.headers["location"]).body["name"] == "my trend"
    assert post(editing, "/api/strategies", {"document": TREND, "name": "spy-vix"}).status == 422


def test_it_says_when_it_looks_what_a_signal_becomes_and_its_conditions(editing: Served) -> None:
    document = (
        shipped_text("spy-vix") + 'from = "13:00"\ndays = ["Mon", "Fri"]\nvalid_until = "2040-12-31"\nsignals_per_day = 2\n'
    )
    asked = '[scan]\nplaceholder = "OPTION"\noption_category = "ITM"\nexpiry = "weekly"\nevery_minutes = 30\n'
    made = post(editing, "/api/strategies", {"document": document + asked, "name": "calls"})
    assert made.status == 201, made.body
    terms = made.body["terms"]
    assert {**terms, "entry": None} == {
        "sides": "both", "mode": "live", "style": "positional", "days": ["Mon", "Fri"], "start": "13:00", "end": "16:00",
        "zone": "America/New_York", "valid_until": "2040-12-31", "every_minutes": 30, "missed": "skip", "signals_per_day": 2,
        "placeholder": "OPTION", "expiry": "weekly", "option_type": None, "option_category": "ITM", "entry": None,
        "exit": {"long": [], "short": []},
    }  # fmt: skip
    assert terms["entry"]["long"] == [
        "SPY close breaks above SPY swing(2).high[1]",
        "VIX close is below VIX swing(2).low[1]",
        "VIX correlation is at most -0.7",
    ]


def test_a_sign_that_can_hardly_come_true_is_said(editing: Served) -> None:
    document = shipped_text("spy-vix")
    assert post(editing, "/api/strategies", {"document": document, "name": "right"}).body["warnings"] == []
    wrong = post(editing, "/api/strategies", {"document": document.replace('"inverse"', '"direct"'), "name": "wrong"})
    (said,) = wrong.body["warnings"]
    assert (wrong.status, "SPY and VIX move against each other" in said) == (201, True)


def test_it_is_taken_away_by_whom_has_read_it_and_its_history_stays(editing: Served) -> None:
    stored(editing)
    theo(editing.home, "scan", "edit", "trend", "--set", "size.quantity=5")
    for path in (f"{NAME}?change=1", "/api/strategies/spy-vix?change=1"):
        assert editing.get(path, method="DELETE").status == 409
    assert editing.get("/api/strategies/nothing?change=1", method="DELETE").status == 404
    for wrong in (NAME, f"{NAME}?change=9", f"{NAME}?change=0", f"{NAME}?change=2&force=1"):
        assert editing.get(wrong, method="DELETE").status == 422
    gone = editing.get(f"{NAME}?change=2&reason=enough", method="DELETE")
    assert (gone.status, gone.body["change"], "quantity = 5" in gone.body["text"]) == (200, 2, True)
    assert editing.get(NAME).status == 404
    last = editing.get(f"{NAME}/history").body["changes"][-1]
    assert (last["action"], last["reason"], last["after"]) == ("delete", "enough", None)
    assert "scan delete" in theo(editing.home, "audit", "list")


def test_one_that_a_run_has_recorded_is_kept(editing: Served) -> None:
    post(editing, "/api/strategies", {"document": TREND, "name": "recorded"})
    theo(editing.home, "backtest", "recorded")
    kept = editing.get("/api/strategies/recorded?change=1", method="DELETE")
    assert (kept.status, "theo scan disable recorded" in kept.body["remedy"]) == (409, True), kept.body


def test_a_running_trader_opens_nothing_by_a_disabled_one_until_it_is_enabled(
    editing: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    post(editing, "/api/strategies", {"document": TREND, "name": "going on"})
    path = "/api/strategies/going%20on"
    with trader_on(editing.home, Path("going on")) as trader:
        trader.play(1)
        off = post(editing, f"{path}/disable", {"change": 1})
        (said,) = off.body["warnings"]
        assert (off.status, off.body["active"], "going on opens nothing from now on" in said) == (200, False, True)
        theo(editing.home, "scan", "enable", "going on")
        assert "going on may open trades again" in capsys.readouterr().err
        stored(editing)
        assert post(editing, f"{NAME}/disable", {"change": 1}).body["warnings"] == [], "nobody trades by it"
        edited = theo(editing.home, "scan", "edit", "going on", "--set", "size.quantity=7")
        assert "goes on with going on as it was" in capsys.readouterr().err, edited
        theo(editing.home, "scan", "disable", "going on", "--reason", "enough")
        assert "opens nothing from now on; what it has open is protected as before" in capsys.readouterr().err
        theo(editing.home, "scan", "enable", "going on")
        assert "goes on with going on as it was" in capsys.readouterr().err, "it would trade by the text of before"
    assert post(editing, f"{path}/disable", {"change": 6}).body["warnings"] == []
    assert "pause_scan" in theo(editing.home, "audit", "list")


def test_trying_it_lists_what_the_command_line_lists(editing: Served) -> None:
    stored(editing)
    tried = json.loads(theo(editing.home, "scan", "test", "trend", "--range", "20190108-20190110", "--json"))
    found = editing.get(f"{NAME}/test?from=2019-01-08&to=2019-01-10").body
    assert found["count"] == len(found["signals"]) == len(tried["signals"]) > 0
    assert (found["bars"], found["decided"]) == (tried["bars"], tried["decided"])
    assert [(each["side"], each["price"]) for each in found["signals"]] == [
        (each["side"], each["price"].replace(",", "")) for each in tried["signals"]
    ]
    assert editing.get(f"{NAME}/test?from=2019-01-10&to=2019-01-08").status == 422
    assert editing.get(f"{NAME}/test?from=2017-01-10&to=2019-01-08").status == 422
    assert editing.get("/api/strategies/nothing/test?from=2019-01-08&to=2019-01-10").status == 404


def test_a_page_of_another_place_changes_nothing(editing: Served) -> None:
    refused = post(editing, "/api/strategies", {"document": TREND}, Origin="http://evil.example")
    assert (refused.status, refused.body["where"]) == (403, "Origin")
    assert post(editing, "/api/strategies", {"document": TREND}, Origin="null").status == 403
    ours = f"http://127.0.0.1:{editing.port}"
    assert post(editing, "/api/strategies", {"document": TREND}, Origin=ours).status == 201


def test_a_body_is_bounded_and_of_json(editing: Served) -> None:
    large = post(editing, "/api/strategies", {"document": "x" * 300_000})
    assert (large.status, large.headers["content-type"]) == (413, "application/problem+json")
    assert post(editing, "/api/strategies", {"document": "x" * 70_000}).status == 422
    assert editing.get("/api/strategies", {"Content-Type": "text/plain"}, "POST", json.dumps({"document": TREND})).status == 422
    assert post(editing, "/api/strategies", {"document": TREND, "reasons": "x"}).status == 422


def test_where_no_run_is_recorded_no_rule_set_is_named_for_a_decision(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    with serving(home, folder=open_home(home).store) as served:
        answered = served.get("/api/decisions?symbol=SPY&at=2019-01-09T16:00:00Z")
    assert (answered.status, "nothing is recorded in it yet" in answered.body["detail"]) == (404, True), answered.body
