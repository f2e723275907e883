"""A configuration that a person has disabled looks on, opens nothing, and keeps what it has protected until it is resumed."""

from collections.abc import Iterable
from typing import TypeVar

from tests.unit.drive.option_world import ENDS, SIGNAL, Item, played, quotes, signalled, spy
from theo.domain import facts as f
from theo.domain.inputs import Command
from theo.domain.market_data import MINUTE, SECOND
from theo.domain.orders import OrderRole
from theo.engine.apply import apply

T = TypeVar("T")
OPENS = [500_00, 500_00, 525_00, 500_00, 525_00]
PAUSE = SIGNAL - MINUTE


def of(facts: Iterable[f.Fact], kind: type[T]) -> list[T]:
    return [fact for fact in facts if isinstance(fact, kind)]


def asked(name: str, at: int, config: str = "opts", number: int = 0) -> Command:
    return Command(at=at, id=f"{name}-{number}", actor="me", name=name, reason="earnings", subject=config)


def test_a_paused_one_refuses_its_signals_by_name_until_it_is_resumed() -> None:
    late = quotes(ENDS[4] - SECOND, 200, 204)
    items: list[Item] = [*signalled()[:5], asked("pause_scan", PAUSE), *spy(OPENS)[2:4], asked("resume_scan", ENDS[3] + SECOND)]
    _, facts = played([*items, *late, *spy(OPENS)[4:]])
    first, *_ = of(facts, f.SignalClosed)
    assert (first.status, first.reason) == ("FAILED", "opts is disabled by me: earnings")
    assert first.refused is not None
    assert first.refused.rule == "paused"
    assert [trade.at for trade in of(facts, f.TradeIntended)] == [ENDS[4]]
    assert len(of(facts, f.Decided)) == 5, "it has looked on"


def test_its_waiting_entry_is_cancelled_and_what_is_open_stays_protected() -> None:
    _, waiting = played(signalled(asked("pause_scan", SIGNAL + SECOND)))
    assert [fact.reason for fact in of(waiting, f.CancelIntended)] == ["opts is paused"]
    done, _ = played(signalled(*quotes(SIGNAL + SECOND, 200, 204), asked("pause_scan", SIGNAL + MINUTE)))
    resting = {held.order.role for held in done.core.state.orders.values() if not held.ended}
    assert resting == {OrderRole.STOP, OrderRole.TARGET}


def test_what_is_not_scanned_or_not_paused_is_refused() -> None:
    _, facts = played([*spy(OPENS)[:2], asked("pause_scan", PAUSE, "other"), asked("resume_scan", PAUSE)])
    assert [(fact.accepted, fact.text) for fact in of(facts, f.CommandDone)] == [
        (False, "no configuration 'other' is scanned"),
        (False, "nothing to resume: 'opts' is not paused"),
    ]


def test_a_start_begins_with_nothing_paused() -> None:
    """It refuses what is disabled: what it takes is enabled."""
    done, _ = played([*spy(OPENS)[:2], asked("pause_scan", PAUSE)])
    assert done.core.state.paused == {"opts": "me: earnings"}
    apply(done.core.state, f.Restarted(PAUSE, "test", ""))
    assert not done.core.state.paused
