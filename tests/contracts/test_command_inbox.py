"""What every CommandInbox must do."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import update

from tests.postgres import DATABASES, Opening
from theo.adapters.sql.inbox import PENDING_MAX, SqlInbox
from theo.adapters.sql.tables.inbox import commands
from theo.domain.errors import DataError, RefusedError
from theo.domain.inputs import Command
from theo.domain.market_data import DAY, HOUR
from theo.ports.store import CommandInbox, CommandOutcome

OpenInbox = Opening[SqlInbox]
NOON = 1_700_000_000_000_000


@pytest.fixture(params=DATABASES)
def open_inbox(request: pytest.FixtureRequest) -> OpenInbox:
    return Opening(SqlInbox, request.param)


@pytest.fixture
def inbox(open_inbox: OpenInbox, tmp_path: Path) -> Iterator[CommandInbox]:
    opened = open_inbox(tmp_path)
    yield opened
    opened.close()


def command(number: int, at: int = NOON, name: str = "halt") -> Command:
    return Command(at=at, id=f"c{number}", actor="owner", name=name, reason="why", subject="MES")


def test_commands_wait_in_order_and_survive_a_restart(open_inbox: OpenInbox, tmp_path: Path) -> None:
    first = open_inbox(tmp_path)
    posted = [command(n) for n in (3, 1, 2)]
    for each in posted:
        assert first.post(each) is None
    first.close()
    second = open_inbox(tmp_path)
    assert second.pending() == tuple(posted)
    assert second.pending(2) == tuple(posted[:2])
    second.close()


def test_what_was_done_no_longer_waits_and_its_first_outcome_stays(inbox: CommandInbox) -> None:
    inbox.post(command(1))
    assert inbox.outcome("c1") is None
    outcome = CommandOutcome(NOON + 5, accepted=True, text="halted")
    inbox.done("c1", outcome)
    inbox.done("c1", CommandOutcome(NOON + 6, accepted=False, text="again"))
    assert inbox.pending() == ()
    assert inbox.outcome("c1") == outcome


def test_a_repeat_within_a_day_returns_the_recorded_outcome(inbox: CommandInbox) -> None:
    inbox.post(command(1))
    assert inbox.post(command(1, NOON + 1)) is None
    assert len(inbox.pending()) == 1
    outcome = CommandOutcome(NOON + 5, accepted=False, text="refused: STOP file")
    inbox.done("c1", outcome)
    assert inbox.post(command(1, NOON + 23 * HOUR)) == outcome
    assert inbox.pending() == ()
    assert inbox.post(command(1, NOON + DAY)) is None
    assert len(inbox.pending()) == 1


def test_an_outcome_is_kept_for_a_week_after_it_was_asked_for_whatever_time_the_trader_has(inbox: CommandInbox) -> None:
    inbox.post(command(1))
    played = CommandOutcome(NOON - 3_000 * DAY, accepted=True, text="halted")  # of a trader that plays data of years ago
    inbox.done("c1", played)
    inbox.post(command(2, NOON + 7 * DAY))
    assert inbox.outcome("c1") == played
    inbox.post(command(3, NOON + 7 * DAY + 1))
    assert inbox.outcome("c1") is None
    assert [each.id for each in inbox.pending()] == ["c2", "c3"]


@pytest.mark.parametrize("payload", ["{", '["entry_asked"]', '["entry_asked","MES","BUY","MKT",1,null]', '["nothing_known"]'])
def test_what_cannot_be_read_is_refused_and_holds_up_nothing(inbox: CommandInbox, payload: str) -> None:
    inbox.post(command(1))
    inbox.post(command(2))
    with inbox._engine.begin() as connection:  # type: ignore[attr-defined]  # a row of another program's writing
        connection.execute(update(commands).where(commands.c.id == "c1").values(payload=payload))
    assert [each.id for each in inbox.pending()] == ["c2"]
    outcome = inbox.outcome("c1")
    assert outcome is not None
    assert (outcome.accepted, outcome.rule, "cannot be read" in outcome.text) == (False, "payload", True)


def test_one_id_is_one_command(inbox: CommandInbox) -> None:
    inbox.post(command(1))
    with pytest.raises(DataError, match="c1 was used for halt MES"):
        inbox.post(command(1, NOON + 1, name="resume"))


def test_a_repeat_is_known_for_a_day_and_nothing_is_kept_by_asking(inbox: CommandInbox) -> None:
    assert not inbox.has(command(1))
    assert inbox.pending() == ()
    inbox.post(command(1))
    assert inbox.has(command(1, NOON + 1))
    inbox.done("c1", CommandOutcome(NOON + 5, accepted=True, text="halted"))
    assert inbox.has(command(1, NOON + DAY - 1))
    assert not inbox.has(command(1, NOON + DAY, name="resume"))
    with pytest.raises(DataError, match="c1 was used for halt MES"):
        inbox.has(command(1, NOON + 1, name="resume"))


def test_an_outcome_of_a_command_that_came_another_way_is_no_error(inbox: CommandInbox) -> None:
    inbox.done("direct", CommandOutcome(NOON, accepted=True, text=""))
    assert inbox.outcome("direct") is None


def test_a_full_inbox_refuses_and_says_why(inbox: CommandInbox) -> None:
    for number in range(PENDING_MAX):
        inbox.post(command(number))
    with pytest.raises(RefusedError, match="no trader reads them"):
        inbox.post(command(PENDING_MAX))
    assert len(inbox.pending(PENDING_MAX + 1)) == PENDING_MAX
