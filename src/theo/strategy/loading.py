"""Reading a rule set from TOML text. Everything wrong is said at once, with file, key and remedy. Files are read elsewhere."""

import tomllib
from collections.abc import Callable

from theo.domain.market_data import DAY, SECOND, SessionScope
from theo.domain.timeframe import timeframe
from theo.strategy import buy_and_hold, correlation, crossover
from theo.strategy.condition import CONDITIONS_MAX, Condition, Every, InWindow, Some
from theo.strategy.distance import Percent
from theo.strategy.gate_terms import read_gate
from theo.strategy.mistakes import Mistakes
from theo.strategy.operand import Naming
from theo.strategy.reading_rules import RuleReader
from theo.strategy.ruleset import Rules, RuleSet, plan_of
from theo.strategy.scan_terms import SIDES, judge_scan, read_scan
from theo.strategy.sections import read_correlation_spec, read_distance, read_naming, read_own_class, read_trading
from theo.strategy.tables import Table
from theo.strategy.trading_window import TradingWindow

STRATEGIES = ("correlation", "ma_crossover", "buy_and_hold", "rules", "python")
NUMBERS_MAX = 250
GRACE_S_MAX = 600.0
QUANTITY_MAX = 1_000_000_000
RISK_PERCENT = 1.0


def load_ruleset(text: str, file: str, judge: Callable[[RuleSet, Mistakes], None] | None = None) -> RuleSet:
    """The rule set of a TOML text; ``file`` is named in errors. Raises RuleSetError with every mistake found.

    ``judge`` notes what is wrong beyond the text alone, such as hours in which its market is never open.
    """
    mistakes = Mistakes(file)
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        mistakes.add("", f"is not TOML: {error}", remedy="Correct the line that is named")
        content = {}
    mistakes.raise_if_any()
    ruleset = _read(Table(content, "", mistakes))
    if judge is not None:
        judge(ruleset, mistakes)
    mistakes.raise_if_any()
    plan = plan_of(ruleset)
    if len(plan.leaves) > CONDITIONS_MAX or len(plan.numbers) > NUMBERS_MAX:
        mistakes.add(
            "entry",
            f"the rules have {len(plan.leaves)} conditions on {len(plan.numbers)} numbers",
            why=f"at most {CONDITIONS_MAX} on {NUMBERS_MAX} are recorded at each bar",
            remedy="Split the rule set",
        )
    mistakes.raise_if_any()
    return ruleset


def _read(top: Table) -> RuleSet:
    naming = read_naming(top)
    strategy = top.choice("strategy", STRATEGIES)
    trading = read_trading(top.table("trading"))
    spec_table = top.table("correlation")
    spec = read_correlation_spec(spec_table)
    rules, relation = _rules(top, strategy, naming, trading.window, spec_table)
    spec_table.finish()
    own = read_own_class(top.table("python")) if strategy == "python" else None
    risk_percent, quantity_max, quantity = _size(top.table("size"))
    stop = read_distance(top, "stop", naming)
    target = None if top.get("target") == "none" else read_distance(top, "target", naming)
    rounding = top.choice("level_rounding", ("protective", "nearest"), "protective")
    ruleset = RuleSet(
        name=top.text("name", remedy='Name the configuration: name = "mes-vix"'),
        description=top.text("description", ""),
        strategy=strategy,
        naming=naming,
        session=SessionScope(top.choice("session", tuple(scope.value for scope in SessionScope), "RTH")),
        window=trading.window,
        correlation=spec,
        relation=relation,
        rules=rules,
        own=own,
        stop=stop or Percent(1.0),
        target=target,
        level_rounding="nearest" if rounding == "nearest" else "protective",
        risk_percent=risk_percent,
        quantity_max=quantity_max,
        quantity=quantity,
        reverse=top.flag("reverse", default=False),
        signals_per_day_max=trading.signals_per_day_max,
        outside_rth=trading.outside_rth,
        route=trading.route,
        grace=_grace(top, timeframe(naming.timeframe).length or DAY),
        scan=read_scan(top.table("scan")),
        gate=read_gate(top.table("gate")) if top.has("gate") else None,
    )
    judge_scan(ruleset.scan, ruleset.sides, naming.timeframe, top.table("scan"))
    top.finish()
    return ruleset


def _grace(top: Table, length: int) -> int:
    """Microseconds that a decision waits, less than a bar of ``length``: the next bar's decision would take its place."""
    grace = int(top.number("grace_s", min(2.0, length / SECOND / 2), 0.0, GRACE_S_MAX) * SECOND)
    if grace >= length:
        top.wrong(
            "grace_s", f"is {grace / SECOND:g}", why="the next bar closes before the decision", remedy="Use less than a bar"
        )
    return grace


def _size(table: Table) -> tuple[float, int, int]:
    """Risk per cent, most and fixed quantity (0 when sized by risk)."""
    if table.has("quantity") and table.has("risk_percent"):
        table.wrong("quantity", "is set, and risk_percent too", remedy="Keep one of them")
    sized = (
        table.number("risk_percent", RISK_PERCENT, 0.0, 100.0),
        table.whole("quantity_max", 1_000_000, 1, QUANTITY_MAX),
        table.whole("quantity", 0, 1, QUANTITY_MAX),
    )
    table.finish()
    return sized


def _rules(top: Table, strategy: str, naming: Naming, window: TradingWindow, spec: Table) -> tuple[Rules, str]:
    """The strategy's own rules, joined with those of the file: entries must hold all, exits any."""
    built, relation = Rules(), ""
    if strategy == "correlation":
        built, relation = correlation.expand(spec, naming)
    elif strategy == "ma_crossover":
        table = top.table("crossover")
        built = crossover.expand(table, naming)
        table.finish()
    elif strategy == "buy_and_hold":
        built = buy_and_hold.expand(naming)
    reader = RuleReader(naming, top.mistakes)
    entry, leave = top.table("entry"), top.table("exit")
    further = Rules(
        long=_rule(entry, "long", reader),
        short=_rule(entry, "short", reader),
        exit_long=_rule(leave, "long", reader),
        exit_short=_rule(leave, "short", reader),
    )
    _check_entries(top, strategy, entry, leave)
    entry.finish()
    leave.finish()
    if strategy == "python":
        return Rules(), relation
    sides = top.choice("sides", SIDES, "both")
    return Rules(
        long=None if sides == "short" else _entry(built.long, further.long, strategy, window),
        short=None if sides == "long" else _entry(built.short, further.short, strategy, window),
        exit_long=_either(built.exit_long, further.exit_long),
        exit_short=_either(built.exit_short, further.exit_short),
    ), relation


def _rule(table: Table, name: str, reader: RuleReader) -> Condition | None:
    value = table.get(name)
    return None if value is None else reader.rule(value, table.key(name))


def _check_entries(top: Table, strategy: str, entry: Table, leave: Table) -> None:
    if strategy == "rules" and not (entry.has("long") or entry.has("short")):
        top.missing("entry", "Write [entry] with long = [ ... ], short = [ ... ] or both")
    if strategy == "python":
        for table in (entry, leave):
            if table.has("long") or table.has("short"):
                top.wrong(table.path, "is set", why="a class of your own decides", remedy="Remove the rules, or the class")


def _entry(built: Condition | None, further: Condition | None, strategy: str, window: TradingWindow) -> Condition | None:
    """Everything that an entry needs. A built-in strategy that never takes this side does not take it by further rules."""
    if further is None if strategy == "rules" else built is None:
        return None
    parts = [] if window.always else [InWindow()]
    return Every(tuple(leaf for part in (built, further, *parts) if part is not None for leaf in _flat(part)))


def _flat(condition: Condition) -> tuple[Condition, ...]:
    return condition.of if isinstance(condition, Every) else (condition,)


def _either(one: Condition | None, other: Condition | None) -> Condition | None:
    return Some((one, other)) if one is not None and other is not None else one or other
