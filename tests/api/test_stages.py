"""What `/health` says of each stage between market and interface, while each of them really lags, and once it has caught up."""

import json
import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.api.conftest import Answered, Served, serving
from tests.api.home import make_home, theo
from tests.api.trading import trader_on
from tests.api.writing import AT, Writing
from tests.unit.app.running import once_there
from theo.adapters.sql.inbox import SqlInbox
from theo.api.event_tail import Pace
from theo.app.inbox.orders import command_of
from theo.domain.facts import DataKnown
from theo.domain.market_data import MINUTE, SECOND, DataMark

BARS = 30


@pytest.fixture
def folder(traded: Path, tmp_path: Path) -> Path:
    """A run of one's own with a backtest in its journal."""
    (run,) = (traded / "runs").iterdir()
    return Path(shutil.copytree(traded, tmp_path / "home")) / "runs" / run.name


def stage(answered: Answered, name: str) -> dict[str, Any]:
    (found,) = [each for each in answered.body["stages"] if each["name"] == name]
    return dict(found)


def once(served: Served, name: str, state: str) -> Answered:
    """The first answer that says so of a stage."""

    def asked() -> Answered | None:
        answered = served.get("/health")
        return answered if stage(answered, name)["state"] == state else None

    return once_there(asked)


def test_without_a_trader_nobody_listens_and_all_else_is_level(served: Served) -> None:
    answered = once(served, "tables", "ok")
    assert (answered.status, answered.body["status"]) == (200, "ok")
    told = {each["name"]: (each["state"], each["text"]) for each in answered.body["stages"]}
    pipeline = ("collection", "bars", "levels", "scan", "signal", "trade")
    assert told == dict.fromkeys(pipeline, ("stopped", "no trader runs")) | {
        "feed": ("stopped", "no trader listens"),
        "tables": ("ok", ""),
        "inbox": ("stopped", "no trader takes commands"),
        "stream": ("ok", ""),
    }


def test_a_feed_that_was_interrupted_is_behind_since_then_until_it_comes_again(folder: Path) -> None:
    home = folder.parent.parent
    with Writing(folder) as writing, serving(home, folder=folder) as served:
        assert stage(once(served, "feed", "ok"), "feed")["lag_s"] is None
        (spy,) = [each.id for each in served.app.state.reader.sources.market.instruments() if each.symbol == "SPY"]
        since = time.time_ns() // 1_000 - MINUTE
        writing.facts([DataKnown(AT, spy, DataMark.INTERRUPTED, since, "the line is down: 1100")])
        answered = once(served, "feed", "late")
        found = stage(answered, "feed")
        assert (answered.status, answered.body["status"]) == (200, "degraded")
        assert found["text"] == "SPY interrupted: the line is down: 1100"
        assert 60 <= found["lag_s"] < 120
        writing.facts([DataKnown(AT, spy, DataMark.WHOLE, 0, "")])
        assert once(served, "feed", "ok").body["status"] == "ok"


def test_tables_that_cannot_be_written_are_behind_until_they_can(folder: Path) -> None:
    home = folder.parent.parent
    with Writing(folder) as writing, serving(home, folder=folder) as served:
        once(served, "tables", "ok")
        with closing(sqlite3.connect(folder / "market.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            writing.alerts("one")
            writing.alerts("two")
            answered = once(served, "tables", "late")
            other.execute("ROLLBACK")
        found = stage(answered, "tables")
        assert (answered.status, answered.body["status"], found["lag_s"] > 5) == (200, "degraded", True)
        assert found["text"] == "2 records are not in the tables yet"
        assert once(served, "tables", "ok").body["status"] == "ok"


def test_a_command_that_the_trader_does_not_take_is_told_with_its_age(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    with trader_on(home, tmp_path / "trend.toml") as trader:
        trader.play(BARS)
        with serving(home, folder=trader.folder) as served, closing(SqlInbox(trader.folder)) as inbox:
            assert stage(served.get("/health"), "inbox")["text"] == ""
            with trader.held():
                asked = command_of("halt", None, "mine", "drill")
                inbox.post(msgspec.structs.replace(asked, at=asked.at - 6 * SECOND))
                answered = once(served, "inbox", "late")
            found = stage(answered, "inbox")
            assert (answered.status, answered.body["status"], found["text"]) == (200, "degraded", "halt waits")
            assert found["lag_s"] >= 6
            assert once(served, "inbox", "ok").body["status"] == "ok"
            inbox.post(command_of("resume", None, "later", "over"))
            once_there(lambda: inbox.outcome("later"))
            trader.end()
            inbox.post(command_of("halt", None, "late", "drill"))
            assert stage(once(served, "inbox", "stopped"), "inbox")["text"] == "halt waits"


def test_a_run_of_years_ago_is_not_late_while_it_is_played(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    with trader_on(home, tmp_path / "trend.toml") as trader:
        trader.play(BARS)
        (run,) = json.loads(theo(home, "status", "--json"))["runs"]
        assert "stages: collection ok, bars ok, levels ok, scan ok, signal ok, trade ok" in theo(home, "status")
        with serving(home, folder=trader.folder) as served:
            answered = once(served, "tables", "ok")
    assert answered.body["status"] == "ok"
    names = ("collection", "bars", "levels", "scan", "signal", "trade")
    assert [stage(answered, name) for name in names] == run["stages"]
    assert {(each["state"], each["lag_s"]) for each in run["stages"]} == {("ok", None)}
    assert {each["text"] for each in run["stages"]} == {"in played time: 2019-01-08 10:45 New York"}
    (run,) = json.loads(theo(home, "status", "--json"))["runs"]
    assert {each["state"] for each in run["stages"]} == {"stopped"}


def test_a_stream_that_cannot_be_told_is_behind(folder: Path) -> None:
    home = folder.parent.parent
    with Writing(folder) as writing, serving(home, folder=folder, pace=Pace(look_old_s_max=0.3)) as served:
        assert stage(once(served, "stream", "ok"), "stream")["lag_s"] < 0.3
        writing.record(b"[]", version=999)
        answered = once(served, "stream", "late")
        assert "was last looked at" in stage(answered, "stream")["text"]
        once_there(lambda: served.get("/health").status == 503 or None)
