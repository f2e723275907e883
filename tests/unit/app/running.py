"""A demo in another process, for tests of what people do beside a trader that runs."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

BEGIN_S_MAX, END_S_MAX, POLL_S = 60.0, 60.0, 0.2
Found = TypeVar("Found")


@contextmanager
def running_demo(folder: Path, speed: int) -> Iterator[subprocess.Popen[bytes]]:
    """A demo that takes more than a minute, in ``folder``/home; killed at the end unless the test has ended it."""
    arguments = ["--home", str(folder / "home"), "demo", "--days", "200", "--speed", str(speed), "--plain"]
    program = [sys.executable, "-c", "from theo.app.cli import main; main()", *arguments]
    process = subprocess.Popen(program, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=dict(os.environ))
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(END_S_MAX)


def once_there(look: Callable[[], Found | None]) -> Found:
    """What ``look`` finds, asked again until then: the other process tells nobody how far it is."""
    ends = time.monotonic() + BEGIN_S_MAX
    while time.monotonic() < ends:
        found = look()
        if found is not None:
            return found
        time.sleep(POLL_S)
    pytest.fail("the demo recorded nothing")
