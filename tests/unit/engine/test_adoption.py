"""A position that is not ours: told once, in the way of new risk until a person decides, and left alone when he says so."""

from tests.closing import tick_market
from theo.domain.effects import Alert, Effect
from theo.domain.facts import Differed, Fact
from theo.domain.inputs import Command, LinkChanged, Started
from theo.domain.market_data import SECOND
from theo.domain.reports import BookReported
from theo.drive.assembly import assemble
from theo.engine.core import Core

MES = tick_market.INDEX


class Trader:
    """A core that is told of books by hand."""

    def __init__(self) -> None:
        plan = tick_market.plan(1)
        self.core: Core = assemble(plan)
        self.at = next(iter(tick_market.ticks(plan, 1, 4))).at
        self.take(Started(at=self.at, key=plan.key, build="t", cash=plan.cash, world="{}"))
        self.take(LinkChanged(self.at, up=True, reason="connected"))

    def take(self, item: Started | LinkChanged | Command | BookReported) -> tuple[list[Fact], list[Effect]]:
        """One input."""
        return self.core.step(item)

    def book(self, position: int) -> tuple[list[Fact], list[str]]:
        """The broker's books a little later: what differed, and whom it was told."""
        self.at += 20 * SECOND
        facts, effects = self.take(BookReported(at=self.at, orders=(), executions=(), positions={MES: position}))
        return [f for f in facts if isinstance(f, Differed)], [e.code for e in effects if isinstance(e, Alert)]

    def command(self, subject: str, reason: str = "my hedge") -> bool:
        """Adopt something; whether it was accepted."""
        self.at += SECOND
        made = Command(at=self.at, id=f"c{self.at}", actor="owner", name="adopt", reason=reason, subject=subject)
        self.take(made)
        return self.core.state.commands[made.id].accepted

    @property
    def agreed(self) -> bool:
        """Whether new risk may be taken."""
        return self.core.state.agreed


def test_a_difference_is_told_once_and_stays_in_the_way() -> None:
    trader = Trader()
    differed, told = trader.book(2)
    assert ([d.subject for d in differed if isinstance(d, Differed)], told) == (["SIM-MES"], ["position_differs"])
    assert trader.book(2) == ([], [])
    assert not trader.agreed
    assert trader.book(3)[1] == ["position_differs"]  # another difference


def test_an_adopted_position_is_left_alone_and_watched() -> None:
    trader = Trader()
    trader.book(2)
    assert trader.command("SIM-MES=2")
    assert trader.book(2) == ([], [])
    assert trader.agreed
    assert trader.book(0)[1] == ["position_differs"]  # whoever it belongs to has closed it
    assert trader.command("SIM-MES=0")
    trader.book(0)
    assert trader.agreed
    assert trader.core.state.foreign == {}


def test_a_difference_that_comes_again_is_told_again() -> None:
    trader = Trader()
    trader.book(2)
    trader.book(0)
    assert trader.agreed
    assert trader.book(2)[1] == ["position_differs"]


def test_what_is_not_said_clearly_is_refused() -> None:
    trader = Trader()
    assert not trader.command("SIM-MES")
    assert not trader.command("NOPE=1")
    assert not trader.command("SIM-MES=two")
    assert not trader.command("SIM-MES=2", reason="")
    assert trader.core.state.foreign == {}
