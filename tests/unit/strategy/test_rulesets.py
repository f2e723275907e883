"""Rule sets as values: what ships, versions, round trips, and what a rule set needs."""

from importlib.resources import files

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.strategy.markets import ruleset_of
from theo.market.indicators.spec import DEFINITIONS
from theo.strategy.base import ColumnNeed, SeriesNeed
from theo.strategy.loading import load_ruleset
from theo.strategy.operand import PRICED, UNPRICED, Naming, parse_operand
from theo.strategy.relation import sign_warnings
from theo.strategy.ruleset import RuleSet, from_canonical, needs_of, plan_of

SHIPPED = sorted(entry.name for entry in files("theo.strategy").joinpath("rulesets").iterdir() if entry.name.endswith(".toml"))


def text_of(name: str) -> str:
    return files("theo.strategy").joinpath(f"rulesets/{name}").read_text(encoding="utf-8")


def test_the_examples_ship() -> None:
    assert SHIPPED == [
        "buy-and-hold.toml",
        "demo.toml",
        "ma-crossover.toml",
        "mes-vix-inverse.toml",
        "reference-r2.toml",
        "spy-vix.toml",
    ]


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_rule_set_loads_warns_of_nothing_and_comes_back_from_its_bytes(name: str) -> None:
    ruleset = load_ruleset(text_of(name), name)
    assert f"{ruleset.name}.toml" == name
    assert sign_warnings(ruleset) == ()
    again = from_canonical(ruleset.canonical())
    assert again == ruleset
    assert again.canonical() == ruleset.canonical()
    assert plan_of(again) == plan_of(ruleset)


def test_the_version_follows_the_content_and_not_its_writing() -> None:
    text = text_of("spy-vix.toml")
    version = load_ruleset(text, "a").version
    assert len(version) == 12
    assert load_ruleset("# a comment\n" + text.replace("threshold = 0.7\n", "threshold = 0.70\n"), "b").version == version
    assert load_ruleset(text.replace('relation = "inverse"\n', ""), "b").version == version
    assert load_ruleset(text.replace("threshold = 0.7", "threshold = 0.71"), "b").version != version


def names_of(value: object) -> list[str]:
    """Every field of a value and of the values inside it."""
    if isinstance(value, msgspec.Struct):
        return [*value.__struct_fields__, *(name for key in value.__struct_fields__ for name in names_of(getattr(value, key)))]
    return [name for part in value for name in names_of(part)] if isinstance(value, tuple) else []


def test_the_version_covers_every_field() -> None:
    said = text_of("spy-vix.toml").replace('partners = ["VIX"]', 'partners = ["VIX"]\ntraded = "MES"')
    ruleset = load_ruleset(said + "\n[scan]\nshadow = true\n[gate]\n", "a")  # left out where nothing is said
    written = ruleset.canonical().decode()
    assert [name for name in names_of(ruleset) if f'"{name}":' not in written] == []


def test_needs_name_everything_the_primary_first() -> None:
    needs = needs_of(load_ruleset(text_of("spy-vix.toml"), "a"))
    assert needs.series == (SeriesNeed("SPY", "15min"), SeriesNeed("VIX", "15min"))
    assert ColumnNeed("VIX", "15min", "swing(2).low") in needs.columns
    assert ColumnNeed("SPY", "15min", "atr(14).value") in needs.columns
    assert [(need.first, need.second) for need in needs.correlations] == [("SPY", "VIX")]
    assert needs.zone == "America/New_York"
    always = ruleset_of('[entry]\nlong = [{ left = "VIX@60min rsi(2)", op = ">", right = "FINE close" }]')
    assert needs_of(always).series == (SeriesNeed("SPY", "15min"), SeriesNeed("FINE", "15min"), SeriesNeed("VIX", "60min"))
    assert needs_of(always).zone == ""


def test_further_conditions_join_those_of_the_strategy() -> None:
    text = text_of("spy-vix.toml") + '\n[entry]\nlong = [{ left = "VIX close", op = "<", right = 30 }]\n'
    plain, joined = load_ruleset(text_of("spy-vix.toml"), "a"), load_ruleset(text, "a")
    added = [leaf.words("15min") for leaf in plan_of(joined).leaves if leaf not in plan_of(plain).leaves]
    assert added == ["VIX close is below 30"]
    assert joined.rules.short == plain.rules.short


def test_every_indicator_is_known_to_have_prices_or_not() -> None:
    assert frozenset(DEFINITIONS) == PRICED | UNPRICED


NAMING = Naming("MES", ("VIX",), ("SPY",), "15min")
operand_texts = st.builds(
    lambda symbol, frame, what: f"{symbol}{frame} {what}".strip(),
    st.sampled_from(["", "MES", "VIX", "SPY"]),
    st.sampled_from(["", "@60min", "@1h", "@5min"]),
    st.sampled_from(
        ["close", "volume", "sma( 3 )", "atr(14, smoothing=mean)", "rsi", "swing(2).low_status", "SH", "donchian.upper"]
    ),
)


@given(operand_texts)
def test_the_text_of_an_operand_reads_as_the_operand(text: str) -> None:
    operand = parse_operand(text, NAMING)
    assert parse_operand(operand.text().removesuffix("[1]"), NAMING, operand.lag) == operand
    assert operand.symbol in {"MES", "VIX", "SPY"}


def test_a_rule_set_is_a_frozen_value() -> None:
    ruleset = load_ruleset(text_of("demo.toml"), "demo.toml")
    assert isinstance(ruleset, RuleSet)
    with pytest.raises(AttributeError):
        ruleset.name = "other"  # type: ignore[misc]  # what the test is about
