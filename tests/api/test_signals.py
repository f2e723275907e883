"""Signals and decisions, compared with what the command line and the journal say of the same run."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.api.conftest import Served
from tests.api.home import QUARTER, starts, theo
from tests.api.test_market_data import all_pages
from tests.golden.records import facts_of
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.domain.facts import SignalRaised
from theo.domain.journal import TRADING
from theo.domain.market_data import SECOND


@pytest.fixture(scope="module")
def raised(served: Served) -> list[SignalRaised]:
    """The signals that the journal holds."""
    (folder,) = (served.home / "runs").iterdir()
    store = SqlJournalStore(folder)
    found = facts_of(list(store.read(TRADING)))
    store.close()
    return [fact for fact in found if isinstance(fact, SignalRaised)]


def test_page_by_page_each_signal_of_the_journal_once_newest_first(served: Served, raised: list[SignalRaised]) -> None:
    pages = all_pages(served, "/api/signals?limit=7", "signals")
    found = [one for page in pages for one in page]
    assert len(raised) > 20
    assert [one["id"] for one in found] == [s.id for s in sorted(raised, key=lambda s: (s.end, s.id), reverse=True)]
    by_id = {s.id: s for s in raised}
    for one in found:
        assert datetime.fromisoformat(one["bar_end"]).timestamp() * SECOND == by_id[one["id"]].end
        assert served.get(f"/api/signals/{one['id']}").body == one


def test_a_signal_says_how_its_instrument_is_traded_and_where_it_stands(served: Served) -> None:
    everything = served.get("/api/signals?limit=1000").body["signals"]
    for one in everything:
        assert (one["contract_size"], one["product_type"], one["user"], one["scan"]) == (1, "MARGIN", "owner", None)
        assert one["active"] == (one["status"] in {"PENDING", "VALIDATED"})
        assert one["created"] == one["bar_end"] <= one["updated"]
        if one["status"] == "EXECUTED" and one["kind"] == "entry":
            assert (one["quantity"], one["order_type"]) == (10, "MARKET")


def test_filters_leave_what_they_say(served: Served) -> None:
    everything = [one for page in all_pages(served, "/api/signals?limit=1000", "signals") for one in page]
    middle = everything[len(everything) // 2]["bar_end"]
    for query, keeps in (
        ("status=EXECUTED", lambda one: one["status"] == "EXECUTED"),
        ("status=FAILED", lambda one: one["status"] == "FAILED"),
        (f"from={quote(middle)}", lambda one: one["bar_end"] >= middle),
        (f"to={quote(middle)}", lambda one: one["bar_end"] < middle),
        ("strategy=trend", lambda _one: True),
        ("strategy=other", lambda _one: False),
        ("symbol=SPY", lambda one: one["symbol"] == "SPY"),
    ):
        found = [one for page in all_pages(served, f"/api/signals?limit=5&{query}", "signals") for one in page]
        assert found == [one for one in everything if keeps(one)], query
    assert {one["status"] for one in everything} >= {"EXECUTED"}


def test_every_decision_is_told_as_by_the_command_line(served: Served) -> None:
    for start in starts()[40:300:37]:
        at = start + QUARTER
        answered = served.get(f"/api/decisions?symbol=SPY&at={quote(at.isoformat())}")
        said = json.loads(theo(served.home, "why", "SPY", at.isoformat(), "--json"))
        assert answered.status == 200, answered.body
        assert [one["explanation"] for one in answered.body["decisions"]] == [one["explanation"] for one in said["decisions"]]
        assert [one["verdict"] for one in answered.body["decisions"]] == [one["verdict"] for one in said["decisions"]]


def test_the_decision_of_a_signal_names_it_and_what_followed(served: Served) -> None:
    executed = served.get("/api/signals?status=EXECUTED&limit=1000").body["signals"]
    entry = next(one for one in executed if one["kind"] == "entry" and one["order_type"])
    answered = served.get(f"/api/signals/{entry['id']}/decision").body
    (told,) = [signal for decision in answered["decisions"] for signal in decision["signals"] if signal["id"] == entry["id"]]
    assert answered["end"] == entry["bar_end"]
    assert told["trades"]
    assert told["trades"][0]["orders"][0]["fills"]


def test_a_time_without_a_decision_names_the_nearest(served: Served) -> None:
    at = starts()[30] + timedelta(minutes=1)
    answered = served.get(f"/api/decisions?symbol=SPY&at={quote(at.isoformat())}")
    assert answered.status == 404
    assert "the nearest did at" in answered.body["detail"]
    assert served.get(f"/api/decisions?symbol=VIX&at={quote(at.isoformat())}").status == 404
    for path in ("/api/signals/none", "/api/signals/none/decision", "/api/strategies/none", "/api/signals?symbol=NONE"):
        assert served.get(path).status == 404, path


def test_strategies_are_those_that_ship(served: Served) -> None:
    found = served.get("/api/strategies").body["strategies"]
    folder = Path(__file__).resolve().parents[2] / "src/theo/strategy/rulesets"
    assert [one["name"] for one in found] == sorted(file.stem for file in folder.glob("*.toml"))
    for one in found:
        detail = served.get(f"/api/strategies/{one['name']}").body
        assert detail.pop("text") == (folder / f"{one['name']}.toml").read_text()
        assert detail == one
