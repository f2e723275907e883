"""Signals by hand beside a trader in another process, at the command line."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.app.conftest import Theo
from tests.unit.app.running import once_there, running_demo


@pytest.fixture
def home(tmp_path: Path, theo: Theo) -> Iterator[Path]:
    """Of a demo whose prices have begun."""
    place = tmp_path / "home"

    def look() -> bool | None:
        said = theo("--home", place, "order", "check", "SIM-MES", "BUY", "1", "--stop", "1%", "--run", "demo", "--json")
        answered = said.code in {0, 1} and bool(said.out) and json.loads(said.out)["state"] in {"done", "refused"}
        return True if answered else None

    with running_demo(tmp_path, speed=1):
        assert once_there(look)
        yield place


def asked(theo: Theo, home: Path, *words: object) -> dict[str, str]:
    """What `theo signal` says of a command, as JSON."""
    found: dict[str, str] = json.loads(theo("--home", home, "signal", *words, "--run", "demo", "--json").out)
    return found


@pytest.mark.slow
def test_signals_are_made_listed_withdrawn_and_promoted(theo: Theo, home: Path) -> None:
    wrong = asked(theo, home, "create", "SIM-MES", "BUY", "1", "--type", "LIMIT", "--stop", "1%")
    assert (wrong["state"], wrong["rule"]) == ("refused", "limit")
    words = ("create", "SIM-MES", "BUY", "1", "--stop", "1%", "--target", "5%", "--id", "mine")
    first = asked(theo, home, *words)
    assert first["state"] == "done", first
    assert asked(theo, home, *words) == first
    listed = json.loads(theo("--home", home, "signal", "list", "--strategy", "manual", "--run", "demo", "--json").out)
    assert [(one["id"], one["status"], one["strategy"]) for one in listed] == [(first["signal"], "PENDING", "manual")]
    assert asked(theo, home, "cancel", first["signal"], "--reason", "no")["state"] == "done"
    shown = asked(theo, home, "show", first["signal"])
    assert (shown["status"], "no" in shown["why"]) == ("CANCELLED", True)
    assert asked(theo, home, "process", first["signal"])["rule"] == "signal"

    second = asked(theo, home, "create", "SIM-MES", "BUY", "1", "--stop", "1%", "--target", "5%")["signal"]
    again = asked(theo, home, "create", "SIM-MES", "BUY", "1", "--stop", "2%")
    assert (again["state"], again["rule"]) == ("refused", "duplicate")
    done = asked(theo, home, "process", second)  # a rule of risk may refuse it: the demo's own trades count too
    stands = asked(theo, home, "show", second)["status"]
    assert stands in ({"VALIDATED", "EXECUTED", "CANCELLED"} if done["state"] == "done" else {"FAILED"}), (done, stands)
    assert asked(theo, home, "cancel", second)["rule"] == "signal"
