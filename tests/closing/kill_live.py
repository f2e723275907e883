"""`theo live` and `theo gateway`, two processes in real time, killed again and again while they trade: one of them, or both.

After each restart, and once more at the end, our journal must agree with the gateway's own books: every order there is ours and
is there once, every execution and no other counts, positions and deals follow from them, and no position is without a stop.
One of the rule sets trades on the simulated exchange beside it too, whose books must agree with that run's journal in the end.

Run: python -m tests.closing.kill_live [KILLS] [SEED] [FOLDER].
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

import msgspec

from tests.golden.records import facts_of
from theo.adapters.instruments.catalogue import catalogue
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.app.home.journals import BESIDE
from theo.app.home.layout import Home
from theo.app.recorded.run import decide_again
from theo.domain.facts import Fact, Filled, FillRevised, OrderMoved, OrdersIntended, Reconciled, Restarted, TradeIntended
from theo.domain.journal import TRADING
from theo.domain.market_data import SECOND
from theo.domain.orders import OrderRole
from theo.engine.order_life import OrderEvent
from theo.gateway.books import Booked
from theo.report.deals import runs
from theo.venue.books import LIVE, Books

KILLS, SEED = 50, 1
SPEED = 10
START = "2026-11-20T09:35"
WAIT_SECONDS = 90.0  # for a process to begin, and for the two books to agree
CALM_SECONDS_MAX = 6.0  # of trading between a restart and the next kill
LOOK_SECONDS = 0.2
COMMAND = (sys.executable, "-c", "from theo.app.cli import main; main()")
INSTRUMENTS = {entry.instrument.id: entry.instrument for entry in catalogue().values()}
SYMBOLS = {number: instrument.symbol for number, instrument in INSTRUMENTS.items()}
RULES = """
name = "{name}"
strategy = "rules"
timeframe = "1min"
session = "RTH"
[symbols]
primary = "{symbol}"
[entry]
{side} = [{{ left = "close", op = ">", right = 0 }}]
[stop]
percent = 0.02
[target]
percent = 0.02
[size]
quantity = {quantity}
[trading]
style = "positional"
"""
CONFIGURATION = """
mode = "paper"
[ib]
port = {port}
[limits]
trades_per_day_max = "unlimited"
daily_loss_percent_max = "unlimited"
stock_position_cash_max = "unlimited"
"""


class World:
    """Both processes on one folder; each can be killed and begun at any time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home, self.theirs = folder / "home", folder / "gateway"
        self.port, self.admin = free_port(), free_port()
        self.home.mkdir(parents=True, exist_ok=True)
        self.theirs.mkdir(parents=True, exist_ok=True)
        (self.home / "theo.toml").write_text(CONFIGURATION.format(port=self.port), encoding="utf-8")
        self.rules = [self._rules("up", "long", "MES", 2), self._rules("down", "short", "SPY", 50)]
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.restarted = 0

    def _rules(self, name: str, side: str, symbol: str, quantity: int) -> str:
        path = self.folder / f"{name}.toml"
        text = RULES.format(name=name, side=side, symbol=symbol, quantity=quantity)
        path.write_text(f"{text}[scan]\nshadow = {str(symbol == 'MES').lower()}\n", encoding="utf-8")
        return str(path)

    def begin(self, name: str) -> None:
        """Start the gateway, or the platform."""
        ports = ["--port", self.port, "--admin-port", self.admin]
        lasting = ["--start", START, "--speed", SPEED, "--state", self.theirs / "state.json"]
        arguments = {
            "gateway": ["--home", self.theirs, "gateway", "--plain", *ports, *lasting],
            "platform": ["--home", self.home, "live", *self.rules, "--broker-clock", "--speed", SPEED],
        }[name]
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [*COMMAND, *map(str, arguments)], cwd=self.folder, stdout=log, stderr=subprocess.STDOUT
            )
        if name == "gateway":
            self.until(lambda: self.books() is not None, "the gateway begins")

    def kill(self, name: str) -> None:
        """SIGKILL: no last word."""
        process = self.processes[name]
        if process.poll() is not None:
            raise AssertionError(f"the {name} ended by itself, code {process.returncode}: see {self.folder}/{name}.log")
        process.kill()
        process.wait()

    def end(self) -> None:
        """Whatever still runs is killed."""
        for process in self.processes.values():
            process.kill()
            process.wait()

    def stop_platform(self) -> None:
        """As a person stops it."""
        self.processes["platform"].terminate()
        self.processes["platform"].wait(WAIT_SECONDS)

    def until(self, holds: Callable[[], bool], what: str, seconds: float = WAIT_SECONDS) -> float:
        """How long it took, seconds. Raises AssertionError when it does not come true, or a process ends by itself."""
        begun = time.monotonic()
        while not holds():
            for name, process in self.processes.items():
                if process.poll() not in {None, -9}:
                    raise AssertionError(f"the {name} ended by itself, code {process.returncode}: see {self.folder}/{name}.log")
            if time.monotonic() - begun > seconds:
                raise AssertionError(f"not within {seconds:g} s: {what}")
            time.sleep(LOOK_SECONDS)
        return time.monotonic() - begun

    def books(self) -> Booked | None:
        """The gateway's, by its admin port; None while it does not answer."""
        try:
            with socket.create_connection(("127.0.0.1", self.admin), timeout=5) as peer:
                peer.sendall(b'{"books": true}\n')
                with peer.makefile("rb") as answer:
                    return msgspec.json.decode(answer.readline(), type=Booked)
        except (OSError, msgspec.DecodeError):
            return None

    @property
    def journal(self) -> Path:
        """The folder of the run's journal."""
        found = sorted(each for each in (self.home / "runs").glob("paper-*") if not each.name.endswith(BESIDE))
        return next(iter(found), self.home / "runs" / "none")

    def facts(self) -> list[Fact]:
        """All that the journal holds now."""
        if not (self.journal / "journal.db").exists():
            return []
        store = SqlJournalStore(self.journal)
        try:
            return facts_of(store.read(TRADING))
        finally:
            store.close()

    def settled(self) -> bool:
        """Whether the newest process has compared the books, and they agreed."""
        facts = self.facts()
        begun = [place for place, fact in enumerate(facts) if isinstance(fact, Restarted)]
        later = facts[begun[-1] :] if begun else facts
        return len(begun) >= self.restarted and any(isinstance(fact, Reconciled) and fact.agreed for fact in later)


def free_port() -> int:
    """One that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def unprotected(books: Booked) -> list[str]:
    """Positions at the gateway for which no stops of the whole size rest there."""
    found = []
    for held in books.positions.values():
        for symbol, quantity in held.items():
            closing = "SELL" if quantity > 0 else "BUY"
            resting = sum(
                order.quantity - order.filled
                for order in books.orders
                if order.symbol == symbol and order.side == closing and order.type == "STP" and not order.ended
            )
            if resting < abs(quantity):
                found.append(f"{symbol}: {quantity} held, stops for {resting}")
    return found


def contradictions(facts: list[Fact], books: Booked) -> list[str]:
    """In which ways the journal is not what the gateway's books say; empty when they agree."""
    intended = {
        order.id for fact in facts if isinstance(fact, TradeIntended | OrdersIntended) for order in fact.approved.subject.orders
    }
    refs = Counter(order.ref for order in books.orders)
    found = [f"order {ref!r} is not of our journal" for ref in refs if ref not in intended]
    found += [f"order {ref} was sent {times} times" for ref, times in refs.items() if times > 1]
    named = {fact.order: fact.broker_id for fact in facts if isinstance(fact, OrderMoved) and fact.broker_id}
    found += [
        f"order {order.ref} is permId {order.perm_id}, ours {named[order.ref]}"
        for order in books.orders
        if order.ref in named and named[order.ref] != str(order.perm_id)
    ]
    ours = counted(facts)
    theirs = {each.id: (each.ref, each.quantity, each.price, each.charges) for each in books.executions}
    found += [
        f"execution {name}: ours {ours.get(name)}, theirs {theirs.get(name)}"
        for name in {*ours, *theirs}
        if ours.get(name) != theirs.get(name)
    ]
    (run,) = runs(facts, INSTRUMENTS)
    held = {SYMBOLS[instrument]: quantity for instrument, quantity in run.positions.items() if quantity}
    if held != next(iter(books.positions.values())):
        found.append(f"positions: ours {held}, theirs {books.positions}")
    return found + wrong_deals(facts, books)


def counted(facts: list[Fact]) -> dict[str, tuple[str, int, int, int]]:
    """Our executions: order, quantity, price, charges as they count now."""
    known: dict[str, tuple[str, int, int, int]] = {}
    for fact in facts:
        if isinstance(fact, Filled):
            assert fact.execution not in known, f"execution {fact.execution} counts twice"
            known[fact.execution] = (fact.order, fact.quantity, fact.price, fact.charges)
        elif isinstance(fact, FillRevised):
            for old in (fact.execution, *fact.replaces):
                before = known.pop(old, None)
                if before is not None:
                    known[fact.execution] = (before[0], before[1] + fact.quantity, fact.price, before[3] + fact.charges)
    return known


def wrong_deals(facts: list[Fact], books: Booked) -> list[str]:
    """Deals whose sums are not those of the gateway's executions of their orders."""
    trade_of, inward, sides = {}, set(), {fact.id: fact.side for fact in facts if isinstance(fact, TradeIntended)}
    for fact in facts:
        if isinstance(fact, TradeIntended | OrdersIntended):
            for order in fact.approved.subject.orders:
                trade_of[order.id] = order.trade
                if order.side is sides[order.trade]:
                    inward.add(order.id)
    sums: dict[str, list[int]] = {}
    for each in books.executions:
        found = sums.setdefault(trade_of.get(each.ref, each.ref), [0, 0, 0])
        found[each.ref not in inward] += each.quantity * each.price
        found[2] += each.charges
    (run,) = runs(facts, INSTRUMENTS)
    ours = {deal.trade: [deal.entry_sum, deal.exit_sum, deal.charges] for deal in run.deals()}
    return [
        f"deal {trade}: ours {ours.get(trade)}, theirs {sums.get(trade)}"
        for trade in {*ours, *sums}
        if ours.get(trade) != sums.get(trade)
    ]


def compared(world: World) -> tuple[list[str], float]:
    """What contradicts once both sides have had time to hear of each other, and how long it took until nothing did, seconds."""
    begun, wrong = time.monotonic(), ["not compared"]
    while wrong and time.monotonic() - begun < WAIT_SECONDS:
        books = world.books()
        if books is None:
            continue
        naked = unprotected(books)  # at no moment, whatever has still to be told
        wrong = contradictions(world.facts(), books)
        if naked:
            return naked, time.monotonic() - begun
    return wrong, time.monotonic() - begun


def kill_one(world: World, draw: Random, number: int) -> tuple[str, float, float, list[str]]:
    """Kill at a random moment, begin again; who it was, how long until agreed and until compared (seconds), and what is wrong."""
    victims = (("platform",), ("gateway",), ("platform", "gateway"))[number % 3]
    _wait_for(world, draw)
    for name in victims if draw.random() < 0.5 else reversed(victims):
        world.kill(name)
    if "gateway" not in victims and (books := world.books()) is not None and (naked := unprotected(books)):
        return "platform", 0.0, 0.0, naked
    time.sleep(draw.uniform(0.0, 2.0))
    begun = time.monotonic()
    for name in reversed(victims):
        world.restarted += name == "platform"
        world.begin(name)
    link_lost = len(world.facts())
    world.until(lambda: world.settled() and _compared_since(world, link_lost), "the books agree after a kill")
    agreed = time.monotonic() - begun
    wrong, took = compared(world)
    return "+".join(victims), agreed, took, wrong


def _compared_since(world: World, place: int) -> bool:
    return any(isinstance(fact, Reconciled) and fact.agreed for fact in world.facts()[place:])


def _wait_for(world: World, draw: Random) -> None:
    """A moment in active trading: any, or just after something was recorded of an order."""
    time.sleep(draw.uniform(0.0, CALM_SECONDS_MAX))
    if draw.random() < 0.5:
        before = orders_in(world.facts())
        world.until(lambda: orders_in(world.facts()) > before, "trading goes on")
        time.sleep(draw.uniform(0.0, 0.05))


def orders_in(facts: list[Fact]) -> int:
    """How many facts are about orders."""
    return sum(isinstance(fact, TradeIntended | OrdersIntended | OrderMoved | Filled) for fact in facts)


def main(kills: int, seed: int, folder: Path) -> int:
    """0 when nothing was ever wrong."""
    world, draw = World(folder), Random(seed)  # noqa: S311 - moments that can be repeated, not a secret
    begun, wrong = time.monotonic(), 0
    try:
        world.begin("gateway")
        world.begin("platform")
        world.until(lambda: any(isinstance(fact, Filled) for fact in world.facts()), "trading begins")
        for number in range(kills):
            who, agreed, took, found = kill_one(world, draw, number)
            wrong += bool(found)
            said = "; ".join(found) or "agree"
            sys.stdout.write(f"{number + 1:3} {who:16} books agreed after {agreed:5.1f} s, equal after {took:4.1f} s: {said}\n")
            sys.stdout.flush()
        wrong += not ended_well(world)
        facts = world.facts()
    finally:
        world.end()
    sys.stdout.write(summary(facts, kills, time.monotonic() - begun))
    return 1 if wrong else 0


def ended_well(world: World) -> bool:
    """Stop in order; the journal then agrees with the books but for what filled later, and is decided again as it was."""
    found, _ = compared(world)
    world.stop_platform()
    again = decided_again(world, world.journal)
    sys.stdout.write(f"at the end: {'; '.join(found) or 'agree'}; decided again, first difference: {again}\n")
    beside = world.journal.with_name(f"{world.journal.name}{BESIDE}")
    theirs, again_beside = contradictions_beside(beside), decided_again(world, beside)
    sys.stdout.write(f"beside it: {'; '.join(theirs) or 'agree'}; decided again, first difference: {again_beside}\n")
    return not found and not theirs and again is None and again_beside is None


def decided_again(world: World, folder: Path) -> str | None:
    """Where a journal is not decided again as it was."""
    store = SqlJournalStore(folder)
    try:
        return decide_again(Home(world.home), folder, store).first_difference
    finally:
        store.close()


def contradictions_beside(folder: Path) -> list[str]:
    """In which ways the journal of the run beside is not what the books of its exchange say."""
    store = SqlJournalStore(folder)
    try:
        facts = facts_of(store.read(TRADING))
    finally:
        store.close()
    books = msgspec.convert(msgspec.msgpack.decode((folder / "exchange.books").read_bytes()), Books, str_keys=True)
    fills = counted(facts)  # asserts that none counts twice
    theirs = {each.execution: each.order for each in books.executions}
    found = [f"execution {name} of {order} is not counted" for name, order in theirs.items() if name not in fills]
    (run,) = runs(facts, INSTRUMENTS)
    held = {one: quantity for one, quantity in run.positions.items() if quantity}
    if held != {one: quantity for one, quantity in books.positions.items() if quantity}:
        found.append(f"positions: ours {held}, theirs {books.positions}")
    live = [each for each in books.orders.values() if each.standing in LIVE]
    asleep = {each.order.id for each in live if each.order.role is OrderRole.ENTRY}  # stops of an entry that was just sent
    resting = sum(each.remaining for each in live if each.order.role is OrderRole.STOP and each.order.parent not in asleep)
    if resting != sum(map(abs, held.values())):
        found.append(f"{held} held, stops for {resting}")
    if not fills:
        found.append("it has traded nothing")
    return found


def summary(facts: list[Fact], kills: int, seconds: float) -> str:
    """What happened in all."""
    (run,) = runs(facts, INSTRUMENTS)
    moved = Counter(fact.event for fact in facts if isinstance(fact, OrderMoved))
    intended = sum(isinstance(fact, TradeIntended) for fact in facts)
    times = [fact.at for fact in facts if isinstance(fact, Filled | Reconciled)]
    counts = {"trades": intended, "deals": len(run.deals()), "fills": sum(isinstance(fact, Filled) for fact in facts)}
    counts |= {
        "unanswered": moved[OrderEvent.UNANSWERED],
        "sent again": moved[OrderEvent.RESENT],
        "absent": moved[OrderEvent.ABSENT],
    }
    counts |= {"market minutes": (max(times) - min(times)) // SECOND // 60}
    return f"{kills} kills in {seconds:.0f} s: {json.dumps(counts)}\n"


if __name__ == "__main__":
    os.environ.pop("THEO_HOME", None)
    given = sys.argv[1:]
    numbers = [int(argument) for argument in given[:2]]
    wanted, drawn = (*numbers, *(KILLS, SEED)[len(numbers) :])
    sys.exit(main(wanted, drawn, Path(given[2]) if len(given) > len(numbers) else Path(tempfile.mkdtemp(prefix="kill-live-"))))
