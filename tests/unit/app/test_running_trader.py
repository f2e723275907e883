"""Status, stop and resume beside a trader in another process."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.app.conftest import Theo

BEGIN_S_MAX, END_S_MAX, POLL_S = 60.0, 60.0, 0.2


@pytest.fixture
def trader(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A demo that takes more than a minute; ended by an interrupt if the test has not ended it."""
    arguments = ["--home", str(tmp_path / "home"), "demo", "--days", "200", "--speed", "3", "--plain"]
    program = [sys.executable, "-c", "from theo.app.cli import main; main()", *arguments]
    process = subprocess.Popen(program, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=dict(os.environ))
    yield process
    if process.poll() is None:
        process.kill()
    process.wait(END_S_MAX)


def recorded(theo: Theo, home: Path) -> dict[str, object]:
    """The run's standing once it has recorded something."""
    ends = time.monotonic() + BEGIN_S_MAX
    while time.monotonic() < ends:
        runs = json.loads(theo("--home", home, "status", "--json").out)["runs"]
        if runs and runs[0]["at"]:
            found: dict[str, object] = runs[0]
            return found
        time.sleep(POLL_S)
    pytest.fail("the demo recorded nothing")


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
