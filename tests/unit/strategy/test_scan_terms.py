"""The ``[scan]`` table: every contradiction is named, all at once; a rule set without one is what it always was."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.strategy.test_wrong_rulesets import CLASSIC, said
from theo.strategy.loading import load_ruleset
from theo.strategy.ruleset import from_canonical
from theo.strategy.scan_terms import ScanTerms
from theo.strategy.toml_text import toml_text

OPTION = 'placeholder = "OPTION"\noption_category = "ITM"\nexpiry = "weekly"\n'


def scan(lines: str, sides: str = "both") -> str:
    """The classic rule set with a table [scan]."""
    return CLASSIC.replace('name = "classic"', f'name = "classic"\nsides = "{sides}"') + f"[scan]\n{lines}"


@pytest.mark.parametrize(
    ("lines", "sides", "key", "words"),
    [
        ('option_type = "CALL"', "long", "option_type", "becomes no option"),
        ('option_category = "ITM"', "both", "option_category", "becomes no option"),
        ("writing = true", "both", "writing", "becomes no option"),
        ('placeholder = "OPTION"\nexpiry = "weekly"', "both", "option_category", "is missing"),
        ('placeholder = "OPTION"\noption_category = "ITM"', "both", "expiry", "is missing"),
        ('expiry = "weekly"', "both", "expiry", "does not expire"),
        ('placeholder = "ETF"\nexpiry = "monthly"', "both", "expiry", "does not expire"),
        (OPTION + 'option_type = "PUT"', "long", "option_type", 'option_type = "CALL"'),
        (OPTION + 'option_type = "CALL"', "short", "option_type", 'option_type = "PUT"'),
        (OPTION + 'option_type = "CALL"', "both", "option_type", 'sides = "long"'),
        (OPTION + 'option_type = "PUT"', "both", "option_type", 'sides = "short"'),
        (OPTION.replace("ITM", "FUT") + 'option_type = "CALL"', "long", "option_type", "trades the future"),
        (OPTION.replace("ITM", "FUT") + "writing = true", "long", "writing", "trades the future"),
        ("every_minutes = 20", "both", "every_minutes", "multiple of 15 minutes"),
        ("every_minutes = 1455", "both", "every_minutes", "from 0 to 1_440"),
        ('placeholder = "BOND"', "both", "placeholder", "Known are"),
        ('mode = "paper"', "both", "mode", "Known are"),
        ('missed = "retry"', "both", "missed", "Known are"),
        ('mode = "virtual"\nshadow = true', "both", "shadow", 'write mode = "live"'),
        ('shadow = "yes"', "both", "shadow", "true or false"),
        ('sides = "long"', "both", "sides", "is not a known key"),
    ],
)
def test_each_contradiction_is_named_with_its_remedy(lines: str, sides: str, key: str, words: str) -> None:
    (problem,) = said(scan(lines, sides))
    assert problem.startswith(f"my.toml: scan.{key}: ")
    assert words in problem


@pytest.mark.parametrize(
    ("lines", "sides"),
    [
        (OPTION, "both"),
        (OPTION + 'option_type = "CALL"', "long"),
        (OPTION + 'option_type = "PUT"', "short"),
        (OPTION + 'option_type = "PUT"\nwriting = true', "long"),
        (OPTION + 'option_type = "CALL"\nwriting = true', "both"),
        (OPTION.replace("ITM", "FUT"), "both"),
        ('placeholder = "FUT"', "both"),
        ("shadow = true", "both"),
        ('placeholder = "FUT"\nexpiry = "monthly"\nevery_minutes = 45\nmode = "virtual"\nmissed = "catch up"', "both"),
    ],
)
def test_what_fits_together_is_taken_and_recorded(lines: str, sides: str) -> None:
    ruleset = load_ruleset(scan(lines, sides), "my.toml")
    assert ruleset.sides == sides
    for key, value in tomllib.loads(lines).items():
        assert getattr(ruleset.scan, key) == value
    assert from_canonical(ruleset.canonical()) == ruleset


def test_every_contradiction_is_said_at_once() -> None:
    problems = said(scan('option_type = "CALL"\nexpiry = "weekly"\nevery_minutes = 7\nwriting = true'))
    assert [problem.split(": ")[1] for problem in problems] == [
        "scan.option_type",
        "scan.writing",
        "scan.expiry",
        "scan.every_minutes",
    ]


def test_a_rule_set_that_says_nothing_of_scans_has_the_version_that_it_always_had() -> None:
    """Runs recorded before there were scans name it; a scan of defaults is none."""
    plain, empty = load_ruleset(CLASSIC, "my.toml"), load_ruleset(scan('mode = "live"'), "my.toml")
    assert b"scan" not in plain.canonical()
    assert plain.version == empty.version
    assert from_canonical(plain.canonical()).scan == ScanTerms()
    assert load_ruleset(scan('mode = "virtual"'), "my.toml").version != plain.version
    assert b"shadow" not in load_ruleset(scan('mode = "virtual"'), "my.toml").canonical()
    assert load_ruleset(scan("shadow = true"), "my.toml").version != plain.version


def test_the_other_side_is_never_proposed() -> None:
    assert load_ruleset(scan("", "long"), "my.toml").rules.short is None
    assert load_ruleset(scan("", "short"), "my.toml").rules.long is None


SCALARS = (
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
)
KEYS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=12
)


@given(st.dictionaries(KEYS, VALUES, max_size=5))
def test_what_is_written_as_toml_is_read_as_it_was(content: dict[str, object]) -> None:
    assert tomllib.loads(toml_text(content)) == content
