"""The report against the journal's own facts."""

import csv
import io
import json
from itertools import pairwise
from pathlib import Path

import pytest

from tests.unit.app.conftest import Theo
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.domain.facts import TradeClosed
from theo.domain.journal import TRADING
from theo.engine.codec import decode_facts


@pytest.fixture(scope="module")
def closed(played: Path) -> list[TradeClosed]:
    store = SqlJournalStore(played / "demo")
    facts = [fact for record in store.read(TRADING) for fact in decode_facts(record)]
    store.close()
    return [fact for fact in facts if isinstance(fact, TradeClosed) and fact.quantity]


def test_each_closed_trade_is_a_deal_to_the_cent_in_order_of_closing(theo: Theo, played: Path, closed: list[TradeClosed]) -> None:
    deals = json.loads(theo("--home", played, "deals", "--json").out)
    assert closed
    assert [d["net"] for d in deals] == [(f.gross - f.charges) / 1_000_000 for f in closed]
    assert [d["quantity"] for d in deals] == [f.quantity for f in closed]
    assert all(one["closed"] <= two["closed"] for one, two in pairwise(deals))


def test_deals_add_up_to_the_change_of_equity(theo: Theo, played: Path) -> None:
    deals = json.loads(theo("--home", played, "deals", "--json").out)
    (run,) = json.loads(theo("--home", played, "status", "--json").out)["runs"]
    assert run["open_trades"] == []
    assert round(sum(d["net"] for d in deals), 2) == round(run["equity"] - 100_000, 2)


def test_csv_holds_the_same(theo: Theo, played: Path) -> None:
    deals = json.loads(theo("--home", played, "deals", "--json").out)
    rows = list(csv.DictReader(io.StringIO(theo("--home", played, "deals", "--csv").out)))
    assert [float(row["net"]) for row in rows] == [d["net"] for d in deals]
    assert [row["how"] for row in rows] == [d["how"] for d in deals]


def test_people_see_which_run_it_is_and_its_figures(theo: Theo, played: Path, closed: list[TradeClosed]) -> None:
    said = theo("--home", played, "deals")
    assert said.out.startswith(f"run demo ({played / 'demo'})")
    won = sum(fact.gross > fact.charges for fact in closed)
    assert f"closed trades    {len(closed)}, {won} won" in said.out


def test_only_one_rule_set(theo: Theo, played: Path) -> None:
    assert json.loads(theo("--home", played, "deals", "--config", "none", "--json").out) == []


def test_an_empty_home(theo: Theo, tmp_path: Path) -> None:
    assert theo("--home", tmp_path, "deals", "--json").out == "[]\n"
    assert "no run is recorded yet" in theo("--home", tmp_path, "deals").out


@pytest.mark.parametrize("method", ["FIFO", "LIFO"])
@pytest.mark.parametrize("shares", ["PRO_RATA", "FIFO", "LIFO"])
def test_lots_of_all_accounts_realise_what_the_deals_do(
    theo: Theo, played: Path, monkeypatch: pytest.MonkeyPatch, method: str, shares: str
) -> None:
    deals = json.loads(theo("--home", played, "deals", "--json").out)
    monkeypatch.setenv("THEO__REPORT__LOT_METHOD", method)
    monkeypatch.setenv("THEO__REPORT__ACCOUNT_METHOD", shares)
    monkeypatch.setenv("THEO__REPORT__ACCOUNTS", '{"DU1": 2, "DU2": 1}')
    lots = json.loads(theo("--home", played, "lots", "--json").out)
    assert {lot["account"] for lot in lots} <= {"DU1", "DU2"}
    assert round(sum(lot["net"] for lot in lots), 2) == round(sum(deal["net"] for deal in deals), 2)
    assert sum(lot["quantity"] for lot in lots) == sum(deal["quantity"] for deal in deals)


def test_lots_of_one_account_are_its_own(theo: Theo, played: Path) -> None:
    lots = json.loads(theo("--home", played, "lots", "--json").out)
    assert {lot["account"] for lot in lots} == {"SIM"}
    assert theo("--home", played, "lots").out.startswith("run demo")
