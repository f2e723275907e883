"""Signals by hand over HTTP, beside a trader that runs: made, processed, withdrawn, refused, repeated, and asked of nobody."""

import json
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.api.conftest import Answered, Served, serving
from tests.api.home import make_home, theo
from tests.api.trading import Trader, trader_on
from tests.golden.records import facts_of
from tests.unit.app.running import once_there
from theo.adapters.sql.inbox import SqlInbox
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.api.access import Access, ApiKey
from theo.app.inbox.orders import command_of
from theo.domain.asked import EntryAsked, SignalAsked
from theo.domain.facts import CommandDone, Fact, TradeIntended
from theo.domain.journal import TRADING
from theo.domain.keys import Mode
from theo.domain.orders import OrderType, Side

NEW: dict[str, Any] = {"symbol": "SPY", "side": "BUY", "quantity": 5, "stop": "1%", "target": "2%", "reason": "as agreed"}
BARS, CLIENTS = 60, 20
KEY = "Tr4d3rs-know-th1s-and-nobody-else-does"


class Trading(msgspec.Struct, frozen=True):
    """A server over a run, the trader of that run, and its rule set."""

    served: Served
    trader: Trader

    def ask(self, path: str, body: object = None, method: str = "POST", **headers: str) -> Answered:
        """A change; headers are written with _ for -."""
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        kind = {} if body is None else {"Content-Type": "application/json"}
        return self.served.get(f"/api/signals{path}", {**kind, **named}, method, None if body is None else json.dumps(body))

    def made(self, **changed: object) -> str:
        """The id of a new signal."""
        answered = self.ask("", NEW | changed)
        assert answered.status == 201, answered.body
        return str(answered.body["id"])

    def stands(self, signal: str) -> Any:  # noqa: ANN401 - as JSON has it
        """What the interface says of a signal."""
        answered = self.served.get(f"/api/signals/{signal}")
        assert answered.status == 200, answered.body
        return answered.body

    def facts(self) -> list[Fact]:
        """What the journal holds."""
        with closing(SqlJournalStore(self.trader.place)) as store:
            return facts_of(list(store.read(TRADING)))

    def commands(self) -> list[CommandDone]:
        """What the trader was asked for and did, or refused."""
        return [fact for fact in self.facts() if isinstance(fact, CommandDone)]


@pytest.fixture
def begun(tmp_path: Path) -> Iterator[Trader]:
    with trader_on(make_home(tmp_path), tmp_path / "trend.toml") as trader:
        trader.play(BARS)
        yield trader


@pytest.fixture
def trading(begun: Trader, tmp_path: Path) -> Iterator[Trading]:
    with serving(tmp_path / "home", folder=begun.folder) as served:
        yield Trading(served, begun)


def test_one_is_made_processed_and_traded(trading: Trading) -> None:
    made = trading.ask("", NEW)
    signal = made.body["signal"]
    assert (made.status, made.headers["location"]) == (201, f"/api/signals/{signal['id']}")
    assert (signal["status"], signal["strategy"], signal["quantity"], signal["active"]) == ("PENDING", "manual", 5, True)
    assert (made.body["orders"], made.body["trade"]) == ([], None)
    assert trading.stands(signal["id"]) == signal
    said = json.loads(theo(trading.served.home, "signal", "show", signal["id"], "--run", trading.trader.folder.name, "--json"))
    assert (said["status"], float(said["stop"].replace(",", ""))) == ("PENDING", float(signal["stop"]))

    done = trading.ask(f"/{signal['id']}/process", {"reason": "now"}, Idempotency_Key="go")
    assert (done.status, done.body["signal"]["status"]) == (200, "VALIDATED")
    assert [order["id"] for order in done.body["trade"]["orders"]] == done.body["orders"]
    assert [order["role"] for order in done.body["trade"]["orders"]] == ["entry", "stop", "target"]

    trading.trader.play(1)
    again = trading.ask(f"/{signal['id']}/process", {"reason": "now"}, Idempotency_Key="go")
    assert (again.status, again.body["command"], again.body["orders"]) == (200, "go", done.body["orders"])
    (fill,) = again.body["trade"]["orders"][0]["fills"]
    assert (again.body["signal"]["status"], fill["quantity"]) == ("EXECUTED", 5)
    intended = [fact for fact in trading.facts() if isinstance(fact, TradeIntended) and fact.signal]
    assert [fact.id for fact in intended if fact.signal == signal["id"]] == [again.body["trade"]["id"]]


def test_who_asked_and_why_is_in_the_audit_trail(trading: Trading) -> None:
    trading.ask(f"/{trading.made()}/cancel", {"reason": "too late"})
    trail = theo(trading.served.home, "audit", "list", "--run", trading.trader.folder.name)
    asked = [line for line in trail.splitlines() if "_signal" in line]
    assert [("(API)" in line, "as agreed" in line or "too late" in line) for line in asked] == [(True, True), (True, True)]


def test_a_rule_refuses_it_with_its_numbers(trading: Trading) -> None:
    signal = trading.made(quantity=1_000)
    refused = trading.ask(f"/{signal}/process")
    assert (refused.status, refused.headers["content-type"]) == (409, "application/problem+json")
    told = refused.body["refused"]
    assert (told["rule"], told["limit"], told["value"] > 200_000) == ("exposure", 50_000, True)
    stands = trading.stands(signal)
    assert (stands["status"], stands["refused"], stands["active"]) == ("FAILED", told, False)
    again = trading.ask(f"/{signal}/process")
    assert (again.status, again.body["refused"]["rule"]) == (409, "signal")
    assert f"{signal} is FAILED" in again.body["detail"]


def test_a_halt_refuses_it_for_now(trading: Trading) -> None:
    signal = trading.made()
    theo(trading.served.home, "stop", "--reason", "drill")
    refused = trading.ask(f"/{signal}/process")
    assert (refused.status, refused.body["refused"]["rule"]) == (409, "halted")
    assert trading.stands(signal)["status"] == "PENDING"
    theo(trading.served.home, "resume", "--reason", "over")
    assert trading.ask(f"/{signal}/process").status == 200


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"symbol": "QQQ"}, "symbol"),
        ({"limit": "250"}, "limit"),
        ({"type": "STOP"}, "trigger"),
        ({"type": "TRAILING_STOP"}, "trail"),
        ({"stop": None}, "stop"),
        ({"stop": "900"}, "stop"),
        ({"target": "1"}, "target"),
        ({"type": "LIMIT", "limit": "250.00001"}, "limit"),
    ],
)
def test_what_can_be_no_signal_is_refused_by_the_trader_naming_the_field(
    trading: Trading, changed: dict[str, Any], field: str
) -> None:
    refused = trading.ask("", NEW | changed)
    assert (refused.status, refused.body["where"], refused.body["refused"]["rule"]) == (422, f"body.{field}", field)
    assert trading.served.get("/api/signals?strategy=manual").body["signals"] == []


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"quantity": -1}, "body.quantity"),
    ({"quantity": 1.5}, "body.quantity"),
    ({"quantity": "5"}, "body.quantity"),
    ({"quantity": 2**31}, "body.quantity"),
    ({"stop": 250}, "body.stop"),
    ({"stop": "1e3"}, "body.stop"),
    ({"stop": "-1%"}, "body.stop"),
    ({"limit": "1%"}, "body.limit"),
    ({"limit": "9" * 10}, "body.limit"),
    ({"side": "buy"}, "body.side"),
    ({"type": "MKT"}, "body.type"),
    ({"symbol": ""}, "body.symbol"),
    ({"symbol": "S\x00Y"}, "body.symbol"),
    ({"symbol": "\ud800"}, "body.symbol"),
    ({"risk_percent": 0.00001}, "body.risk_percent"),
    ({"risk_percent": float("nan")}, "body.risk_percent"),
    ({"expires_minutes": 0}, "body.expires_minutes"),
    ({"reason": "a\nb"}, "body.reason"),
    ({"user": "another"}, "body.user"),
]


def test_a_field_that_cannot_be_taken_is_named_and_nothing_is_asked(trading: Trading) -> None:
    for changed, where in WRONG:
        refused = trading.ask("", NEW | changed)
        assert (refused.status, refused.body["where"]) == (400, where), refused.body
        assert refused.headers["content-type"] == "application/problem+json"
    missing = {name: value for name, value in NEW.items() if name != "side"}
    assert trading.ask("", missing).body["errors"] == [{"where": "body.side", "what": "Field required"}]
    for key in ("", "two words", "k" * 101):
        refused = trading.ask("", NEW, Idempotency_Key=key)
        assert (refused.status, refused.body["where"]) == (400, "header.Idempotency-Key"), key
    assert trading.served.get("/api/signals", {"Content-Type": "text/plain"}, "POST", json.dumps(NEW)).status == 400
    assert trading.served.get("/api/signals", {"Content-Type": "application/json"}, "POST", "{").status == 400
    assert trading.ask("", NEW | {"reason": "x" * 300_000}).status == 413
    assert trading.ask("?dry=1", NEW).status == 422
    assert trading.commands() == []


def test_one_that_is_withdrawn_stays_readable(trading: Trading) -> None:
    first, second = trading.made(), trading.made(side="SELL", stop="1%")
    cancelled = trading.ask(f"/{first}/cancel", {"reason": "too late"})
    assert (cancelled.status, cancelled.body["signal"]["status"]) == (200, "CANCELLED")
    assert "too late" in cancelled.body["signal"]["status_reason"]
    deleted = trading.ask(f"/{second}", method="DELETE")
    assert (deleted.status, deleted.body["signal"], deleted.body["id"]) == (200, trading.stands(second), second)
    again = trading.ask(f"/{second}", method="DELETE")
    assert (again.status, f"{second} is CANCELLED" in again.body["detail"]) == (409, True)
    for path, method in (("/none", "DELETE"), ("/none/process", "POST"), ("/none/cancel", "POST")):
        assert trading.ask(path, method=method).status == 404, path
    listed = trading.served.get("/api/signals?strategy=manual").body["signals"]
    assert {each["id"]: each["status"] for each in listed} == {first: "CANCELLED", second: "CANCELLED"}


def test_a_strategys_own_is_not_for_a_person(trading: Trading) -> None:
    trading.made()  # answered once the tables know of it
    of_strategy = trading.served.get("/api/signals?strategy=trend").body["signals"][0]["id"]
    refused = trading.ask(f"/{of_strategy}/process")
    assert (refused.status, refused.body["refused"]["rule"]) == (409, "signal")


def test_one_that_has_expired_is_given_up(trading: Trading) -> None:
    signal = trading.made(expires_minutes=1)
    trading.trader.play(1)
    refused = trading.ask(f"/{signal}/process")
    assert (refused.status, "expired" in refused.body["detail"]) == (409, True)
    assert trading.stands(signal)["status"] == "CANCELLED"


def test_a_repeat_is_carried_out_once_and_answered_alike(trading: Trading) -> None:
    with ThreadPoolExecutor(4) as clients:
        alike = list(clients.map(lambda _: trading.ask("", NEW, Idempotency_Key="mine"), range(4)))
    assert [(each.status, each.body) for each in alike] == [(201, alike[0].body)] * 4
    assert [(done.id, done.name) for done in trading.commands()] == [("mine", "create_signal")]
    other = trading.ask("", NEW | {"side": "SELL"}, Idempotency_Key="mine")
    assert (other.status, "mine was used for create_signal" in other.body["detail"]) == (422, True)
    signal = alike[0].body["id"]
    assert trading.ask(f"/{signal}", method="DELETE", Idempotency_Key="mine").status == 422
    refused = [trading.ask(f"/{signal}x", method="DELETE", Idempotency_Key="none") for _ in range(2)]
    assert (refused[0].status, refused[0].body) == (404, refused[1].body)


def test_of_two_clients_at_once_one_has_it(trading: Trading) -> None:
    with ThreadPoolExecutor(2) as clients:
        made = sorted(clients.map(lambda _: trading.ask("", NEW), range(2)), key=lambda each: each.status)
        assert [each.status for each in made] == [201, 409]
        assert made[1].body["refused"]["rule"] == "duplicate"
        path = f"/{made[0].body['id']}/process"
        assert sorted(each.status for each in clients.map(lambda _: trading.ask(path), range(2))) == [200, 409]


def test_without_a_trader_nothing_is_kept_and_what_was_done_is_still_answered(trading: Trading) -> None:
    made = trading.ask("", NEW, Idempotency_Key="mine")
    words = ("SPY", "SELL", "5", "--stop", "1%", "--target", "2%", "--id", "typed", "--run", trading.trader.folder.name)
    theo(trading.served.home, "signal", "create", *words)
    sale = NEW | {"side": "SELL"}
    assert trading.ask("", sale, Idempotency_Key="typed").status == 422  # another asked for it
    trading.trader.end()
    assert trading.ask("", sale, Idempotency_Key="typed").status == 422
    signal = made.body["id"]
    for path, body in (("", NEW), (f"/{signal}/process", None), (f"/{signal}/cancel", {})):
        refused = trading.ask(path, body)
        assert (refused.status, "theo paper" in refused.body["remedy"]) == (409, True), refused.body
        assert "no trader runs" in refused.body["detail"]
    assert trading.ask(f"/{signal}", method="DELETE").status == 409
    assert trading.ask("/none", method="DELETE").status == 404
    again = trading.ask("", NEW, Idempotency_Key="mine")
    assert (again.status, again.body) == (201, made.body)
    assert trading.ask("", NEW | {"quantity": 6}, Idempotency_Key="mine").status == 422
    with closing(SqlInbox(trading.trader.place)) as inbox:
        assert inbox.pending() == ()


def test_a_backtest_takes_none_and_gets_no_inbox(served: Served) -> None:
    (folder,) = (served.home / "runs").iterdir()
    refused = served.get("/api/signals", {"Content-Type": "application/json"}, "POST", json.dumps(NEW))
    assert (refused.status, "no trader runs" in refused.body["detail"]) == (409, True)
    assert not list(folder.glob("inbox*"))


def test_what_a_trader_left_undone_may_still_come(trading: Trading) -> None:
    asked = SignalAsked(EntryAsked(symbol="SPY", side=Side.BUY, type=OrderType.MARKET, quantity=5, stop="1%", target="2%"), 1_440)
    trading.trader.end()
    with closing(SqlInbox(trading.trader.place)) as inbox:  # as if it had ended between the question and its answer
        inbox.post(command_of("create_signal", asked, "late", "", through="API"))
    waits = trading.ask("", NEW, Idempotency_Key="late")
    assert (waits.status, waits.body["state"], waits.body["id"]) == (202, "silent", "")
    with trader_on(trading.served.home, trading.served.home.parent / "trend.toml"):
        left = trading.ask("", NEW, Idempotency_Key="late")
        assert (left.status, left.body["refused"]["rule"]) == (409, "left_over")
        assert trading.ask("", NEW).status == 201


def test_what_the_tables_do_not_know_yet_is_told_without_them(trading: Trading) -> None:
    with closing(sqlite3.connect(trading.trader.folder / "market.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")  # another writes for longer than an answer waits
        made = trading.ask("", NEW)
        other.execute("ROLLBACK")
    assert (made.status, made.body["state"], made.body["signal"]) == (201, "done", None)
    assert once_there(lambda: trading.served.get(made.headers["location"]).status == 200 or None)


def test_while_the_trader_is_silent_reads_go_on(trading: Trading) -> None:
    def waiting() -> bool | None:
        return len(inbox.pending()) == CLIENTS or None

    with ThreadPoolExecutor(CLIENTS) as clients, closing(SqlInbox(trading.trader.place)) as inbox:
        with trading.trader.held():
            asked = [clients.submit(trading.ask, "", NEW, Idempotency_Key=f"k{number}") for number in range(CLIENTS)]
            assert once_there(waiting)
            for _ in range(CLIENTS):
                assert trading.served.get("/api/signals?limit=5").status == 200
                assert trading.served.get("/health").status == 200
            assert not [each for each in asked if each.done()]
            silent = [each.result() for each in asked]
        assert [(each.status, each.body["state"]) for each in silent] == [(202, "silent")] * CLIENTS
        assert silent[0].headers["retry-after"] == "1"
        again = [trading.ask("", NEW, Idempotency_Key=f"k{number}") for number in range(CLIENTS)]
    assert sorted(each.status for each in again) == [201] + [409] * (CLIENTS - 1)
    assert len(trading.commands()) == CLIENTS


def test_a_page_of_another_place_and_who_has_no_key_change_nothing(begun: Trader, tmp_path: Path) -> None:
    access = Access(key=ApiKey(KEY, "test"))
    with serving(tmp_path / "home", access, begun.folder) as served:
        trading, right = Trading(served, begun), {"X_API_Key": KEY}
        refused = trading.ask("", NEW, Origin="http://evil.example", **right)
        assert (refused.status, refused.body["where"]) == (403, "Origin")
        assert trading.ask("", NEW).status == 401
        assert trading.ask("", NEW, X_API_Key=KEY[:-1]).status == 401
        assert trading.ask("/none", method="DELETE").status == 401
        assert trading.commands() == []
        assert trading.ask("", NEW, **right).status == 201


def test_real_money_is_risked_with_a_key_alone(tmp_path: Path) -> None:
    """What lowers risk needs none."""
    home = make_home(tmp_path)
    with trader_on(home, tmp_path / "trend.toml", Mode.LIVE) as trader:
        trader.play(BARS)
        with serving(home, Access(key=ApiKey(KEY, "test")), trader.folder) as served:
            made = Trading(served, trader).ask("", NEW, X_API_Key=KEY)
            assert made.status == 201
        with serving(home, folder=trader.folder) as served:
            trading = Trading(served, trader)
            for refused in (trading.ask("", NEW), trading.ask(f"/{made.body['id']}/process")):
                assert (refused.status, "with a key" in refused.body["detail"]) == (409, True)
            assert len(trading.commands()) == 1
            assert trading.ask(f"/{made.body['id']}/cancel").status == 200
