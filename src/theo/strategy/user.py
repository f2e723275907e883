"""A user's own strategy: one small class that names the numbers it reads and decides at each bar.

Everything else (stop, target, size, trading hours) is said by the rule set that names the class. Loading a class from a file is
done elsewhere. Nothing but what it is given may influence a decision: no clock, no chance, no files.
"""

import hashlib
from collections.abc import Mapping
from math import isnan
from typing import ClassVar

import msgspec

from theo.domain.errors import ConfigError
from theo.domain.orders import Side
from theo.domain.signals import Evaluation, Exit, Proposal
from theo.strategy import base
from theo.strategy.base import Needs
from theo.strategy.compiled import Values
from theo.strategy.numbers import Numbers, recorded
from theo.strategy.operand import parse_operand
from theo.strategy.proposing import OwnTerms, Proposer
from theo.strategy.rule_strategy import bound_window
from theo.strategy.ruleset import RuleSet, needs_of, plan_of
from theo.strategy.trading_window import BoundWindow
from theo.strategy.view import MarketView

OUTSIDE_WINDOW = "outside the trading window"
NUMBER_NAME_MAX = 40  # characters: names are shown in one line with their values
Setting = float | int | str | bool


class Enter(msgspec.Struct, frozen=True):
    """Enter on a side. Decimal prices take the place of the rule set's stop and target, ``quantity`` that of its size."""

    side: Side
    stop: float | None = None
    target: float | None = None
    quantity: int = 0
    reason: str = ""


class Leave(msgspec.Struct, frozen=True):
    """Close the open trade."""

    reason: str = ""


class Want(msgspec.Struct, frozen=True):
    """The position to be in: positive long, negative short, 0 flat. An open trade on the wanted side is left as it is."""

    quantity: int
    reason: str = ""


class Seen(msgspec.Struct, frozen=True):
    """One bar end: ``seen["fast"]`` is a number by the name under which it was asked for, None where it does not exist.

    ``end`` is in microseconds UTC; ``position`` is the signed quantity of the open trade; prices are decimal.
    """

    end: int
    position: int
    numbers: Mapping[str, float | None]

    def __getitem__(self, name: str) -> float | None:
        return self.numbers[name]


class UserStrategy:
    """Subclass it: name in ``numbers`` what you read (``"fast": "sma(10)"``), decide in ``on_bar``.

    Keep what must outlive a bar in ``self.memory``, plain values only: it is saved with snapshots and given back after a restart.
    """

    numbers: ClassVar[dict[str, str]] = {}

    def __init__(self, settings: Mapping[str, Setting]) -> None:
        self.settings = settings
        self.memory: dict[str, object] = {}

    def on_bar(self, seen: Seen) -> Enter | Leave | Want | None:
        """What to do at a bar's close; None for nothing."""
        raise NotImplementedError


def with_class(ruleset: RuleSet, kind: type[UserStrategy], source: str) -> RuleSet:
    """The rule set with what the class reads and the hash of its source, so that its version covers the code.

    Raises ConfigError when the rule set names no class, or the class asks for a number that does not exist.
    """
    if ruleset.own is None:
        raise ConfigError(
            f"{ruleset.name} names no class", remedy='Write strategy = "python" and [python] class = "mine.py:Mine"'
        )
    numbers = []
    for name, text in kind.numbers.items():
        try:
            numbers.append((name, parse_operand(text, ruleset.naming)))
        except ConfigError as error:
            where = f"{ruleset.own.path}: numbers[{name!r}]"
            raise ConfigError(error.what, where=where, why=error.why, remedy=error.remedy) from error
        if len(name) > NUMBER_NAME_MAX:
            raise ConfigError(
                f"the name {name!r} is too long", where=ruleset.own.path, remedy=f"Use {NUMBER_NAME_MAX} characters"
            )
    own = msgspec.structs.replace(ruleset.own, numbers=tuple(numbers), source_sha256=hashlib.sha256(source.encode()).hexdigest())
    return msgspec.structs.replace(ruleset, own=own)


class ClassStrategy:
    """A user's class at work: a Strategy around one instance of it."""

    __slots__ = ("_named", "_numbers", "_own", "_proposer", "_window", "ruleset")

    def __init__(self, ruleset: RuleSet, kind: type[UserStrategy]) -> None:
        if ruleset.own is None or len(ruleset.own.numbers) != len(kind.numbers):
            raise ConfigError(f"{ruleset.name} was not made for {kind.__name__}", remedy="Use with_class on the rule set first")
        self.ruleset = ruleset
        self._own = kind(ruleset.own.settings)

    def needs(self) -> Needs:
        """What the class and the rule set read."""
        return needs_of(self.ruleset)

    def bind(self, view: MarketView) -> None:
        """Take hold of the series and columns."""
        ruleset = self.ruleset
        assert ruleset.own is not None
        self._numbers = Numbers(ruleset, view)
        places = self._numbers.index
        self._named = tuple((name, places[operand.raw], operand.magnitude) for name, operand in ruleset.own.numbers)
        self._window: BoundWindow | None = None if ruleset.window.always else bound_window(ruleset, view)
        self._proposer = Proposer(ruleset, view, places)

    def ready(self, end: int) -> bool:
        """Whether every series has closed its last bar that is due by ``end``."""
        return self._numbers.ready(end)

    def evaluate(self, end: int, position: int) -> Evaluation:
        """Ask the class, inside and outside the trading window; outside it only leaving counts."""
        values = self._numbers.read(end)
        inside = self._window is None or self._window.allows(end)
        verdict, action = self._act(self._ask(end, position, values), values, position)
        if isinstance(action, Proposal) and not inside:
            verdict, action = OUTSIDE_WINDOW, None
        return Evaluation(verdict, recorded(values), int(inside and self._window is not None), action)

    def recall(self, end: int, position: int) -> None:
        """Show the class the bar end once more, so that its memory goes on; what it answers was answered then."""
        self._ask(end, position, self._numbers.read(end))

    def _ask(self, end: int, position: int, values: Values) -> Enter | Leave | Want | None:
        seen = {}
        for name, place, magnitude in self._named:
            value = values[place]
            seen[name] = None if isnan(value) else abs(value) if magnitude else value
        return self._own.on_bar(Seen(end, position, seen))

    def _act(self, answer: Enter | Leave | Want | None, values: Values, position: int) -> tuple[str, Proposal | Exit | None]:
        if isinstance(answer, Want):
            answer = _as_action(answer, position, reverses=self.ruleset.reverse)
        if answer is None:
            return base.NOTHING, None
        if isinstance(answer, Leave):
            return (base.EXIT, self._proposer.exit(answer.reason)) if position else (base.NOTHING, None)
        if not isinstance(answer, Enter):
            raise ConfigError(f"on_bar gave {answer!r}", where=self.ruleset.name, remedy="Give back Enter, Leave, Want or None")
        if position * answer.side.sign > 0:
            return (base.LONG_HELD if position > 0 else base.SHORT_HELD), None
        own = OwnTerms(stop=answer.stop, target=answer.target, quantity=answer.quantity, reason=answer.reason)
        return self._proposer.entry(answer.side, values, own)

    def conditions(self) -> tuple[str, ...]:
        """The trading window; the rest is decided in code."""
        return tuple(leaf.words(self.ruleset.naming.timeframe) for leaf in plan_of(self.ruleset).leaves)

    def number_names(self) -> tuple[str, ...]:
        """What each recorded number is."""
        return tuple(operand.text(self.ruleset.naming.timeframe) for operand in plan_of(self.ruleset).numbers)

    def state(self) -> dict[str, object]:
        """The class's memory."""
        return self._own.memory

    def restore(self, state: dict[str, object]) -> None:
        """Give the memory back."""
        self._own.memory = dict(state)


def _as_action(want: Want, position: int, *, reverses: bool) -> Enter | Leave | None:
    """What leads from a position to a wanted one. Without ``reverses``, an opposite wish leaves first and enters later."""
    if want.quantity == 0:
        return Leave(want.reason) if position else None
    side = Side.BUY if want.quantity > 0 else Side.SELL
    if position and position * side.sign < 0 and not reverses:
        return Leave(want.reason)
    return None if position * side.sign > 0 else Enter(side, quantity=abs(want.quantity), reason=want.reason)
