"""A person at a desk: a core and the simulated exchange in lock-step, ticks that a test makes, and commands between them."""

from dataclasses import replace
from typing import TypeVar

import msgspec

from tests.golden.records import facts_of
from tests.unit.drive.small_worlds import plan_of
from tests.unit.strategy.markets import MES, MONDAY, OPEN, ruleset_of
from theo.domain.asked import Asked, EntryAsked, ExitAsked, MarginTold
from theo.domain.facts import Fact
from theo.domain.inputs import Command, Started
from theo.domain.journal import TRADING, Record
from theo.domain.market_data import SECOND, Tick, TickKind
from theo.drive.assembly import assemble, exchange
from theo.drive.lockstep import LockStep
from theo.drive.redecide import redecide
from theo.engine.codec import decode_batch, decode_steps
from theo.engine.core import Core
from theo.engine.journal import Journal
from theo.engine.state import Outcome, State
from theo.engine.world import Settings
from theo.risk.limits import Limits
from theo.venue.books import LIVE, Books, Held

NEVER_FIRES = """[entry]
long = [
  { left = "close", op = "<", right = 0 },
  { left = "MES close", op = "<", right = 0 },
  { left = "VIX close", op = "<", right = 0 },
]
"""
SomeAsked = TypeVar("SomeAsked", EntryAsked, ExitAsked)
BEGIN = MONDAY + OPEN
PRICE = 500_000  # 5,000.00


def tick_of(price: int, at: int) -> Tick:
    """A trade of MES, large enough for every order."""
    return Tick(instrument=MES.id, at=at, timestamp=at, seq=0, kind=TickKind.TRADE, price=price, volume=1_000, source="test")


class Desk:
    """MES on the simulated exchange; ``tick`` moves the market, ``ask`` sends a command."""

    def __init__(self, settings: Settings | None = None, limits: Limits | None = None, *, begin: bool = True) -> None:
        self.plan = replace(plan_of(ruleset_of(NEVER_FIRES)), limits=limits or Limits(), settings=settings or Settings())
        self.plan.instruments["MES"] = MES
        self.plan.fees["MES"] = "zero"
        self.records: list[Record] = []
        self.core: Core = assemble(self.plan)
        self.venue = exchange(self.plan)
        self.driver = LockStep(self.core, self.venue, Journal(self.records.extend, 1))
        self.at, self.asked = BEGIN, 0
        plan = self.plan
        if not begin:
            return
        self.driver.feed(Started(at=self.at, key=plan.key, build="t", cash=plan.cash, world=plan.record()))
        self.tick(PRICE)

    def tick(self, price: int, after: int = SECOND) -> None:
        """One trade, large enough for every order."""
        self.at += after
        self.driver.run([tick_of(price, self.at)])

    def settle(self) -> None:
        """Time for everything that waits for time."""
        for _ in range(4):
            self.tick(self.core.world.market.last[MES.id], after=10 * SECOND)

    def ask(self, payload: Asked, number: str = "", margins: tuple[MarginTold, ...] = ()) -> Outcome:
        """A command of a person, with what the broker said of its margin, and what came of it."""
        return self.command("order", payload=payload, number=number, margins=margins)

    def command(
        self,
        name: str,
        subject: str = "",
        payload: Asked | None = None,
        number: str = "",
        margins: tuple[MarginTold, ...] = (),
    ) -> Outcome:
        """Any command."""
        self.asked += 1
        made = Command(
            at=self.at,
            id=number or f"c{self.asked}",
            actor="test",
            name=name,
            reason="test",
            subject=subject,
            payload=payload,
            margins=margins,
        )
        self.driver.run([made])
        return self.state.commands[made.id]

    @property
    def state(self) -> State:
        """What the core holds."""
        return self.core.state

    @property
    def books(self) -> Books:
        """What the exchange holds to be true."""
        return self.venue.books

    @property
    def position(self) -> int:
        """Contracts held, by the exchange's books."""
        return self.books.positions.get(MES.id, 0)

    def working(self, trade: str = "") -> list[Held]:
        """Orders that live at the exchange."""
        return [h for h in self.books.orders.values() if h.standing in LIVE and trade in {"", h.order.trade}]

    @property
    def facts(self) -> list[Fact]:
        """Every fact that was recorded."""
        return facts_of(self.records)

    def decided_again(self) -> str | None:
        """The first difference when the journal is decided again; None when there is none."""
        steps = [step for record in self.records if record.stream == TRADING for step in decode_steps(record)]
        items = iter(item for record in self.records if record.stream != TRADING for item in _items(record))
        return redecide(lambda _: assemble(self.plan), steps, items, lambda: (steps, items)).first_difference


def _items(record: Record) -> list[Tick]:
    return [item for item in decode_batch(record).items if isinstance(item, Tick)]


def units(text: str) -> int:
    """A price of MES in words as price units."""
    return MES.units(text)


def changed(asked: SomeAsked, **values: object) -> SomeAsked:
    """The same with other values."""
    return msgspec.structs.replace(asked, **values)
