import json
import sqlite3
from pathlib import Path

import pytest

from tests.unit.app.conftest import Theo


def change(database: Path, statement: str) -> None:
    connection = sqlite3.connect(database)
    with connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        assert connection.execute(statement).rowcount > 0
    connection.close()


def test_a_sound_journal_is_verified_and_decided_again(theo: Theo, played: Path) -> None:
    said = theo("--home", played, "journal", "verify", "--redecide", "--json")
    assert said.code == 0, said.out
    (run,) = json.loads(said.out)
    assert {stream["stream"] for stream in run["streams"]} == {"trading", "ticks:market"}
    assert all(stream["records"] > 0 and stream["fault"] is None for stream in run["streams"])
    assert run["facts"] > 0


@pytest.mark.parametrize("stream", ["trading", "ticks:market"])
def test_a_changed_byte_is_found_and_named(theo: Theo, copied: Path, stream: str) -> None:
    longer = "CAST(payload || x'20' AS BLOB)"
    change(copied / "demo" / "journal.db", f"UPDATE journal SET payload = {longer} WHERE stream = '{stream}' AND seq = 5")  # noqa: S608 - of this test
    said = theo("--home", copied, "journal", "verify")
    assert said.code == 1
    assert f"demo: {stream} record 5 was changed: its hash is another" in said.out


def test_bytes_turned_into_text_are_found_and_named(theo: Theo, copied: Path) -> None:
    change(copied / "demo" / "journal.db", "UPDATE journal SET payload = CAST(payload AS TEXT) WHERE seq = 5")
    said = theo("--home", copied, "journal", "verify")
    assert (said.code, said.err) == (1, "")
    assert "trading record 5 was changed" in said.out or "ticks:market record" in said.out


def test_a_journal_that_decides_otherwise_is_told(theo: Theo, copied: Path) -> None:
    """The chain is sound after a whole rewrite; only deciding again shows it. Here the records' market data is cut instead."""
    change(copied / "demo" / "journal.db", "DELETE FROM journal WHERE stream = 'ticks:market'")
    (copied / "demo" / "journal.anchors").unlink()
    said = theo("--home", copied, "journal", "verify", "--redecide")
    assert said.code == 1
    assert "market data ends at item 0" in said.out


def test_the_tables_are_what_the_journal_says(theo: Theo, copied: Path) -> None:
    said = theo("--home", copied, "journal", "rebuild")
    assert (said.code, "the tables are what the journal says" in said.out) == (0, True), said.out


def test_a_changed_table_is_found_and_replaced(theo: Theo, copied: Path) -> None:
    change(copied / "demo" / "market.db", "UPDATE deals SET net = net + 1")
    said = theo("--home", copied, "journal", "rebuild", "--json")
    assert said.code == 1
    (run,) = json.loads(said.out)
    assert list(run["differences"]) == ["deals"]
    assert theo("--home", copied, "journal", "rebuild", "--replace").code == 0
    assert theo("--home", copied, "journal", "rebuild").code == 0


def test_an_unknown_run_is_named(theo: Theo, played: Path) -> None:
    said = theo("--home", played, "journal", "verify", "--run", "other")
    assert (said.code, said.err) == (2, "error: no run 'other'. There are demo\n")
