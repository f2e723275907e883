"""The rows that a rule set is in the tables of scan configurations: what people query by. The document says the same."""

from collections.abc import Iterator, Mapping
from typing import Final

from theo.adapters.sql.database.meanings import Value
from theo.domain.market_data import MINUTE
from theo.domain.timeframe import timeframe
from theo.strategy.condition import Compare, Condition, Every, InWindow, Not, Some
from theo.strategy.operand import SHORT_NAMES, Operand
from theo.strategy.ruleset import RuleSet, needs_of
from theo.strategy.trading_window import DAY_NAMES

Row = dict[str, Value]
ABOVE: Final = frozenset({">", ">=", "breaks_above", "crosses_above"})
BELOW: Final = frozenset({"<", "<=", "breaks_below", "crosses_below"})
OWNERS_NAMES: Final = {long: short for short, long in reversed(SHORT_NAMES.items())}


def config_row(ruleset: RuleSet) -> Row:
    """The columns of ``signal_configs`` that follow from what a rule set says."""
    scan, window = ruleset.scan, ruleset.window
    frame = timeframe(ruleset.naming.timeframe).length // MINUTE
    return {
        "name": ruleset.name,
        "description": ruleset.description,
        "signal_type": "Intraday" if window.intraday else "Positional",
        "mode": scan.mode.capitalize(),
        "sides": ruleset.sides.capitalize(),
        "placeholder": scan.placeholder or None,
        "expiry": scan.expiry.capitalize() or None,
        "option_type": scan.option_type or None,
        "option_category": scan.option_category or None,
        "writing": scan.writing,
        "scan_on": "Interval" if scan.every_minutes else "Bar close",
        "scan_interval_minutes": scan.every_minutes or frame,
        "missed": scan.missed.capitalize(),
        "days": " ".join(DAY_NAMES[day] for day in window.days),
        "start_minute": window.start,
        "end_minute": window.end,
        "time_zone": window.zone,
        "valid_until": window.last_day or None,
        "signals_per_day": ruleset.signals_per_day_max,
        "strategy": ruleset.strategy,
        "timeframe": ruleset.naming.timeframe,
        "session": ruleset.session.value,
        "version": ruleset.version,
    }


def symbol_rows(ruleset: RuleSet, tokens: Mapping[str, int]) -> list[Row]:
    """Every series that is read, the primary's decision series first, then what is named and not read."""
    naming = ruleset.naming
    series = [(need.symbol, need.timeframe) for need in needs_of(ruleset).series]
    series += [(symbol, naming.timeframe) for symbol in naming.symbols if symbol not in {each for each, _ in series}]
    return [
        {
            "symbol": symbol,
            "token": tokens.get(symbol) or None,
            "is_primary": (symbol, frame) == (naming.primary, naming.timeframe),
            "role": "Primary" if symbol == naming.primary else "Partner" if symbol in naming.partners else "Other",
            "timeframe": frame,
        }
        for symbol, frame in series
    ]


def entry_rows(ruleset: RuleSet) -> list[Row]:
    """One row for each condition of an entry; the trading window stands in the configuration's own columns."""
    return [*_rows("Long", ruleset.rules.long, ruleset), *_rows("Short", ruleset.rules.short, ruleset)]


def exit_rows(ruleset: RuleSet) -> list[Row]:
    """One row for each condition of an exit, or one for a group of them."""
    return [*_rows("Long", ruleset.rules.exit_long, ruleset), *_rows("Short", ruleset.rules.exit_short, ruleset)]


def _rows(side: str, rule: Condition | None, ruleset: RuleSet) -> Iterator[Row]:
    parts = () if rule is None else rule.of if isinstance(rule, Every) else (rule,)
    told = [part for part in parts if not isinstance(part, InWindow)]
    for place, part in enumerate(told, start=1):
        plain: Row = {"rule_type": "Condition", "symbol": None, "parameter": None, "correlation_threshold": None}
        typed = _typed(part) if isinstance(part, Compare) else {}
        yield plain | typed | {"side": side, "place": place, "text": words_of(part, ruleset.naming.timeframe)}


def _typed(part: Compare) -> Row:
    """A price against a level, and a correlation against a number, have names of their own."""
    left, right = part.left, part.right
    if left.is_correlation and not isinstance(right, Operand):
        threshold = right * part.times + part.plus
        return {"rule_type": "Correlation", "symbol": left.symbol, "correlation_threshold": threshold}
    side = "PriceAbove" if part.op in ABOVE else "PriceBelow" if part.op in BELOW else ""
    against_level = isinstance(right, Operand) and right.is_level and part.times == 1.0 and part.plus == 0.0
    if not (side and left.name == "close" and isinstance(right, Operand) and against_level):
        return {}
    return {"rule_type": side, "symbol": left.symbol, "parameter": OWNERS_NAMES.get(right.name, right.name)}


def words_of(condition: Condition, frame: str) -> str:
    """A condition or a group of them in one line."""
    if isinstance(condition, Compare | InWindow):
        return condition.words(frame)
    if isinstance(condition, Not):
        return f"not ({words_of(condition.of, frame)})"
    between = " or " if isinstance(condition, Some) else " and "
    return f"({between.join(words_of(part, frame) for part in condition.of)})"
