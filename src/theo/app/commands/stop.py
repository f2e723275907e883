"""`theo stop` and `theo resume`: the kill switch of a home. The latch file comes first and needs nothing else to work.

The home's STOP halts every run of the home, also one that is started later; each run's own STOP and journal hold the halt too.
"""

import getpass
import os
import time
from pathlib import Path

import msgspec

from theo.adapters.sql.inbox import SqlInbox
from theo.adapters.sql.lease import holder
from theo.adapters.system.clock import WallClock
from theo.adapters.system.latch import NAME as STOP_FILE
from theo.adapters.system.latch import StopFile
from theo.app.cli_options import EXIT_PROBLEM
from theo.app.home import Home, open_home
from theo.app.journals import commanded_folders, run_name
from theo.app.standing import Standing, standing, waiting_commands
from theo.domain.errors import RefusedError, TheoError, UserError
from theo.domain.inputs import Command
from theo.domain.journal import TRADING
from theo.ports.store import CommandOutcome

CONFIRM_WAIT_S_MAX = 5.0  # a running trader looks at its inbox ten times a second; a busy one within a commit's retries
POLL_S = 0.05


class Carried(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one command in one run. ``state`` is done, refused, waits (for the next start), silent or failed."""

    run: str
    command: str
    state: str
    text: str


class Answer(msgspec.Struct, frozen=True):
    """The latch files that were written or removed, and what came of each command."""

    latches: list[str]
    commands: list[Carried]
    problems: list[str]


def stop_trading(path: Path, *, reason: str, flatten: bool, json: bool) -> int:
    """Halt every run of the home. Exit code 1 when something could not be done; what could was done."""
    home = open_home(path)
    text = f"{_actor()}: {reason}"
    folders = commanded_folders(home)
    answer = Answer([], [], [])
    for folder in dict.fromkeys((home.store, *folders)):
        try:
            StopFile(folder).set(text)
            answer.latches.append(str(folder / STOP_FILE))
        except TheoError as error:
            answer.problems.append(str(error))
    names = ("halt", "flatten") if flatten else ("halt",)
    for folder in folders:
        _command(home, folder, names, reason, answer)
    return _print(answer, "stopped: no run of this home takes new risk; protective stops keep resting", json=json)


def resume_trading(path: Path, *, reason: str, breaker: bool, json: bool) -> int:
    """Lift the kill switch, or reset a tripped breaker. Raises UserError without a reason, RefusedError while it must hold."""
    home = open_home(path)
    if not reason.strip():
        raise UserError("a resume needs a reason", remedy='Say why it is safe: theo resume --reason "feed was checked"')
    if breaker:
        return _reset_breakers(home, reason, json=json)
    folders = commanded_folders(home)
    here = Path.cwd() / STOP_FILE
    if here.exists() and not any(folder.samefile(Path.cwd()) for folder in (home.store, *folders)):
        raise RefusedError(
            "trading stays halted", where=str(here), why="a person put this file here", remedy="Remove it, then resume again"
        )
    answer = Answer([], [], [])
    runs = {folder: standing(home, folder) for folder in folders}
    broken = [f"{run.run}: {run.problem}" for run in runs.values() if run.problem]
    if broken:
        raise RefusedError(
            "trading stays halted", why="; ".join(broken), remedy="Run `theo doctor`, repair it, then resume again"
        )
    halted = [folder for folder, run in runs.items() if _is_halted(folder, run)]
    for folder in dict.fromkeys((home.store, *runs)):
        if (folder / STOP_FILE).exists():
            StopFile(folder).clear()
            answer.latches.append(str(folder / STOP_FILE))
    for folder in halted:
        _command(home, folder, ("resume",), reason, answer)
        if answer.commands[-1].state == "refused":
            StopFile(folder).set(f"a resume was refused: {answer.commands[-1].text}")
    if not answer.latches and not halted:
        return _print(answer, "nothing was halted", json=json)
    return _print(answer, "resumed", json=json)


def _is_halted(folder: Path, run: Standing) -> bool:
    """By its own STOP, or by its journal and the commands that wait, of which the last one counts."""
    held = bool(run.halted)
    for name in run.waiting:
        held = name == "halt" or (held and name != "resume")
    return held or (folder / STOP_FILE).exists()


def _reset_breakers(home: Home, reason: str, *, json: bool) -> int:
    answer = Answer([], [], [])
    for folder in commanded_folders(home):
        run = standing(home, folder)
        if run.problem:
            answer.problems.append(f"{run.run}: {run.problem}")
        elif run.breaker:
            _command(home, folder, ("reset_breaker",), reason, answer)
    return _print(answer, "the breaker is reset" if answer.commands else "no breaker is tripped", json=json)


def _actor() -> str:
    """Who asks: the machine's user."""
    try:
        return f"{getpass.getuser()} (command line)"
    except (OSError, KeyError):  # a user without a name
        return f"user {os.getuid()} (command line)"


def _command(home: Home, folder: Path, names: tuple[str, ...], reason: str, answer: Answer) -> None:
    """Post the commands, wait for a running trader to carry them out, and add what came of them."""
    run = run_name(home, folder)
    at, actor = WallClock().now(), _actor()
    try:
        if holder(folder, TRADING) is None and tuple(waiting_commands(folder))[-len(names) :] == names:
            answer.commands.extend(_carried(run, name, None, running=False) for name in names)  # asked for already
            return
        inbox = SqlInbox(folder)
        try:
            ids = {name: f"{name}-{at}-{os.getpid()}" for name in names}
            for name, command_id in ids.items():
                inbox.post(Command(at=at, id=command_id, actor=actor, name=name, reason=reason))
            for name, command_id in ids.items():
                outcome = _await(inbox, command_id, folder)
                answer.commands.append(_carried(run, name, outcome, running=holder(folder, TRADING) is not None))
        finally:
            inbox.close()
    except TheoError as error:
        answer.problems.append(f"{run}: {error}")
        answer.commands.append(Carried(run=run, command=names[-1], state="failed", text=str(error)))


def _await(inbox: SqlInbox, command_id: str, folder: Path) -> CommandOutcome | None:
    """The outcome; None when it did not come in time, or when no trader runs that could give one."""
    ends = time.monotonic() + CONFIRM_WAIT_S_MAX
    while (outcome := inbox.outcome(command_id)) is None and time.monotonic() < ends and holder(folder, TRADING) is not None:
        time.sleep(POLL_S)
    return outcome or inbox.outcome(command_id)  # it may have come with the trader's end


def _carried(run: str, name: str, outcome: CommandOutcome | None, *, running: bool) -> Carried:
    if outcome is not None:
        return Carried(run=run, command=name, state="done" if outcome.accepted else "refused", text=outcome.text)
    if running:
        text = f"the running trader has not answered within {CONFIRM_WAIT_S_MAX:.0f} s: look at `theo status`"
        return Carried(run=run, command=name, state="silent", text=text)
    return Carried(run=run, command=name, state="waits", text="not running: the next start carries it out first")


def _print(answer: Answer, done: str, *, json: bool) -> int:
    """Say it; the exit code."""
    failed = bool(answer.problems) or any(c.state in {"refused", "silent", "failed"} for c in answer.commands)
    if json:
        print(msgspec.json.encode(answer).decode())
    else:
        print(f"not all of it was done ({done})" if failed else done)
        for latch in answer.latches:
            print(f"  latch {latch}")
        for carried in answer.commands:
            print(f"  {carried.run}: {carried.command} {carried.state}: {carried.text}")
        for problem in answer.problems:
            print(f"  problem: {problem}")
    return EXIT_PROBLEM if failed else 0
