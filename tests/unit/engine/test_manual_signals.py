"""Signals that a person makes, through the core to the simulated exchange and into the tables, whose rules are the database's."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.engine.manual_desk import PRICE, Desk, changed, units
from theo.adapters.sql.market.store import SqlMarketStore
from theo.adapters.sql.projection.entity_rows import WorldReading
from theo.adapters.sql.projection.projecting import Decoders, Projection
from theo.app.home.projecting import listings
from theo.domain.asked import EntryAsked, MarginTold, PromotionAsked, SignalAsked
from theo.domain.facts import SignalClosed, SignalCreated, TradeIntended
from theo.domain.market_data import DAY, MINUTE
from theo.domain.orders import OrderType, Side
from theo.engine.codec import kept_steps
from theo.engine.decide.asked_signals import PENDING_MAX
from theo.engine.state import Outcome
from theo.engine.world import Settings
from theo.ports.market_store import Cell
from theo.risk.limits import Limits

BUY = EntryAsked(symbol="MES", side=Side.BUY, type=OrderType.MARKET, quantity=2, stop="4990", target="5020")
LIMIT = changed(BUY, type=OrderType.LIMIT, limit="4995", stop="4985", target="5010")
SELL = changed(BUY, side=Side.SELL, stop="5010", target="4980")
DECODERS = Decoders(steps=kept_steps, worlds=WorldReading(listings=listings))


@pytest.fixture
def desk() -> Desk:
    return Desk()


def make(desk: Desk, asked: EntryAsked = BUY, minutes: int = 60) -> Outcome:
    return desk.ask(SignalAsked(asked, minutes))


def made(desk: Desk, asked: EntryAsked = BUY, minutes: int = 60) -> str:
    """The id of a signal that waits."""
    outcome = make(desk, asked, minutes)
    assert outcome.accepted, outcome.text
    (signal,) = outcome.orders
    return signal


def rows(desk: Desk, folder: Path) -> list[dict[str, Cell]]:
    """The table of signals, as the journal leaves it."""
    store = SqlMarketStore(folder)
    Projection(store, DECODERS).apply(desk.records)
    found = [dict(row) for row in store.rows("signals")]
    store.close()
    return found


def test_a_signal_waits_and_is_promoted_by_the_rules_of_every_entry(desk: Desk, tmp_path: Path) -> None:
    signal = made(desk)
    assert not desk.books.orders
    (row,) = rows(desk, tmp_path)
    told = ("id", "config", "status", "active", "side", "order_type", "entry", "stop", "target", "quantity", "product_type")
    assert [row[name] for name in told] == [
        *(signal, "manual", "PENDING", True, "BUY", "MARKET", PRICE, units("4990"), units("5020"), 2, "MARGIN")
    ]
    assert row["expires_at"] == int(str(row["created_at"])) + 60 * MINUTE

    done = desk.ask(PromotionAsked(signal))
    assert done.accepted, done.text
    assert len(done.orders) == 3
    (intended,) = [fact for fact in desk.facts if isinstance(fact, TradeIntended)]
    assert (intended.signal, intended.key.config, "protection" in intended.approved.passed) == (signal, "manual", True)
    (row,) = rows(desk, tmp_path)
    assert (row["status"], row["active"]) == ("VALIDATED", True)

    desk.tick(PRICE)
    assert desk.position == 2
    (row,) = rows(desk, tmp_path)
    assert (row["status"], row["active"], row["status_reason"]) == ("EXECUTED", False, "filled")
    assert desk.decided_again() is None


WRONG = {
    "unknown": (changed(BUY, symbol="XXX"), "symbol", "not listened to"),
    "index": (changed(BUY, symbol="VIX"), "symbol", "index"),
    "negative": (changed(BUY, quantity=-1), "quantity", "positive multiple"),
    "limit missing": (changed(LIMIT, limit=""), "limit", "LIMIT needs a limit price"),
    "limit of a stop limit": (changed(BUY, type=OrderType.STOP_LIMIT, trigger="5005"), "limit", "needs a limit"),
    "trigger missing": (changed(BUY, type=OrderType.STOP), "trigger", "needs a trigger"),
    "limit of a market order": (changed(BUY, limit="4995"), "limit", "has no limit"),
    "trail missing": (changed(BUY, type=OrderType.TRAILING_STOP), "trail", "needs a trail"),
    "off the grid": (changed(LIMIT, limit="4995.10"), "limit", "tick grid"),
    "negative limit": (changed(LIMIT, limit="-4995"), "limit", "tick grid"),
    "no stop": (changed(BUY, stop=""), "stop", "protective stop"),
    "stop above": (changed(BUY, stop="5010"), "stop", "of a BUY is not below the entry 5,000.00"),
    "stop at the entry": (changed(LIMIT, stop="4995"), "stop", "not below"),
    "stop below a sale": (changed(SELL, stop="4990"), "stop", "of a SELL is not above"),
    "target below": (changed(BUY, target="4995"), "target", "of a BUY is not above"),
    "target above a sale": (changed(SELL, target="5020"), "target", "of a SELL is not below"),
    "target no number": (changed(BUY, target="nan"), "target", "is no price"),
    "stop no number": (changed(BUY, stop="cheap"), "stop", "is no price"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_can_be_no_signal_is_refused_and_the_field_is_named(name: str, desk: Desk) -> None:
    asked, field, words = WRONG[name]
    outcome = make(desk, asked)
    assert (outcome.accepted, outcome.rule, words in outcome.text) == (False, field, True), outcome.text
    assert not [fact for fact in desk.facts if isinstance(fact, SignalCreated)]


@pytest.mark.parametrize("minutes", [0, -1, 30 * 24 * 60 + 1])
def test_a_signal_has_its_time(desk: Desk, minutes: int) -> None:
    assert make(desk, minutes=minutes).rule == "expires_minutes"


def test_one_waits_of_an_instrument_and_a_side(desk: Desk) -> None:
    first = made(desk)
    again = make(desk, LIMIT)
    assert (again.accepted, again.rule, first in again.text) == (False, "duplicate", True)
    made(desk, SELL)
    assert desk.command("cancel_signal", first).accepted
    made(desk, LIMIT)


def test_a_repeated_command_makes_one_signal(desk: Desk) -> None:
    first = desk.ask(SignalAsked(BUY, 60), number="mine")
    assert desk.ask(SignalAsked(SELL, 60), number="mine") == first
    assert len(desk.state.signals) == 1


def test_signals_of_one_moment_of_core_time_are_of_different_moments(desk: Desk, tmp_path: Path) -> None:
    for _ in range(5):
        desk.command("cancel_signal", made(desk))
    created = [int(str(row["created_at"])) for row in rows(desk, tmp_path)]
    assert len(set(created)) == 5
    assert max(created) - min(created) == 4


def test_a_rule_that_refuses_fails_the_signal_with_its_reason(tmp_path: Path) -> None:
    desk = Desk(limits=Limits(futures_contracts_max=1))
    signal = made(desk)
    refused = desk.ask(PromotionAsked(signal))
    assert (refused.accepted, refused.rule) == (False, "contracts")
    assert not desk.books.orders
    (row,) = rows(desk, tmp_path)
    assert (row["status"], row["refused_rule"], row["status_reason"]) == ("FAILED", "contracts", refused.text)
    assert desk.ask(PromotionAsked(signal)).rule == "signal"


def test_a_refusal_for_now_leaves_it_pending(desk: Desk) -> None:
    signal = made(desk)
    assert desk.command("halt").accepted
    refused = desk.ask(PromotionAsked(signal))
    assert (refused.accepted, refused.rule, "stays PENDING" in refused.text) == (False, "halted", True)
    assert desk.command("resume").accepted
    assert desk.ask(PromotionAsked(signal)).accepted


def test_the_brokers_word_on_margin_is_heeded() -> None:
    desk = Desk(Settings(margin_required=True))
    signal = made(desk)
    no = MarginTold(refused="not enough")
    refused = desk.ask(PromotionAsked(signal), margins=(no,))
    assert (refused.accepted, refused.rule) == (False, "margin")
    assert desk.ask(PromotionAsked(signal)).rule == "margin", "no answer is no yes"
    assert desk.ask(PromotionAsked(signal), margins=(MarginTold(initial_after=1, equity_after=2),)).accepted


def test_nobodys_signal_expires_at_its_time(desk: Desk, tmp_path: Path) -> None:
    signal = made(desk, minutes=1)
    desk.tick(PRICE, after=MINUTE - 1)
    assert signal in desk.state.signals
    desk.tick(PRICE, after=1)
    assert desk.ask(PromotionAsked(signal)).rule == "signal"
    (row,) = rows(desk, tmp_path)
    assert (row["status"], "expired" in str(row["status_reason"])) == ("CANCELLED", True)


def test_what_is_over_or_not_there_is_neither_processed_nor_cancelled(desk: Desk) -> None:
    signal = made(desk)
    assert desk.command("cancel_signal", signal).accepted
    for outcome in (desk.command("cancel_signal", signal), desk.ask(PromotionAsked(signal)), desk.ask(PromotionAsked("x"))):
        assert (outcome.accepted, outcome.rule) == (False, "signal")
    validated = made(desk, LIMIT)
    assert desk.ask(PromotionAsked(validated)).accepted
    said = desk.command("cancel_signal", validated)
    assert (said.rule, "is VALIDATED" in said.text) == ("signal", True)


def test_a_cancelled_entry_cancels_its_signal(desk: Desk, tmp_path: Path) -> None:
    signal = made(desk, LIMIT)
    entry = desk.ask(PromotionAsked(signal)).orders[0]
    assert desk.command("cancel_order", entry).accepted
    desk.settle()
    (row,) = rows(desk, tmp_path)
    assert (row["status"], row["active"]) == ("CANCELLED", False)


def test_there_is_room_for_so_many(desk: Desk) -> None:
    signal = desk.state.signals[made(desk)]
    for number in range(PENDING_MAX - 1):
        desk.state.signals[f"x{number}"] = msgspec.structs.replace(signal, id=f"x{number}")
    assert make(desk, SELL).rule == "pending"


ACTIONS = st.lists(st.sampled_from(["buy", "sell", "limit", "process", "cancel", "tick", "wait", "halt", "resume"]), max_size=25)


@settings(max_examples=40, deadline=None)
@given(ACTIONS)
def test_whatever_is_asked_the_database_takes_it_and_each_signal_has_one_end(
    tmp_path_factory: pytest.TempPathFactory, actions: list[str]
) -> None:
    desk = Desk()
    for action in actions:
        if action in {"buy", "sell", "limit"}:
            make(desk, {"buy": BUY, "sell": SELL, "limit": LIMIT}[action], minutes=2)
        elif action in {"process", "cancel"} and desk.state.signals:
            signal = min(desk.state.signals)
            desk.ask(PromotionAsked(signal)) if action == "process" else desk.command("cancel_signal", signal)
        elif action in {"tick", "wait"}:
            desk.tick(PRICE, after=MINUTE if action == "wait" else 1)
        elif action in {"halt", "resume"}:
            desk.command(action)
    desk.tick(PRICE, after=DAY)
    closed = [fact.id for fact in desk.facts if isinstance(fact, SignalClosed)]
    assert len(closed) == len(set(closed))
    found = rows(desk, tmp_path_factory.mktemp("rows"))
    assert {row["id"] for row in found} == {fact.id for fact in desk.facts if isinstance(fact, SignalCreated)}
    assert {row["id"] for row in found if row["active"]} == set(desk.state.signals)
    assert desk.decided_again() is None
