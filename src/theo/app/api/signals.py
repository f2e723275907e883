"""Signals that the interface asks the running trader for: the commands of `theo signal`, in the same inbox, of one run."""

import threading
from collections.abc import Callable
from pathlib import Path

from theo.adapters.sql.database.traces import is_there
from theo.adapters.sql.inbox import SqlInbox
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.app.api.strategies import THROUGH
from theo.app.home.journals import commanded_by, run_name
from theo.app.home.layout import Home
from theo.app.inbox.orders import command_of
from theo.app.recorded.outcomes import trade_of_signal
from theo.domain.asked import Asked, PromotionAsked, SignalAsked
from theo.domain.errors import ConflictError, DataError
from theo.domain.facts import CommandDone, RunStarted
from theo.domain.inputs import Command
from theo.domain.journal import TRADING
from theo.domain.keys import Mode
from theo.engine.codec import decode_steps
from theo.ports.market_store import MarketStore
from theo.ports.store import CommandOutcome
from theo.report.told import Refusal, TradeTold


class RunSignals:
    """Implements theo.api.sources.Signals. For several threads.

    The inbox is opened anew for another trader: who plays a demo afresh begins with new files. ``keyed``: only who has the key
    asks. Without one real money is not risked over HTTP.
    """

    def __init__(
        self, home: Home, folder: Path, tables: MarketStore, journal: Callable[[], SqlJournalStore | None], *, keyed: bool
    ) -> None:
        self._home, self._folder, self._tables, self._journal, self._keyed = home, folder, tables, journal, keyed
        self._opening = threading.Lock()
        self._inbox: SqlInbox | None = None
        self._trader: int | None = None  # whose inbox it is, by process; None for nobody's

    def create(self, command: str, asked: SignalAsked, reason: str) -> CommandOutcome | None:
        """See the protocol."""
        self._refuse_unkeyed()
        return self._ask("create_signal", asked, command, reason)

    def process(self, command: str, signal: str, reason: str) -> CommandOutcome | None:
        """See the protocol."""
        self._refuse_unkeyed()
        return self._ask("process_signal", PromotionAsked(signal), command, reason)

    def cancel(self, command: str, signal: str, reason: str) -> CommandOutcome | None:
        """See the protocol."""
        return self._ask("cancel_signal", None, command, reason, signal)

    def outcome(self, command: str) -> CommandOutcome | None:
        """See the protocol."""
        inbox = self._inbox
        return None if inbox is None else inbox.outcome(command)

    def refusal(self, command: str) -> Refusal | None:
        """See the protocol."""
        found = self._recorded(command)
        refused = None if found is None else found[1].refused
        if refused is None:
            return None
        if not (refused.value or refused.limit):
            return Refusal(refused.rule, None, None)  # a rule that counts nothing
        return Refusal(refused.rule, refused.value, refused.limit)

    def trade(self, signal: str) -> TradeTold | None:
        """See the protocol."""
        return trade_of_signal(self._tables, signal)

    def _ask(self, name: str, payload: Asked | None, command_id: str, reason: str, subject: str = "") -> CommandOutcome | None:
        command = command_of(name, payload, command_id, reason, subject, through=THROUGH)
        trader = commanded_by(self._folder)
        if trader is not None:
            return self._opened(trader).post(command)
        answered = self._answered(command)
        if answered is None and not self._waits(command):
            raise ConflictError(
                f"no trader runs for run {run_name(self._home, self._folder)}",
                why="nothing was asked, and nothing is kept for one that starts later",
                remedy="Start one: `theo live`, `theo paper` or `theo demo`",
            )
        return answered

    def _refuse_unkeyed(self) -> None:
        if not self._keyed and self._mode() is Mode.LIVE:
            raise ConflictError(
                "signals of a live account are asked for with a key",
                why="without one any program on this machine could risk real money",
                remedy="Give the interface a key: `key_file` of [api] in theo.toml, or THEO_API_KEY. Or use `theo signal`",
            )

    def _mode(self) -> Mode | None:
        """Of the run, which never changes, as its first record says; None before there is one."""
        journal = self._journal()
        first = () if journal is None else journal.read(TRADING, 1, 1)
        facts = (fact for record in first for step in decode_steps(record) for fact in step.facts)
        return next((fact.key.mode for fact in facts if isinstance(fact, RunStarted)), None)

    def _waits(self, command: Command) -> bool:
        """Whether a trader was asked for it, and ended before it answered: the next one says what comes of it."""
        if not is_there(self._folder, "inbox"):
            return False
        return self._opened(None).has(command)

    def _opened(self, trader: int | None) -> SqlInbox:
        with self._opening:
            if self._inbox is None or self._trader != trader:
                self._closed()
                self._inbox, self._trader = SqlInbox(self._home.place(self._folder)), trader
            return self._inbox

    def _answered(self, command: Command) -> CommandOutcome | None:
        """What a trader that ran before made of the same command. Raises DataError where it was another one of this id."""
        found = self._recorded(command.id)
        if found is None:
            return None
        given, done = found
        if _what(given) != _what(command):
            raise DataError(
                f"command id {command.id} was used for {given.name} {given.subject}".rstrip(),
                why="one id means one command",
                remedy="Send the command again with a new id",
            )
        rule = "" if done.refused is None else done.refused.rule
        return CommandOutcome(done.at, done.accepted, done.text, done.orders, rule)

    def _recorded(self, command: str) -> tuple[Command, CommandDone] | None:
        """A command as the journal holds it, with what came of it; None while the tables do not say where."""
        row, journal = next(self._tables.rows("events", kind="command", subject=command), None), self._journal()
        if row is None or journal is None:
            return None
        seq = row["seq"]
        assert isinstance(seq, int)
        for record in journal.read(TRADING, seq, seq):
            for step in decode_steps(record):
                done = next((fact for fact in step.facts if isinstance(fact, CommandDone) and fact.id == command), None)
                if done is not None and isinstance(step.input, Command):
                    return step.input, done
        return None

    def close(self) -> None:
        """Release the inbox."""
        with self._opening:
            self._closed()

    def _closed(self) -> None:
        if self._inbox is not None:
            self._inbox.close()
        self._inbox = None


def _what(command: Command) -> tuple[object, ...]:
    """What makes it the same command, as the inbox compares them."""
    return command.name, command.subject, command.actor, command.payload
