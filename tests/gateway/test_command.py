"""`theo gateway` as a person starts it: it says where it listens, serves, and ends at a signal; mistakes get one sentence."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from theo.gateway.wire.connection import ClientLink, Opened

COMMAND = [sys.executable, "-c", "from theo.app.cli import main; main()"]
WAIT_SECONDS = 60


@contextmanager
def started(home: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [*COMMAND, "--home", str(home), "gateway", *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_it_says_where_it_listens_serves_and_ends_at_a_signal(tmp_path: Path) -> None:
    with started(tmp_path, "--port", "0", "--seed", "3") as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert "simulated TWS on 127.0.0.1:" in line, process.communicate()
        assert "seed 3" in line
        port = int(line.split("127.0.0.1:")[1].split(",")[0])
        link = ClientLink()
        with socket.create_connection(("127.0.0.1", port), timeout=WAIT_SECONDS) as peer:
            peer.sendall(link.hello())
            (opened,) = link.receive(peer.recv(4096))
        assert isinstance(opened, Opened)
        assert opened.version == 178
        process.send_signal(signal.SIGINT)
        assert process.wait(WAIT_SECONDS) == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--scenario", "none.toml"], "none.toml: the scenario cannot be read"),
        (["--speed", "0"], "speed is 0"),
        (["--data", "none.csv"], "'none.csv' does not exist"),
        (["--start", "yesterday"], "yesterday"),
    ],
)
def test_a_mistake_gets_one_sentence(tmp_path: Path, options: list[str], said: str) -> None:
    with started(tmp_path, "--port", "0", *options) as process:
        _, error = process.communicate(timeout=WAIT_SECONDS)
        assert process.returncode == 2
        assert said in error
        assert "Traceback" not in error


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with started(tmp_path, "--port", str(port)) as process:
            _, error = process.communicate(timeout=WAIT_SECONDS)
    assert process.returncode == 2
    assert f"port {port} cannot be listened on" in error
