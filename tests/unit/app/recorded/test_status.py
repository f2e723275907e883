import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.api.home import make_home
from tests.api.trading import trader_on
from tests.unit.app.conftest import Theo
from theo.adapters.sample_market.paths import day_ticks
from theo.adapters.sql.inbox import SqlInbox
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.app.inbox.orders import command_of
from theo.app.recorded import series_trust
from theo.app.runs import sample
from theo.domain.facts import Filled, RunStarted, SignalClosed, SignalRaised, TradeIntended
from theo.domain.journal import TRADING
from theo.domain.market_data import HOUR, SECOND, Tick, TickKind
from theo.domain.signals import Proposal
from theo.engine.codec import decode_facts
from theo.ports.store import CommandOutcome


def test_equity_is_cash_and_fills_of_the_journal(theo: Theo, played: Path) -> None:
    store = SqlJournalStore(played / "demo")
    facts = [fact for record in store.read(TRADING) for fact in decode_facts(record)]
    store.close()
    started = next(fact for fact in facts if isinstance(fact, RunStarted))
    fills = [fact for fact in facts if isinstance(fact, Filled)]
    flat = sum(fact.side.sign * fact.quantity for fact in fills)
    (run,) = json.loads(theo("--home", played, "status", "--json").out)["runs"]
    assert flat == len(run["open_trades"]) == 0, "choose other days: the check below is of an account that is flat"
    cash = started.cash - sum(fact.value + fact.charges for fact in fills)
    assert run["equity"] == cash / 1_000_000
    assert (run["run"], run["mode"], run["process"], run["problem"]) == ("demo", "virtual", None, "")
    assert {price["symbol"] for price in run["prices"]} == {"SIM-MES", "VIX"}


def test_people_read_the_same(theo: Theo, played: Path) -> None:
    said = theo("--home", played, "status")
    assert said.code == 0
    assert "demo: SIM VIRTUAL, not running" in said.out
    assert "new risk is allowed" in said.out
    assert "no open trade" in said.out


def test_an_empty_home_says_how_to_begin(theo: Theo, tmp_path: Path) -> None:
    said = theo("--home", tmp_path, "status")
    assert (said.code, "no run is recorded yet" in said.out) == (0, True)


def test_status_changes_no_byte_of_the_journal(theo: Theo, copied: Path) -> None:
    before = (copied / "demo" / "journal.db").read_bytes()
    assert theo("--home", copied, "status").code == 0
    assert (copied / "demo" / "journal.db").read_bytes() == before


def test_a_broken_journal_is_a_problem_that_is_told(theo: Theo, copied: Path) -> None:
    (copied / "demo" / "journal.db").write_bytes(b"no database at all" * 1000)
    said = theo("--home", copied, "status")
    assert (said.code, said.err) == (1, "")
    assert "problem: " in said.out
    assert "journal.db" in said.out


def test_the_stop_file_is_told_with_its_reason(theo: Theo, copied: Path) -> None:
    (copied / "STOP").write_text("lunch\n")
    said = theo("--home", copied, "status")
    assert f"STOP file {copied / 'STOP'}: lunch" in said.out
    assert "HALTED by a STOP file" in said.out


def test_the_trust_of_each_series_is_told(theo: Theo, played: Path) -> None:
    (run,) = json.loads(theo("--home", played, "status", "--json").out)["runs"]
    assert [(s["symbol"], s["timeframe"], s["trust"], s["trusted"]) for s in run["series"]] == [
        ("SIM-MES", "15min", "LIVE", True),
        ("VIX", "15min", "LIVE", True),
    ]
    assert "SIM-MES 15min is LIVE; VIX 15min is LIVE" in theo("--home", played, "status").out


def test_a_journal_that_would_take_long_to_fold_says_so(theo: Theo, copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(series_trust, "RECORDS_FOLDED_MAX", 0)
    with sqlite3.connect(copied / "demo" / "journal.db") as database:
        database.execute("delete from snapshots")
    said = theo("--home", copied, "status")
    assert (said.code, "trust of its data is not known: no snapshot is near enough" in said.out) == (0, True)


def with_holes(*arguments: Any) -> list[Tick]:  # noqa: ANN401 - handed on as they came
    """A day of the sample without VIX between the third and the fourth hour."""
    ticks = day_ticks(*arguments)
    opened = ticks[0].at
    return [t for t in ticks if t.kind != TickKind.INDEX or not 2 * HOUR < t.at - opened < 3 * HOUR]


def test_holes_in_a_feed_refuse_every_signal_until_they_lie_behind(
    theo: Theo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every day has a hole, so that 50 whole bars never lie behind one."""
    monkeypatch.setattr(sample, "day_ticks", with_holes)
    played = theo("--home", tmp_path, "demo", "--days", 20, "--speed", 0, "--plain")
    assert played.code == 0, played.err
    store = SqlJournalStore(tmp_path / "demo")
    facts = [fact for record in store.read(TRADING) for fact in decode_facts(record)]
    store.close()
    entries = {fact.id for fact in facts if isinstance(fact, SignalRaised) and isinstance(fact.action, Proposal)}
    closed = [fact for fact in facts if isinstance(fact, SignalClosed) and fact.id in entries]
    refused = [fact.reason for fact in closed if fact.refused is not None and fact.refused.rule == "data_trust"]
    assert len(refused) == len(closed) >= 3
    assert all("VIX 15min is GAPPED since 2018-" in reason and "3 bars are missing" in reason for reason in refused)
    assert not any(isinstance(fact, TradeIntended) for fact in facts)
    said = theo("--home", tmp_path, "status").out
    assert "SIM-MES 15min is LIVE\n" in said
    assert "(3 bars are missing): its signals are refused" in said
    assert theo("--home", tmp_path, "replay").code == 0


def test_a_trader_that_does_not_take_its_commands_is_told(theo: Theo, tmp_path: Path) -> None:
    home = make_home(tmp_path)
    with trader_on(home, tmp_path / "trend.toml") as trader:
        trader.play(30)
        assert "BEHIND" not in theo("--home", home, "status").out
        with closing(SqlInbox(trader.folder)) as inbox, trader.held():
            asked = command_of("halt", None, "mine", "drill")
            inbox.post(asked)
            assert "BEHIND" not in theo("--home", home, "status").out  # only just asked
            inbox.post(msgspec.structs.replace(asked, id="older", at=asked.at - 90 * SECOND))
            inbox.done("mine", CommandOutcome(asked.at, accepted=True, text=""))
            said = theo("--home", home, "status").out
            run = json.loads(theo("--home", home, "status", "--json").out)["runs"][0]
        assert "BEHIND: the trader runs and does not take its commands, for 1.5 min: halt" in said
        assert (run["waiting"], 90 <= run["waiting_s"] < 110) == (["halt"], True)
    assert "BEHIND" not in theo("--home", home, "status").out
