"""`theo stop` and `theo resume`: the kill switch of a home. The latch file comes first and needs nothing else to work.

The home's STOP halts every run of the home, also one that is started later; each run's own STOP and journal hold the halt too.
"""

from contextlib import suppress
from pathlib import Path

import msgspec

from theo.adapters.system.latch import NAME as STOP_FILE
from theo.adapters.system.latch import StopFile
from theo.app.exit_codes import EXIT_PROBLEM
from theo.app.home.auditing import note, who_asks
from theo.app.home.journals import commanded_folders
from theo.app.home.layout import Home, open_home
from theo.app.inbox.sending import Carried, send
from theo.app.recorded.standing import Standing, standing
from theo.app.terminal.output import json_text
from theo.domain.errors import RefusedError, TheoError, UserError


class Answer(msgspec.Struct, frozen=True):
    """The latch files that were written or removed, and what came of each command."""

    latches: list[str]
    commands: list[Carried]
    problems: list[str]


def stop_trading(path: Path, *, reason: str, flatten: bool, json: bool) -> int:
    """Halt every run of the home. Exit code 1 when something could not be done; what could was done."""
    home = open_home(path)
    text = f"{who_asks()}: {reason}"
    folders = commanded_folders(home)
    answer = Answer([], [], [])
    for folder in dict.fromkeys((home.store, *folders)):
        try:
            StopFile(folder).set(text)
            answer.latches.append(str(folder / STOP_FILE))
        except TheoError as error:
            answer.problems.append(str(error))
    _note(home, "halt", reason, recorded=bool(folders))
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
    _note(home, "resume", reason, recorded=bool(folders) or not answer.latches)
    if not answer.latches and not halted:
        return _print(answer, "nothing was halted", json=json)
    return _print(answer, "resumed", json=json)


def _note(home: Home, action: str, reason: str, *, recorded: bool) -> None:
    """Where there is no run whose journal records it. The switch itself does not depend on that."""
    with suppress(TheoError):
        if not recorded:
            note(home, action, STOP_FILE, reason)


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


def _command(home: Home, folder: Path, names: tuple[str, ...], reason: str, answer: Answer) -> None:
    carried, problem = send(home, folder, names, reason)
    answer.commands.extend(carried)
    if problem:
        answer.problems.append(problem)


def _print(answer: Answer, done: str, *, json: bool) -> int:
    """Say it; the exit code."""
    failed = bool(answer.problems) or any(c.state in {"refused", "silent", "failed"} for c in answer.commands)
    if json:
        print(json_text(answer))
    else:
        print(f"not all of it was done ({done})" if failed else done)
        for latch in answer.latches:
            print(f"  latch {latch}")
        for carried in answer.commands:
            print(f"  {carried.run}: {carried.command} {carried.state}: {carried.text}")
        for problem in answer.problems:
            print(f"  problem: {problem}")
    return EXIT_PROBLEM if failed else 0
