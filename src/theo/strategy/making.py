"""From a rule set to the strategy that works by it."""

from theo.domain.errors import ConfigError
from theo.strategy.base import Strategy
from theo.strategy.rule_strategy import RuleStrategy
from theo.strategy.ruleset import RuleSet
from theo.strategy.user import ClassStrategy, UserStrategy


def strategy_of(ruleset: RuleSet, kind: type[UserStrategy] | None = None) -> Strategy:
    """The strategy of a rule set, not yet bound; ``kind`` is the class that it names, if it names one. Raises ConfigError."""
    if ruleset.own is None:
        return RuleStrategy(ruleset)
    if kind is None:
        raise ConfigError(f"{ruleset.name} needs its class {ruleset.own.path}", remedy="Give the file beside the rule set")
    return ClassStrategy(ruleset, kind)
