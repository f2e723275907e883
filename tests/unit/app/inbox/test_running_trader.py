"""Status, stop and resume beside a trader in another process."""

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.app.conftest import Theo
from tests.unit.app.running import END_S_MAX, once_there, running_demo


@pytest.fixture
def trader(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A demo in tmp_path/home."""
    with running_demo(tmp_path, speed=3) as process:
        yield process


def recorded(theo: Theo, home: Path) -> dict[str, object]:
    """The run's standing once it has recorded something."""

    def look() -> dict[str, object] | None:
        runs = json.loads(theo("--home", home, "status", "--json").out)["runs"]
        return runs[0] if runs and runs[0]["at"] else None

    return once_there(look)


def test_a_running_trader_is_seen_stopped_resumed_and_left_alone(
    theo: Theo, trader: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    home = tmp_path / "home"
    run = recorded(theo, home)
    assert (run["process"], run["halted"], run["problem"]) == (trader.pid, "", "")

    said = theo("--home", home, "stop", "--reason", "drill", "--flatten")
    assert said.code == 0, said.out
    assert "halt done" in said.out
    assert "flatten done" in said.out
    assert "drill" in str(recorded(theo, home)["halted"])

    said = theo("--home", home, "resume", "--reason", "over")
    assert said.code == 0, said.out
    assert "resume done: resumed" in said.out
    assert recorded(theo, home)["halted"] == ""

    rebuilt = theo("--home", home, "journal", "rebuild")
    assert rebuilt.code == 2
    assert f"run demo is running, process {trader.pid}" in rebuilt.err

    assert trader.poll() is None
    trader.send_signal(signal.SIGINT)
    assert trader.wait(END_S_MAX) == 130
    assert recorded(theo, home)["process"] is None
    assert theo("--home", home, "journal", "verify", "--redecide").code == 0
