"""A demo that is killed again and again and always started again must end as one that nobody disturbed.

Orders, fills and deals must be the same, line by line: what was recorded and not yet sent is sent after the restart.

Run: python tests/closing/kills.py FOLDER [KILLS] [DAYS] [SEED].
"""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from random import Random

import msgspec

sys.path.insert(0, str(Path(__file__).parents[2]))  # shared test parts are imported as tests.NAME

from tests.golden.records import facts_of
from theo.adapters.instruments.catalogue import catalogue
from theo.adapters.paper.broker import VenueFile
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.app.home.layout import open_home
from theo.app.home.projecting import projected
from theo.domain.facts import Fact, Filled, OrderMoved, OrdersIntended, Restarted, RunStarted, SignalRaised, TradeIntended
from theo.domain.journal import TRADING
from theo.engine.order_life import OrderEvent
from theo.report.deals import runs
from theo.report.orders_hash import fill_lines, order_lines
from theo.venue.books import Books

KILLS, DAYS, SEED = 20, 60, 1
LOOK_SECONDS = 0.01  # between two looks at how far the run is
RUN_SECONDS_MAX = 600
INSTRUMENTS = {entry.instrument.id: entry.instrument for entry in catalogue().values()}
SYMBOLS = {number: instrument.symbol for number, instrument in INSTRUMENTS.items()}


class Outcome(msgspec.Struct):
    """What a finished demo left: orders and fills as canonical lines, its deals, its facts, and the exchange's books."""

    orders: list[str]
    fills: list[str]
    deals: list[tuple[object, ...]]
    facts: list[Fact]
    books: Books
    signals: list[tuple[str, str, int]]  # number, configuration and bar end of each, as the table has them

    @property
    def restarts(self) -> int:
        """How often the process came back."""
        return sum(isinstance(fact, Restarted) for fact in self.facts)

    @property
    def sent_again(self) -> int:
        """Orders that a kill kept from the exchange: recorded, and sent after the restart."""
        return sum(isinstance(fact, OrderMoved) and fact.event == OrderEvent.RESENT for fact in self.facts)

    def intended(self) -> list[str]:
        """The id of every order that was intended."""
        tickets = [fact.approved.subject for fact in self.facts if isinstance(fact, TradeIntended | OrdersIntended)]
        return [order.id for ticket in tickets for order in ticket.orders]

    def fault(self) -> str:
        """In which way the exchange's truth contradicts the journal; "" when it does not."""
        intended, fills = self.intended(), [fact for fact in self.facts if isinstance(fact, Filled)]
        if len(set(intended)) != len(intended):
            return "an order id was intended twice"
        if self.books.broker_ids != len(intended):
            return f"the exchange took {self.books.broker_ids} orders, {len(intended)} were intended"
        raised = sorted((number_of(f.id), f.key.config, f.end) for f in self.facts if isinstance(f, SignalRaised))
        if raised != self.signals or len({(config, end) for _, config, end in raised}) != len(raised):
            return f"{len(raised)} signals were raised, the table has {len(self.signals)}"
        if len({fill.execution for fill in fills}) != len(fills) or self.books.execution_ids != len(fills):
            return f"the exchange made {self.books.execution_ids} executions, {len(fills)} were counted"
        paid = sum(fill.value + fill.charges for fill in fills)
        return "" if self.books.cash == -paid else f"the exchange's cash is {self.books.cash}, ours {-paid}"


def number_of(signal: str) -> str:
    """A signal's id without the journal's, which is another in each home."""
    return signal.rpartition("-")[2]


def start(home: Path, days: int) -> subprocess.Popen[bytes]:
    """The demo in a process of its own, as fast as it goes."""
    home.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-c", "from theo.app.cli import main; main()", "--home", str(home), "demo", "--json"]
    return subprocess.Popen(
        [*command, "--days", str(days), "--speed", "0"], cwd=home, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )


def finish(home: Path, days: int) -> Outcome:
    """Let it run to its end; what it left."""
    process = start(home, days)
    _, said = process.communicate(timeout=RUN_SECONDS_MAX)
    assert process.returncode == 0, said.decode()
    return outcome(home)


def outcome(home: Path) -> Outcome:
    """Read what a finished demo left."""
    store = SqlJournalStore(home / "demo")
    facts = facts_of(store.read(TRADING))
    store.close()
    (run,) = runs(facts, INSTRUMENTS)
    deals: list[tuple[object, ...]] = [
        (d.side, d.entry_quantity, d.entry_sum, d.entered_at, d.exit_sum, d.exited_at, d.gross, d.charges, d.how)
        for d in run.deals()
    ]
    with projected(open_home(home), home / "demo") as market:
        rows = market.rows("signals")
        signals = sorted((number_of(str(row["id"])), str(row["config"]), int(str(row["end_at"]))) for row in rows)
    books = msgspec.convert(VenueFile(home / "demo" / "exchange.books").load(), Books, str_keys=True)
    return Outcome(order_lines(facts, SYMBOLS), fill_lines(facts, SYMBOLS), deals, facts, books, signals)


def times_within(whole: Outcome, count: int, draw: Random) -> list[int]:
    """So many moments of market time of a run, in order; none in its last tenth, where it may end before it is killed."""
    (started,) = (fact for fact in whole.facts if isinstance(fact, RunStarted))
    last = max(getattr(fact, "at", 0) for fact in whole.facts)
    return sorted(draw.randrange(started.at, last - (last - started.at) // 10) for _ in range(count))


def bars_of_signals(whole: Outcome) -> list[int]:
    """The ends of the bars that led to signals, in order: killed there, the process goes between a bar and its signal."""
    return sorted(fact.end for fact in whole.facts if isinstance(fact, SignalRaised))


def kill_at(home: Path, days: int, moment: int) -> bool:
    """Start the demo and kill it (SIGKILL) once its journal has come to ``moment``; False when it ended before."""
    process = start(home, days)
    while process.poll() is None:
        if reached(home) >= moment:
            process.kill()
            process.communicate()
            return True
        try:
            process.wait(LOOK_SECONDS)
        except subprocess.TimeoutExpired:
            continue
    process.communicate()
    return False


def reached(home: Path) -> int:
    """Core time of the newest durable record, microseconds; 0 without one."""
    path = home / "demo" / "journal.db"
    if not path.exists():
        return 0
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        (newest,) = connection.execute("SELECT max(recorded_at) FROM journal").fetchone()
    except sqlite3.OperationalError:  # the table is being made, or the file is locked for a moment
        newest = None
    finally:
        connection.close()
    return newest or 0


def killed(home: Path, days: int, moments: list[int]) -> tuple[Outcome, int]:
    """Kill the demo at each moment, let it end, and read what it left; and how many kills met a running one."""
    met = 0
    for moment in moments:
        if not kill_at(home, days, moment):
            return outcome(home), met
        met += 1
    return finish(home, days), met


def main(folder: Path, kills: int, days: int, seed: int) -> int:
    """0 when the killed run ended as the other one."""
    whole = finish(folder / "whole", days)
    draw = Random(seed)  # noqa: S311 - moments that can be repeated, not a secret
    bars = draw.sample(bars_of_signals(whole)[:-1], min(kills // 2, len(whole.signals) - 1))
    moments = sorted(times_within(whole, kills - len(bars), draw) + bars)
    other, met = killed(folder / "killed", days, moments)
    same = (other.orders == whole.orders, other.fills == whole.fills, other.deals == whole.deals, other.signals == whole.signals)
    sys.stdout.write(f"{met} kills, {other.restarts} restarts, {len(other.deals)} deals, {other.sent_again} orders sent again\n")
    sys.stdout.write(f"orders, fills, deals, signals equal: {same}\n")
    sys.stdout.write(f"books: whole {whole.fault() or 'agree'}, killed {other.fault() or 'agree'}\n")
    for ours, theirs in zip(whole.orders + whole.fills, other.orders + other.fills, strict=False):
        if ours != theirs:
            sys.stdout.write(f"first difference:\n  {ours}\n  {theirs}\n")
            break
    return 0 if all(same) and not other.fault() and met else 1


if __name__ == "__main__":
    os.environ.pop("THEO_HOME", None)
    numbers = [int(argument) for argument in sys.argv[2:]]
    sys.exit(main(Path(sys.argv[1]), *numbers, *(KILLS, DAYS, SEED)[len(numbers) :]))
