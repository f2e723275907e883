"""The one mechanism behind every rule set without own code: read the numbers, test each condition, judge the rules, propose."""

from collections.abc import Callable, Sequence

import msgspec

from theo.domain.errors import ConfigError
from theo.domain.orders import Side
from theo.domain.signals import Evaluation, Exit, Proposal
from theo.strategy import base
from theo.strategy.base import Needs
from theo.strategy.compiled import Rule, Values
from theo.strategy.condition import InWindow
from theo.strategy.generated import truths_of, truths_of_columns
from theo.strategy.looks import looks_at_every_bar
from theo.strategy.numbers import Numbers, Reading, recorded
from theo.strategy.proposing import Proposer
from theo.strategy.ruleset import RuleSet, needs_of, plan_of
from theo.strategy.trading_window import BoundWindow
from theo.strategy.view import MarketView


class Rules(msgspec.Struct, frozen=True):
    """What a rule set asks at each bar end, for whoever has many bar ends at once.

    ``truths`` is a function of the numbers' columns (generated.truths_of_columns); ``window_bit`` is set beside it where the
    window allows an entry.
    """

    readings: tuple[Reading, ...]
    truths: Callable[[Sequence[object]], object]
    window: BoundWindow | None
    window_bit: int
    long: Rule
    short: Rule
    exit_long: Rule
    exit_short: Rule


class RuleStrategy:
    """A rule set at work. It keeps nothing between bars: events are read from levels, statuses and the bar before."""

    __slots__ = (
        "_exit_long",
        "_exit_short",
        "_long",
        "_numbers",
        "_proposer",
        "_short",
        "_truths",
        "_window",
        "_window_bit",
        "ruleset",
    )

    def __init__(self, ruleset: RuleSet) -> None:
        self.ruleset = ruleset

    def needs(self) -> Needs:
        """What the rule set reads."""
        return needs_of(self.ruleset)

    def bind(self, view: MarketView) -> None:
        """Take hold of the series and columns, and compile the conditions over them."""
        ruleset, leaves = self.ruleset, plan_of(self.ruleset).leaves
        self._numbers = Numbers(ruleset, view)
        places = self._numbers.index
        self._truths = truths_of(leaves, places)
        self._window_bit = 1 << leaves.index(InWindow()) if InWindow() in leaves else 0
        self._window: BoundWindow | None = bound_window(ruleset, view) if self._window_bit else None
        rules = ruleset.rules
        self._long, self._short, self._exit_long, self._exit_short = (
            Rule(rule, leaves, places) for rule in (rules.long, rules.short, rules.exit_long, rules.exit_short)
        )
        self._proposer = Proposer(ruleset, view, places)

    def ready(self, end: int) -> bool:
        """Whether every series has closed its last bar that is due by ``end``."""
        return self._numbers.ready(end)

    def evaluate(self, end: int, position: int) -> Evaluation:
        """Look at one bar end."""
        values = self._numbers.read(end)
        numbers = recorded(values)
        truths = self._truths(values)
        if self._window is not None and self._window.allows(end):
            truths |= self._window_bit
        long, short = self._long, self._short
        mask = long.mask
        is_long = truths & mask == mask if mask >= 0 else long.holds(truths, values)
        mask = short.mask
        is_short = truths & mask == mask if mask >= 0 else short.holds(truths, values)
        if position or is_long or is_short:
            verdict, action = self._judge(truths, values, position, is_long=is_long, is_short=is_short)
            return Evaluation(verdict, numbers, truths, action)
        return Evaluation(base.NOTHING, numbers, truths)

    def rules(self) -> Rules | None:
        """What ``evaluate`` asks; None where a number may be of another bar end than the decision's, or bars are passed over."""
        if not (self._numbers.prompt and looks_at_every_bar(self.ruleset)):
            return None
        return Rules(
            self._numbers.readings,
            truths_of_columns(plan_of(self.ruleset).leaves, self._numbers.index),
            self._window,
            self._window_bit,
            self._long,
            self._short,
            self._exit_long,
            self._exit_short,
        )

    def recall(self, end: int, position: int) -> None:
        """Nothing is kept that a bar end could change."""

    def _judge(
        self,
        truths: int,
        values: Values,
        position: int,
        *,
        is_long: bool,
        is_short: bool,
    ) -> tuple[str, Proposal | Exit | None]:
        """An opposite entry is proposed too: it is recorded, and traded only where the rule set reverses."""
        side = None if is_long == is_short else Side.BUY if is_long else Side.SELL
        opposite = side is not None and position * side.sign < 0
        if side is not None and opposite and self.ruleset.reverse:
            verdict, proposal = self._proposer.entry(side, values)
            if proposal is not None:
                return verdict, proposal
        if position and (self._exit_long if position > 0 else self._exit_short).holds(truths, values):
            return base.EXIT, self._proposer.exit()
        if side is None:
            return (base.BOTH_SIDES if is_long else base.NOTHING), None
        if position and not opposite:
            return (base.LONG_HELD if is_long else base.SHORT_HELD), None
        return self._proposer.entry(side, values)

    def conditions(self) -> tuple[str, ...]:
        """Each condition in words."""
        return tuple(leaf.words(self.ruleset.naming.timeframe) for leaf in plan_of(self.ruleset).leaves)

    def number_names(self) -> tuple[str, ...]:
        """What each recorded number is."""
        return tuple(operand.text(self.ruleset.naming.timeframe) for operand in plan_of(self.ruleset).numbers)

    def state(self) -> dict[str, object]:
        """Nothing is kept."""
        return {}

    def restore(self, state: dict[str, object]) -> None:
        """Takes back nothing; raises ConfigError when there is something, which is another strategy's."""
        if state:
            raise ConfigError(f"{self.ruleset.name} keeps no state", remedy="Start from the journal without this snapshot")


def bound_window(ruleset: RuleSet, view: MarketView) -> BoundWindow:
    """The rule set's window on the sessions of what it trades."""
    return BoundWindow(ruleset.window, view.wall_clock(ruleset.window.zone), view.sessions(ruleset.naming.ordered))
