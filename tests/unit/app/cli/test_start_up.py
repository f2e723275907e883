"""The first thing that anyone runs must be light: measured in a fresh process, as CPU time, not by the clock on the wall."""

import json
import subprocess
import sys

HELP_CPU_S_MAX = 0.3
HEAVY = ("alembic", "arch", "duckdb", "numba", "numpy", "pandas", "pandas_market_calendars", "rich", "scipy", "sqlalchemy")
MEASURED = f"""
import contextlib, io, json, resource, sys
from theo.app.cli import main
sys.argv = ["theo", "--help"]
said = io.StringIO()
try:
    with contextlib.redirect_stdout(said):
        main()
except SystemExit as end:
    assert not end.code, end.code
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({{
    "cpu_s": used.ru_utime + used.ru_stime,
    "heavy": [name for name in {HEAVY} if name in sys.modules],
    "help": said.getvalue(),
}}))
"""


def test_help_loads_nothing_heavy_and_takes_little_time() -> None:
    runs = []
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", MEASURED], capture_output=True, text=True, check=True, timeout=60)
        runs.append(json.loads(done.stdout))
    assert all(run["heavy"] == [] for run in runs)
    assert min(run["cpu_s"] for run in runs) < HELP_CPU_S_MAX
    for verb in (
        "demo",
        "import",
        "backtest",
        "replay",
        "paper",
        "deals",
        "why",
        "status",
        "stop",
        "resume",
        "journal",
        "doctor",
    ):
        assert f"  {verb} " in runs[0]["help"]


def test_a_user_s_mistake_in_a_fresh_process_is_one_sentence() -> None:
    program = [sys.executable, "-c", "from theo.app.cli import main; main()", "why", "SPY", "noon"]
    done = subprocess.run(program, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: 'noon' is no time")
    assert "Traceback" not in done.stderr
