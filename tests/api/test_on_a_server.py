"""The interface over a home whose tables are on a PostgreSQL server: events cut and resumed, signals by hand, and their audit."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.api.conftest import serving
from tests.api.home import make_home, theo
from tests.api.test_events import each_is_told_once
from tests.api.test_signal_changes import BARS, NEW, Trading
from tests.api.trading import trader_on
from tests.postgres import new_database, plain
from theo.app.home.layout import VARIABLES, open_home
from theo.domain.facts import TradeIntended


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Bars and a rule set as in the other tests, and no file of tables."""
    monkeypatch.setenv(VARIABLES[0], plain(new_database()))
    return make_home(tmp_path)


@pytest.fixture
def trading(home: Path) -> Iterator[Trading]:
    with trader_on(home, home.parent / "trend.toml") as trader:
        trader.play(BARS)
        with serving(home, folder=trader.folder) as served:
            yield Trading(served, trader)
    assert list(home.rglob("*.db")) == []


def test_cut_and_resumed_each_client_is_told_each_event_once_in_order(home: Path) -> None:
    theo(home, "backtest", home.parent / "trend.toml")
    (folder,) = (home / "runs").iterdir()
    place = open_home(home).place(folder)
    each_is_told_once(place, home, folder, records=60)


def test_one_is_made_processed_and_traded(trading: Trading) -> None:
    signal = trading.made()
    done = trading.ask(f"/{signal}/process", {"reason": "now"}, Idempotency_Key="go")
    assert (done.status, done.body["signal"]["status"]) == (200, "VALIDATED")
    trading.trader.play(1)
    again = trading.ask(f"/{signal}/process", {"reason": "now"}, Idempotency_Key="go")
    assert (again.status, again.body["orders"]) == (200, done.body["orders"])
    (fill,) = again.body["trade"]["orders"][0]["fills"]
    assert (again.body["signal"]["status"], fill["quantity"]) == ("EXECUTED", 5)
    intended = [fact for fact in trading.facts() if isinstance(fact, TradeIntended) and fact.signal == signal]
    assert [fact.id for fact in intended] == [again.body["trade"]["id"]]
    trail = theo(trading.served.home, "audit", "list", "--run", trading.trader.folder.name)
    assert ["(API)" in line for line in trail.splitlines() if "_signal" in line] == [True, True]


def test_one_is_withdrawn_and_one_refused_by_a_rule(trading: Trading) -> None:
    first, second = trading.made(), trading.made(side="SELL", quantity=1_000)
    assert trading.ask(f"/{first}/cancel", {"reason": "too late"}).body["signal"]["status"] == "CANCELLED"
    assert trading.ask(f"/{first}", method="DELETE").status == 409
    refused = trading.ask(f"/{second}/process")
    assert (refused.status, refused.body["refused"]["rule"]) == (409, "exposure")
    listed = trading.served.get("/api/signals?strategy=manual").body["signals"]
    assert {each["id"]: each["status"] for each in listed} == {first: "CANCELLED", second: "FAILED"}


def test_of_many_at_once_with_one_key_one_is_carried_out_and_without_a_trader_it_is_still_answered(trading: Trading) -> None:
    with ThreadPoolExecutor(4) as clients:
        alike = list(clients.map(lambda _: trading.ask("", NEW, Idempotency_Key="mine"), range(4)))
    assert [(each.status, each.body) for each in alike] == [(201, alike[0].body)] * 4
    assert [(done.id, done.name) for done in trading.commands()] == [("mine", "create_signal")]
    assert trading.ask("", NEW | {"side": "SELL"}, Idempotency_Key="mine").status == 422
    trading.trader.end()
    again = trading.ask("", NEW, Idempotency_Key="mine")
    assert (again.status, again.body) == (201, alike[0].body)
    assert trading.ask("", NEW | {"side": "SELL"}).status == 409
    assert len(trading.commands()) == 1
