"""What people want of a running trader: the STOP file first, which needs nothing else to work, then commands from the inbox."""

import contextlib

import msgspec

from theo.domain.errors import HaltRequiredError
from theo.domain.inputs import Command
from theo.ports.latch import HaltLatch
from theo.ports.store import CommandInbox, CommandOutcome
from theo.runtime.shell import Shell


class Operator:
    """``look`` is called every CONTROL_INTERVAL by whoever drives the shell."""

    def __init__(self, shell: Shell, inbox: CommandInbox | None, latch: HaltLatch) -> None:
        self._shell, self._inbox, self._latch = shell, inbox, latch
        self._halts = 0

    async def look(self) -> None:
        """Carry out what has been asked for since the last look."""
        state, at = self._shell.core.state, self._shell.core.at
        reason = self._latch.reason()
        if reason and not state.halted:
            self._halts += 1
            self._shell.post(Command(at=at, id=f"stop-file-{at}-{self._halts}", actor="STOP file", name="halt", reason=reason))
            await self._shell.pump()
        written = False  # by a halt of this very look: a resume that was asked for after it lifts both
        for command in () if self._inbox is None else self._inbox.pending():
            standing = "" if written else self._latch.reason()
            outcome = await self._carry_out(command, standing)
            assert self._inbox is not None  # it is where the command came from
            self._inbox.done(command.id, outcome)
            if outcome.accepted and command.name == "halt":
                written = written or not standing
            elif outcome.accepted and command.name == "resume" and written:
                with contextlib.suppress(HaltRequiredError):  # a STOP that remains halts again at the next look
                    self._latch.clear()
                written = False

    async def _carry_out(self, command: Command, standing: str) -> CommandOutcome:
        """A command keeps its id and takes core time; a resume is refused while a STOP file stands."""
        core = self._shell.core
        if command.name == "resume" and standing:
            return CommandOutcome(core.at, accepted=False, text=f"a STOP file exists ({standing}): remove it first")
        self._shell.post(msgspec.structs.replace(command, at=core.at))
        await self._shell.pump()
        outcome = core.state.commands[command.id]
        return CommandOutcome(outcome.at, outcome.accepted, outcome.text)
