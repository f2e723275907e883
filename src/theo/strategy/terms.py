"""What a configuration asks of the order path beside its proposals: size, counts, reversal, when to look, when to be flat."""

from theo.strategy.looks import Looks
from theo.strategy.rule_strategy import bound_window
from theo.strategy.ruleset import RuleSet
from theo.strategy.trading_window import NEVER, BoundWindow
from theo.strategy.view import MarketView


class Terms:
    """The terms of one rule set. ``grace`` is in microseconds; ``risk_percent`` is of equity; ``quantity_max`` of one trade."""

    __slots__ = (
        "_window",
        "grace",
        "looks",
        "outside_rth",
        "quantity_max",
        "reverse",
        "risk_percent",
        "route",
        "signals_per_day_max",
    )

    def __init__(self, ruleset: RuleSet, view: MarketView) -> None:
        self.grace, self.reverse, self.outside_rth = ruleset.grace, ruleset.reverse, ruleset.outside_rth
        self.risk_percent, self.quantity_max = ruleset.risk_percent, ruleset.quantity_max
        self.route = ruleset.route
        self.signals_per_day_max = ruleset.signals_per_day_max
        self.looks = Looks(ruleset, view)
        self._window: BoundWindow | None = bound_window(ruleset, view) if ruleset.window.intraday else None

    def flat_at(self, opened_at: int) -> int:
        """When a trade opened at ``opened_at`` (microseconds UTC) must be flat; NEVER for positional configurations."""
        return NEVER if self._window is None else self._window.flat_at(opened_at)
