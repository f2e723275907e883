"""The kill switch across processes and restarts. A finished demo whose mark is removed goes on: it starts, looks, and ends."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.app.conftest import DEMO_DAYS, Theo
from theo.adapters.sql.inbox import SqlInbox
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.app.recorded.standing import recorded_state
from theo.domain.facts import CommandDone, Halted, Resumed
from theo.domain.journal import TRADING
from theo.engine.codec import decode_facts

Latched = Halted | Resumed


@pytest.fixture
def start(theo: Theo, copied: Path) -> Callable[[], None]:
    """Start the copied demo again; it ends at once, because all its days are played."""

    def begin() -> None:
        (copied / "demo" / "finished.json").unlink()
        said = theo("--home", copied, "demo", "--days", DEMO_DAYS, "--speed", 0, "--plain")
        assert said.code == 0, said.err

    return begin


def latches(home: Path) -> list[Latched]:
    store = SqlJournalStore(home / "demo")
    try:
        return [f for record in store.read(TRADING) for f in decode_facts(record) if isinstance(f, Halted | Resumed)]
    finally:
        store.close()


def halted(home: Path) -> str:
    store = SqlJournalStore(home / "demo")
    try:
        return recorded_state(store).halted
    finally:
        store.close()


def test_a_stop_while_nothing_runs_halts_the_next_start_and_holds_until_resumed(
    theo: Theo, copied: Path, start: Callable[[], None]
) -> None:
    said = theo("--home", copied, "stop", "--reason", "for the night")
    assert said.code == 0
    assert "halt waits: not running" in said.out
    assert all("for the night" in (place / "STOP").read_text() for place in (copied, copied / "demo"))
    start()
    assert "for the night" in halted(copied)
    start()
    assert "for the night" in halted(copied), "a restart lifted the halt"

    said = theo("--home", copied, "resume", "--reason", "slept well")
    assert said.code == 0, said.out
    assert not (copied / "STOP").exists()
    assert not (copied / "demo" / "STOP").exists()
    assert halted(copied), "only the trader lifts it, with a recorded fact"
    start()
    assert not halted(copied)
    assert [f.reason for f in latches(copied) if isinstance(f, Resumed)] == ["slept well"]


def test_stop_and_resume_while_nothing_runs_are_both_recorded(theo: Theo, copied: Path, start: Callable[[], None]) -> None:
    assert theo("--home", copied, "stop", "--reason", "wait").code == 0
    assert theo("--home", copied, "resume", "--reason", "go").code == 0
    start()
    assert [(type(f), f.reason) for f in latches(copied)] == [(Halted, "wait"), (Resumed, "go")]
    assert not (copied / "demo" / "STOP").exists()
    start()
    assert not halted(copied)


def test_flatten_is_carried_out_once_at_the_next_start(theo: Theo, copied: Path, start: Callable[[], None]) -> None:
    for _ in range(2):
        said = theo("--home", copied, "stop", "--flatten")
        assert (said.code, said.out.count("flatten waits")) == (0, 1)
    start()
    store = SqlJournalStore(copied / "demo")
    done = [f.name for r in store.read(TRADING) for f in decode_facts(r) if isinstance(f, CommandDone) and f.name == "flatten"]
    store.close()
    assert done == ["flatten"]


def test_a_stop_file_by_hand_halts(copied: Path, start: Callable[[], None]) -> None:
    (copied / "STOP").write_text("the lights went out\n")
    start()
    assert [f.actor for f in latches(copied)] == ["STOP file"]
    assert "the lights went out" in halted(copied)


def test_a_stop_file_in_the_working_directory_refuses_a_resume(
    theo: Theo, copied: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theo("--home", copied, "stop")
    here = tmp_path / "here"
    here.mkdir()
    (here / "STOP").touch()
    monkeypatch.chdir(here)
    said = theo("--home", copied, "resume", "--reason", "hurry")
    assert said.code == 1
    assert f"{here / 'STOP'}: trading stays halted" in said.err
    assert (copied / "STOP").exists()


def test_a_later_stop_file_refuses_a_resume_that_waits(theo: Theo, copied: Path, start: Callable[[], None]) -> None:
    theo("--home", copied, "stop", "--reason", "one")
    theo("--home", copied, "resume", "--reason", "go")
    (copied / "STOP").write_text("two\n")
    start()
    assert "two" in halted(copied)
    assert not [f for f in latches(copied) if isinstance(f, Resumed)]


def test_the_latch_is_written_when_the_databases_are_broken(theo: Theo, copied: Path) -> None:
    for name in ("inbox.db", "journal.db", "market.db"):
        (copied / "demo" / name).write_bytes(b"no database at all" * 1000)
    said = theo("--home", copied, "stop", "--reason", "smoke")
    assert said.code == 1
    assert "inbox.db" in said.out
    assert all((place / "STOP").exists() for place in (copied, copied / "demo"))
    said = theo("--home", copied, "resume", "--reason", "no idea")
    assert said.code == 1
    assert (copied / "STOP").exists(), "a halt was lifted although nobody knows how the run stands"


def test_an_empty_home_is_stopped_before_its_first_run(theo: Theo, tmp_path: Path) -> None:
    assert theo("--home", tmp_path, "stop", "--reason", "not yet").code == 0
    said = theo("--home", tmp_path, "demo", "--days", 1, "--speed", 0, "--plain")
    assert said.code == 0
    assert "not yet" in halted(tmp_path)


def test_a_resume_needs_a_reason(theo: Theo, copied: Path) -> None:
    assert theo("--home", copied, "resume").code == 2
    said = theo("--home", copied, "resume", "--reason", " ")
    assert (said.code, said.err.startswith("error: a resume needs a reason")) == (2, True)


def test_nothing_to_lift_posts_nothing(theo: Theo, copied: Path) -> None:
    assert theo("--home", copied, "resume", "--reason", "why not").out == "nothing was halted\n"
    assert theo("--home", copied, "resume", "--breaker", "--reason", "why not").out == "no breaker is tripped\n"
    inbox = SqlInbox(copied / "demo")
    waiting = inbox.pending()
    inbox.close()
    assert waiting == ()
