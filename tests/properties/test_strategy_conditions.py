"""Conditions on random bars, against a plain evaluation from the whole history with missing numbers as unknown (Kleene)."""

from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.strategy.markets import SPY, VIX, Market, bar, bound, every_15_minutes, ruleset_of
from theo.domain.market_data import Bar
from theo.domain.signals import Proposal
from theo.strategy.explain import contradictions, explain

History = list[Bar]
UNIT = 100.0
OPERANDS = (
    "close",
    "open",
    "high",
    "low",
    "sma(3)",
    "highest(3)",
    "donchian(2).upper",
    "donchian(2).lower",
    "swing(1).high",
    "swing(1).low",
    "swing(1).high_status",
)
LEVELS = ("donchian(2).upper", "donchian(2).lower", "highest(3)", "swing(1).high", "swing(1).low")
AVERAGES = ("sma(3)", "sma(2)", "close")


def fractal(history: History, at: int, sign: int) -> int | None:
    """The fractal (k = 1) that the bar ``at`` makes known: strictly beyond the bar before it and the bar after it."""
    if at < 2:
        return None
    a, b, c = ((x.high if sign > 0 else -x.low) for x in history[at - 2 : at + 1])
    return b if b > a and b > c else None


def swing(history: History, at: int, sign: int) -> tuple[int | None, bool]:
    """Latest known fractal and whether no close has exceeded it since it was known."""
    known = [(i, level) for i in range(at + 1) if (level := fractal(history, i, sign)) is not None]
    if not known:
        return None, False
    since, level = known[-1]
    return sign * level, all(sign * later.close <= level for later in history[since + 1 : at + 1])


def number(history: History, at: int, what: str) -> float | None:
    """A number by its definition, from the whole history up to the bar ``at``; prices decimal."""
    name, _, output = what.partition(".")
    if at < 0:
        return None
    if name in {"close", "open", "high", "low"}:
        return float(getattr(history[at], name)) / UNIT
    if name == "swing(1)":
        level, unbroken = swing(history, at, 1 if output.startswith("high") else -1)
        shown = float(unbroken) if output.endswith("status") else (level or 0) / UNIT
        return None if level is None else shown
    n = int(name[-2])
    window = history[at - n + 1 : at + 1] if at + 1 >= n else []
    return extreme_or_mean(window, name, output) / UNIT if window else None


def extreme_or_mean(window: History, name: str, output: str) -> float:
    if name.startswith("sma"):
        return sum(b.close for b in window) / len(window)
    top = name.startswith("highest") or output == "upper"
    return max(b.high for b in window) if top else min(b.low for b in window)


class Past:
    """Histories by symbol, at one bar end."""

    def __init__(self, histories: dict[str, History], end: int) -> None:
        self.histories, self.end = histories, end

    def see(self, text: str, lag: int) -> float | None:
        symbol, _, what = text.rpartition(" ")
        history = self.histories[symbol or "SPY"]
        at = next((i for i, b in enumerate(history) if b.end == self.end), None)
        return None if at is None else number(history, at - lag, what)


OPS: dict[str, Callable[[float, float], bool]] = {
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    "==": lambda a, b: a == b,
}


def usual_lag(text: str) -> int:
    return int(any(text.endswith(level) for level in LEVELS))


def judge(rule: Any, past: Past) -> bool | None:  # noqa: ANN401 - a parsed rule
    """True, False, or None for unknown."""
    if isinstance(rule, list) or "all" in rule:
        parts = [judge(part, past) for part in (rule if isinstance(rule, list) else rule["all"])]
        return False if False in parts else None if None in parts else True
    if "any" in rule:
        parts = [judge(part, past) for part in rule["any"]]
        return True if True in parts else None if None in parts else False
    if "not" in rule:
        inner = judge(rule["not"], past)
        return None if inner is None else not inner
    return compare(rule, past)


def compare(rule: dict[str, Any], past: Past) -> bool | None:
    op, right_text = rule["op"], rule["right"]
    left = past.see(rule["left"], usual_lag(rule["left"]))
    if op.startswith(("crosses", "breaks")):
        return event(rule, past, left)
    lag = rule.get("lag", usual_lag(right_text) if isinstance(right_text, str) else 0)
    right = past.see(right_text, lag) if isinstance(right_text, str) else right_text
    if left is None or right is None:
        return None
    return OPS[op](left, right * rule.get("times", 1.0) + rule.get("plus", 0.0))


def event(rule: dict[str, Any], past: Past, left: float | None) -> bool | None:
    """Beyond now, and not beyond one bar before; a level is the one known before, a swing has its status."""
    kind, right_text = rule["op"].split("_")[0], rule["right"]
    beyond = OPS[">"] if rule["op"].endswith("above") else OPS["<"]
    before = past.see(rule["left"], 1)
    lags = (1, 1) if kind == "breaks" else (0, 1)
    right, right_before = (past.see(right_text, lag) if isinstance(right_text, str) else right_text for lag in lags)
    if kind == "breaks" and "swing" in right_text:
        unbroken = past.see(f"{right_text}_status", 1)
        return None if left is None or right is None or unbroken is None else beyond(left, right) and unbroken == 1.0
    if left is None or before is None or right is None or right_before is None:
        return None
    return beyond(left, right) and not beyond(before, right_before)


def toml(rule: Any) -> str:  # noqa: ANN401 - as judge has it
    if isinstance(rule, list):
        return f"[{', '.join(toml(part) for part in rule)}]"
    if isinstance(rule, dict):
        return "{ " + ", ".join(f"{key} = {toml(value)}" for key, value in rule.items()) + " }"
    return f'"{rule}"' if isinstance(rule, str) else repr(rule)


symbols = st.sampled_from(["", "VIX "])
prices = st.integers(1, 30)


def placed(names: tuple[str, ...]) -> st.SearchStrategy[str]:
    return st.tuples(symbols, st.sampled_from(names)).map("".join)


plain = st.builds(
    lambda left, op, right, extra: {"left": left, "op": op, "right": right, **extra},
    placed(OPERANDS),
    st.sampled_from(sorted(OPS)),
    placed(OPERANDS),
    st.fixed_dictionaries(
        {},
        optional={"lag": st.sampled_from([0, 1]), "times": st.sampled_from([0.5, 2.0]), "plus": st.sampled_from([0.01, -0.02])},
    ),
)
with_limit = st.builds(
    lambda left, op, right: {"left": left, "op": op, "right": right},
    placed(OPERANDS),
    st.sampled_from(sorted(OPS)),
    prices.map(lambda p: p / UNIT),
)
breaks = st.builds(
    lambda left, op, right: {"left": left, "op": op, "right": right},
    placed(("close", "high")),
    st.sampled_from(["breaks_above", "breaks_below"]),
    placed(LEVELS),
)
crosses = st.builds(
    lambda left, op, right: {"left": left, "op": op, "right": right},
    placed(AVERAGES),
    st.sampled_from(["crosses_above", "crosses_below"]),
    placed(AVERAGES) | prices.map(lambda p: p / UNIT),
)
rules = st.recursive(
    plain | with_limit | breaks | crosses,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"all": parts}),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"any": parts}),
        inner.map(lambda part: {"not": part}),
    ),
    max_leaves=6,
)


@st.composite
def histories(draw: st.DrawFn) -> dict[str, History]:
    """Some bars of SPY; VIX lacks some of them."""
    found: dict[str, History] = {"SPY": [], "VIX": []}
    for end in every_15_minutes(draw(st.integers(4, 16))):
        for instrument in (SPY, VIX):
            close, up, down = draw(prices), draw(st.integers(0, 3)), draw(st.integers(0, 3))
            if instrument is SPY or draw(st.integers(0, 7)):
                found[instrument.symbol].append(bar(instrument, end, close, high=close + up, low=max(close - down, 1)))
    return found


@settings(max_examples=150)
@given(histories(), st.lists(rules, min_size=4, max_size=8))
def test_a_rule_holds_exactly_when_its_definition_says_so(known: dict[str, History], asked: list[dict[str, Any]]) -> None:
    market = Market()
    made = [(rule, ruleset_of(f"[entry]\nlong = [{toml(rule)}]")) for rule in asked]
    working = [(rule, ruleset, bound(ruleset, market)) for rule, ruleset in made]
    every = sorted([*known["SPY"], *known["VIX"]], key=lambda b: (b.end, b.instrument))
    for one in known["SPY"]:
        for closed in every:
            if closed.end == one.end:
                market.book.on_bar(closed)
        past = Past(known, one.end)
        for rule, ruleset, strategy in working:
            seen = strategy.evaluate(one.end, 0)
            assert (seen.verdict != "nothing") == (judge(rule, past) is True), (rule, seen)
            assert isinstance(seen.action, Proposal) == (seen.verdict == "long")
            assert contradictions(ruleset, seen) == []
            assert explain(ruleset, seen)[-1] == f"verdict: {seen.verdict}"
            for name, value in zip(strategy.number_names(), seen.numbers, strict=True):
                assert value == past.see(name.removesuffix("[1]"), int(name.endswith("[1]"))), name
