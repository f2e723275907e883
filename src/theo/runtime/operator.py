"""What people want of a running trader: the STOP file first, which needs nothing else to work, then commands from the inbox."""

import asyncio
import contextlib

import msgspec

from theo.domain.asked import CheckAsked, EntryAsked, MarginTold, PairAsked, PromotionAsked, unbounded
from theo.domain.errors import HaltRequiredError
from theo.domain.inputs import Command
from theo.domain.orders import OcaType
from theo.engine.decide.asked_entries import plan_entries
from theo.engine.decide.asked_signals import pending_signal
from theo.engine.decide.wishes import UnfitError
from theo.ports.latch import HaltLatch
from theo.ports.margins import Margins
from theo.ports.store import CommandInbox, CommandOutcome
from theo.runtime.shell import Shell

LEFT_OVER = "it was asked of the trader before this one started, and not carried out: ask again if it is still wanted"


class Operator:
    """``look`` is called every CONTROL_INTERVAL by whoever drives the shell.

    Orders that an earlier process was asked for and did not carry out are refused: the market has moved on. What it did carry
    out is answered from the record.
    """

    def __init__(self, shell: Shell, inbox: CommandInbox | None, latch: HaltLatch, margins: Margins | None = None) -> None:
        self._shell, self._inbox, self._latch, self._margins = shell, inbox, latch, margins
        self._halts = 0
        self._left_over = {c.id for c in (() if inbox is None else inbox.pending()) if c.payload is not None}
        self._questions: dict[str, asyncio.Task[tuple[MarginTold, ...]]] = {}  # to the broker, by the command that waits for them

    async def look(self) -> None:
        """Carry out what has been asked for since the last look."""
        state, at = self._shell.core.state, self._shell.core.at
        reason = self._latch.reason()
        if reason and not state.halted:
            self._halts += 1
            self._shell.post(Command(at=at, id=f"stop-file-{at}-{self._halts}", actor="STOP file", name="halt", reason=reason))
            await self._shell.pump()
        written = False  # by a halt of this very look: a resume that was asked for after it lifts both
        for asked in () if self._inbox is None else self._inbox.pending():
            assert self._inbox is not None  # it is where the command came from
            if (beyond := unbounded(asked.payload)) is not None:  # no record could hold it
                text = f"{beyond.what}. {beyond.remedy}"
                self._inbox.done(asked.id, CommandOutcome(at, accepted=False, text=text, rule=beyond.field))
                continue
            command = self._told_margins(asked)
            if command is None:
                continue  # the broker is being asked; everything else goes on
            standing = "" if written else self._latch.reason()
            outcome = await self._carry_out(command, standing)
            self._inbox.done(command.id, outcome)
            if outcome.accepted and command.name == "halt":
                written = written or not standing
            elif outcome.accepted and command.name == "resume" and written:
                with contextlib.suppress(HaltRequiredError):  # a STOP that remains halts again at the next look
                    self._latch.clear()
                written = False

    def close(self) -> None:
        """Ask the broker nothing more."""
        for question in self._questions.values():
            question.cancel()
        self._questions.clear()

    async def _carry_out(self, command: Command, standing: str) -> CommandOutcome:
        """A command keeps its id and takes core time; a resume is refused while a STOP file stands."""
        core = self._shell.core
        if command.name == "resume" and standing:
            return CommandOutcome(core.at, accepted=False, text=f"a STOP file exists ({standing}): remove it first")
        if command.id in self._left_over and command.id not in core.state.commands:
            return CommandOutcome(core.at, accepted=False, text=LEFT_OVER, rule="left_over")
        self._shell.post(msgspec.structs.replace(command, at=core.at))
        await self._shell.pump()
        await self._shell.idle()  # durable before anybody is told of it
        outcome = core.state.commands[command.id]
        return CommandOutcome(outcome.at, outcome.accepted, outcome.text, outcome.orders, outcome.rule, command.margins)

    # The broker's word on margin

    def _told_margins(self, command: Command) -> Command | None:
        """The command with what the broker says of its entries, where that is wanted; None while it has not answered."""
        if self._margins is None or not self._wants_margins(command):
            return command
        question = self._questions.get(command.id)
        if question is None:
            question = self._questions[command.id] = asyncio.create_task(self._ask(self._margins, command))
        if not question.done():
            return None
        del self._questions[command.id]
        return msgspec.structs.replace(command, margins=question.result())

    def _wants_margins(self, command: Command) -> bool:
        core, payload = self._shell.core, command.payload
        if command.id in core.state.commands or command.id in self._left_over:
            return False
        required = core.world.settings.margin_required and isinstance(payload, EntryAsked | PairAsked | PromotionAsked)
        return required or isinstance(payload, CheckAsked)

    async def _ask(self, margins: Margins, command: Command) -> tuple[MarginTold, ...]:
        """One answer for each entry; none where the rules have something against them, which the core will say."""
        core, payload = self._shell.core, command.payload
        try:
            asked = payload.asked if isinstance(payload, CheckAsked) else payload
            if isinstance(payload, PromotionAsked):
                asked = pending_signal(core.state, payload.signal).asked
            assert isinstance(asked, EntryAsked | PairAsked)
            plans = plan_entries(core.state, core.world, asked)
        except UnfitError:
            return ()
        entries = [planned.approved.subject.orders[0] for planned in plans]
        alone = [msgspec.structs.replace(order, oca_group="", oca_type=OcaType.NONE) for order in entries]
        return tuple([await margins.what_if(order) for order in alone])
