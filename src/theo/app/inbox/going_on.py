"""Runs that trade now by a rule set as it was when they began: what a change of it does there, and what it does not reach."""

from collections.abc import Iterator
from pathlib import Path

from theo.app.home.journals import commanded_by, journal_folders, run_name
from theo.app.home.layout import Home
from theo.app.home.projecting import config_versions, projected
from theo.app.inbox.sending import send
from theo.ports.scans import Scan

RESTART = "start it again, or `theo stop` it until then"


def told_of_change(home: Home, scan: Scan) -> tuple[str, ...]:
    """A scan was edited: one sentence for each running trader that goes on with it as it was."""
    return tuple(_goes_on(home, folder, scan.name) for folder, version in _trading(home, scan.name) if version != scan.version)


def told_of_switch(home: Home, scan: Scan, reason: str) -> tuple[str, ...]:
    """A scan was enabled or disabled: each running trader is asked to open trades by it again, or none; what came of it."""
    command = "resume_scan" if scan.active else "pause_scan"
    said = []
    for folder, version in _trading(home, scan.name):
        if scan.active and version != scan.version:
            said.append(_goes_on(home, folder, scan.name))
            continue
        carried, problem = send(home, folder, (command,), reason, scan.name)
        done = next((each for each in carried if each.state == "done"), None)
        if done is not None:
            rest = "" if scan.active else "; what it has open is protected as before"
            said.append(f"the run {done.run}: {done.text}{rest}")
        elif not scan.active:
            why = problem or "; ".join(each.text for each in carried)
            said.append(f"the run {run_name(home, folder)} may still open trades by {scan.name}: {why}; {RESTART}")
    return tuple(said)


def _goes_on(home: Home, folder: Path, name: str) -> str:
    process = commanded_by(folder)
    return f"the run {run_name(home, folder)}, process {process}, goes on with {name} as it was when the run began: {RESTART}"


def _trading(home: Home, name: str) -> Iterator[tuple[Path, str]]:
    """The folders of running traders whose newest start has a rule set of this name, and its version there."""
    for folder in journal_folders(home):
        if commanded_by(folder) is None:
            continue
        with projected(home, folder) as market:
            worlds = [str(row["world"]) for row in market.rows("runs")]
        versions = config_versions(worlds[-1]) if worlds else {}
        if name in versions:
            yield folder, versions[name]
