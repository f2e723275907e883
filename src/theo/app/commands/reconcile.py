"""`theo reconcile` and `theo adopt`: a running trader's books and the broker's, compared now; what was found and done."""

import time
from pathlib import Path

import msgspec

from theo.adapters.sql.journal.lease import holder
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.app.exit_codes import EXIT_PROBLEM
from theo.app.home.journals import run_name, usual_folder
from theo.app.home.layout import open_home
from theo.app.inbox.sending import POLL_S, send
from theo.app.terminal.output import json_text
from theo.domain.errors import UserError
from theo.domain.facts import Differed, Reconciled
from theo.domain.journal import TRADING
from theo.engine.codec import decode_facts
from theo.ports.store import JournalStore

ANSWER_WAIT_S_MAX = 30.0  # the broker is asked four questions, each with a bound of its own


class Difference(msgspec.Struct, frozen=True):
    """One difference: of what kind, of what, what we had, what the broker says, and what was done."""

    kind: str
    subject: str
    ours: str
    theirs: str
    done: str


class Comparison(msgspec.Struct, frozen=True):
    """``agreed`` None: no answer came. Trading takes no new risk until the books agree."""

    run: str
    agreed: bool | None
    differences: list[Difference]
    problem: str = ""


def run(path: Path, run_id: str, *, json: bool) -> int:
    """Exit code 1 when the books differ, nobody runs, or no answer comes."""
    return _compared(path, run_id, "reconcile", "asked on the command line", json=json)


def adopt(path: Path, run_id: str, position: str, reason: str, *, json: bool) -> int:
    """As ``run``, after a position was said to be left alone. Raises UserError without a reason."""
    if not reason.strip():
        raise UserError("an adoption needs a reason", remedy='Say whose it is: theo adopt MES=-2 --reason "my hedge"')
    return _compared(path, run_id, "adopt", reason, position, json=json)


def _compared(path: Path, run_id: str, command: str, reason: str, subject: str = "", *, json: bool) -> int:
    home = open_home(path)
    folder = usual_folder(home, run_id)
    store = SqlJournalStore(home.place(folder))
    try:
        if holder(folder, TRADING) is None:
            done = Comparison(run_name(home, folder), None, [], "not running; a start compares them by itself")
            return _told(done, json=json)
        head = store.head(TRADING)
        carried, problem = send(home, folder, (command,), reason, subject)
        if carried[-1].state == "done":
            done = _answer(store, 0 if head is None else head.seq, run_name(home, folder))
        else:
            done = Comparison(run_name(home, folder), None, [], problem or carried[-1].text)
    finally:
        store.close()
    return _told(done, json=json)


def _told(done: Comparison, *, json: bool) -> int:
    print(json_text(done) if json else "\n".join(_lines(done)))
    return 0 if done.agreed else EXIT_PROBLEM


def _answer(store: JournalStore, after: int, name: str) -> Comparison:
    """What the trader recorded of the comparison, once it is there."""
    ends = time.monotonic() + ANSWER_WAIT_S_MAX
    while time.monotonic() < ends:
        found: list[Difference] = []
        for record in store.read(TRADING, after + 1):
            for fact in decode_facts(record):
                if isinstance(fact, Differed):
                    found.append(Difference(fact.kind, fact.subject, fact.ours, fact.theirs, fact.done))
                elif isinstance(fact, Reconciled):
                    return Comparison(name, fact.agreed, found)
        time.sleep(POLL_S)
    return Comparison(name, None, [], f"the broker has not answered within {ANSWER_WAIT_S_MAX:.0f} s: look at `theo status`")


def _lines(done: Comparison) -> list[str]:
    if done.agreed is None:
        return [f"{done.run}: not compared: {done.problem}"]
    verdict = "the books agree" if done.agreed else "the books do not agree: no new risk until they do"
    lines = [f"{done.run}: {verdict}; {len(done.differences)} differences"]
    return lines + [f"  {d.kind} {d.subject}: ours {d.ours}, theirs {d.theirs}: {d.done}" for d in done.differences]
