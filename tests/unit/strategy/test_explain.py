"""Decisions in words, from the rule set and the recorded numbers alone."""

import msgspec
import pytest

from tests.unit.strategy.markets import SPY, Market, bar, bound, every_15_minutes, ruleset_of
from theo.domain.signals import Evaluation
from theo.strategy import base
from theo.strategy.explain import contradictions, explain
from theo.strategy.loading import load_ruleset
from theo.strategy.ruleset import from_canonical, plan_of

CLASSIC = load_ruleset(
    """
name = "classic"
strategy = "correlation"
timeframe = "15min"
[symbols]
primary = "MES"
partners = ["VIX"]
[stop]
times = 2.0
of = "atr(14)"
[target]
times = 3.0
of = "atr(14)"
[trading]
style = "positional"
days = ["Mon", "Fri"]
""",
    "classic.toml",
)
RECORDED = {
    "MES close": 5_012.25,
    "VIX close": 14.31,
    "MES swing(2).high[1]": 5_010.5,
    "MES swing(2).high_status[1]": 1.0,
    "VIX swing(2).low[1]": 14.2,
    "MES swing(2).low[1]": 4_990.0,
    "MES swing(2).low_status[1]": 1.0,
    "VIX swing(2).high[1]": None,
    "VIX correlation": -0.81,
    "MES atr(14)": 6.125,
    "time": 945.0,
}


def recorded(verdict: str, *held: str) -> Evaluation:
    """A decision as it is found in a journal, with the conditions that start with these words held."""
    names = tuple(operand.text("15min") for operand in plan_of(CLASSIC).numbers)
    truths = 0
    for at, leaf in enumerate(plan_of(CLASSIC).leaves):
        if leaf.words("15min").startswith(held):
            truths |= 1 << at
    return Evaluation(verdict, tuple(RECORDED[name] for name in names), truths)


HELD = "MES close breaks above", "VIX correlation", "the time"


def test_every_condition_is_told_with_its_numbers() -> None:
    assert explain(CLASSIC, recorded(base.NOTHING, *HELD)) == [
        f"classic ({CLASSIC.version}), MES 15min",
        "long entry: does not hold",
        (
            "  yes     MES close breaks above MES swing(2).high[1]: MES close 5012.25, MES swing(2).high[1] 5010.5, "
            "MES swing(2).high_status[1] 1"
        ),
        "  no      VIX close is below VIX swing(2).low[1]: VIX close 14.31, VIX swing(2).low[1] 14.2",
        "  yes     VIX correlation is at most -0.7: VIX correlation -0.81",
        "  yes     09:30 to 16:00 America/New_York on Mon Fri: time 15:45",
        "short entry: does not hold",
        (
            "  no      MES close breaks below MES swing(2).low[1]: MES close 5012.25, MES swing(2).low[1] 4990, "
            "MES swing(2).low_status[1] 1"
        ),
        "  missing VIX close is above VIX swing(2).high[1]: VIX close 14.31, VIX swing(2).high[1] missing",
        "  yes     VIX correlation is at most -0.7: VIX correlation -0.81",
        "  yes     09:30 to 16:00 America/New_York on Mon Fri: time 15:45",
        "stop: 2 x MES atr(14); target: 3 x MES atr(14)",
        "  MES atr(14) 6.125",
        "verdict: nothing",
    ]


def test_an_old_decision_is_told_from_stored_bytes() -> None:
    """What the journal keeps is enough: the canonical rule set and the encoded evaluation."""
    seen = recorded(base.NOTHING, *HELD)
    stored = CLASSIC.canonical(), msgspec.msgpack.encode(seen)
    again = msgspec.msgpack.decode(stored[1], type=Evaluation)
    assert explain(from_canonical(stored[0]), again) == explain(CLASSIC, seen)


def test_a_record_that_was_changed_contradicts_itself() -> None:
    assert contradictions(CLASSIC, recorded(base.NOTHING, *HELD)) == []
    assert contradictions(CLASSIC, recorded(base.LONG, *HELD, "VIX close is below")) == ["VIX close is below VIX swing(2).low[1]"]
    assert contradictions(CLASSIC, recorded(base.NOTHING, "the time")) == [
        "MES close breaks above MES swing(2).high[1]",
        "VIX correlation is at most -0.7",
    ]


def test_numbers_of_another_rule_set_are_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        explain(CLASSIC, Evaluation(base.NOTHING, (1.0,), 0))


def test_groups_are_told_by_their_words() -> None:
    ruleset = ruleset_of("""
[entry]
long = [
    { any = [{ left = "close", op = ">", right = 7 }, { not = { left = "time", op = "<", right = "10:00" } }] },
    { left = "close", op = ">", right = "sma(2)", times = 1.5, plus = -1 },
]
[exit]
long = [{ left = "close", op = "breaks_below", right = "SL" }]
""")
    market = Market()
    (first,) = every_15_minutes(1)
    (seen,) = market.play(bound(ruleset, market), [bar(SPY, first, 600)], SPY)
    assert explain(ruleset, seen)[1:] == [
        "long entry: does not hold",
        "  any of:",
        "    no      SPY close is above 7: SPY close 6",
        "    not:",
        "      yes     time is below 10:00: time 09:45",
        "  missing SPY close is above 1.5 x SPY sma(2) - 1: SPY close 6, SPY sma(2) missing",
        "long exit: does not hold",
        (
            "  missing SPY close breaks below SPY swing(2).low[1]: SPY close 6, SPY swing(2).low[1] missing, "
            "SPY swing(2).low_status[1] missing"
        ),
        "stop: 1 % of the entry; target: none",
        "verdict: nothing",
    ]
