"""`theo doctor`: checks the set-up and names the fix."""

from pathlib import Path

from theo.app.checks.broker import broker_checks
from theo.app.checks.check import Level, worst
from theo.app.checks.home import home_checks
from theo.app.checks.machine import machine_checks
from theo.app.exit_codes import EXIT_PROBLEM
from theo.app.home.layout import open_home
from theo.app.terminal.output import json_text


def run(path: Path, *, broker: bool, json: bool) -> int:
    """Run every check; exit code 1 when one fails."""
    home = open_home(path)
    checks = [*machine_checks(home), *home_checks(home), *broker_checks(home, asked=broker)]
    if json:
        print(json_text(checks))
    else:
        width = max(len(check.name) for check in checks)
        for check in checks:
            print(f"{check.level:<4}  {check.name:<{width}}  {check.text}")
            if check.fix and check.level is not Level.OK:
                print(f"{'':<4}  {'':<{width}}  -> {check.fix}")
    return EXIT_PROBLEM if worst(checks) is Level.FAIL else 0
