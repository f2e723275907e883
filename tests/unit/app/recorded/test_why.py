"""Explanations are compared with the journal itself: what the command says must be what was recorded."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.app.conftest import Theo
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.app.times import clock, iso
from theo.domain.facts import Decided, Fact, Filled, SignalClosed, SignalRaised, TradeIntended
from theo.domain.journal import TRADING
from theo.domain.signals import Proposal
from theo.engine.codec import decode_facts


@pytest.fixture(scope="module")
def facts(played: Path) -> Iterator[list[Fact]]:
    store = SqlJournalStore(played / "demo")
    yield [fact for record in store.read(TRADING) for fact in decode_facts(record)]
    store.close()


def test_a_signal_is_told_with_its_conditions_orders_and_fills(theo: Theo, played: Path, facts: list[Fact]) -> None:
    trade = next(fact for fact in facts if isinstance(fact, TradeIntended))
    signal = next(fact for fact in facts if isinstance(fact, SignalRaised) and fact.id == trade.signal)
    fills = [fact for fact in facts if isinstance(fact, Filled) and fact.trade == trade.id]
    said = theo("--home", played, "why", "SIM-MES", clock(signal.end).replace(" ", "T"))
    assert said.code == 0, said.err
    assert f"in run demo ({played / 'demo'})" in said.out
    assert f"signal {signal.id}: {trade.side} SIM-MES" in said.out
    assert isinstance(signal.action, Proposal)
    assert f"stop {signal.action.stop / 100:.2f}" in said.out
    assert all(order.id in said.out for order in trade.approved.subject.orders)
    assert all(f"{fill.quantity} x {fill.price / 100:.2f} {clock(fill.timestamp)}" in said.out for fill in fills)
    assert "entry: holds" in said.out


def test_a_bar_on_which_nothing_happened_is_told_too(theo: Theo, played: Path, facts: list[Fact]) -> None:
    quiet = [fact for fact in facts if isinstance(fact, Decided) and fact.verdict == "nothing"][-1]
    said = theo("--home", played, "why", "SIM-MES", iso(quiet.end), "--json")
    (decision,) = json.loads(said.out)["decisions"]
    assert (decision["verdict"], decision["signals"]) == ("nothing", [])
    text = "\n".join(decision["explanation"])
    assert "long entry: does not hold" in text
    assert "short entry: does not hold" in text
    shown = theo("--home", played, "why", "SIM-MES", iso(quiet.end))
    assert "no signal was raised" in shown.out


def test_every_signal_of_the_run_has_the_outcome_that_was_recorded(theo: Theo, played: Path, facts: list[Fact]) -> None:
    closed = {fact.id: fact for fact in facts if isinstance(fact, SignalClosed)}
    raised = [fact for fact in facts if isinstance(fact, SignalRaised)]
    assert raised
    for signal in raised:
        answer = json.loads(theo("--home", played, "why", "SIM-MES", iso(signal.end), "--json").out)
        told = {s["id"]: s for decision in answer["decisions"] for s in decision["signals"]}[signal.id]
        recorded = closed[signal.id]
        assert (told["status"], told["status_reason"]) == (recorded.status, recorded.reason)
        refused = recorded.refused
        assert told["refused"] == (
            None if refused is None else {"rule": refused.rule, "value": refused.value, "limit": refused.limit}
        )


def test_without_a_bar_the_nearest_bar_ends_are_named(theo: Theo, played: Path) -> None:
    said = theo("--home", played, "why", "SIM-MES", "2018-01-09T11:31")
    assert said.code == 2
    assert "the nearest did at 2018-01-09 11:30 and 2018-01-09 11:45" in said.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("VIX", "2018-01-09T11:30"), "its rule sets decide on SIM-MES (demo)"),
        (("SIM-MES", "noon"), "'noon' is no time"),
        (("SIM-MES", "2018-01-09T11:30", "--config", "other"), "no rule set 'other' in run demo"),
        (("SIM-MES", "2018-01-09T11:30", "--run", "other"), "no run 'other'. There are demo"),
    ],
)
def test_mistakes(theo: Theo, played: Path, arguments: tuple[str, ...], told: str) -> None:
    said = theo("--home", played, "why", *arguments)
    assert (said.code, said.out) == (2, "")
    assert told in said.err


def test_a_home_without_a_run_says_how_to_make_one(theo: Theo, tmp_path: Path) -> None:
    said = theo("--home", tmp_path, "why", "SIM-MES", "2018-01-09T11:30")
    assert said.code == 2
    assert "theo demo" in said.err
