import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from tests.api.conftest import Asking, Served


def test_it_says_what_it_serves(served: Served) -> None:
    found = served.get("/").body
    assert (found["name"], found["mode"], found["account"]) == ("theo", "backtest", "SIM")
    assert found["run"] in {folder.name for folder in (served.home / "runs").iterdir()}
    for link in found["links"].values():
        assert served.get(link).status == 200, link


def test_a_halt_is_told_and_is_no_failure(served: Served) -> None:
    stop = served.home / "STOP"
    stop.write_text("looked wrong\n")
    try:
        answered = served.get("/health")
    finally:
        stop.unlink()
    assert (answered.status, answered.body["status"], answered.body["halted"]) == (200, "ok", "looked wrong")
    assert served.get("/health").body["halted"] == ""


def test_what_is_not_there_and_what_is_not_served(served: Served) -> None:
    assert served.get("/nothing").status == 404
    refused = served.get("/health", method="POST")
    assert (refused.status, refused.headers["allow"]) == (405, "GET")
    assert refused.headers["content-type"] == "application/problem+json"
    assert served.get("/health?verbose=1").body["where"] == "query.verbose"


def test_a_signal_ends_it_well(traded: Path) -> None:
    command = [sys.executable, "-c", "from theo.app.cli import main; main()", "--home", str(traded), "api", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert re.match(r"API on http://127\.0\.0\.1:\d+, without a key", line), line
        process.stdout.readline()
        port = int(re.findall(r":(\d+),", line)[0])
        assert Asking(port).get("/").status == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""
