"""The report against the journal's own facts."""

import csv
import io
import json
from itertools import pairwise
from pathlib import Path

import pytest

from tests.unit.app.conftest import Theo
from theo.adapters.sql.journal_store import SqlJournalStore
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
