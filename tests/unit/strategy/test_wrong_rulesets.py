"""Wrong rule sets: each mistake is named with file, key and remedy, and all of them at once."""

import pytest

from theo.domain.errors import ConfigError
from theo.strategy.loading import load_ruleset
from theo.strategy.mistakes import RuleSetError

CLASSIC = """
name = "classic"
strategy = "correlation"
timeframe = "15min"
[symbols]
primary = "MES"
partners = ["VIX"]
[correlation]
threshold = 0.7
[stop]
times = 2.0
of = "atr(14)"
[target]
percent = 3
"""
OWN_RULES = """
name = "own"
strategy = "rules"
timeframe = "15min"
target = "none"
[symbols]
primary = "MES"
partners = ["VIX"]
[stop]
percent = 2
[entry]
long = [LONG]
"""
ATR_STOP = '[stop]\ntimes = 2.0\nof = "atr(14)"\n'


def said(text: str) -> list[str]:
    with pytest.raises(RuleSetError) as caught:
        load_ruleset(text, "my.toml")
    assert all(isinstance(problem, ConfigError) for problem in caught.value.problems)
    assert str(caught.value).splitlines() == [str(problem) for problem in caught.value.problems]
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("was", "becomes", "key", "words"),
    [
        ("threshold", "treshold", "correlation.treshold", "Did you mean 'threshold'?"),
        ("0.7", "7", "correlation.threshold", "above 0, at most 1"),
        (
            "0.7",
            "-0.7",
            "correlation.threshold",
            'the relation says the sign). Write 0.7, above 0, at most 1, and relation = "inverse"',
        ),
        ("0.7", "-7", "correlation.threshold", "above 0, at most 1"),
        ("0.7", "nan", "correlation.threshold", "above 0, at most 1"),
        ("0.7", '"much"', "correlation.threshold", "is 'much'"),
        (ATR_STOP, "", "stop", "is missing. Write [stop] with times"),
        ("[target]\npercent = 3", "", "target", 'target = "none" trades without one'),
        ("percent = 3", "", "target", "says no distance"),
        ("percent = 3", 'long = "swing(2).high"', "target.short", "is missing"),
        (ATR_STOP, "[stop]\npercent = 100\n", "stop.percent", "at most 99"),
        ("atr(14)", "atr(x)", "stop.of", "whole number"),
        ("atr(14)", "art(14)", "stop.of", "Did you mean 'atr'"),
        ("atr(14)", "rsi(14)", "stop.of", "is no price of MES"),
        ("atr(14)", "VIX atr(14)", "stop.of", "is no price of MES"),
        ("2.0", "true", "stop.times", "is True"),
        ('"VIX"', '"GLD"', "correlation.relation", "only an index and its volatility have a default"),
        ('"VIX"', '"VIX", "VIX"', "symbols.partners", "Name each once"),
        ('"VIX"', '"VIX", "MES"', "symbols.partners", "MES is named twice"),
        ('partners = ["VIX"]', "", "symbols.partners", "Name what the primary is correlated with"),
        ("15min", "7min", "timeframe", "divides 24 hours"),
        ("threshold = 0.7", 'level = "sma(20)"', "correlation.level", "Use swing or donchian"),
        ("threshold = 0.7", "window = 10\nminimum = 30", "correlation.minimum", "above window 10"),
        ("threshold = 0.7", "window = 1", "correlation.window", "from 2 to"),
        ("threshold = 0.7", 'method = "pearsn"', "correlation.method", "Did you mean 'pearson'"),
        ("threshold = 0.7", 'relation = "indirect"', "correlation.relation", "Did you mean 'direct'"),
        ('"correlation"\n', '"corelation"\n', "strategy", "Did you mean 'correlation'?"),
        ('name = "classic"', "", "name", "is missing"),
        ('name = "classic"', 'name = "classic"\nreverse = "yes"', "reverse", "true or false"),
        ('name = "classic"', 'name = "classic"\nsession = "rth"', "session", "is 'rth'"),
        ('name = "classic"', 'name = "classic"\ngrace_s = -1', "grace_s", "above 0"),
        ('timeframe = "15min"', 'timeframe = "1min"\ngrace_s = 60', "grace_s", "less than a bar"),
        ("[symbols]", "[[symbols]]", "symbols", "Write it as a table: [symbols]"),
    ],
)
def test_a_mistake_names_its_key_and_remedy(was: str, becomes: str, key: str, words: str) -> None:
    text = CLASSIC.replace(was, becomes, 1)
    assert text != CLASSIC
    matching = [line for line in said(text) if line.startswith(f"my.toml: {key}: ")]
    assert len(matching) == 1
    assert words in matching[0]


@pytest.mark.parametrize(
    ("condition", "key", "words"),
    [
        ('{ left = "clos", op = ">", right = 1 }', "[0].left", "Did you mean 'close'"),
        ('{ left = "close", op = "=>", right = "sma(20)" }', "[0].op", "Did you mean '>'"),
        ('{ left = "VXI close", op = ">", right = 1 }', "[0].left", "Did you mean 'VIX'?"),
        ('{ left = "GLD close", op = ">", right = 1 }', "[0].left", "name it in symbols.others"),
        ('{ left = "VIX@7min close", op = ">", right = 1 }', "[0].left", "divides 24 hours"),
        ('{ left = "close", op = "breaks_above", right = "sma(20)" }', "[0].op", "Write 'crosses_above'"),
        ('{ left = "close", op = "crosses_below", right = "SL" }', "[0].op", "Write 'breaks_below'"),
        ('{ left = "close", op = "breaks_above", right = "SH", plus = 1 }', "[0].op", "takes neither lag, times"),
        ('{ left = "close", op = "breaks_above", right = "SH", lag = 0 }', "[0].op", "right is no level"),
        ('{ left = "correlation", op = ">", right = 7 }', "[0].right", "between -1 and 1"),
        ('{ left = "MES correlation", op = ">", right = 0.7, lag = 1 }', "[0].lag", "Leave lag out"),
        ('{ left = "abs(close)", op = ">", right = 3 }', "[0].left", "for correlations only"),
        ('{ left = "VIX@60min correlation", op = ">", right = 0.1 }', "[0].left", "decision's timeframe, 15min"),
        ("", "", "holds no conditions"),
        ("3", "[0]", "Write { left"),
        ("{ any = [] }", "[0].any", "holds no conditions"),
        ('{ any = [{ left = "close", op = ">", right = 1 }], all = [] }', "[0]", "one of all, any, not, and nothing else"),
        ("[[[[[[[[[[]]]]]]]]]]", "[0][0][0][0][0][0][0][0][0]", "nested deeper than 8"),
        ('{ left = "close", op = ">", right = "sma(20)", lag = 5 }', "[0].lag", "from 0 to 1"),
        ('{ left = "time", op = ">", right = "9 am" }', "[0].right", "not a time of day"),
        ('{ left = "close", op = ">" }', "[0].right", "is missing"),
        ('{ left = "close", op = ">", right = nan }', "[0].right", "finite"),
        ('{ left = "close", op = ">", right = "sma(20)", times = nan }', "[0].times", "is nan. Write a number"),
        ('{ left = "close", op = ">", right = "swing(2)" }', "[0].right", "swing(2).high"),
        ('{ left = "close", op = ">", right = 3, time = 2 }', "[0].time", "Did you mean 'times'?"),
    ],
)
def test_a_wrong_condition_names_its_place(condition: str, key: str, words: str) -> None:
    lines = said(OWN_RULES.replace("LONG", condition))
    assert [line.startswith(f"my.toml: entry.long{key}: ") and words in line for line in lines] == [True], lines


@pytest.mark.parametrize(
    ("tables", "key", "words"),
    [
        ('[trading]\nfrom = "25:00"', "trading.from", '"09:30"'),
        ('[trading]\nfrom = "10:00"\nto = "10:00"', "trading.to", "as from is"),
        ('[trading]\ndays = ["Monday"]', "trading.days", "Did you mean 'Mon'?"),
        ("[trading]\ndays = []", "trading.days", "names no day"),
        ('[trading]\nroute = "ARKA"', "trading.route", "Did you mean 'ARCA'"),
        ('[trading]\nstyle = "intraady"', "trading.style", "Did you mean 'intraday'"),
        ('[trading]\nvalid_until = "soon"', "trading.valid_until", "2027-12-31"),
        ("[trading]\nsignals_per_day = 0", "trading.signals_per_day", "from 1"),
        ("[size]\nrisk_percent = 500", "size.risk_percent", "at most 100"),
        ("[size]\nquantity = 1\nrisk_percent = 1", "size.quantity", "Keep one of them"),
        ("[size]\nquantity = 1.5", "size.quantity", "whole number"),
        ("[crossover]\nfast = 3", "crossover", "is not a known key"),
        ("[entry]\nlnog = []", "entry.lnog", "Did you mean 'long'?"),
    ],
)  # fmt: skip
def test_a_wrong_table_names_its_key(tables: str, key: str, words: str) -> None:
    lines = said(f"{CLASSIC}\n{tables}\n")
    assert [line.startswith(f"my.toml: {key}: ") and words in line for line in lines] == [True], lines


def test_every_mistake_is_said_at_once() -> None:
    text = CLASSIC.replace("0.7", "7").replace("15min", "7min").replace("percent = 3", "percent = -3")
    assert [line.split(": ")[1] for line in said(text)] == ["timeframe", "correlation.threshold", "target.percent"]


def test_an_empty_file_says_everything_that_is_needed() -> None:
    keys = [line.split(": ")[1] for line in said("")]
    assert sorted(keys) == ["name", "stop", "strategy", "symbols.primary", "target", "timeframe"]


def test_what_is_not_toml_is_said_with_its_line() -> None:
    (line,) = said("name = \n")
    assert line.startswith("my.toml: is not TOML: ")
    assert "line 1" in line


def test_rules_of_a_class_of_ones_own_contradict_it() -> None:
    text = OWN_RULES.replace('"rules"', '"python"').replace("LONG", '{ left = "close", op = ">", right = 1 }')
    lines = said(text)
    assert any(line.startswith("my.toml: python.class: is missing") for line in lines)
    assert any(line.startswith("my.toml: entry: is set (a class of your own decides)") for line in lines)


def test_more_conditions_than_can_be_recorded_are_refused() -> None:
    many = ", ".join(f'{{ left = "close", op = ">", right = {at} }}' for at in range(64))
    (line,) = said(OWN_RULES.replace("LONG", many))
    assert "65 conditions" in line
    assert "at most 63" in line
