"""Sending a person's commands to runs through their inboxes, and what came of each."""

import os
import time
from pathlib import Path

import msgspec

from theo.adapters.sql.inbox import SqlInbox
from theo.adapters.sql.journal.lease import holder
from theo.adapters.system.clock import WallClock
from theo.app.home.auditing import who_asks
from theo.app.home.journals import run_name
from theo.app.home.layout import Home
from theo.app.recorded.standing import waiting_commands
from theo.domain.errors import TheoError
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


def send(home: Home, folder: Path, names: tuple[str, ...], reason: str, subject: str = "") -> tuple[list[Carried], str]:
    """Post the commands and wait for a running trader to carry them out: what came of each, and the problem if there was one."""
    run = run_name(home, folder)
    carried: list[Carried] = []
    at, actor = WallClock().now(), who_asks()
    try:
        if holder(folder, TRADING) is None and tuple(waiting_commands(home, folder))[-len(names) :] == names:
            return [_carried(run, name, None, running=False) for name in names], ""  # asked for already
        inbox = SqlInbox(home.place(folder))
        try:
            ids = {name: f"{name}-{at}-{os.getpid()}" for name in names}
            for name, command_id in ids.items():
                inbox.post(Command(at=at, id=command_id, actor=actor, name=name, reason=reason, subject=subject))
            for name, command_id in ids.items():
                outcome = awaited(inbox, command_id, folder, CONFIRM_WAIT_S_MAX)
                carried.append(_carried(run, name, outcome, running=holder(folder, TRADING) is not None))
        finally:
            inbox.close()
    except TheoError as error:
        carried.append(Carried(run=run, command=names[-1], state="failed", text=str(error)))
        return carried, f"{run}: {error}"
    return carried, ""


def awaited(inbox: SqlInbox, command_id: str, folder: Path, wait_s_max: float) -> CommandOutcome | None:
    """The outcome; None when it did not come in time, or when no trader runs that could give one."""
    ends = time.monotonic() + wait_s_max
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
