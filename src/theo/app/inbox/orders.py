"""Orders by hand, as functions: what `theo order` does, for scripts and whoever else asks.

Each asks the running trader of a home, through its inbox: the core judges what is asked by every rule that strategies meet,
keeps it, and sends it. Nothing here speaks to a broker. A repeat of a command id is carried out once and answered alike.
Raises UserError for a home or a run that is not there, TheoError for an inbox that cannot be read.
"""

import os
import time
from pathlib import Path

import msgspec

from theo.adapters.sql.database.traces import is_there
from theo.adapters.sql.inbox import SqlInbox
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.adapters.system.clock import WallClock
from theo.app.home.auditing import who_asks
from theo.app.home.journals import commanded_by, run_name, usual_folder
from theo.app.home.layout import Home, open_home
from theo.app.inbox.sending import CONFIRM_WAIT_S_MAX, POLL_S, awaited
from theo.app.recorded.orders import OrderShown, newest, orders_of
from theo.app.recorded.standing import known_to
from theo.domain.asked import Asked, ChangeAsked, CheckAsked, EntryAsked, ExitAsked, MarginTold, PairAsked, unbounded
from theo.domain.errors import UserError
from theo.domain.inputs import Command
from theo.ports.store import CommandOutcome

MARGIN_WAIT_S_MAX = 15.0  # the broker is asked on the way, and has a bound of its own
BROKER_WAIT_S_MAX = 3.0  # for the broker's first word on an order that was sent
LISTED_RECORDS_MAX = 20_000  # trading records searched for orders to list: some days of a busy run
ANSWERED_RECORDS_MAX = 2_000  # trading records searched for what was just placed or changed


class Ordered(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it. ``state``: done, refused (nothing was sent), silent (it may still be carried out) or not_running.

    ``rule`` is what refused it; ``orders`` are those that it placed or changed, as they stand; ``margins`` the broker's word.
    """

    run: str
    command: str
    state: str
    text: str
    rule: str = ""
    orders: list[OrderShown] = []
    margins: list[MarginTold] = []

    @property
    def failed(self) -> bool:
        """Whether it was not done, or the broker would not have it."""
        return self.state != "done" or any(order.status in {"rejected", "lost"} for order in self.orders)


def create_order(home: Path, asked: EntryAsked | ExitAsked, *, run: str = "", command_id: str = "", reason: str = "") -> Ordered:
    """Open a trade with its protective stop, or close one, or a part of it."""
    return _ask(home, run, "create_order", asked, command_id, reason)


def create_bracket_order(home: Path, asked: EntryAsked, *, run: str = "", command_id: str = "", reason: str = "") -> Ordered:
    """Open a trade with stop and target. Raises UserError where one of them is not named."""
    if not (asked.stop or asked.stop_trail) or not asked.target:
        raise UserError("a bracket has a stop and a target", remedy="Name both, or use create_order")
    return _ask(home, run, "create_bracket_order", asked, command_id, reason)


def create_oco_order(
    home: Path, first: EntryAsked, second: EntryAsked, *, run: str = "", command_id: str = "", reason: str = ""
) -> Ordered:
    """Two entries of which one cancels the other; both are sent, or none."""
    return _ask(home, run, "create_oco_order", PairAsked(first, second), command_id, reason)


def modify_order(home: Path, asked: ChangeAsked, *, run: str = "", command_id: str = "", reason: str = "") -> Ordered:
    """Change price, stop, target or quantity of a working order, or of a trade's."""
    return _ask(home, run, "modify_order", asked, command_id, reason)


def cancel_order(home: Path, order: str, *, run: str = "", command_id: str = "", reason: str = "") -> Ordered:
    """Cancel a working order, or the entry of a trade that waits for it."""
    return _ask(home, run, "cancel_order", None, command_id, reason, order)


def close_trade(home: Path, trade: str, *, run: str = "", command_id: str = "", reason: str = "") -> Ordered:
    """Close all of a trade at the market; its stop rests until it is flat."""
    return _ask(home, run, "close_trade", None, command_id, reason, trade)


def check_order(home: Path, asked: EntryAsked | PairAsked, *, run: str = "") -> Ordered:
    """What would come of it, and what the broker says of its margin; nothing is sent."""
    return _ask(home, run, "check_order", CheckAsked(asked), "", "")


def get_order_status(home: Path, order: str, *, run: str = "") -> list[OrderShown]:
    """An order, or all orders of a trade, with fills and execution reports. Raises UserError for one that is not known."""
    opened = open_home(home)
    folder = usual_folder(opened, run)
    found = _orders(opened, folder, order)
    if not found:
        raise UserError(f"no order and no trade {order}", where=run_name(opened, folder), remedy="`theo order list` shows them")
    return found


def list_orders(home: Path, *, run: str = "", count: int = 20) -> list[OrderShown]:
    """The orders that live, and the newest of those that have ended."""
    opened = open_home(home)
    return newest(_orders(opened, usual_folder(opened, run), "", LISTED_RECORDS_MAX), count)


def _orders(home: Home, folder: Path, wanted: str, records_max: int | None = None) -> list[OrderShown]:
    store = SqlJournalStore(home.place(folder))
    try:
        return orders_of(store, known_to(store), wanted, records_max)
    finally:
        store.close()


def _ask(path: Path, run: str, name: str, payload: Asked | None, command_id: str, reason: str, subject: str = "") -> Ordered:
    home = open_home(path)
    folder = usual_folder(home, run)
    command = command_of(name, payload, command_id, reason, subject)
    return _told(home, folder, command, sent(home, folder, command))


def command_of(
    name: str, payload: Asked | None, command_id: str, reason: str, subject: str = "", *, through: str = "command line"
) -> Command:
    """A person's command, asked for now; with an id of its own where none is given. Raises UserError for numbers of no order."""
    if beyond := unbounded(payload):
        raise UserError(beyond.what, where=beyond.field, remedy=beyond.remedy)
    at = WallClock().now()
    return Command(
        at=at,
        id=command_id or f"{name}-{at}-{os.getpid()}",
        actor=who_asks(through),
        name=name,
        reason=reason,
        subject=subject,
        payload=payload,
    )


def sent(home: Home, folder: Path, command: Command) -> CommandOutcome | str:
    """Ask the running trader: its outcome; or, where there is none, "not_running" or "silent".

    Where none runs, nothing is kept: an order must not lie there until somebody starts a trader days later. A repeat is answered.
    Raises DataError for an id that was used for another command.
    """
    if not is_there(folder, "inbox"):
        return "not_running"
    running = commanded_by(folder) is not None
    inbox = SqlInbox(home.place(folder))
    try:
        if not running:
            return (inbox.outcome(command.id) or "silent") if inbox.has(command) else "not_running"
        known = inbox.post(command)
        if known is not None:
            return known
        wait_s_max = CONFIRM_WAIT_S_MAX if command.payload is None else MARGIN_WAIT_S_MAX
        return awaited(inbox, command.id, folder, wait_s_max) or "silent"
    finally:
        inbox.close()


def _told(home: Home, folder: Path, command: Command, outcome: CommandOutcome | str) -> Ordered:
    name = run_name(home, folder)
    if isinstance(outcome, str):
        return Ordered(run=name, command=command.id, state=outcome, text=unanswered(outcome, command.id))
    return Ordered(
        run=name,
        command=command.id,
        state="done" if outcome.accepted else "refused",
        text=outcome.text,
        rule=outcome.rule,
        orders=_answered(home, folder, outcome.orders) if outcome.accepted else [],
        margins=list(outcome.margins),
    )


def unanswered(state: str, command_id: str) -> str:
    """What it means that there is no outcome."""
    if state == "silent":
        return f"no answer yet: it may still be carried out. Ask again with the same id ({command_id}), or look at the orders"
    return "no trader runs: nothing was asked"


def _answered(home: Home, folder: Path, ids: tuple[str, ...]) -> list[OrderShown]:
    """The orders once the broker has said something of each, or has not within its bound."""
    ends = time.monotonic() + BROKER_WAIT_S_MAX
    while True:
        found = [order for name in ids for order in _orders(home, folder, name, ANSWERED_RECORDS_MAX)]
        if len(found) == len(ids) and all(order.answered for order in found):
            return found
        if time.monotonic() >= ends:
            return found
        time.sleep(POLL_S)
