"""The correlation strategy's relations, and warnings about signs that can hardly come true."""

import pytest

from tests.unit.strategy.markets import ruleset_of
from theo.strategy.loading import load_ruleset
from theo.strategy.relation import sign_warnings
from theo.strategy.ruleset import RuleSet, plan_of


def classic(primary: str, partners: list[str], table: str) -> RuleSet:
    listed = ", ".join(f'"{partner}"' for partner in partners)
    return load_ruleset(
        f"""
name = "classic"
strategy = "correlation"
timeframe = "15min"
target = "none"
[symbols]
primary = "{primary}"
partners = [{listed}]
[correlation]
{table}
[stop]
percent = 1
[trading]
style = "positional"
from = "00:00"
to = "24:00"
days = "all"
""",
        "classic.toml",
    )


@pytest.mark.parametrize(
    ("table", "conditions"),
    [
        (
            'relation = "inverse"',
            [
                "MES close breaks above MES swing(2).high[1]",
                "VIX close is below VIX swing(2).low[1]",
                "VIX correlation is at most -0.7",
                "MES close breaks below MES swing(2).low[1]",
                "VIX close is above VIX swing(2).high[1]",
            ],
        ),
        (
            'relation = "direct"\nthreshold = 0.8\nstrict = true\nlevel = "swing(3)"',
            [
                "MES close breaks above MES swing(3).high[1]",
                "VIX close is above VIX swing(3).high[1]",
                "VIX correlation is above 0.8",
                "MES close breaks below MES swing(3).low[1]",
                "VIX close is below VIX swing(3).low[1]",
            ],
        ),
        (
            'relation = "absolute"\nlevel = "donchian(20)"',
            [
                "MES close is above MES donchian(20).upper[1]",
                "VIX close is below VIX donchian(20).lower[1]",
                "|VIX correlation| is at least 0.7",
                "MES close is below MES donchian(20).lower[1]",
                "VIX close is above VIX donchian(20).upper[1]",
            ],
        ),
    ],
)
def test_a_relation_says_which_level_and_which_sign(table: str, conditions: list[str]) -> None:
    assert [leaf.words("15min") for leaf in plan_of(classic("MES", ["VIX"], table)).leaves] == conditions


def test_an_index_and_its_volatility_are_inverse_by_default() -> None:
    assert classic("SPY", ["VIX", "VXX"], "").relation == "inverse"
    assert classic("VXX", ["SPX"], "").relation == "inverse"


def test_every_partner_must_confirm() -> None:
    words = [leaf.words("15min") for leaf in plan_of(classic("SPY", ["VIX", "VXX"], "")).leaves]
    for said in ("VXX close is below VXX swing(2).low[1]", "VXX correlation is at most -0.7", "VIX correlation is at most -0.7"):
        assert said in words


def warned(condition: str) -> int:
    return len(sign_warnings(ruleset_of(f"[entry]\nlong = [{condition}]")))


@pytest.mark.parametrize(
    ("condition", "warnings"),
    [
        ('{ left = "VIX correlation", op = ">", right = 0.7 }', 1),
        ('{ left = "VIX correlation", op = ">=", right = 0 }', 1),
        ('{ left = "VIX correlation", op = "crosses_above", right = 0.5 }', 1),
        ('{ not = { left = "VIX correlation", op = "<", right = 0.7 } }', 1),
        ('{ not = { any = [{ left = "VIX correlation", op = "<=", right = 0.7 }] } }', 1),
        ('{ left = "VIX correlation", op = "<=", right = -0.7 }', 0),
        ('{ left = "VIX correlation", op = ">", right = -0.5 }', 0),
        ('{ not = { left = "VIX correlation", op = ">", right = 0.7 } }', 0),
        ('{ left = "abs(VIX correlation)", op = ">", right = 0.7 }', 0),
        ('{ left = "close", op = ">", right = 0.7 }', 0),
    ],
)
def test_a_sign_that_can_hardly_come_true_is_warned_of(condition: str, warnings: int) -> None:
    assert warned(condition) == warnings


def test_the_warning_explains_the_sign() -> None:
    (text,) = sign_warnings(classic("MES", ["VIX"], 'relation = "direct"'))
    assert text == (
        "classic: VIX correlation is at least 0.7 can hardly come true: MES and VIX move against each other, so their "
        'correlation is negative. Use relation = "inverse", or compare with at most -0.7'
    )


def test_two_markets_that_move_together_are_not_inverse() -> None:
    (text,) = sign_warnings(classic("MES", ["NQ"], 'relation = "inverse"'))
    assert "move with each other" in text
    assert sign_warnings(classic("GLD", ["SPY"], 'relation = "inverse"')) == ()
    assert sign_warnings(classic("MES", ["NQ"], 'relation = "direct"')) == ()
